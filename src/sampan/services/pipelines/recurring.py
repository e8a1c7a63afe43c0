"""Recurring runs: ScheduledWorkflows, as the API shows them.

What is created is checked as a run of it would be; a schedule that cannot be read never becomes an
object. What it runs is looked up anew at each of its times, if no version is named.
Upstream: backend/src/apiserver/server/job_server.go, api_converter.go (toModelJob,
toApiRecurringRun), resource/resource_manager.go (CreateJob).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sampan.kube import meta, names
from sampan.kube.errors import NotFound
from sampan.kube.keys import Manifest
from sampan.kube.times import micro
from sampan.lib import cron
from sampan.records.pipelines.selection import Selection, page
from sampan.services.errors import invalid
from sampan.services.pipelines import listing, messages, naming, sources
from sampan.services.pipelines.call import EXPERIMENT, SCHEDULED_WORKFLOW, Call, Row
from sampan.services.pipelines.messages import Map, Message, compact, enum, flag, long, moment, text

_UNSET = "MODE_UNSPECIFIED"
_CRON = Message({"start_time": moment, "end_time": moment, "cron": text})
_PERIODIC = Message({"start_time": moment, "end_time": moment, "interval_second": long})
TRIGGER = Message(
    {"cron_schedule": _CRON, "periodic_schedule": _PERIODIC},
    (("cron_schedule", "periodic_schedule"),),
)
_RECURRING_RUN = Message(
    {
        "recurring_run_id": text, "display_name": text, "description": text,
        "pipeline_version_id": text, "pipeline_spec": messages.struct,
        "pipeline_version_reference": messages.VERSION_REFERENCE,
        "runtime_config": messages.RUNTIME_CONFIG, "service_account": text,
        "max_concurrency": long, "trigger": TRIGGER, "mode": enum(_UNSET, "ENABLE", "DISABLE"),
        "created_at": moment, "updated_at": moment,
        "status": messages.Enum({0: "STATUS_UNSPECIFIED", 1: "ENABLED", 3: "DISABLED"}),
        "error": messages.STATUS, "no_catchup": flag, "namespace": text, "experiment_id": text,
        "plugins_input": Map(messages.struct),
    },
    (messages.PIPELINE_SOURCE,),
)  # fmt: skip
_POLICIES = enum("DELETE_PROPAGATION_POLICY_UNSPECIFIED", "FOREGROUND", "BACKGROUND", "ORPHAN")
_FIELDS = {
    "start_time": "startTime", "end_time": "endTime", "cron": "cron",
    "interval_second": "intervalSecond",
}  # fmt: skip


async def create(call: Call) -> Mapping[str, Any]:
    given = await call.read(_RECURRING_RUN)
    name = given.get("display_name", "")
    if not name:
        raise invalid("Recurring run's name cannot be empty")
    if given.get("plugins_input"):
        raise invalid("Invalid plugins_input: no plugins are registered")
    trigger = checked_trigger(given.get("trigger") or {})
    concurrency = checked_concurrency(given.get("max_concurrency", 0))
    experiment, namespace = await sources.experiment(
        call, given.get("experiment_id", ""), given.get("namespace", "")
    )
    source = await sources.of_message(call, given)
    config = given.get("runtime_config") or {}
    parameters = config.get("parameters") or {}
    root = config.get("pipeline_root", "")
    sources.check_arguments(source, parameters, root)
    spec = {
        "displayName": name,
        "description": given.get("description"),
        "enabled": given.get("mode", _UNSET) == "ENABLE",
        "maxConcurrency": concurrency,
        "noCatchup": given.get("no_catchup", False),
        "trigger": trigger,
        "workflow": workflow(parameters, root),
        "experimentId": experiment,
        "serviceAccount": given.get("service_account"),
        **sources.as_spec(source),
    }
    return shown(await created(call, namespace, name, spec))


def checked_concurrency(given: int) -> int:
    if not 1 <= given <= 10:
        raise invalid(
            "Max concurrency of a recurring run must be at least 1 and at most 10."
            f" Received {given}"
        )
    return given


def checked_trigger(given: Mapping[str, Any]) -> dict[str, Any]:
    """The resource's `trigger`. Raises Refused in upstream's words."""
    crontab, periodic = given.get("cron_schedule"), given.get("periodic_schedule")
    if crontab is not None:
        _check_cron(crontab.get("cron", ""))
        return {"cronSchedule": _renamed(crontab)}
    if periodic is not None:
        seconds = periodic.get("interval_second", 0)
        if seconds < 1:
            raise invalid(
                f"Found invalid period schedule interval {seconds}."
                " Set at interval to least 1 second"
            )
        return {"periodicSchedule": _renamed(periodic)}
    return {}


def _check_cron(given: str) -> None:
    try:
        cron.parse_with_seconds(given)
    except ValueError as wrong:
        raise invalid(
            "Schedule cron is not a supported format(https://godoc.org/github.com/robfig/cron)."
            f" Error: {wrong}"
        ) from None


def _renamed(schedule: Mapping[str, Any]) -> dict[str, Any]:
    return {_FIELDS[field]: value for field, value in schedule.items()}


def workflow(parameters: Mapping[str, Any], root: str = "") -> dict[str, Any]:
    """The resource's `workflow` of a pipeline that is IR: values are JSON."""
    listed = [{"name": key, "value": json.dumps(value)} for key, value in parameters.items()]
    return {"parameters": listed, **({"pipelineRoot": root} if root else {})}


