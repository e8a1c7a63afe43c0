"""Delete: at once, after a grace period, or when the last finalizer is gone.

    finalizers left                -> deletionTimestamp, the object stays
    a pod on a node, grace > 0     -> deletionTimestamp in the future, the node deletes with grace 0
    otherwise                      -> gone

Propagation is a pair of finalizers (foregroundDeletion, orphan) for the garbage collector.
Upstream: k8s.io/apiserver pkg/registry/rest/delete.go, pkg/registry/generic/registry/store.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import orjson
from msgspec import Struct

from sampan.apiserver.attempts import Attempt, admit
from sampan.apiserver.backend import Backend, Stored
from sampan.apiserver.calls import Call
from sampan.apiserver.resources import Resource
from sampan.apiserver.update import may_go
from sampan.kube import names
from sampan.kube.errors import BadRequest, Conflict, Invalid, NotFound, invalid, unsupported
from sampan.kube.keys import Manifest
from sampan.kube.times import parse, rfc3339
from sampan.store.records import Record

_POLICIES = ("Foreground", "Background", "Orphan")
_DEFAULT_POD_GRACE = 30
_DEPENDENTS = (names.FINALIZER_FOREGROUND, names.FINALIZER_ORPHAN)


class DeleteOptions(Struct, frozen=True, kw_only=True):
    """DeleteOptions, checked. `grace` None is the kind's own; `policy` "" is as the object says."""

    grace: int | None = None
    policy: str = ""
    uid: str = ""
    resource_version: str = ""
    dry_run: bool = False


def options(given: Mapping[str, Any]) -> DeleteOptions:
    """Read a DeleteOptions body. Raises BadRequest, Invalid."""
    grace = given.get("gracePeriodSeconds")
    if grace is not None and (not isinstance(grace, int) or isinstance(grace, bool)):
        raise BadRequest("DeleteOptions.gracePeriodSeconds must be an integer")
    policy = given.get("propagationPolicy") or ""
    if policy and policy not in _POLICIES:
        fault = unsupported("propagationPolicy", policy, [*_POLICIES, "nil"])
        raise Invalid.of("DeleteOptions", "meta.k8s.io", "", [fault])
    orphan = given.get("orphanDependents")
    if orphan is not None and policy:
        text = "orphanDependents and deletionPropagation cannot be both set"
        raise Invalid.of(
            "DeleteOptions", "meta.k8s.io", "", [invalid("propagationPolicy", policy, text)]
        )
    if orphan is not None:
        policy = "Orphan" if orphan else "Background"
    wanted = given.get("preconditions") or {}
    if not isinstance(wanted, dict):
        raise BadRequest("DeleteOptions.preconditions must be an object")
    return DeleteOptions(
        grace=None if grace is None else max(grace, 1) if grace < 0 else grace,
        policy=policy,
        uid=wanted.get("uid") or "",
        resource_version=wanted.get("resourceVersion") or "",
        dry_run=dry_run(given.get("dryRun")),
    )


def dry_run(values: Any) -> bool:
    """Whether `dryRun` asks for one; it may only say All."""
    if not values:
        return False
    if list(values) != ["All"]:
        fault = unsupported("dryRun", values[0], ["All"])
        raise Invalid.of("DeleteOptions", "meta.k8s.io", "", [fault])
    return True


def success(details: Mapping[str, Any]) -> Manifest:
    """The Status of something done that leaves no object to show."""
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return status | ({"details": details} if details else {})


async def delete(
    backend: Backend,
    resource: Resource,
    namespace: str,
    name: str,
    how: DeleteOptions,
    call: Call,
    *,
    admitted: bool = False,
) -> Stored:
    """Answers with a Status, or with the object where it stays or its kind says so. `admitted`:
    the hooks have been asked."""
    record, old = backend.newest(resource, namespace, name)
    _check_preconditions(resource, record, how, name)
    if backend.hooks.active and not admitted:
        await admit(backend.hooks, _attempt(resource, old, how, call))
        record, old = backend.newest(resource, namespace, name)
        _check_preconditions(resource, record, how, name)
    meta = {**old["metadata"], "finalizers": _finalizers(old, how)}
    if not meta["finalizers"]:
        del meta["finalizers"]
    new = old | {"metadata": meta}
    grace = _grace(resource, old, how)
    call = call if not how.dry_run else _dry(call)
    _mark(backend, old, new, grace)
    if grace == 0 and may_go(new):
        gone = await backend.commit("DELETED", resource, new, record, call)
        return gone if resource.trait.returned else _success(resource, name, record)
    if new["metadata"] == old["metadata"]:
        return Stored(record.data, old)
    if "generation" in meta and "deletionTimestamp" not in old["metadata"]:
        meta["generation"] += 1
    if old["kind"] == "Namespace" and resource.kind == names.NAMESPACE:
        new["status"] = {**(old.get("status") or {}), "phase": "Terminating"}
    return await backend.commit("MODIFIED", resource, new, record, call)


