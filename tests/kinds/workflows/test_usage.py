"""What nodes took, and how long they may take."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kinds.toy import Toy
from kinds.workflows.makers import (
    WORKFLOW,
    call,
    dag,
    finish,
    leaf,
    node,
    phases,
    started,
    status,
    steps,
    task,
    workflow,
)
from sampan.kinds.workflows import COMPONENT, usage
from sampan.kube.keys import Key, Manifest


def ended(seconds: int, *containers: dict[str, Any]) -> Manifest:
    """A pod all of whose containers ran so long."""
    times = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": f"2026-01-01T00:00:{seconds:02d}Z"}
    states = [{"name": c["name"], "state": {"terminated": times}} for c in containers]
    return {"spec": {"containers": list(containers)}, "status": {"containerStatuses": states}}


def asks(name: str = "main", **resources: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "resources": resources}


def test_a_container_that_asks_for_nothing_counts_with_little() -> None:
    assert usage.of_pod(ended(50, asks())) == {"cpu": 5, "memory": 50}


def test_requests_count_before_limits() -> None:
    pod = ended(10, asks(limits={"cpu": "8", "memory": "1Gi"}, requests={"cpu": "2"}))
    assert usage.of_pod(pod) == {"cpu": 20, "memory": 102}


def test_containers_add_up_and_other_resources_count() -> None:
    pod = ended(10, asks("a", limits={"nvidia.com/gpu": "2"}), asks("b", limits={"storage": "5Gi"}))
    assert usage.of_pod(pod) == {"cpu": 2, "memory": 20, "nvidia.com/gpu": 20, "storage": 5}


def test_a_container_that_never_ran_counts_for_nothing() -> None:
    pod = {"spec": {"containers": [asks()]}, "status": {}}
    assert usage.of_pod(pod) == {"cpu": 0, "memory": 0}


class Slow(Toy):
    """Each pod runs for a hundred seconds."""

    def run_pod(self, pod: Manifest, phase: str, **how: Any) -> None:
        began = self.time
        if phase == "Succeeded":
            self.time += timedelta(seconds=100)
        super().run_pod(pod, phase, **how)
        done = self.objects[Key("Pod", "u", pod["metadata"]["name"])]
        for each in done["status"]["containerStatuses"]:
            for state in each["state"].values():
                if "finishedAt" in state:
                    state["startedAt"] = began.isoformat().replace("+00:00", "Z")


def slow(manifest: Manifest) -> Toy:
    toy = Slow(COMPONENT)
    toy.create(manifest)
    toy.settle()
    return finish(toy)


def test_groups_and_the_workflow_add_up_what_pods_took() -> None:
    inner = steps([call("c")], [call("d")], name="inner")
    diamond = dag(task("a"), task("b", after="a"), task("in", after="a b", template="inner"))
    toy = slow(workflow(diamond, inner, leaf()))
    assert set(phases(toy).values()) == {"Succeeded"}
    assert node(toy, "a")["resourcesDuration"] == {"cpu": 10, "memory": 100}
    assert node(toy, "in")["resourcesDuration"] == {"cpu": 20, "memory": 200}
    assert node(toy, "wf")["resourcesDuration"] == {"cpu": 40, "memory": 400}
    assert status(toy)["resourcesDuration"] == {"cpu": 40, "memory": 400}


def test_the_last_time_says_how_long_it_may_take() -> None:
    toy = slow(from_template("old"))
    toy.create(from_template("new"))
    toy.settle()
    said = toy.objects[Key(WORKFLOW.kind, "u", "new")]["status"]
    assert said["estimatedDuration"] == 200
    by_name = {each["displayName"]: each for each in said["nodes"].values()}
    assert by_name["a"]["estimatedDuration"] == 100
    finish(toy)
    said = toy.objects[Key(WORKFLOW.kind, "u", "new")]["status"]
    by_name = {each["displayName"]: each for each in said["nodes"].values()}
    assert by_name["b"]["estimatedDuration"] == 100


def test_without_a_last_time_nobody_knows() -> None:
    toy = started(workflow(leaf("main")))
    assert "estimatedDuration" not in status(toy)
    assert "estimatedDuration" not in node(toy, "wf")


def from_template(name: str) -> Manifest:
    made = workflow(steps([call("a")], [call("b")]), leaf())
    about = {"name": name, "labels": {"workflows.argoproj.io/workflow-template": "t"}}
    made["metadata"] |= about
    return made


@given(st.integers(0, 59), st.integers(1, 64_000))
def test_time_times_cpu(seconds: int, milli: int) -> None:
    pod = ended(seconds, asks(requests={"cpu": f"{milli}m"}))
    assert usage.of_pod(pod)["cpu"] == seconds * milli // 1000
