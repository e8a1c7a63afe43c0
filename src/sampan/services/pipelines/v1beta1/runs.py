"""Runs in the words of v1beta1. One that is a Workflow is an Argo Workflow of the cluster, one of
Pipeline IR a Run. Upstream: server/run_server.go, run_artifact_server.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sampan.kube import meta
from sampan.records.pipelines.store import Kept
from sampan.services.errors import denied
from sampan.services.pipelines import changing, listing, runs, workflows
from sampan.services.pipelines.call import RUN, Call, Row, missing
from sampan.services.pipelines.runs import Found
from sampan.services.pipelines.trying import WORKFLOW
from sampan.services.pipelines.v1beta1 import (
    asked,
    messages,
    paging,
    references,
    showing,
)

_METRIC = re.compile(r"[a-zA-Z]([-_a-zA-Z0-9]{0,61}[a-zA-Z0-9])?\Z")
_LONGEST_NODE = 128


async def create(call: Call) -> Mapping[str, Any]:
    given = await call.read(messages.RUN)
    name = asked.name(given, "Run")
    experiment, namespace = await references.experiment(call, given)
    source = await asked.source(call, given)
    asked.check(given, source)
    if source.is_workflow:
        made = await workflows.create(
            call,
            source,
            namespace=namespace,
            name=name,
            description=given.get("description", ""),
            experiment=experiment,
            parameters=asked.texts(given),
            service_account=given.get("service_account", ""),
        )
    else:
        config = {
            "parameters": asked.parameters(given, source),
            "pipeline_root": asked.root(given),
        }
        message = {
            "display_name": name,
            "experiment_id": experiment,
            "description": given.get("description", ""),
            "runtime_config": config,
            "service_account": given.get("service_account", ""),
        }
        where = runs.Where(experiment, namespace)
        made = await runs.make(call, message, where, source)
    return _named(call, showing.detail(made))


async def get(call: Call) -> Mapping[str, Any]:
    found = await workflows.find(call)
    kept = await _kept(call, found)
    return _named(call, showing.detail(found.run, kept.metrics if kept else None))


async def list_runs(call: Call) -> Mapping[str, Any]:
    scope = await references.scope(call)
    wanted = paging.asked(
        call, listing.RUNS, namespace=scope.namespace, experiment_id=scope.experiment_id
    )
    for resource in (RUN, WORKFLOW):
        if not await call.kube.may_i("list", resource, scope.namespace):
            raise denied(f"{call.caller.name} may not list runs in namespace {scope.namespace}")
    await call.parts.recorder.settled()
    found = await call.parts.records.runs(wanted)
    shown = [references.name(call, showing.run(each)) for each in found.items]
    return listing.told("runs", wanted, found, shown)


def _named(call: Call, detail: dict[str, Any]) -> dict[str, Any]:
    references.name(call, detail["run"])
    return detail


async def report_metrics(call: Call) -> Mapping[str, Any]:
    """Each by itself: a metric that is refused does not keep the others away."""
    given = await call.read(messages.REPORT)
    found = await workflows.find(call, "patch")
    resource = WORKFLOW if workflows.is_workflow(found) else RUN
    if not await call.kube.may_i("patch", resource, found.namespace, found.name):
        raise denied(f"{call.caller.name} may not report metrics of {found.name}")
    await call.parts.recorder.settled()
    kept = await _kept(call, found)
    if kept is None:
        raise missing(RUN, call.path["run_id"])
    known = set(kept.metrics)
    results, taken = [], {}
    for metric in given.get("metrics") or ():
        status, message = _judged(metric, known)
        if status == "OK":
            known.add(metric["name"])
            taken[metric["name"]] = metric.get("number_value", 0.0)
        result = {
            "metric_name": metric.get("name", ""),
            "metric_node_id": metric.get("node_id", ""),
        }
        results.append({**result, "status": status, **({"message": message} if message else {})})
    if taken:
        await call.parts.records.report_metrics(meta.uid_of(found.run), taken)
    return {"results": results}


async def _kept(call: Call, found: Found) -> Kept | None:
    """What is kept of this run: by its uid, if another one has the id that it claims."""
    uid = meta.uid_of(found.run)
    for id in (call.path["run_id"], uid):
        kept = await call.parts.records.run(id)
        if kept is not None and meta.uid_of(kept.run) == uid:
            return kept
    return None


def _judged(metric: Mapping[str, Any], known: set[str]) -> tuple[str, str]:
    name, node = metric.get("name", ""), metric.get("node_id", "")
    if not _METRIC.match(name):
        return "INVALID_ARGUMENT", (
            f"metric.name '{name[:200]}' doesn't match with the pattern"
            " '^[a-zA-Z]([-_a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$'"
        )
    if not node or len(node) > _LONGEST_NODE:
        return "INVALID_ARGUMENT", (
            "metric.node_id must not be empty" if not node
            else f"metric.node_id '{node[:200]}' cannot be longer than {_LONGEST_NODE} characters"
        )  # fmt: skip
    if name in known:
        return "DUPLICATE_REPORTING", f"same metric has been reported before: {name}"
    return "OK", ""


_ONE = "apis/v1beta1/runs/{run_id}"
ROWS: Sequence[Row] = (
    ("POST", "apis/v1beta1/runs", create),
    ("GET", "apis/v1beta1/runs", list_runs),
    ("GET", _ONE, get),
    ("DELETE", _ONE, changing.delete),
    ("POST", f"{_ONE}:archive", changing.archive),
    ("POST", f"{_ONE}:unarchive", changing.unarchive),
    ("POST", f"{_ONE}:reportMetrics", report_metrics),
    ("POST", f"{_ONE}/terminate", changing.terminate),
    ("POST", f"{_ONE}/retry", changing.retry),
)
