"""A CronWorkflow in the toy cluster, and a calendar to turn by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from kinds.toy import Toy
from kinds.workflows.makers import leaf
from sampan.kinds.workflows import COMPONENT
from sampan.kube.keys import Key, Manifest
from sampan.kube.times import parse

CRON = Key("CronWorkflow.argoproj.io", "u", "tick")


def cron(*schedules: str, **spec: Any) -> Manifest:
    body = {"entrypoint": "work", "templates": [leaf()]}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "CronWorkflow",
        "metadata": {"name": "tick", "namespace": "u"},
        "spec": {"schedules": list(schedules), "workflowSpec": body, **spec},
    }


def at(text: str) -> datetime:
    """`2026-03-08 02:30` in UTC, or with an offset behind it."""
    date, time, *offset = text.split()
    return parse(f"{date}T{time}:00{offset[0] if offset else 'Z'}")


class Almanac(Toy):
    """Time stands still while nobody asks; `until` goes on from one call for a look to the next."""

    def __init__(self, manifest: Manifest, start: str) -> None:
        super().__init__(COMPONENT)
        self.time = at(start)
        self.create(manifest)
        self.settle()

    def until(self, end: str) -> Almanac:
        """Let time pass; pods end at once and well."""
        while self.time < at(end):
            left = (at(end) - self.time).total_seconds()
            self.time += timedelta(seconds=min([*self.waits, left]))
            self.settle()
            while self.step_pods(lambda pod: "Succeeded"):
                pass
        return self

    def asleep_until(self, end: str) -> Almanac:
        """Time passes while no controller runs."""
        self.time = at(end)
        self.settle()
        return self

    @property
    def ticks(self) -> list[str]:
        """The activations that have a Workflow, in UTC."""
        return [
            w["metadata"]["annotations"]["workflows.argoproj.io/scheduled-time"][:16]
            for w in self.select("Workflow.argoproj.io", "u")
        ]

    @property
    def spec(self) -> dict[str, Any]:
        return dict(self.objects[CRON]["spec"])

    @property
    def status(self) -> dict[str, Any]:
        return dict(self.objects[CRON].get("status") or {})

    @property
    def complaint(self) -> str:
        return " ".join(f"{c['type']}: {c['message']}" for c in self.status.get("conditions") or ())

    def change(self, **spec: Any) -> None:
        self.patch(CRON, {"spec": spec})
        self.settle()

    def ends(self, name: str, phase: str) -> None:
        """The Workflow is over."""
        key = Key("Workflow.argoproj.io", "u", name)
        ended = self.time.isoformat().replace("+00:00", "Z")
        self.patch(key, {"status": {"phase": phase, "finishedAt": ended}})
        self.settle()
