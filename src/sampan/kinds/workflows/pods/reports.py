"""What the executors of pods report: WorkflowTaskResults, taken over into nodes.

A report is named after its node and comes in one or several writes; the last one is labelled as
complete. A pod whose executor has not reported yet is not over, however it ended, for a while: in a
cluster of others the report may be seen later than the pod's end.
Upstream: argo-workflows workflow/controller/taskresult.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sampan.kinds.workflows import nodes
from sampan.kinds.workflows.nodes import Node
from sampan.kube import argoexec, meta, names
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.plan import Delete, View
from sampan.kube.times import parse

PATIENCE = 10.0
"""Seconds that a report may come later than the end of its pod."""
_REPORTERS = ("wait", "resource", "data")
"""Commands of the executor that write a report."""


def see(
    cluster: View, key: Key, pods: Mapping[str, Manifest], status: Mapping[str, Any]
) -> dict[str, Manifest]:
    """The reports about nodes that are not over, by node; all of a workflow that is."""
    if status.get("finishedAt"):
        return _left(cluster, key)
    known: Mapping[str, Node] = status.get("nodes") or {}
    found: dict[str, Manifest] = {}
    for id, pod in pods.items():
        if id in known and not nodes.over(known[id]) and reports(pod):
            report = cluster.get(Key(names.WORKFLOW_TASK_RESULT, key.namespace, id))
            if report is not None:
                found[id] = report
    return found


def _left(cluster: View, key: Key) -> dict[str, Manifest]:
    labels = {"matchLabels": {names.LABEL_WORKFLOW: key.name}}
    found = cluster.select(names.WORKFLOW_TASK_RESULT, key.namespace, labels)
    return {meta.name_of(each): each for each in found}


def removals(reports: Mapping[str, Manifest]) -> list[Delete]:
    """Nobody needs them once the workflow is over: what they said stands in its nodes."""
    return [Delete(key_of(each), meta.uid_of(each)) for each in reports.values()]


def reports(pod: Manifest) -> bool:
    """Whether an executor in the pod is going to report."""
    containers = (pod.get("spec") or {}).get("containers") or ()
    return any(argoexec.program(each.get("command")) in _REPORTERS for each in containers)


def taken(node: Node, report: Manifest | None) -> Node:
    """The node with what was reported about it."""
    if report is None:
        return node
    new = dict(node)
    said = {key: value for key, value in (report.get("outputs") or {}).items() if value is not None}
    if said:
        kept = (node.get("outputs") or {}).get("exitCode")
        new["outputs"] = said if "exitCode" in said or kept is None else {**said, "exitCode": kept}
    if re.fullmatch(r"\d+/\d+", report.get("progress") or ""):
        new["progress"] = report["progress"]
    return node if new == node else new


def is_news(node: Node, report: Manifest | None) -> bool:
    """Whether a report says something of a node that still runs. A complete one is followed by the
    pod's end at once: then all of it is taken over, in one write."""
    if report is None or _label(report) == "true":
        return False
    return bool(report.get("progress")) and report["progress"] != node.get("progress")


def is_awaited(seen: Node, pod: Manifest, report: Manifest | None, now: datetime) -> bool:
    """Whether the node has to stay as it is, for its report is still to come."""
    if not nodes.over(seen) or not reports(pod) or _has_failed(pod):
        return False
    if _label(report) == "true" or pod["metadata"].get("deletionTimestamp"):
        return False
    return (now - parse(str(seen["finishedAt"]))).total_seconds() < PATIENCE


def _has_failed(pod: Manifest) -> bool:
    """Whether the one who reports has failed, or never began: it has said all that it will."""
    reporters = {
        each["name"]
        for each in pod["spec"]["containers"]
        if argoexec.program(each.get("command")) in _REPORTERS
    }
    return any(
        ((each.get("state") or {}).get("terminated") or {"exitCode": 1}).get("exitCode") != 0
        for each in (pod.get("status") or {}).get("containerStatuses") or ()
        if each["name"] in reporters
    )


def _label(report: Manifest | None) -> Any:
    about: Mapping[str, Any] = report["metadata"] if report else {}
    return (about.get("labels") or {}).get(names.LABEL_OUTPUTS_REPORTED)
