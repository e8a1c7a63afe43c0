"""Patch: four ways to say a change, each ending in an update (or, for apply, in a create).

Computing and queueing happen in one step of the event loop on the newest state, so a patch never
meets a conflict unless it asks for one (a resourceVersion in it).
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import orjson

from sampan.apiserver import admission, apply, bodies
from sampan.apiserver.backend import Backend, Stored
from sampan.apiserver.calls import Call
from sampan.apiserver.create import create
from sampan.apiserver.resources import Resource
from sampan.apiserver.schemas.nodes import Struct
from sampan.apiserver.update import insist, replace
from sampan.kube import patches
from sampan.kube.errors import BadRequest, Invalid, UnsupportedMediaType, invalid, required
from sampan.kube.keys import Manifest
from sampan.kube.strategic import strategic
from sampan.lib.yaml import Duplicate

PatchType = Literal["json", "merge", "strategic", "apply"]

TYPES: dict[str, PatchType] = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
}
_IDENTITY = frozenset({"apiVersion", "kind", "metadata"})
_JSON_TYPES = {list: "array", dict: "object", str: "string", bool: "bool"}


def decode(body: bytes, content_type: str, resource: Resource) -> tuple[PatchType, Any, list[str]]:
    """The kind of patch, the patch itself, and the paths of fields that it names twice. Raises
    UnsupportedMediaType, BadRequest."""
    type_ = TYPES.get(content_type)
    if type_ is None:
        raise UnsupportedMediaType("415: Unsupported Media Type")
    if type_ == "strategic" and resource.custom:
        accepted = ", ".join(name for name, found in TYPES.items() if found != "strategic")
        raise UnsupportedMediaType(
            "the body of the request was in an unknown format - accepted media types include:"
            f" {accepted}"
        )
    if type_ == "apply":
        return type_, *bodies.from_yaml(body, resource.object_kind)
    try:
        patch = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"error decoding patch: {error}") from None
    wanted, go_type = (list, "[]handlers.jsonPatchOp") if type_ == "json" else (dict, "map")
    if not isinstance(patch, wanted):
        found = _JSON_TYPES.get(type(patch), "number")
        raise BadRequest(
            f"error decoding patch: json: cannot unmarshal {found} into Go value of type {go_type}"
        )
    return type_, patch, bodies.repeated(body, patch)


async def patch(
    backend: Backend,
    resource: Resource,
    namespace: str,
    name: str,
    change: Any,
    call: Call,
    *,
    type: PatchType,
    subresource: str = "",
    duplicated: list[str] | None = None,
) -> tuple[Stored, bool]:
    """The new state as stored, and whether it was created. `change` belongs to the callee."""
    place = (backend, resource, namespace, name)
    if duplicated:
        _refuse_twice(duplicated, call)
    if type == "apply":
        return await insist(partial(_apply, *place, change, call, subresource))
    return await insist(partial(_patch, *place, change, call, subresource, type))


def _refuse_twice(paths: list[str], call: Call) -> None:
    """Fields that are named twice: BadRequest or a warning, as the client wants it."""
    said = [
        f'line {path.line}: key "{path.key}" already set in map'
        if isinstance(path, Duplicate)
        else f'duplicate field "{path}"'
        for path in paths
    ]
    if call.validation == "Strict" and isinstance(paths[0], Duplicate):
        lines = "\n  ".join(said)
        text = f"error converting YAML to JSON: yaml: unmarshal errors:\n  {lines}"
        raise BadRequest(f"error decoding YAML: {text}")
    if call.validation == "Strict":
        raise BadRequest(f"strict decoding error: {', '.join(said)}")
    for text in said if call.validation == "Warn" else ():
        call.warn(text)


async def _patch(
    backend: Backend,
    resource: Resource,
    namespace: str,
    name: str,
    change: Any,
    call: Call,
    subresource: str,
    type: PatchType,
) -> tuple[Stored, bool]:
    record, old = backend.newest(resource, namespace, name)
    new = _changed(resource, resource.shown(old), change, type)
    admission.identify(resource, namespace, name, new)
    try:
        admission.check(resource, new, call)
    except BadRequest as error:
        if "strict decoding error" in error.message:
            raise
        raise _unfit(new, error) from error
    resource, new = admission.stored_form(backend, resource, new, call)
    return await replace(backend, resource, record, old, new, call, subresource=subresource), False


def _changed(resource: Resource, live: Manifest, change: Any, type: PatchType) -> Manifest:
    """The patched manifest; its top level and metadata are new, so they may be changed."""
    if type == "json":
        new = patches.json_patch(live, change)
    elif type == "merge":
        new = patches.merge(live, change)
    else:
        new = strategic(live, change, resource.schema.root)
    if not isinstance(new, dict):
        raise BadRequest("the patch does not leave an object")
    return _own(resource, new)


async def _apply(
    backend: Backend,
    resource: Resource,
    namespace: str,
    name: str,
    config: Any,
    call: Call,
    subresource: str,
) -> tuple[Stored, bool]:
    if not call.manager:
        fault = required("fieldManager", "is required for apply patch")
        raise Invalid.of("PatchOptions", "meta.k8s.io", "", [fault])
    if not isinstance(config, dict):
        raise BadRequest("error decoding YAML: an apply patch must be an object")
    if not config.get("apiVersion") or not config.get("kind"):
        raise BadRequest("apiVersion and kind must be set in an apply patch")
    admission.identify(resource, namespace, name, config)
    if config["metadata"].pop("managedFields", None) is not None:
        raise BadRequest("metadata.managedFields must be nil")
    _check_declared(resource, config)
    admission.check(resource, config, call)
    resource, config = admission.stored_form(backend, resource, config, call)
    record = backend.store.newest(resource.key(namespace, name))
    if record is None and subresource:
        raise resource.not_found(name)
    old = None if record is None else backend.manifest(record)
    if config["metadata"].get("resourceVersion") and record is None:
        raise resource.conflict(name, "the object does not exist, but a resourceVersion was given")
    merged = apply.apply(
        None if old is None else resource.shown(old),
        config,
        schema=resource.schema,
        manager=call.manager,
        api_version=resource.api_version,
        time=backend.now(),
        force=call.force,
        subresource=subresource,
        ignore=_ignored(resource, config, subresource),
    )
    if old is not None or backend.hooks.active:  # else nobody shares it, and nothing is tried again
        merged = _own(resource, merged)
    if record is None or old is None:
        backend.gate.may_create(resource, namespace, name, call.user)
        return await create(backend, resource, namespace, merged, call, applied=True), True
    stored = await replace(
        backend, resource, record, old, merged, call, subresource=subresource, applied=True
    )
    return stored, False


def _check_declared(resource: Resource, config: Manifest) -> None:
    """An applied field must be one that somebody can own: unlike elsewhere, unknown ones are always
    refused. Raises BadRequest (a real server says the same with a 500)."""
    unknown = resource.schema.unknown(config)
    if not unknown:
        return
    faults = [f".{path}: field not declared in schema" for path in unknown]
    said = faults[0] if len(faults) == 1 else "errors:\n  " + "\n  ".join(faults)
    meta = config["metadata"]
    group, _, version = resource.api_version.rpartition("/")
    about = f"{meta.get('namespace') or ''}/{meta.get('name') or ''}; {group}/{version}"
    raise BadRequest(
        f"failed to create typed patch object ({about}, Kind={resource.object_kind}): {said}"
    )


def _ignored(resource: Resource, config: Manifest, subresource: str) -> list[str]:
    """Top-level fields that are not written where this apply is addressed to."""
    if subresource:
        return [name for name in config if name not in _IDENTITY and name != subresource]
    return ["status"] if resource.has_status else []


def _own(resource: Resource, manifest: Manifest) -> Manifest:
    """A copy that shares nothing with the live object which defaults and rules, which change in
    place, may touch: a status that may hold anything has none. It may be megabytes, too, and most
    patches of it are small."""
    status = manifest.get("status")
    if not (isinstance(status, dict) and _is_open(resource)):
        copy: Manifest = orjson.loads(orjson.dumps(manifest))
        return copy
    own: Manifest = orjson.loads(orjson.dumps({**manifest, "status": None}))
    own["status"] = status
    return own


def _is_open(resource: Resource) -> bool:
    """Whether the schema of a custom resource says nothing of what its status holds."""
    root = resource.schema.root
    node = root.fields.get("status") if resource.custom else None
    if node is None and resource.custom:
        return root.keeps and not root.values
    return isinstance(node, Struct) and node.keeps and not node.fields and node.values is None


def _unfit(new: Manifest, error: BadRequest) -> Invalid:
    shown = orjson.dumps(new).decode()
    return Invalid.of("", "", "", [invalid("patch", shown[:1000], error.message)])
