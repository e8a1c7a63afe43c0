"""What a ScheduledWorkflow's status says: its state, its last and next run, who runs and who ended.

Upstream: backend/src/crd/controller/scheduledworkflow/util/scheduled_workflow.go UpdateStatus.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sampan.kinds.pipelines.schedules.types import Child, Series
from sampan.kube import labels, meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Patch
from sampan.kube.times import rfc3339


def patch(series: Series) -> Patch | None:
    """The write that brings the object up to date; None when it is."""
    condition = _condition(series)
    status: dict[str, Any] = {"conditions": [condition]}
    if not series.fault:
        status["trigger"] = _trigger(series)
        status["workflowHistory"] = _history(series)
    before = series.manifest.get("status") or {}
    changed = {field: said for field, said in status.items() if not _says(before.get(field), said)}
    marks = {
        names.LABEL_SCHEDULE_ENABLED: "true" if series.spec.enabled else "false",
        names.LABEL_SCHEDULE_STATUS: condition["type"],
    }
    if not changed and marks.items() <= labels.of(series.manifest).items():
        return None
    body: Manifest = {"metadata": {"uid": meta.uid_of(series.manifest), "labels": marks}}
    if changed:
        body["status"] = changed
    name = meta.name_of(series.manifest)
    return Patch(Key(names.SCHEDULED_WORKFLOW, meta.namespace_of(series.manifest), name), body)


def _says(before: Any, said: Any) -> bool:
    """Whether a merge of `said` would change nothing."""
    if isinstance(said, dict) and isinstance(before, dict):
        return all(_says(before.get(key), value) for key, value in said.items())
    return bool(before == said)


def _condition(series: Series) -> dict[str, str]:
    kind, message = _state(series)
    return {"type": kind, "status": "True", "reason": kind, "message": message}


def _state(series: Series) -> tuple[str, str]:
    if series.fault:
        return "Error", series.fault
    if series.spec.once:
        made = series.due is not None or bool(series.status.index)
        if made and not series.active and series.due is None:
            return "Succeeded", "The one-off schedule has succeeded."
        return "Running", "The one-off schedule is running."
    if series.spec.enabled:
        return "Enabled", "The schedule is enabled."
    return "Disabled", "The schedule is disabled."


def _trigger(series: Series) -> dict[str, Any]:
    if series.due is None:
        return {"nextTriggeredTime": _time(series.scheduled)}
    return {
        "lastTriggeredTime": _time(series.scheduled),
        "lastWorkflowIndex": series.status.index + 1,
        "nextTriggeredTime": _time(series.following),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _history(series: Series) -> dict[str, Any]:
    oldest = max(series.status.index - series.spec.history, 0)
    over = [child for child in series.children if child.over and child.index > oldest]
    return {"active": _listed(series.active), "completed": _listed(over)}


def _listed(children: list[Child]) -> list[dict[str, Any]]:
    """The latest first."""
    return [
        _reference(child)
        for child in sorted(children, key=lambda each: (each.scheduled, each.index), reverse=True)
    ]


def _reference(child: Child) -> dict[str, Any]:
    about, status = child.manifest["metadata"], child.manifest.get("status") or {}
    error = status.get("error")
    said = {
        "name": about["name"],
        "namespace": about.get("namespace"),
        "uid": about.get("uid"),
        "phase": child.phase,
        "message": status.get("message") or (error.get("message") if error else None),
        "createdAt": about.get("creationTimestamp"),
        "startedAt": status.get("startedAt"),
        "finishedAt": status.get("finishedAt"),
        "scheduledAt": child.scheduled,
        "index": child.index,
    }
    return {field: value for field, value in said.items() if value}
