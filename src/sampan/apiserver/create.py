"""Create: a new object, or the first apply of one."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from sampan.apiserver import admission, apply, metadata
from sampan.apiserver.attempts import Attempt
from sampan.apiserver.backend import Backend, Stored, namespace_is_open
from sampan.apiserver.calls import Call
from sampan.apiserver.resources import Resource
from sampan.kube.errors import ApiStatus, Conflict, InternalError, MethodNotAllowed
from sampan.kube.keys import Manifest

_TRIES = 8  # as upstream: then the client is told to come back


class _NoReason(InternalError):
    """A 500 that a real server gives without a reason."""

    reason = ""


async def create(
    backend: Backend,
    resource: Resource,
    namespace: str,
    manifest: Manifest,
    call: Call,
    *,
    duplicated: list[str] | None = None,
    applied: bool = False,
) -> Stored:
    """Store a new object. `applied`: managedFields are set."""
    if resource.custom and resource.custom.terminating:
        raise MethodNotAllowed("create not allowed while custom resource definition is terminating")
    admission.identify(resource, namespace, "", manifest)
    admission.check(resource, manifest, call, duplicated)
    if resource.conversion is not None:
        resource, manifest = _converted(backend, resource, manifest, call)
    meta: dict[str, Any] = manifest["metadata"]
    given = meta.pop("resourceVersion", None) or ""
    if given.isdecimal() and given.strip("0"):  # what is no number is not looked at, as upstream
        raise _NoReason("resourceVersion should not be set on objects to be created")
    if resource.namespaced:
        namespace_is_open(backend, resource, namespace, meta.get("name") or "")
    managed = meta.get("managedFields") if applied else None
    attempt = None
    if backend.hooks.active:
        attempt = _attempt(resource, namespace, manifest, call)
        manifest = await _mutated(backend, attempt)
        meta = manifest["metadata"]
    _begin(backend, resource, manifest, call)
    admission.admit(backend, resource, manifest, None)
    if attempt is not None:
        await _validated(backend, replace(attempt, object=manifest, name=meta["name"]))
    backend.gate.may_grant(resource, manifest, None, call.user)
    if backend.store.newest(resource.key(namespace, meta["name"])) is not None:
        raise resource.exists(meta["name"])
    backend.gate.has_room(resource, manifest, None)
    if applied:
        meta["managedFields"] = managed
    else:
        manifest = apply.track(
            None,
            manifest,
            schema=resource.schema,
            manager=call.manager,
            api_version=resource.api_version,
            time=meta["creationTimestamp"],
        )
    admission.warn(backend, resource, manifest, call)
    return await backend.commit("ADDED", resource, manifest, None, call)


def _converted(
    backend: Backend, resource: Resource, manifest: Manifest, call: Call
) -> tuple[Resource, Manifest]:
    stored, converted = admission.stored_form(backend, resource, manifest, call)
    assert resource.conversion is not None
    if faults := resource.conversion.problems(converted):
        raise resource.invalid(converted["metadata"].get("name") or "", faults)
    return stored, converted


def _attempt(resource: Resource, namespace: str, manifest: Manifest, call: Call) -> Attempt:
    return Attempt(
        operation="CREATE",
        resource=resource,
        namespace=namespace,
        name=manifest["metadata"].get("name") or "",
        call=call,
        object=manifest,
    )


async def _validated(backend: Backend, attempt: Attempt) -> None:
    """Raises ApiStatus when a webhook or a policy refuses, or the namespace has ended meanwhile."""
    await backend.hooks.validate(attempt)
    if attempt.resource.namespaced:
        namespace_is_open(backend, attempt.resource, attempt.namespace, attempt.name)


async def _mutated(backend: Backend, attempt: Attempt) -> Manifest:
    """The object with its defaults as the webhooks want it, looked at once more."""
    resource, given = attempt.resource, attempt.object
    assert given is not None
    admission.fill(backend, resource, given)
    changed = await backend.hooks.mutate(attempt)
    if changed is not given:
        admission.check_again(resource, attempt.namespace, attempt.name, changed, attempt.call)
    return changed


def _begin(backend: Backend, resource: Resource, manifest: Manifest, call: Call) -> None:
    """The system's own fields, and no status for kinds whose status is written apart."""
    meta: dict[str, Any] = manifest["metadata"]
    metadata.clear_system_fields(meta)
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = _free_name(backend, resource, meta)
    if not meta.get("name"):  # the rules of a kind may rely on there being one
        raise resource.invalid("", metadata.problems(meta, resource.trait.name))
    for rules in backend.rules.get(resource.kind, ()):
        if rules.author is not None:
            rules.author(manifest, call.user)
    meta["uid"] = metadata.new_uid()
    meta["creationTimestamp"] = backend.now()
    if resource.custom or (resource.trait.generation and "spec" in manifest):
        meta["generation"] = 1
    if resource.has_status:
        manifest.pop("status", None)
        if not resource.custom:
            # Go writes the struct with its zeros, and typed clients read fields of it at once.
            manifest["status"] = dict(resource.trait.status)


def _free_name(backend: Backend, resource: Resource, meta: dict[str, Any]) -> str:
    name = ""
    for _ in range(_TRIES):
        name = metadata.generated(meta["generateName"])
        if backend.store.newest(resource.key(meta.get("namespace") or "", name)) is None:
            return name
    raise _crowded(resource, name)


def _crowded(resource: Resource, name: str) -> ApiStatus:
    error: Conflict = resource.exists(name)
    error.message += ", the server was not able to generate a unique name for the object"
    error.details["retryAfterSeconds"] = 1
    return error