async def created(call: Call, namespace: str, name: str, spec: Mapping[str, Any]) -> Manifest:
    manifest = {
        "metadata": {
            "generateName": naming.schedule_stem(name),
            "annotations": {names.ANNOTATION_CREATED_AT: micro(call.moment)},
        },
        "spec": {field: value for field, value in spec.items() if value is not None},
    }
    return await call.create(SCHEDULED_WORKFLOW, namespace, manifest)


async def get(call: Call) -> Mapping[str, Any]:
    return shown(await found(call))


async def found(call: Call) -> Manifest:
    return await call.get(SCHEDULED_WORKFLOW, call.path["id"])


async def listed(call: Call) -> Mapping[str, Any]:
    experiment_id, namespace = call.query("experiment_id"), call.namespace
    if experiment_id:
        namespace = meta.namespace_of(await call.get(EXPERIMENT, experiment_id))
    wanted = call.asked(listing.RECURRING_RUNS, namespace=namespace, experiment_id=experiment_id)
    runs, total, token = await page_of(call, wanted)
    shown_runs = [shown(each) for each in runs]
    return compact(recurringRuns=shown_runs, total_size=total, next_page_token=token)


async def page_of(call: Call, wanted: Selection) -> tuple[list[Manifest], int, str]:
    """The ScheduledWorkflows of a page, how many there are on all, and what leads to the next."""
    there = (await call.kube.list(SCHEDULED_WORKFLOW, wanted.namespace))["items"]
    chosen = page([_item(each) for each in there], wanted, tie="recurring_run_id")
    objects = [item["object"] for item in chosen.items]
    return objects, chosen.total, listing.token(wanted, chosen.after)


def _item(manifest: Manifest) -> dict[str, Any]:
    """What a list may ask for."""
    spec = manifest.get("spec") or {}
    return {
        "recurring_run_id": meta.uid_of(manifest),
        "display_name": naming.display_name_of(manifest),
        "created_at": listing.seconds(created_at(manifest)),
        "updated_at": listing.seconds(updated_at(manifest)),
        "description": spec.get("description") or "",
        "namespace": meta.namespace_of(manifest),
        "experiment_id": spec.get("experimentId") or "",
        "object": manifest,
    }


async def enable(call: Call) -> Mapping[str, Any]:
    return await _switch(call, on=True)


async def disable(call: Call) -> Mapping[str, Any]:
    return await _switch(call, on=False)


