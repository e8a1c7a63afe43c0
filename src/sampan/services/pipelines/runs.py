"""Runs: asked for, looked at, listed, put away, ended, deleted, tried again.

A run is a Run in the cluster, which the controller walks; older ones are in the records alone, and
what can be done with those is done there, for who may do the same with a Run. How a run is shown
is in `showing`, what it is asked to run in `sources`.
Upstream: server/run_server.go, resource_manager.go.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct

from sampan.kube import meta, names, times
from sampan.kube.errors import ApiStatus, Forbidden, NotFound
from sampan.kube.keys import Manifest, kind_of
from sampan.kube.runs import ARCHIVED, AVAILABLE, ENDS, UNDONE
from sampan.services.errors import PRECONDITION, Refused, denied, invalid
from sampan.services.kube import Resource
from sampan.services.pipelines import listing, messages, naming, sources
from sampan.services.pipelines.call import EXPERIMENT, RUN, Call, Row, missing
from sampan.services.pipelines.lengths import check_length
from sampan.services.pipelines.messages import compact
from sampan.services.pipelines.showing import detailed, shown
from sampan.services.pipelines.sources import Source


class Found(Struct, frozen=True):
    """A run that the caller may see. present: the cluster has it; else the records alone do."""

    run: Manifest
    present: bool

    @property
    def state(self) -> str:
        return str((self.run.get("status") or {}).get("state") or "")

    @property
    def namespace(self) -> str:
        return meta.namespace_of(self.run)

    @property
    def name(self) -> str:
        return meta.name_of(self.run)


class Where(Struct, frozen=True):
    experiment: str
    namespace: str


async def create(call: Call) -> Mapping[str, Any]:
    given = await call.read(messages.RUN)
    _check(given)
    where, source = await _asked(call, given)
    return shown(await make(call, given, where, source))


async def make(call: Call, given: Mapping[str, Any], where: Where, source: Source) -> Manifest:
    """The Run of a message, kept and known."""
    made = await call.create(RUN, where.namespace, _manifest(call, given, where, source))
    await asyncio.gather(call.parts.recorder.keep(made), _noted(call, where, made))
    return made


def _check(given: Mapping[str, Any]) -> None:
    """Raises Refused."""
    if given.get("plugins_output"):
        raise invalid(
            "plugins_output is server-owned and populated exclusively via plugin lifecycle hooks"
        )
    if given.get("plugins_input"):
        raise invalid("Invalid plugins_input: no plugins are registered")
    if not given.get("display_name"):
        raise invalid("The run name is empty. Please specify a valid name")
    check_length("Run", "ExperimentId", given.get("experiment_id", ""))


async def _asked(call: Call, given: Mapping[str, Any]) -> tuple[Where, Source]:
    """In which experiment what is to run. Raises Refused."""
    experiment, namespace = await sources.experiment(call, given.get("experiment_id", ""), "")
    source = await sources.of_message(call, given)
    if source.is_workflow:
        raise invalid("an Argo Workflow is run by version v1beta1 of the API")
    config = given.get("runtime_config") or {}
    root = config.get("pipeline_root", "")
    sources.check_arguments(source, config.get("parameters") or {}, root)
    _check_schedule(call, given.get("recurring_run_id", ""), namespace)
    return Where(experiment, namespace), source


def _check_schedule(call: Call, recurring_run_id: str, namespace: str) -> None:
    """Whether there is such a one, if the run is said to be one's. Raises Refused."""
    key = call.parts.ids.key(names.SCHEDULED_WORKFLOW, recurring_run_id)
    if recurring_run_id and (key is None or key.namespace != namespace):
        raise invalid(
            "Failed to create a run due to invalid recurring run id: RecurringRunId doesn't exist:"
            f" {recurring_run_id}"
        )


def _manifest(call: Call, given: Mapping[str, Any], where: Where, source: Source) -> Manifest:
    run_id = str(uuid.uuid4())
    config = given.get("runtime_config") or {}
    labels = {
        names.LABEL_RUN_ID: run_id,
        names.LABEL_EXPERIMENT_ID: where.experiment,
        names.LABEL_PIPELINE_ID: source.pipeline_id,
        names.LABEL_PIPELINE_VERSION_ID: source.version_id,
        names.LABEL_RECURRING_RUN_ID: given.get("recurring_run_id", ""),
    }
    reference = compact(pipelineId=source.pipeline_id, pipelineVersionId=source.version_id)
    spec = compact(
        displayName=given["display_name"],
        description=given.get("description"),
        experimentId=where.experiment,
        recurringRunId=given.get("recurring_run_id"),
        scheduledAt=given.get("scheduled_at"),
        serviceAccount=given.get("service_account"),
        pipelineVersionReference=reference,
        runtimeConfig=compact(
            parameters=config.get("parameters"), pipelineRoot=config.get("pipeline_root")
        ),
        pipelineSpec=source.document,
        platformSpec=source.platform,
    )
    name = naming.run_name(source.document["pipelineInfo"]["name"], run_id)
    return {
        "metadata": {
            "name": name,
            "labels": {key: value for key, value in labels.items() if value},
            "annotations": {names.ANNOTATION_CREATED_AT: times.micro(call.moment)},
        },
        "spec": {**spec, "storageState": AVAILABLE},
    }


