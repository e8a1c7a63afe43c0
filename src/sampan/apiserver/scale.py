"""The scale subresource: replicas of any kind that has them, in one shape."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from sampan.apiserver.attempts import Attempt
from sampan.apiserver.backend import Backend, Stored
from sampan.apiserver.calls import Call
from sampan.apiserver.patch import PatchType
from sampan.apiserver.resources import Resource, ScalePaths
from sampan.apiserver.schemas import Schema, facts
from sampan.apiserver.update import replace
from sampan.kube import patches
from sampan.kube.errors import BadRequest, Invalid, UnsupportedMediaType, invalid
from sampan.kube.keys import Manifest
from sampan.kube.selectors import from_selector
from sampan.kube.strategic import strategic


def read(backend: Backend, resource: Resource, namespace: str, name: str) -> Manifest:
    """The Scale of an object. Raises NotFound."""
    record = backend.store.get(resource.key(namespace, name))
    if record is None:
        raise resource.not_found(name)
    return _scale(_paths(resource), backend.manifest(record))


async def write(
    backend: Backend, resource: Resource, namespace: str, name: str, scale: Manifest, call: Call
) -> Manifest:
    """PUT a Scale; answers with the new one."""
    _schema().check(scale, "Scale", "v1")
    _, old = backend.newest(resource, namespace, name)
    if backend.hooks.active:
        scale = await _admitted(backend, resource, old, scale, call)
    record, old = backend.newest(resource, namespace, name)
    given = (scale.get("metadata") or {}).get("resourceVersion")
    replicas = (scale.get("spec") or {}).get("replicas") or 0
    if replicas < 0:
        fault = invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        raise Invalid.of("Scale", "autoscaling", name, [fault])
    new = _with(old, _paths(resource).replicas, replicas)
    new = orjson.loads(orjson.dumps(new | {"apiVersion": resource.api_version}))
    if given:
        new["metadata"]["resourceVersion"] = given
    stored: Stored = await replace(backend, resource, record, old, new, call, admitted=True)
    return _scale(_paths(resource), stored.manifest)


async def _admitted(
    backend: Backend, resource: Resource, old: Manifest, scale: Manifest, call: Call
) -> Manifest:
    """The Scale as webhooks and policies let it through."""
    attempt = Attempt(
        operation="UPDATE",
        resource=resource,
        namespace=old["metadata"].get("namespace") or "",
        name=old["metadata"]["name"],
        call=call,
        object={"kind": "Scale", "apiVersion": "autoscaling/v1"} | scale,
        old=_scale(_paths(resource), old),
        subresource="scale",
        kind=("autoscaling", "v1", "Scale"),
    )
    changed = await backend.hooks.mutate(attempt)
    await backend.hooks.validate(msgspec.structs.replace(attempt, object=changed))
    return changed


async def patch(
    backend: Backend,
    resource: Resource,
    namespace: str,
    name: str,
    change: Any,
    call: Call,
    *,
    type: PatchType,
) -> Manifest:
    """Patch a Scale; answers with the new one."""
    _, old = backend.newest(resource, namespace, name)
    scale = _scale(_paths(resource), old)
    if type == "json":
        scale = patches.json_patch(scale, change)
    elif type == "merge":
        scale = patches.merge(scale, change)
    elif type == "strategic":
        scale = strategic(scale, change, _schema().root)
    else:
        raise UnsupportedMediaType("a Scale cannot be applied; use a merge patch")
    if not isinstance(scale, dict) or not isinstance(scale.get("metadata") or {}, dict):
        raise BadRequest("the patch does not leave a Scale")
    scale = scale | {"metadata": dict(scale.get("metadata") or {})}
    if "resourceVersion" not in str(change):
        scale["metadata"].pop("resourceVersion", None)
    return await write(backend, resource, namespace, name, scale, call)


def _schema() -> Schema:
    found = facts().schema("autoscaling", "v1", "Scale")
    assert found is not None
    return found


def _paths(resource: Resource) -> ScalePaths:
    if resource.scale is None:
        raise resource.no_such_verb()
    return resource.scale


def _scale(paths: ScalePaths, manifest: Manifest) -> Manifest:
    meta = manifest["metadata"]
    shown = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    status: dict[str, Any] = {"replicas": _at(manifest, paths.status_replicas) or 0}
    if selector := _selector(_at(manifest, paths.selector)):
        status["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: meta[name] for name in shown if name in meta},
        "spec": {"replicas": _at(manifest, paths.replicas) or 0},
        "status": status,
    }


def _selector(found: Any) -> str:
    """A selector as text: kinds have it as text already, as labels, or as a LabelSelector."""
    if isinstance(found, str) or not found:
        return found or ""
    if "matchLabels" not in found and "matchExpressions" not in found:
        found = {"matchLabels": found}
    terms = []
    for need in from_selector(found).requirements:
        if need.op == "in" and len(need.values) == 1:
            terms.append(f"{need.key}={need.values[0]}")
        elif need.op in ("in", "notin"):
            terms.append(f"{need.key} {need.op} ({','.join(need.values)})")
        else:
            terms.append(f"!{need.key}" if need.op == "!" else need.key)
    return ",".join(terms)


def _at(value: Any, path: tuple[str, ...]) -> Any:
    if not path:
        return None
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _with(value: Any, path: tuple[str, ...], leaf: Any) -> Any:
    if not path:
        return leaf
    base = value if isinstance(value, dict) else {}
    return {**base, path[0]: _with(base.get(path[0]), path[1:], leaf)}