async def _switch(call: Call, *, on: bool) -> Mapping[str, Any]:
    manifest = await found(call)
    about = {"annotations": {names.ANNOTATION_UPDATED_AT: call.now}}
    patch = {"metadata": {"uid": meta.uid_of(manifest), **about}, "spec": {"enabled": on}}
    namespace, name = meta.namespace_of(manifest), meta.name_of(manifest)
    await call.kube.patch(SCHEDULED_WORKFLOW, namespace, name, patch)
    return {}


async def delete(call: Call) -> Mapping[str, Any]:
    """Its runs go with it, unless they are to be orphans; the records keep them anyway."""
    policy = messages.read(_POLICIES, _number(call.query("propagation_policy")), "")
    manifest = await found(call)
    options: Manifest = {"preconditions": {"uid": meta.uid_of(manifest)}}
    if "UNSPECIFIED" not in policy:
        options["propagationPolicy"] = policy.capitalize()
    try:
        await call.kube.delete(
            SCHEDULED_WORKFLOW, meta.namespace_of(manifest), meta.name_of(manifest), options
        )
    except NotFound:
        return {}
    return {}


def _number(given: str) -> int | str:
    return int(given) if given.isdecimal() and len(given) < 9 else given or 0


def shown(manifest: Manifest) -> Mapping[str, Any]:
    spec = manifest.get("spec") or {}
    enabled = bool(spec.get("enabled"))
    resource = spec.get("workflow") or {}
    return compact(
        recurring_run_id=meta.uid_of(manifest),
        display_name=naming.display_name_of(manifest),
        description=spec.get("description"),
        **sources.shown_source(spec),
        runtime_config=runtime_config(resource),
        service_account=spec.get("serviceAccount"),
        max_concurrency=str(spec.get("maxConcurrency") or 1),
        trigger=shown_trigger(spec),
        mode="ENABLE" if enabled else "DISABLE",
        created_at=created_at(manifest),
        updated_at=updated_at(manifest),
        status="ENABLED" if enabled else "DISABLED",
        no_catchup=spec.get("noCatchup"),
        namespace=meta.namespace_of(manifest),
        experiment_id=spec.get("experimentId"),
    )


def shown_trigger(spec: Mapping[str, Any]) -> dict[str, Any]:
    trigger = spec.get("trigger") or {}
    if (crontab := trigger.get("cronSchedule")) is not None:
        return {"cron_schedule": _shown_schedule(crontab)}
    if (periodic := trigger.get("periodicSchedule")) is not None:
        return {"periodic_schedule": _shown_schedule(periodic)}
    return {}


def _shown_schedule(schedule: Mapping[str, Any]) -> dict[str, Any]:
    found = {field: schedule.get(name) for field, name in _FIELDS.items() if schedule.get(name)}
    if "interval_second" in found:
        found["interval_second"] = str(found["interval_second"])
    return found


def runtime_config(resource: Mapping[str, Any]) -> dict[str, Any]:
    return compact(parameters=_parameters(resource), pipeline_root=resource.get("pipelineRoot"))


def _parameters(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a Workflow are texts as they are."""
    found: dict[str, Any] = {}
    for each in resource.get("parameters") or ():
        value = each.get("value")
        try:
            found[each["name"]] = value if resource.get("spec") else json.loads(value)
        except (ValueError, TypeError, RecursionError):
            found[each["name"]] = value
    return found


def created_at(manifest: Manifest) -> str:
    return str(manifest["metadata"]["creationTimestamp"])


def updated_at(manifest: Manifest) -> str:
    notes = meta.annotations_of(manifest)
    return notes.get(names.ANNOTATION_UPDATED_AT) or created_at(manifest)


_ROOT = "apis/v2beta1/recurringruns"
ROWS: Sequence[Row] = (
    ("POST", _ROOT, create),
    ("GET", _ROOT, listed),
    ("GET", f"{_ROOT}/{{id}}", get),
    ("POST", f"{_ROOT}/{{id}}:enable", enable),
    ("POST", f"{_ROOT}/{{id}}:disable", disable),
    ("DELETE", f"{_ROOT}/{{id}}", delete),
)
