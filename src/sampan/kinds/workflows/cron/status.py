"""What a CronWorkflow's status says: who is active, who ended how, what went wrong.

A child is counted in the same write that takes it from the list of active ones, so each is counted
once. Upstream: argo-workflows workflow/cron/operator.go reconcileActiveWfs.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sampan.kinds.workflows.cron import children, policy
from sampan.kinds.workflows.cron.types import Child, Series
from sampan.kube import names
from sampan.kube.conditions import without_condition
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Patch
from sampan.kube.times import rfc3339

_REFERRED = ("name", "namespace", "uid", "resourceVersion")


class Account:
    """One look's changes to status, labels and annotations."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self._before: Manifest = series.manifest.get("status") or {}
        self._conditions: list[dict[str, Any]] = list(self._before.get("conditions") or ())
        self._notes: dict[str, str] = {}
        self._labels: dict[str, str] = {}
        self._last = series.status.lastScheduledTime
        self._phase = series.status.phase
        self._made: list[dict[str, Any]] = []
        self.succeeded = series.status.succeeded
        self.failed = series.status.failed

    @property
    def stopped(self) -> bool:
        return self._phase == "Stopped"

    @property
    def counts(self) -> policy.Counts:
        return self.succeeded, self.failed

    def conclude(self) -> None:
        """Count the children that ended, stop when that is the stopping condition, and say what is
        wrong with the CronWorkflow, if anything is."""
        found = {child.name: child for child in self._series.children}
        for reference in self._series.status.active:
            child = found.get(reference.name)
            if child is not None and child.over:
                self.succeeded += child.phase == "Succeeded"
                self.failed += child.phase != "Succeeded"
        fault = self._stop_if_met() or self._series.fault
        if fault:
            self.complain("SpecError", fault)
        else:
            self.settle("SpecError")

    def _stop_if_met(self) -> str:
        """Why nobody can say whether it is, or ""."""
        try:
            if not self.stopped and policy.stops(self._series, self.counts):
                self._phase = "Stopped"
                self._labels[names.LABEL_CRON_COMPLETED] = "true"
        except policy.Broken as broken:
            return str(broken)
        return ""

    def note_schedule(self) -> None:
        self._notes[names.ANNOTATION_CRON_SCHEDULE] = ",".join(self._series.spec.zoned)

    def pass_over(self, due: datetime) -> bool:
        """The activation has its chance now. Whether this is the first one."""
        noted = rfc3339(due)
        before = self._series.notes.get(names.ANNOTATION_CRON_PASSED_OVER)
        self._notes[names.ANNOTATION_CRON_PASSED_OVER] = noted
        return before != noted

    def begun(self, due: datetime) -> None:
        """The activation has its Workflow, which is known by name only when it was made just now:
        the next look finds out the rest, or, if it is over by then, counts it."""
        self._last = rfc3339(due)
        self._phase = self._phase or "Active"
        self._notes.pop(names.ANNOTATION_CRON_PASSED_OVER, None)
        self.settle("SubmissionError")
        name = children.name_for(self._series.manifest, due)
        known = {child.name for child in self._series.children if not child.over}
        if name not in known:
            about = {"name": name, "namespace": self._series.namespace}
            self._made.append(_reference(self._series.manifest["apiVersion"], about))

    def complain(self, type: str, message: str) -> None:
        said = {"type": type, "status": "True", "message": message}
        known = [each.get("type") for each in self._conditions]
        if type in known:
            self._conditions[known.index(type)] = said
        else:
            self._conditions.append(said)

    def settle(self, type: str) -> None:
        self._conditions = without_condition(self._conditions, type)

    def patch(self) -> Patch | None:
        """The write that brings the object up to date; None when it is."""
        said = {
            "active": self._active(),
            "conditions": self._conditions,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "lastScheduledTime": self._last,
            "phase": self._phase,
        }
        usual = {"active": [], "conditions": [], "succeeded": 0, "failed": 0}
        before = {**usual, **{key: value for key, value in self._before.items() if value}}
        status = {key: value for key, value in said.items() if before.get(key, "") != value}
        about = self._series.manifest["metadata"]
        body: dict[str, Any] = {"metadata": {"uid": about["uid"]}}
        for field, wanted in (("labels", self._labels), ("annotations", self._notes)):
            if not wanted.items() <= (about.get(field) or {}).items():
                body["metadata"][field] = wanted
        if status:
            body["status"] = status
        elif len(body["metadata"]) == 1:
            return None
        key = Key(names.CRON_WORKFLOW, self._series.namespace, self._series.name)
        return Patch(key, body)

    def _active(self) -> list[dict[str, Any]]:
        """References stay as they are once they have a uid, so that they change seldom."""
        known = {r["name"]: r for r in self._before.get("active") or () if r.get("uid")}
        running = [child for child in self._series.children if not child.over]
        listed = [known.get(child.name) or _referred(child) for child in running]
        return [*listed, *self._made]


def _referred(child: Child) -> dict[str, Any]:
    about = child.manifest["metadata"]
    given = {field: about[field] for field in _REFERRED if field in about}
    return _reference(child.manifest["apiVersion"], given)


def _reference(version: str, about: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "Workflow", "apiVersion": version, **about}