def _attempt(resource: Resource, old: Manifest, how: DeleteOptions, call: Call) -> Attempt:
    given = {"gracePeriodSeconds": how.grace, "propagationPolicy": how.policy or None}
    return Attempt(
        operation="DELETE",
        resource=resource,
        namespace=old["metadata"].get("namespace") or "",
        name=old["metadata"]["name"],
        call=_dry(call) if how.dry_run else call,
        old=old | {"apiVersion": resource.api_version},
        options={name: value for name, value in given.items() if value is not None},
    )


async def delete_collection(
    backend: Backend, resource: Resource, records: Iterable[Record], how: DeleteOptions, call: Call
) -> list[bytes]:
    """Delete all of them side by side (one group commit); answers with what they were."""
    chosen = list(records)
    results = await asyncio.gather(
        *(
            delete(backend, resource, record.key.namespace, record.key.name, how, call)
            for record in chosen
        ),
        return_exceptions=True,
    )
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, NotFound):
            raise result
    return [record.data for record in chosen]


def _check_preconditions(resource: Resource, record: Record, how: DeleteOptions, name: str) -> None:
    if how.uid and how.uid != record.index.uid:
        raise _precondition(
            resource,
            name,
            f"the UID in the precondition ({how.uid}) does not match the UID in record"
            f" ({record.index.uid}). The object might have been deleted and then recreated",
        )
    if how.resource_version and how.resource_version != str(record.revision):
        raise _precondition(
            resource,
            name,
            f"the ResourceVersion in the precondition ({how.resource_version}) does not match the"
            f" ResourceVersion in record ({record.revision}). The object might have been modified",
        )


def _precondition(resource: Resource, name: str, text: str) -> Conflict:
    label = f"{resource.object_kind}.{resource.group}" if resource.group else resource.object_kind
    details = {"name": name, "group": resource.group, "kind": resource.object_kind}
    return Conflict(
        f'Operation cannot be fulfilled on {label} "{name}": {text}',
        {key: value for key, value in details.items() if value},
    )


def _finalizers(old: Manifest, how: DeleteOptions) -> list[str]:
    held = list(old["metadata"].get("finalizers") or ())
    if not how.policy:
        return held
    held = [name for name in held if name not in _DEPENDENTS]
    if how.policy == "Foreground":
        held.append(names.FINALIZER_FOREGROUND)
    elif how.policy == "Orphan":
        held.append(names.FINALIZER_ORPHAN)
    return held


def _grace(resource: Resource, old: Manifest, how: DeleteOptions) -> int:
    """Seconds until the object may go: only pods that a node may still be running get some."""
    if resource.kind != names.POD:
        return 0
    spec = old.get("spec") or {}
    phase = (old.get("status") or {}).get("phase")
    if not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
        return 0
    grace = how.grace
    if grace is None:
        grace = spec.get("terminationGracePeriodSeconds", _DEFAULT_POD_GRACE)
    running = old["metadata"].get("deletionGracePeriodSeconds")
    if running is not None and old["metadata"].get("deletionTimestamp"):
        return int(running) if how.grace is None else min(grace, int(running))
    return int(grace)


def _mark(backend: Backend, old: Manifest, new: Manifest, grace: int) -> None:
    """Write into `new` since when, and for how long, the object has been asked to go."""
    meta = new["metadata"]
    since = old["metadata"].get("deletionTimestamp")
    if since is None:
        until = backend.clock.now() + timedelta(seconds=grace)
        meta["deletionTimestamp"] = rfc3339(until)
        meta["deletionGracePeriodSeconds"] = grace
        return
    running = int(old["metadata"].get("deletionGracePeriodSeconds") or 0)
    if grace < running:
        earlier = parse(since) - timedelta(seconds=running - grace)
        meta["deletionTimestamp"] = rfc3339(earlier)
        meta["deletionGracePeriodSeconds"] = grace


def _dry(call: Call) -> Call:
    return Call(
        user=call.user,
        manager=call.manager,
        dry_run=True,
        validation=call.validation,
        warnings=call.warnings,
    )


def _success(resource: Resource, name: str, record: Record) -> Stored:
    details = {
        "name": name,
        "group": resource.group,
        "kind": resource.plural,
        "uid": record.index.uid,
    }
    status = success({key: value for key, value in details.items() if value})
    return Stored(orjson.dumps(status), status)
