"""Limits of semaphores: numbers in ConfigMaps, read and written as the caller.

Limits of the type DATABASE stand in a ConfigMap of a name of its own, for there is no database.
Upstream: argo-workflows server/sync.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kube import names
from sampan.kube.errors import NotFound
from sampan.kube.keys import Manifest
from sampan.services.argo.call import Call
from sampan.services.errors import EXISTS, Refused, invalid, not_found
from sampan.services.kube import CONFIG_MAP

_CONFIG_MAP, _DATABASE = "CONFIGMAP", "DATABASE"
_TYPES = {"": _CONFIG_MAP, "0": _CONFIG_MAP, "1": _DATABASE}
_MOST = 2**31 - 1


async def create(call: Call) -> Mapping[str, Any]:
    type, name = _place(call.body.get("type"), call.text("cmName"))
    key, limit = call.text("key"), _limit(call)
    if not key:
        raise invalid("key is required")
    found = await _found(call, name)
    if found is None:
        manifest: Manifest = {"metadata": {"name": name}, "data": {key: str(limit)}}
        await call.kube.create(CONFIG_MAP, call.namespace, manifest)
    elif key in (found.get("data") or {}):
        raise Refused(EXISTS, "sync limit cannot be created as it already exists")
    else:
        await _write(call, found, key, str(limit))
    return _answer(call, (type, name), key, limit)


async def get(call: Call) -> Mapping[str, Any]:
    type, name = _place(call.query("type"), call.query("cmName"))
    key = call.path["key"]
    found = await call.kube.get(CONFIG_MAP, call.namespace, name)
    where = f"configmap {call.namespace}/{name}"
    text = (found.get("data") or {}).get(key)
    if text is None:
        raise not_found(f"key {key} not found in {where}")
    if not text.removeprefix("-").isdecimal() or len(text) > 18:
        raise invalid(f"invalid limit format for key {key} in {where}")
    return _answer(call, (type, name), key, int(text))


async def update(call: Call) -> Mapping[str, Any]:
    type, name = _place(call.body.get("type"), call.text("cmName"))
    key, limit = call.path["key"], _limit(call)
    found = await call.kube.get(CONFIG_MAP, call.namespace, name)
    if key not in (found.get("data") or {}):
        where = f"configmap {call.namespace}/{name}"
        raise not_found(f"key {key} not found in {where} - please create it first")
    await _write(call, found, key, str(limit))
    return _answer(call, (type, name), key, limit)


async def delete(call: Call) -> Mapping[str, Any]:
    _, name = _place(call.query("type"), call.query("cmName"))
    key = call.path["key"]
    found = await call.kube.get(CONFIG_MAP, call.namespace, name)
    if key in (found.get("data") or {}):
        await _write(call, found, key, None)
    return {}


def _place(given: object, name: str) -> tuple[str, str]:
    """The type, and the ConfigMap in which its limits stand."""
    type = _TYPES.get(str(given or ""), str(given))
    if type == _DATABASE:
        return type, names.SYNC_LIMITS
    if type != _CONFIG_MAP:
        raise invalid(f"unknown type {given!r}: use {_CONFIG_MAP} or {_DATABASE}")
    if not name:
        raise invalid("cmName is required")
    return type, name


def _limit(call: Call) -> int:
    limit = call.body.get("limit")
    if not isinstance(limit, int) or isinstance(limit, bool) or not 0 < limit <= _MOST:
        raise invalid("limit must be greater than zero")
    return limit


async def _found(call: Call, name: str) -> Manifest | None:
    try:
        return await call.kube.get(CONFIG_MAP, call.namespace, name)
    except NotFound:
        return None


async def _write(call: Call, found: Manifest, key: str, value: str | None) -> None:
    """A merge patch that is about this very version, so that nobody's change is lost."""
    meta = found["metadata"]
    patch = {"metadata": {"resourceVersion": meta["resourceVersion"]}, "data": {key: value}}
    await call.kube.patch(CONFIG_MAP, call.namespace, meta["name"], patch)


def _answer(call: Call, place: tuple[str, str], key: str, limit: int) -> Mapping[str, Any]:
    type, name = place
    return {
        "type": type,
        "cmName": name if type == _CONFIG_MAP else "",
        "namespace": call.namespace,
        "key": key,
        "limit": limit,
    }
