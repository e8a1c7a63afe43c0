"""A ScheduledWorkflow as its decisions read it.

Upstream: kubeflow/pipelines backend/src/crd/pkg/apis/scheduledworkflow/v1beta1/types.go.
`pipelineSpec` and `platformSpec` are ours: a pipeline that is nowhere else.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from sampan.kube import meta
from sampan.kube.keys import Manifest
from sampan.kube.labels import of as labels_of
from sampan.kube.names import LABEL_SCHEDULED_EPOCH, LABEL_SCHEDULED_INDEX
from sampan.kube.times import from_seconds

OVER = frozenset({"Succeeded", "Failed", "Error", "Canceled", "Skipped"})


class CronSchedule(Struct, frozen=True, kw_only=True):
    startTime: str | None = None
    endTime: str | None = None
    cron: str | None = None


class PeriodicSchedule(Struct, frozen=True, kw_only=True):
    startTime: str | None = None
    endTime: str | None = None
    intervalSecond: int | None = None


class Trigger(Struct, frozen=True, kw_only=True):
    """Neither of the two: one run, at once."""

    cronSchedule: CronSchedule | None = None
    periodicSchedule: PeriodicSchedule | None = None


class Parameter(Struct, frozen=True, kw_only=True):
    """`value` is JSON where the pipeline is IR, and plain text where it is a Workflow."""

    name: str = ""
    value: str | None = None


class Resource(Struct, frozen=True, kw_only=True):
    """`spec`: that of a Workflow, also as JSON text."""

    parameters: list[Parameter] | None = None
    pipelineRoot: str | None = None
    spec: Any = None


class Spec(Struct, frozen=True, kw_only=True):
    enabled: bool | None = None
    maxConcurrency: int | None = None
    noCatchup: bool | None = None
    maxHistory: int | None = None
    trigger: Trigger | None = None
    workflow: Resource | None = None
    experimentId: str | None = None
    pipelineId: str | None = None
    pipelineVersionId: str | None = None
    pipelineSpec: dict[str, Any] | None = None
    platformSpec: dict[str, Any] | None = None
    serviceAccount: str | None = None
    pluginsInput: dict[str, Any] | None = None

    @property
    def concurrency(self) -> int:
        """1 to 10; a number beyond is the nearest."""
        return min(max(1 if self.maxConcurrency is None else self.maxConcurrency, 1), 10)

    @property
    def history(self) -> int:
        """0 to 100; a number beyond is the nearest."""
        return min(max(10 if self.maxHistory is None else self.maxHistory, 0), 100)

    @property
    def once(self) -> bool:
        trigger = self.trigger or Trigger()
        return trigger.cronSchedule is None and trigger.periodicSchedule is None


class Triggered(Struct, frozen=True, kw_only=True):
    lastTriggeredTime: str | None = None
    lastWorkflowIndex: int | None = None


class Status(Struct, frozen=True, kw_only=True):
    trigger: Triggered | None = None

    @property
    def index(self) -> int:
        """Of the last run; the first has 1."""
        return (self.trigger or Triggered()).lastWorkflowIndex or 0

    @property
    def last(self) -> str:
        """The time of the last run, "" before the first."""
        return (self.trigger or Triggered()).lastTriggeredTime or ""


class Child(Struct, frozen=True, kw_only=True):
    """A Run or a Workflow that the schedule made."""

    manifest: Manifest

    @property
    def phase(self) -> str:
        """As a Workflow says it."""
        status = self.manifest.get("status") or {}
        return str(status.get("phase") or "") or str(status.get("state") or "").capitalize()

    @property
    def over(self) -> bool:
        return self.phase in OVER

    @property
    def index(self) -> int:
        return _number(labels_of(self.manifest).get(LABEL_SCHEDULED_INDEX)) or 0

    @property
    def scheduled(self) -> str:
        seconds = _number(labels_of(self.manifest).get(LABEL_SCHEDULED_EPOCH))
        created = self.manifest["metadata"].get("creationTimestamp") or ""
        return created if seconds is None else from_seconds(seconds)


class Series(Struct, frozen=True, kw_only=True):
    """All that a decision may depend on.

    scheduled: when the next run is, or was to be; None: never. following: the one after it, once
    it has been made. due: that next run, if it should be made now, or has been made already.
    fault: why nothing can be made.
    """

    manifest: Manifest
    spec: Spec
    status: Status
    children: tuple[Child, ...]
    scheduled: datetime | None
    following: datetime | None
    due: Manifest | None
    fault: str
    now: datetime

    @property
    def active(self) -> list[Child]:
        return [child for child in self.children if not child.over]


def spec_of(manifest: Manifest) -> Spec:
    """ValueError says which field is not what it should be."""
    try:
        spec = msgspec.convert(manifest.get("spec") or {}, Spec)
    except msgspec.ValidationError as wrong:
        raise ValueError(f"spec: {wrong}") from wrong
    if spec.pluginsInput:
        raise ValueError("spec.pluginsInput: no plugins are registered")
    return spec


def status_of(manifest: Manifest) -> Status:
    """ValueError says which field is not what it should be."""
    try:
        return msgspec.convert(manifest.get("status") or {}, Status)
    except msgspec.ValidationError as wrong:
        raise ValueError(f"status: {wrong}") from wrong


def children_of(manifest: Manifest, found: list[Manifest]) -> tuple[Child, ...]:
    return tuple(Child(manifest=each) for each in found if meta.is_controlled_by(each, manifest))


def _number(text: str | None) -> int | None:
    """Of a label: anybody may have written it."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 12 else None
