"""Evictions: the deletion of a pod, if its disruption budget allows it.

The budget's status is written before the pod goes, so that two evictions at once cannot both spend
the last disruption; the pod's condition DisruptionTarget says why it went. Whether it may go is
decided in `sampan.kube.disruption`. Upstream: kubernetes pkg/registry/core/pod/storage/eviction.go.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from sampan.apiserver.backend import Backend
from sampan.apiserver.calls import Call
from sampan.apiserver.delete import DeleteOptions, delete, options, success
from sampan.apiserver.resources import Resource
from sampan.kube import disruption, names
from sampan.kube.conditions import set_condition
from sampan.kube.disruption import Ruling
from sampan.kube.errors import BadRequest, Conflict
from sampan.kube.keys import Key, Manifest, key_of

_TRIES = 3


async def evict(
    backend: Backend, resource: Resource, key: Key, body: Manifest, call: Call
) -> Manifest:
    """POST to pods/eviction. Raises NotFound, Conflict, TooManyRequests…"""
    given = body.get("deleteOptions") or {}
    name = (body.get("metadata") or {}).get("name")
    if name and name != key.name:
        raise BadRequest("name in URL does not match name in Eviction object")
    how = options(given if isinstance(given, Mapping) else {})
    how = replace(how, dry_run=how.dry_run or call.dry_run)
    call = replace(call, dry_run=how.dry_run)
    for attempt in range(_TRIES):
        try:
            await _once(backend, resource, key, how, call)
        except Conflict:
            if how.resource_version or how.uid or attempt == _TRIES - 1:
                raise
        else:
            break
    return success({})


async def _once(
    backend: Backend, resource: Resource, key: Key, how: DeleteOptions, call: Call
) -> None:
    record, pod = backend.newest(resource, key.namespace, key.name)
    known = backend.view.select(names.POD_DISRUPTION_BUDGET, key.namespace)
    newest = (backend.view.get(key_of(each)) for each in known)  # with what others spend just now
    budgets = [each for each in newest if each is not None]
    ruling = disruption.judge(pod, budgets, backend.clock.now())
    if ruling.refusal is not None:
        raise ruling.refusal
    pinned = how.resource_version or (str(record.revision) if ruling.exact else "")
    if not how.dry_run:
        await _spend(backend, ruling, call)
        pinned = await _mark(backend, resource, key, pinned, call)
    how = replace(how, resource_version=pinned)
    await delete(backend, resource, key.namespace, key.name, how, call, admitted=True)


async def _spend(backend: Backend, ruling: Ruling, call: Call) -> None:
    """Write the budget's status: the one that was judged by, for nobody has been waited for."""
    if ruling.budget is None or ruling.status is None:
        return
    about = ruling.budget["metadata"]
    kind = backend.resources.stored(names.POD_DISRUPTION_BUDGET)
    assert kind is not None
    record, _ = backend.newest(kind, about["namespace"], about["name"])
    new = {**ruling.budget, "metadata": dict(about), "status": ruling.status}
    await backend.commit("MODIFIED", kind, new, record, call)


async def _mark(backend: Backend, resource: Resource, key: Key, pinned: str, call: Call) -> str:
    """Say in the pod's status why it goes. Answers with the revision of that, if only the pod of
    the revision `pinned` may go."""
    record, pod = backend.newest(resource, key.namespace, key.name)
    if pinned and pinned != str(record.revision):
        raise resource.conflict(key.name, "the pod has changed since it was judged")
    status = pod.get("status") or {}
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
    }
    conditions = set_condition(status.get("conditions"), condition, backend.clock.now())
    new = {
        **pod,
        "metadata": dict(pod["metadata"]),
        "status": {**status, "conditions": conditions},
    }
    stored = await backend.commit("MODIFIED", resource, new, record, call)
    return str(stored.manifest["metadata"]["resourceVersion"]) if pinned else ""