async def _noted(call: Call, where: Where, run: Manifest) -> None:
    """The experiment has a run. Who may not write this may have a run in it all the same."""
    key = call.parts.ids.key(names.EXPERIMENT, where.experiment)
    status = {"status": {"lastRunCreatedAt": run["metadata"]["creationTimestamp"]}}
    if key is not None:
        with suppress(ApiStatus):
            await call.kube.patch(EXPERIMENT, key.namespace, key.name, status, subresource="status")


# -- looking ----------------------------------------------------------------------------------


async def get(call: Call) -> Mapping[str, Any]:
    return detailed((await find(call)).run)


async def list_runs(call: Call) -> Mapping[str, Any]:
    experiment = call.query("experiment_id")
    namespace = call.namespace
    if experiment and not call.query("namespace"):
        namespace = call.key(EXPERIMENT, experiment).namespace
    wanted = call.asked(listing.RUNS, namespace=namespace, experiment_id=experiment)
    if not await call.kube.may_i("list", RUN, namespace):
        raise denied(f"{call.caller.name} may not list runs in namespace {namespace}")
    await call.parts.recorder.settled()
    found = await call.parts.records.runs(wanted)
    return listing.told("runs", wanted, found, [shown(each) for each in found.items])


async def find(call: Call, verb: str = "get") -> Found:
    """The run of the path, if the caller may see it; of one that the records alone know, if the
    caller may do the same with a Run there. Raises Refused."""
    run_id = call.path["run_id"]
    there, forbidden = await in_cluster(call, RUN)
    if there is not None:
        return there
    await call.parts.recorder.settled()
    kept = await call.parts.records.run(run_id)
    if kept is None:
        raise forbidden or missing(RUN, run_id)
    found = Found(kept.run, False)
    for needed in sorted({"get", verb}):
        if not await call.kube.may_i(needed, RUN, found.namespace, found.name):
            raise denied(f"{call.caller.name} may not {needed} run {run_id}")
    return found


async def in_cluster(call: Call, resource: Resource) -> tuple[Found | None, Forbidden | None]:
    """The first that the caller may see of those with the path's id; else why not, if there is
    one."""
    why = None
    kind = kind_of(resource.api_version, resource.kind)
    for key in call.parts.ids.keys(kind, call.path["run_id"]):
        try:
            return Found(await call.kube.get(resource, key.namespace, key.name), True), None
        except Forbidden as error:
            why = why or error
        except NotFound:
            continue
    return None, why


# -- changing ---------------------------------------------------------------------------------


async def archive(call: Call) -> Mapping[str, Any]:
    await _store(call, await find(call, "patch"), ARCHIVED)
    return {}


async def unarchive(call: Call) -> Mapping[str, Any]:
    found = await find(call, "patch")
    await check_experiment(call, (found.run.get("spec") or {}).get("experimentId") or "")
    await _store(call, found, AVAILABLE)
    return {}


async def check_experiment(call: Call, experiment: str) -> None:
    """Whether a run may come back into this one. Raises Refused."""
    key = call.parts.ids.key(names.EXPERIMENT, experiment)
    parent = await call.get(EXPERIMENT, experiment) if key else {}
    if (parent.get("spec") or {}).get("storageState") == ARCHIVED:
        raise Refused(
            PRECONDITION,
            f"Failed to unarchive run {call.path['run_id']} as experiment {experiment} must be"
            " un-archived first",
        )


async def _store(call: Call, found: Found, state: str) -> None:
    if found.present:
        await _patch(call, found, {"storageState": state})
    else:
        await call.parts.records.set_storage_state(call.path["run_id"], state)


async def _patch(call: Call, found: Found, spec: Mapping[str, Any]) -> None:
    await call.kube.patch(RUN, found.namespace, found.name, {"spec": spec})


async def terminate(call: Call) -> Mapping[str, Any]:
    """Of a run that has ended already nothing is left to do, which is no fault."""
    found = await find(call)
    if found.present and found.state not in ENDS:
        await _patch(call, found, {"terminate": True})
    return {}


async def retry(call: Call) -> Mapping[str, Any]:
    found = await find(call, "create")
    if found.state not in UNDONE:
        raise invalid(
            f"Failed to retry run {call.path['run_id']} as it does not allow retries: workflow must"
            " be Failed/Error to retry"
        )
    if found.present:
        retries = ((found.run.get("status") or {}).get("retries") or 0) + 1
        await _patch(call, found, {"retries": retries, "terminate": False})
    else:
        await _revive(call)
    return {}


async def _revive(call: Call) -> None:
    """Bring a Run back with what had become of it; nobody walks it before that is there."""
    run = await call.parts.records.revived(call.path["run_id"])
    if run is None:
        raise missing(RUN, call.path["run_id"])
    status = {"status": run.pop("status")}
    namespace, name = meta.namespace_of(run), meta.name_of(run)
    await call.create(RUN, namespace, run)
    await call.kube.patch(RUN, namespace, name, status, subresource="status")
    restored = {"metadata": {"annotations": {names.ANNOTATION_RESTORING: None}}}
    await call.kube.patch(RUN, namespace, name, restored)


async def delete(call: Call) -> Mapping[str, Any]:
    found = await find(call, "delete")
    uid = meta.uid_of(found.run)
    if found.present:
        options = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        with suppress(NotFound):
            await call.kube.delete(RUN, found.namespace, found.name, options)
    await call.parts.recorder.forget(uid)
    return {}


_ONE = "apis/v2beta1/runs/{run_id}"
ROWS: Sequence[Row] = (
    ("POST", "apis/v2beta1/runs", create),
    ("GET", "apis/v2beta1/runs", list_runs),
    ("GET", _ONE, get),
)
