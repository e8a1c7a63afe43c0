"""Jobs: recurring runs in the words of v1beta1.

The version that a job runs is fixed when it is made: the newest one then, if none is named.
Upstream: server/job_server.go (JobServerV1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sampan.services.pipelines import listing, recurring, sources, trying
from sampan.services.pipelines.call import Call, Row
from sampan.services.pipelines.messages import compact
from sampan.services.pipelines.sources import Source
from sampan.services.pipelines.v1beta1 import (
    asked,
    messages,
    paging,
    references,
    showing,
)


async def create(call: Call) -> Mapping[str, Any]:
    given = await call.read(messages.JOB)
    name = asked.name(given, "Job")
    trigger = recurring.checked_trigger(given.get("trigger") or {})
    concurrency = recurring.checked_concurrency(given.get("max_concurrency", 0))
    experiment, namespace = await references.experiment(call, given)
    source = await asked.source(call, given)
    asked.check(given, source)
    if source.is_workflow:
        await trying.check_pipeline(call, source.document, namespace)
    spec = {
        "displayName": name,
        "description": given.get("description"),
        "enabled": given.get("enabled") or given.get("mode") == "ENABLED",
        "maxConcurrency": concurrency,
        "noCatchup": given.get("no_catchup", False),
        "trigger": trigger,
        "experimentId": experiment,
        "serviceAccount": given.get("service_account"),
        **_pipeline(given, source),
    }
    return references.name(call, showing.job(await recurring.created(call, namespace, name, spec)))


def _pipeline(given: Mapping[str, Any], source: Source) -> dict[str, Any]:
    """The fields of a ScheduledWorkflow."""
    ids = compact(pipelineId=source.pipeline_id, pipelineVersionId=source.version_id)
    if source.is_workflow:
        listed = [{"name": key, "value": value} for key, value in asked.texts(given).items()]
        body = source.document.get("spec") or {}
        return {"workflow": {"parameters": listed, "spec": body}, **ids}
    resource = recurring.workflow(asked.parameters(given, source), asked.root(given))
    return {"workflow": resource, **(ids or sources.as_spec(source))}


async def get(call: Call) -> Mapping[str, Any]:
    return references.name(call, showing.job(await recurring.found(call)))


async def list_jobs(call: Call) -> Mapping[str, Any]:
    scope = await references.scope(call)
    wanted = paging.asked(
        call,
        listing.RECURRING_RUNS,
        namespace=scope.namespace,
        experiment_id=scope.experiment_id,
    )
    jobs, total, token = await recurring.page_of(call, wanted)
    shown = [references.name(call, showing.job(each)) for each in jobs]
    return compact(jobs=shown, total_size=total, next_page_token=token)


_ONE = "apis/v1beta1/jobs/{id}"
ROWS: Sequence[Row] = (
    ("POST", "apis/v1beta1/jobs", create),
    ("GET", "apis/v1beta1/jobs", list_jobs),
    ("GET", _ONE, get),
    ("DELETE", _ONE, recurring.delete),
    ("POST", f"{_ONE}/enable", recurring.enable),
    ("POST", f"{_ONE}/disable", recurring.disable),
    ("POST", f"{_ONE}:enable", recurring.enable),
    ("POST", f"{_ONE}:disable", recurring.disable),
)
