"""A CronJob as its decisions read it, and the Jobs that it makes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from sampan.kinds.workloads.types import Conditions
from sampan.kube import meta, names
from sampan.kube.conditions import get_condition, is_true
from sampan.kube.keys import Manifest
from sampan.kube.times import parse
from sampan.lib import cron
from sampan.lib.cron import Schedule


class Spec(Struct, frozen=True, kw_only=True):
    schedule: str = ""
    timeZone: str | None = None
    startingDeadlineSeconds: int | None = None
    concurrencyPolicy: str = "Allow"
    suspend: bool = False
    successfulJobsHistoryLimit: int = 3
    failedJobsHistoryLimit: int = 1
    jobTemplate: dict[str, Any] = {}


class Reference(Struct, frozen=True, kw_only=True):
    name: str = ""
    uid: str = ""


class Status(Struct, frozen=True, kw_only=True):
    active: list[Reference] = []
    lastScheduleTime: str = ""
    lastSuccessfulTime: str = ""


class Made(Struct, frozen=True, kw_only=True):
    """A Job that belongs to the CronJob."""

    manifest: Manifest
    conditions: Conditions

    @property
    def name(self) -> str:
        return meta.name_of(self.manifest)

    @property
    def uid(self) -> str:
        return meta.uid_of(self.manifest)

    @property
    def outcome(self) -> str:
        """Complete, Failed, or "" while it is not over."""
        return next((end for end in ("Complete", "Failed") if is_true(self.conditions, end)), "")

    @property
    def began(self) -> tuple[str, str]:
        """For an order by age; one that has not begun is the youngest."""
        start = (self.manifest.get("status") or {}).get("startTime")
        return (start or "9999", self.name)

    @property
    def succeeded_at(self) -> str:
        if self.outcome != "Complete":
            return ""
        said = get_condition(self.conditions, "Complete") or {}
        ended = (self.manifest.get("status") or {}).get("completionTime")
        return str(ended or said.get("lastTransitionTime") or "")


class Series(Struct, frozen=True, kw_only=True):
    """All that a decision may depend on.

    schedule: None when it cannot be understood, for `fault`.
    due: the latest activation that no Job was made for. occupied: a Job of its name exists.
    """

    manifest: Manifest
    spec: Spec
    status: Status
    jobs: tuple[Made, ...]
    schedule: Schedule | None
    fault: str
    due: datetime | None
    occupied: bool
    now: datetime

    @property
    def since(self) -> datetime:
        return beginning(self.manifest, self.spec, self.status, self.now)


def look(manifest: Manifest) -> Made:
    return Made(
        manifest=manifest, conditions=(manifest.get("status") or {}).get("conditions") or []
    )


def read(spec: Spec) -> tuple[Schedule | None, str]:
    """The schedule, or the reason of the Event that says why there is none."""
    try:
        zone = cron.zone(spec.timeZone) if spec.timeZone else UTC
    except ValueError:
        return None, "UnknownTimeZone"
    try:
        return cron.parse(spec.schedule, zone), ""
    except ValueError:
        return None, "UnparseableSchedule"


def beginning(manifest: Manifest, spec: Spec, status: Status, now: datetime) -> datetime:
    """Activations up to here are history: a Job was made for them, or it is too late for one."""
    text = status.lastScheduleTime or manifest["metadata"].get("creationTimestamp") or ""
    found = parse(text) if text else now
    if spec.startingDeadlineSeconds is not None:
        late = now.timestamp() - spec.startingDeadlineSeconds
        found = max(found, datetime.fromtimestamp(max(late, 0.0), UTC))
    return found


def job_name(manifest: Manifest, due: datetime) -> str:
    """The same activation always has the same Job: the minutes since 1970 name it."""
    return f"{meta.name_of(manifest)}-{int(due.timestamp()) // 60}"


def build(series: Series, due: datetime) -> Manifest:
    template = series.spec.jobTemplate
    given = template.get("metadata") or {}
    zone = cron.zone(series.spec.timeZone) if series.spec.timeZone else UTC
    moment = due.astimezone(zone).isoformat().replace("+00:00", "Z")
    about: dict[str, Any] = {
        "name": job_name(series.manifest, due),
        "namespace": meta.namespace_of(series.manifest),
        "annotations": {**(given.get("annotations") or {}), names.ANNOTATION_SCHEDULED_AT: moment},
        "ownerReferences": [meta.controlled_by(series.manifest)],
    }
    if given.get("labels"):
        about["labels"] = given["labels"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": about,
        "spec": template.get("spec") or {},
    }
