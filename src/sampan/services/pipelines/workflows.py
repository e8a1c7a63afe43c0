"""Runs that are Argo Workflows: made, put away, ended, tried again, deleted.

What ending and trying again mean is decided by `sampan.kinds.workflows.operations`; here it is read
and written as the caller. A run that the records alone know can be put away there, and comes back
as a new Workflow when it is tried again.
Upstream: backend/src/apiserver/resource/resource_manager.go, template/argo_template.go.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Mapping

from sampan.kinds.pipelines import legacy
from sampan.kinds.pipelines.ir import macros
from sampan.kinds.workflows import operations
from sampan.kube import meta, names, patches
from sampan.kube.errors import Conflict, Forbidden, NotFound
from sampan.kube.keys import Manifest
from sampan.kube.times import micro
from sampan.services.errors import UNAVAILABLE, Refused, denied, invalid
from sampan.services.kube import PAUSES, POD, Resource
from sampan.services.pipelines import naming, runs, trying
from sampan.services.pipelines.call import Call
from sampan.services.pipelines.runs import Found
from sampan.services.pipelines.sources import Source
from sampan.services.pipelines.trying import WORKFLOW

SERVICE_ACCOUNT = Resource("", "v1", "serviceaccounts", "ServiceAccount")
_OF_THE_OLD = frozenset(
    {
        "uid", "resourceVersion", "managedFields", "generation", "creationTimestamp",
        "deletionTimestamp", "deletionGracePeriodSeconds",
    }
)  # fmt: skip


async def create(
    call: Call,
    source: Source,
    *,
    namespace: str,
    name: str,
    description: str,
    experiment: str,
    parameters: Mapping[str, str],
    service_account: str,
) -> Manifest:
    """Raises ApiStatus, Refused: it could never run."""
    run_id = str(uuid.uuid4())
    usual = {key: value or "" for key, value in legacy.parameters(source.document).items()}
    moments = macros.Moments(run_id=run_id, now=call.moment)
    labels = {
        names.LABEL_EXPERIMENT_ID: experiment,
        names.LABEL_PIPELINE_ID: source.pipeline_id,
        names.LABEL_PIPELINE_VERSION_ID: source.version_id,
    }
    notes = {
        names.ANNOTATION_CREATED_AT: micro(call.moment),
        names.ANNOTATION_DESCRIPTION: description,
    }
    about = legacy.About(
        name=naming.run_name(_stem(source.document), run_id),
        namespace=namespace,
        run_id=run_id,
        display_name=name,
        parameters=macros.expanded({**usual, **parameters}, moments),
        labels={key: value for key, value in labels.items() if value},
        annotations={key: value for key, value in notes.items() if value},
        service_account=service_account,
        runner=await _has_runner(call, namespace),
    )
    workflow = legacy.run(source.document, about)
    await trying.check(call, workflow, namespace)
    made = await call.create(WORKFLOW, namespace, workflow)
    await call.parts.recorder.keep(made)
    return made


async def _has_runner(call: Call, namespace: str) -> bool:
    try:
        await call.kube.get(SERVICE_ACCOUNT, namespace, legacy.RUNNER)
    except (NotFound, Forbidden):
        return False
    return True


def _stem(document: Manifest) -> str:
    about = document.get("metadata")
    found = about if isinstance(about, dict) else {}
    text = str(found.get("generateName") or found.get("name") or "run")
    return re.sub(r"-+$", "", text)


async def find(call: Call, verb: str = "get") -> Found:
    """The run of the path, whether it is a Workflow or a Run. Raises Refused."""
    there, _ = await runs.in_cluster(call, WORKFLOW)
    if there is not None:
        return there
    found = await runs.find(call, verb)
    if is_workflow(found):
        for needed in sorted({"get", verb}):
            if not await call.kube.may_i(needed, WORKFLOW, found.namespace, found.name):
                raise denied(f"{call.caller.name} may not {needed} run {call.path['run_id']}")
    return found


def is_workflow(found: Found) -> bool:
    return bool(found.run["kind"] == "Workflow")


async def store(call: Call, found: Found, state: str) -> None:
    """Put it away, or bring it back."""
    if not found.present:
        await call.parts.recorder.settled()
        await call.parts.records.set_storage_state(call.path["run_id"], state)
        return
    patch = {"metadata": {"labels": {names.LABEL_STORAGE_STATE: state}}}
    await call.kube.patch(WORKFLOW, found.namespace, found.name, patch)
    await call.parts.recorder.settled()


async def terminate(call: Call, found: Found) -> None:
    """Of a run that has ended already nothing is left to do, which is no fault."""
    if not found.present:
        return
    try:
        patch = operations.terminate(found.run)
    except operations.Refused:
        return
    if patch is not None:
        await call.kube.patch(WORKFLOW, found.namespace, found.name, dict(patch))


async def retry(call: Call, found: Found) -> None:
    """Raises Refused: unless it has failed."""
    for pause in PAUSES:
        how = _retry(call, found.run)
        for pod in how.pods:
            try:
                await call.kube.delete(POD, found.namespace, pod)
            except NotFound:
                continue
        try:
            await _again(call, found, how)
        except Conflict:
            await asyncio.sleep(pause)
            found = await find(call, "update")
            continue
        return
    raise Refused(UNAVAILABLE, "the run is written by others all the time; try again")


async def _again(call: Call, found: Found, how: operations.Retry) -> None:
    about = how.patch.get("metadata") or {}
    if found.present:
        exact = {**about, "resourceVersion": found.run["metadata"]["resourceVersion"]}
        patch = {**how.patch, "metadata": exact}
        await call.kube.patch(WORKFLOW, found.namespace, found.name, patch)
        return
    new = patches.merge(found.run, how.patch)
    head = {field: value for field, value in new["metadata"].items() if field not in _OF_THE_OLD}
    await call.create(WORKFLOW, found.namespace, {**new, "metadata": head})


def _retry(call: Call, workflow: Manifest) -> operations.Retry:
    try:
        return operations.retry(workflow, call.now)
    except operations.Refused as error:
        raise invalid(
            f"Failed to retry run {call.path['run_id']} as it does not allow retries: {error}"
        ) from None


async def delete(call: Call, found: Found) -> None:
    if found.present:
        options = {
            "propagationPolicy": "Background",
            "preconditions": {"uid": meta.uid_of(found.run)},
        }
        await call.kube.delete(WORKFLOW, found.namespace, found.name, options)
    await call.parts.recorder.forget(meta.uid_of(found.run))
