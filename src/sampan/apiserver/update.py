"""Update: the next state of an object, whoever computed it (PUT, a patch, an apply).

What a write may change depends on where it is written: the object itself keeps its status, the
status subresource keeps everything else. A write that changes nothing keeps its revision. When the
last finalizer goes, the object goes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import msgspec
import orjson

from sampan.apiserver import admission, apply, metadata
from sampan.apiserver.attempts import Attempt
from sampan.apiserver.backend import Backend, Stored
from sampan.apiserver.calls import Call
from sampan.apiserver.create import create
from sampan.apiserver.resources import Resource
from sampan.kube.errors import BadRequest, Conflict, Problem
from sampan.kube.keys import Manifest
from sampan.store.records import Record

T = TypeVar("T")
_TRIES = 5  # as upstream
_NOT_SPEC = frozenset({"apiVersion", "kind", "metadata", "status"})
_STATUS_PARTS = {"status": "", "approval": "conditions"}
"""Subresources that are the status, or one field of it."""
_SPEC_PARTS = {"finalize": "finalizers", "ephemeralcontainers": "ephemeralContainers"}
"""Subresources that are one field of the spec."""


class Outdated(Conflict):
    """The object is not any more what the write began with."""

    @classmethod
    def of(cls, resource: Resource, name: str) -> Outdated:
        known = resource.modified(name)
        return cls(known.message, known.details)


async def update(
    backend: Backend,
    resource: Resource,
    namespace: str,
    name: str,
    manifest: Manifest,
    call: Call,
    *,
    subresource: str = "",
    duplicated: list[str] | None = None,
) -> tuple[Stored, bool]:
    """PUT: the new state as stored, and whether it was created. Raises NotFound, Conflict, Invalid,
    BadRequest."""
    admission.identify(resource, namespace, name, manifest)
    admission.check(resource, manifest, call, duplicated)
    resource, manifest = admission.stored_form(backend, resource, manifest, call)
    upsert = resource.trait.upsert and not subresource
    if upsert and backend.store.newest(resource.key(namespace, name)) is None:
        return await _create(backend, resource, namespace, manifest, call), True
    if not manifest["metadata"].get("resourceVersion"):
        if resource.custom or not resource.trait.blind:
            fault = "Invalid value: 0x0: must be specified for an update"
            problem = Problem("metadata.resourceVersion", "FieldValueInvalid", fault)
            backend.newest(resource, namespace, name)
            raise resource.invalid(name, [problem])
        if backend.hooks.active:
            write = partial(_overwrite, backend, resource, manifest, call, subresource)
            return await insist(write), False
    record, old = backend.newest(resource, namespace, name)
    stored = await replace(backend, resource, record, old, manifest, call, subresource=subresource)
    return stored, False


async def _create(
    backend: Backend, resource: Resource, namespace: str, manifest: Manifest, call: Call
) -> Stored:
    """What is not there has no uid: who names one means an object that has gone."""
    meta = manifest["metadata"]
    if meta.get("uid"):
        text = f"Precondition failed: UID in precondition: {meta['uid']}, UID in object meta: "
        raise resource.conflict(meta["name"], text)
    backend.gate.may_create(resource, namespace, meta["name"], call.user)
    meta.pop("resourceVersion", None)
    return await create(backend, resource, namespace, manifest, call)


async def _overwrite(
    backend: Backend, resource: Resource, manifest: Manifest, call: Call, subresource: str
) -> Stored:
    """PUT whatever there is now; `manifest` stays as it is."""
    meta = manifest["metadata"]
    record, old = backend.newest(resource, meta.get("namespace") or "", meta["name"])
    new = orjson.loads(orjson.dumps(manifest))
    return await replace(backend, resource, record, old, new, call, subresource=subresource)


async def insist(write: Callable[[], Awaitable[T]]) -> T:
    """Try a write again when the object was changed while others were asked about it."""
    for _ in range(_TRIES):
        try:
            return await write()
        except Outdated as error:
            last = error
    raise last


async def replace(
    backend: Backend,
    resource: Resource,
    record: Record,
    old: Manifest,
    new: Manifest,
    call: Call,
    *,
    subresource: str = "",
    applied: bool = False,
    admitted: bool = False,
) -> Stored:
    """Make `new` the next state. `new` belongs to the callee, `old` is shared.

    `applied`: the managedFields of `new` are right already. `admitted`: the hooks have been asked.
    Raises Outdated when the object was changed while webhooks were asked.
    """
    name = old["metadata"]["name"]
    meta: dict[str, Any] = new["metadata"]
    _check_preconditions(resource, record, meta, name)
    if faults := metadata.update_problems(old["metadata"], meta):
        raise resource.invalid(name, faults)
    managed = meta.get("managedFields")
    metadata.keep_system_fields(old["metadata"], meta)
    meta["resourceVersion"] = old["metadata"]["resourceVersion"]
    new = _scoped(resource, old, new, subresource)
    attempt = None
    if backend.hooks.active and not admitted:
        attempt = _attempt(resource, old, new, call, subresource)
        new = await _mutated(backend, attempt, old)
    meta = new["metadata"]
    if subresource:
        admission.fill(backend, resource, new)
        admission.validate(backend, resource, new, old, subresource)
    else:
        admission.admit(backend, resource, new, old)
    if attempt is not None:
        await backend.hooks.validate(msgspec.structs.replace(attempt, object=new))
        newest = backend.store.newest(record.key)
        if newest is None or newest.revision != record.revision:
            raise Outdated.of(resource, name)
    if "generation" in old["metadata"] and _spec_differs(old, new):
        meta["generation"] = old["metadata"]["generation"] + 1
    if applied:
        meta["managedFields"] = managed
    else:
        new = _tracked(backend, resource, old, new, call, subresource)
    backend.gate.may_grant(resource, new, old, call.user)
    if not subresource:
        backend.gate.has_room(resource, new, old)
    return await _committed(backend, resource, record, old, new, call)


async def _committed(
    backend: Backend, resource: Resource, record: Record, old: Manifest, new: Manifest, call: Call
) -> Stored:
    """The next state stored; nothing is, if it says what the old one says."""
    meta = new["metadata"]
    if _same(old, new) and old["apiVersion"] == resource.stored_as:
        return Stored(record.data, old)
    if "deletionTimestamp" in meta and may_go(new):
        return await backend.commit("DELETED", resource, new, record, call)
    admission.warn(backend, resource, new, call, old)
    return await backend.commit("MODIFIED", resource, new, record, call)


def _attempt(
    resource: Resource, old: Manifest, new: Manifest, call: Call, subresource: str
) -> Attempt:
    return Attempt(
        operation="UPDATE",
        resource=resource,
        namespace=old["metadata"].get("namespace") or "",
        name=old["metadata"]["name"],
        call=call,
        object=new,
        old=old | {"apiVersion": resource.api_version},
        subresource=subresource,
    )


async def _mutated(backend: Backend, attempt: Attempt, old: Manifest) -> Manifest:
    """The object with its defaults as the webhooks want it, looked at once more."""
    resource, given = attempt.resource, attempt.object
    assert given is not None
    admission.fill(backend, resource, given)
    changed = await backend.hooks.mutate(attempt)
    if changed is given:
        return given
    admission.check_again(resource, attempt.namespace, attempt.name, changed, attempt.call)
    metadata.keep_system_fields(old["metadata"], changed["metadata"])
    changed["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
    return _scoped(resource, old, changed, attempt.subresource)


def may_go(manifest: Manifest) -> bool:
    """Whether nothing holds an object that is being deleted any more."""
    meta = manifest["metadata"]
    if meta.get("finalizers") or meta.get("deletionGracePeriodSeconds"):
        return False
    return not (manifest["kind"] == "Namespace" and (manifest.get("spec") or {}).get("finalizers"))


def _check_preconditions(
    resource: Resource, record: Record, meta: dict[str, Any], name: str
) -> None:
    version = meta.get("resourceVersion")
    if version and version != str(record.revision):
        if not version.isdecimal():
            raise BadRequest(f'invalid resource version "{version}"')
        raise resource.modified(name)
    uid = meta.get("uid")
    if uid and uid != record.index.uid:
        raise resource.conflict(
            name,
            f"Precondition failed: UID in precondition: {uid},"
            f" UID in object meta: {record.index.uid}",
        )


def _scoped(resource: Resource, old: Manifest, new: Manifest, subresource: str) -> Manifest:
    """The next state, with only those parts from `new` that this write may change."""
    head = {"apiVersion": new["apiVersion"], "kind": new["kind"]}
    if subresource in _STATUS_PARTS:
        meta = dict(old["metadata"])
        if not resource.custom:
            for name in ("labels", "annotations", "finalizers"):
                _take(meta, new["metadata"], name)
        meta["managedFields"] = new["metadata"].get("managedFields")
        scoped = old | head | {"metadata": meta}
        only = _STATUS_PARTS[subresource]
        if not only:
            _take(scoped, new, "status")
        else:
            scoped["status"] = dict(old.get("status") or {})
            _take(scoped["status"], new.get("status") or {}, only)
        return scoped
    if subresource in _SPEC_PARTS:
        spec = dict(old.get("spec") or {})
        _take(spec, new.get("spec") or {}, _SPEC_PARTS[subresource])
        return old | head | {"metadata": dict(old["metadata"]), "spec": spec}
    if resource.has_status:
        _take(new, old, "status")
    return new


def _take(target: dict[str, Any], source: dict[str, Any], name: str) -> None:
    if name in source:
        target[name] = source[name]
    else:
        target.pop(name, None)


def _spec_differs(old: Manifest, new: Manifest) -> bool:
    return any(old.get(field) != new.get(field) for field in (old.keys() | new.keys()) - _NOT_SPEC)


def _tracked(
    backend: Backend,
    resource: Resource,
    old: Manifest,
    new: Manifest,
    call: Call,
    subresource: str,
) -> Manifest:
    return apply.track(
        old,
        new,
        schema=resource.schema,
        manager=call.manager,
        api_version=resource.api_version,
        time=backend.now(),
        subresource=subresource,
    )


def _same(old: Manifest, new: Manifest) -> bool:
    """Equal but for the times in managedFields and the version it was written in."""
    if old == new:
        return True
    for field in (old.keys() | new.keys()) - {"apiVersion", "metadata"}:
        if old.get(field) != new.get(field):
            return False
    before, after = old["metadata"], new["metadata"]
    if any(
        before.get(field) != after.get(field)
        for field in (before.keys() | after.keys()) - {"managedFields"}
    ):
        return False
    return _untimed(before) == _untimed(after)


def _untimed(meta: dict[str, Any]) -> list[dict[str, Any]]:
    entries = meta.get("managedFields") or ()
    return [{key: value for key, value in entry.items() if key != "time"} for entry in entries]
