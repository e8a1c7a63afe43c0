"""Changes of a workflow that is there: suspend, resume, stop, terminate, set, retry, resubmit.

What each of them means is decided by `sampan.kinds.workflows.operations`; here it is read and
written as the caller, once more when somebody else has written meanwhile.
Upstream: argo-workflows server/workflow/workflow_server.go, server/workflowarchive.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from sampan.kinds.workflows import operations
from sampan.kube import patches
from sampan.kube.errors import Conflict, NotFound
from sampan.kube.keys import Manifest
from sampan.services import errors
from sampan.services.argo import archived, creator
from sampan.services.argo.call import WORKFLOWS, Call
from sampan.services.argo.checking import check
from sampan.services.argo.listing import Archive
from sampan.services.argo.workflows import find, looked_at
from sampan.services.errors import EXISTS, Refused, invalid
from sampan.services.kube import PAUSES, POD

_PHASES = ("", "Succeeded", "Failed", "Error")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"

Patch = Mapping[str, Any]


async def suspend(call: Call) -> Manifest:
    return await _change(call, "Suspend", operations.suspend)


async def resume(call: Call) -> Manifest:
    selector, by = call.text("nodeFieldSelector"), f"map[User:{call.caller.name}]"
    return await _change(call, "Resume", lambda it: operations.resume(it, call.now, selector, by))


async def stop(call: Call) -> Manifest:
    selector, message = call.text("nodeFieldSelector"), call.text("message")
    return await _change(call, "Stop", lambda it: operations.stop(it, call.now, selector, message))


async def terminate(call: Call) -> Manifest:
    return await _change(call, "Terminate", operations.terminate)


async def set_outputs(call: Call) -> Manifest:
    """Phase, message and supplied outputs of suspended nodes."""
    phase: Any = call.text("phase")
    if phase not in _PHASES:
        raise invalid(f"{phase} is an invalid phase to set to")
    values = _values(call.text("outputParameters"))
    selector, message = call.text("nodeFieldSelector"), call.text("message")
    return await _change(
        call,
        "",
        lambda it: operations.set_outputs(
            it, call.now, selector, phase=phase or None, message=message, values=values
        ),
    )


async def retry(call: Call) -> Manifest:
    """Its failed pods are deleted before it is written, so that none is taken for a new one."""
    for pause in PAUSES:
        workflow = await find(call, None)
        how = _retry(call, workflow)
        await _delete_pods(call, workflow, how.pods)
        try:
            return await _write(call, workflow, how.patch, "Retry")
        except Conflict:
            await asyncio.sleep(pause)
    raise _busy()


async def resubmit(call: Call, archive: Archive | None) -> Manifest:
    return await _resubmitted(call, await find(call, archive))


async def retry_archived(call: Call, archive: Archive | None) -> Manifest:
    """An archived workflow goes on as a new object of the same name."""
    workflow = await archived.found(call, archive, "create")
    namespace, name = workflow["metadata"]["namespace"], workflow["metadata"]["name"]
    call.path = {**call.path, "namespace": namespace}
    try:
        await call.kube.get(WORKFLOWS, namespace, name)
    except NotFound:
        how = _retry(call, workflow)
        await _delete_pods(call, workflow, how.pods)
        new = patches.merge(workflow, how.patch)
        meta = {k: v for k, v in new["metadata"].items() if k not in _OF_THE_OLD}
        return await call.kube.create(WORKFLOWS, namespace, {**new, "metadata": meta})
    raise Refused(EXISTS, "Workflow already exists on cluster, use argo retry {name} instead")


_OF_THE_OLD = ("uid", "resourceVersion", "managedFields", "generation", "creationTimestamp",
               "deletionTimestamp", "deletionGracePeriodSeconds")  # fmt: skip


async def resubmit_archived(call: Call, archive: Archive | None) -> Manifest:
    workflow = await archived.found(call, archive, "create")
    call.path = {**call.path, "namespace": workflow["metadata"]["namespace"]}
    return await _resubmitted(call, workflow)


async def _resubmitted(call: Call, workflow: Manifest) -> Manifest:
    suffix = "".join(secrets.choice(_LETTERS) for _ in range(5))
    try:
        new = operations.resubmit(
            workflow,
            call.now,
            suffix,
            memoized=call.flag("memoized"),
            parameters=call.texts("parameters"),
        )
    except operations.Refused as error:
        raise _refused(error) from None
    new = creator.created(new, call.caller)
    await check(call, WORKFLOWS, new)
    return await looked_at(call, await call.kube.create(WORKFLOWS, call.namespace, new))


async def _change(call: Call, action: str, decide: Callable[[Manifest], Patch | None]) -> Manifest:
    for pause in PAUSES:
        workflow = await find(call, None)
        try:
            patch = decide(workflow)
        except operations.Refused as error:
            raise _refused(error) from None
        if patch is None:
            return workflow
        try:
            return await _write(call, workflow, patch, action)
        except Conflict:
            await asyncio.sleep(pause)
    raise _busy()


async def _write(call: Call, workflow: Manifest, patch: Patch, action: str) -> Manifest:
    """Write the patch if the workflow still is what was read. Raises Conflict."""
    meta, about = workflow["metadata"], patch.get("metadata") or {}
    labels = {**(about.get("labels") or {}), **creator.actor(call.caller, action)}
    if not action:
        labels = about.get("labels") or {}
    about = {**about, "resourceVersion": meta["resourceVersion"]}
    whole = {**patch, "metadata": {**about, **({"labels": labels} if labels else {})}}
    return await call.kube.patch(WORKFLOWS, call.namespace, meta["name"], whole)


def _retry(call: Call, workflow: Manifest) -> operations.Retry:
    try:
        return operations.retry(
            workflow,
            call.now,
            restart_successful=call.flag("restartSuccessful"),
            selector=call.text("nodeFieldSelector"),
            parameters=call.texts("parameters"),
        )
    except operations.Refused as error:
        raise _refused(error) from None


async def _delete_pods(call: Call, workflow: Manifest, pods: tuple[str, ...]) -> None:
    for name in pods:
        try:
            await call.kube.delete(POD, workflow["metadata"]["namespace"], name)
        except NotFound:
            continue


def _values(text: str) -> Mapping[str, str]:
    """Supplied outputs, which come as JSON in a string. Raises Refused."""
    if not text:
        return {}
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise invalid(f"unable to parse output parameter set request: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise invalid("unable to parse output parameter set request: not an object of strings")
    return found


def _refused(error: operations.Refused) -> Refused:
    return Refused(errors.INVALID if error.bad else errors.INTERNAL, str(error))


def _busy() -> Refused:
    return Refused(errors.UNAVAILABLE, "the workflow changes too quickly; try again")
