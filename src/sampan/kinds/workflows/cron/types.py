"""A CronWorkflow as its decisions read it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from sampan.kube import meta
from sampan.kube.keys import Manifest

DONE = ("Succeeded", "Failed", "Error")


class StopStrategy(Struct, frozen=True, kw_only=True):
    expression: str = ""


class Metadata(Struct, frozen=True, kw_only=True):
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    finalizers: list[str] = []


class Spec(Struct, frozen=True, kw_only=True):
    """The limits: a negative one is as none (upstream enforceHistoryLimit)."""

    schedules: list[str] = []
    timezone: str = ""
    when: str = ""
    startingDeadlineSeconds: int | None = None
    concurrencyPolicy: str = "Allow"
    suspend: bool = False
    successfulJobsHistoryLimit: int = 3
    failedJobsHistoryLimit: int = 1
    stopStrategy: StopStrategy | None = None
    workflowMetadata: Metadata = Metadata()
    workflowSpec: dict[str, Any] = {}

    @property
    def zoned(self) -> list[str]:
        """The schedules with their time zone, as upstream writes them."""
        zone = f"CRON_TZ={self.timezone} " if self.timezone else ""
        return [zone + schedule for schedule in self.schedules]


class Reference(Struct, frozen=True, kw_only=True):
    name: str = ""
    uid: str = ""


class Status(Struct, frozen=True, kw_only=True):
    active: list[Reference] = []
    lastScheduledTime: str = ""
    succeeded: int = 0
    failed: int = 0
    phase: str = ""


class Child(Struct, frozen=True, kw_only=True):
    """A Workflow that belongs to the CronWorkflow."""

    manifest: Manifest

    @property
    def name(self) -> str:
        return meta.name_of(self.manifest)

    @property
    def phase(self) -> str:
        return str((self.manifest.get("status") or {}).get("phase") or "")

    @property
    def over(self) -> bool:
        return self.phase in DONE

    @property
    def ended(self) -> str:
        return str((self.manifest.get("status") or {}).get("finishedAt") or "")


class Series(Struct, frozen=True, kw_only=True):
    """All that a decision may depend on.

    fault: why nothing can be started at all; no activation is due then. due: the latest activation
    that no Workflow was made for. occupied: there is a Workflow of the name that this one would
    get. following: when the next activation is.
    """

    manifest: Manifest
    spec: Spec
    status: Status
    children: tuple[Child, ...]
    fault: str
    due: datetime | None
    occupied: bool
    following: datetime | None
    now: datetime

    @property
    def name(self) -> str:
        return meta.name_of(self.manifest)

    @property
    def namespace(self) -> str:
        return meta.namespace_of(self.manifest)

    @property
    def notes(self) -> Mapping[str, str]:
        return meta.annotations_of(self.manifest)

    @property
    def stopped(self) -> bool:
        return self.status.phase == "Stopped"


def spec_of(manifest: Manifest) -> Spec:
    """The view of the spec; nulls count as absent."""
    return msgspec.convert(_without_nulls(manifest.get("spec")), Spec)


def status_of(manifest: Manifest) -> Status:
    return msgspec.convert(_without_nulls(manifest.get("status")), Status)


def _without_nulls(given: Any) -> dict[str, Any]:
    found = {key: value for key, value in (given or {}).items() if value is not None}
    if isinstance(found.get("workflowMetadata"), dict):
        found["workflowMetadata"] = _without_nulls(found["workflowMetadata"])
    if isinstance(found.get("active"), list):
        found["active"] = [_without_nulls(each) for each in found["active"]]
    return found
