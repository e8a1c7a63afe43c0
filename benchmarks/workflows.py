"""Argo Workflows of no-op steps: how many steps a second, and what a big one costs.

The floor of a fan-out is a bare loop that starts as many of the same sandboxes in the same run.
The end of a workflow is seen by its label, in answers without spec and status.
"""

from __future__ import annotations

import json
import shutil
import time
import urllib.parse
import urllib.request
from typing import Any

from benchmarks import http
from benchmarks.pods import bare_rate
from benchmarks.program import Program, program
from benchmarks.table import Table

_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_LONGEST = 1800.0


def run(table: Table) -> None:
    floor = bare_rate(200) if shutil.which("bwrap") else None
    with program() as sampan:
        steps = Workflows(sampan)
        steps.timed(_fan_out(10), 1)
        fan_out = 1000 / steps.timed(_fan_out(1000), 1)
        table.at_least(
            "steps of one DAG, 1,000 at once", fan_out, "/s", 60,
            floor=floor, floor_name="bare loop of the same sandbox",
        )  # fmt: skip
        table.at_least(
            "steps of one DAG, 200 in a row", 200 / steps.timed(_chain(200), 1), "/s", 60
        )
        small = steps.timed(_single(), 300)
        table.at_least("workflows of one step, 300 queued", 300 * 60 / small, "/min", 1200)
    with program() as sampan:
        taken = Workflows(sampan).timed(_fan_out(10_000), 1)
        table.at_most(
            "cost of a step, 10,000 in one DAG / 1,000", taken / 10_000 * fan_out, "×", 1.3
        )
        table.at_most("control plane with 10,000 steps", sampan.pss(), "MB", 400)


def _workflow(template: dict[str, Any]) -> dict[str, Any]:
    step = {"name": "step", "container": {"image": "busybox", "command": ["true"]}}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "bench-"},
        "spec": {"entrypoint": template["name"], "templates": [template, step]},
    }


def _fan_out(count: int) -> dict[str, Any]:
    tasks = [{"name": f"t{number}", "template": "step"} for number in range(count)]
    return _workflow({"name": "main", "dag": {"tasks": tasks}})


def _chain(count: int) -> dict[str, Any]:
    tasks: list[dict[str, Any]] = [{"name": "t0", "template": "step"}]
    for number in range(1, count):
        after = [f"t{number - 1}"]
        tasks.append({"name": f"t{number}", "template": "step", "dependencies": after})
    return _workflow({"name": "main", "dag": {"tasks": tasks}})


def _single() -> dict[str, Any]:
    body = _workflow({"name": "main", "container": {"image": "busybox", "command": ["true"]}})
    body["spec"]["templates"] = body["spec"]["templates"][:1]
    return body


class Workflows:
    def __init__(self, sampan: Program) -> None:
        base = f"{sampan.api}/apis/argoproj.io/v1alpha1/namespaces/default"
        self.collection = f"{base}/workflows"
        self.sampan = sampan

    def timed(self, workflow: dict[str, Any], count: int) -> float:
        """Seconds from the first create to the end of the last one. All of them must succeed."""
        before = len(self._over("Succeeded"))
        body = json.dumps(workflow).encode()
        start = time.perf_counter()
        done = http.drive(
            self.collection,
            self.sampan.ca,
            lambda _: http.request("POST", self.collection, self.sampan.token, body),
            count=count,
            connections=min(4, count),
        )
        if done.errors:
            raise SystemExit(f"{done.errors} workflows could not be created")
        while len(self._over("Succeeded")) - before < count:
            if self._over("Failed", "Error") or time.perf_counter() - start > _LONGEST:
                raise SystemExit("a workflow did not succeed")
            time.sleep(0.05)
        return time.perf_counter() - start

    def _over(self, *phases: str) -> list[Any]:
        chosen = f"workflows.argoproj.io/phase in ({','.join(phases)})"
        query = f"labelSelector={urllib.parse.quote(chosen)}"
        request = urllib.request.Request(
            f"{self.collection}?{query}",
            headers={"Authorization": f"Bearer {self.sampan.token}", "Accept": _METADATA},
        )
        tls = http.trusting(self.sampan.ca)
        with urllib.request.urlopen(request, context=tls, timeout=120) as answer:
            found: list[Any] = json.load(answer)["items"]
            return found
