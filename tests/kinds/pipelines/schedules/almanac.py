"""A ScheduledWorkflow in the toy cluster, and a calendar to turn by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from kinds.toy import Toy
from sampan.kinds.pipelines.schedules.controller import SCHEDULED_WORKFLOW
from sampan.kube.component import Component
from sampan.kube.keys import Key, Manifest
from sampan.kube.times import parse, rfc3339

SCHEDULE = Key("ScheduledWorkflow.kubeflow.org", "u", "tick")
IR = {"pipelineInfo": {"name": "hello"}, "root": {}, "schemaVersion": "2.1.0"}
ARGO = {"entrypoint": "main", "templates": [{"name": "main", "container": {"image": "alpine"}}]}


def cron(text: str, **more: Any) -> dict[str, Any]:
    return {"trigger": {"cronSchedule": {"cron": text, **more}}}


def every(seconds: int, **more: Any) -> dict[str, Any]:
    return {"trigger": {"periodicSchedule": {"intervalSecond": seconds, **more}}}


def schedule(**spec: Any) -> Manifest:
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "ScheduledWorkflow",
        "metadata": {"name": "tick", "namespace": "u"},
        "spec": {"enabled": True, "pipelineSpec": IR, **spec},
    }


class Almanac(Toy):
    """Time stands still while nobody asks; `until` goes on from one call for a look to the next."""

    def __init__(self, start: str = "2026-05-01T00:00:00Z", **spec: Any) -> None:
        only = Component(name="schedules", controllers=(SCHEDULED_WORKFLOW,))
        super().__init__(only)
        self.time = parse(start)
        self.create(schedule(**spec))
        self.settle()

    def until(self, end: str, ends: str = "SUCCEEDED") -> Almanac:
        """Let time pass; runs end at once, unless `ends` is empty."""
        while True:
            while ends and self.active:
                self.finish(ends)
            if self.time >= parse(end):
                return self
            left = (parse(end) - self.time).total_seconds()
            self.time += timedelta(seconds=min([*self.waits, left]))
            self.settle()

    def asleep_until(self, end: str) -> Almanac:
        """Time passes while no controller runs."""
        self.time = parse(end)
        self.settle()
        return self

    def finish(self, state: str = "SUCCEEDED") -> None:
        """The oldest run is over."""
        key = min(self.active, key=lambda key: self._label(key, "workflowIndex"))
        told = {"phase": state.capitalize()} if "argoproj" in key.kind else {"state": state}
        self.patch(key, {"status": {**told, "finishedAt": rfc3339(self.time)}})
        self.settle()

    @property
    def runs(self) -> list[Manifest]:
        keys = sorted(self._run_keys(), key=lambda key: self._label(key, "workflowIndex"))
        return [self.objects[key] for key in keys]

    @property
    def active(self) -> list[Key]:
        return [key for key in self._run_keys() if not (self.objects[key].get("status"))]

    def _run_keys(self) -> list[Key]:
        return [key for key in self.objects if key.kind.startswith(("Run.", "Workflow."))]

    def _label(self, key: Key, name: str) -> int:
        labels = self.objects[key]["metadata"]["labels"]
        return int(labels[f"scheduledworkflows.kubeflow.org/{name}"])

    @property
    def ticks(self) -> list[str]:
        """For what times runs were made, as `05-01 00:00:00`."""
        return [each["spec"]["scheduledAt"][5:19].replace("T", " ") for each in self.runs]

    @property
    def status(self) -> dict[str, Any]:
        return dict(self.objects[SCHEDULE].get("status") or {})

    @property
    def condition(self) -> tuple[str, str]:
        (condition,) = self.status["conditions"]
        return condition["type"], condition["message"]

    def change(self, **spec: Any) -> None:
        self.patch(SCHEDULE, {"spec": spec})
        self.settle()
