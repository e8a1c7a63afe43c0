"""Container sets: one pod, a node for each of its containers."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.toy import Toy
from kinds.workflows.makers import finish, node, phases, started, status, workflow


def member(name: str, *after: str) -> dict[str, Any]:
    return {"name": name, "image": "busybox", "command": [name], "dependencies": list(after)}


def of(*members: dict[str, Any], **more: Any) -> Toy:
    group = {"containers": list(members), "volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    volumes = [{"name": "v", "emptyDir": {}}]
    return started(workflow({"name": "main", "containerSet": group, "volumes": volumes, **more}))


def test_containers_have_nodes_below_those_that_they_wait_for() -> None:
    toy = of(member("a"), member("b", "a"), member("c", "a", "b"))
    assert phases(toy) == dict.fromkeys(["wf", "a", "b", "c"], "Pending")
    a, b, c, pod = (node(toy, name) for name in ("a", "b", "c", "wf"))
    assert (pod["type"], a["type"], a["boundaryID"], a["name"]) == (
        "Pod",
        "Container",
        "wf",
        "wf.a",
    )
    assert pod["children"] == [a["id"]]
    assert a["children"] == [b["id"], c["id"]]
    assert b["children"] == [c["id"]]


def test_the_pod_holds_all_of_them_with_their_shared_volumes() -> None:
    toy = of(member("a"), member("b", "a"))
    (pod,) = toy.pods()
    containers = {each["name"]: each for each in pod["spec"]["containers"]}
    assert list(containers) == ["wait", "a", "b"]
    assert "dependencies" not in containers["b"]
    assert containers["b"]["command"][-2:] == ["--", "b"]
    assert {"name": "v", "mountPath": "/v"} in containers["a"]["volumeMounts"]


def test_nodes_end_as_their_containers_do() -> None:
    toy = of(member("a"), member("b", "a"))
    finish(toy)
    assert phases(toy) == dict.fromkeys(["wf", "a", "b"], "Succeeded")
    assert status(toy)["phase"] == "Succeeded"


@pytest.mark.parametrize(
    ("code", "phase"),
    [pytest.param(3, "Failed", id="the-program"), pytest.param(64, "Error", id="the-executor"),
     pytest.param(143, "Failed", id="no-sidecar-is-excused")],
)  # fmt: skip
def test_a_container_that_fails_says_so(code: int, phase: str) -> None:
    toy = of(member("main"), member("b", "main"))
    (pod,) = toy.pods()
    toy.run_pod(pod, "Running")
    (pod,) = toy.pods()
    over = {"exitCode": code, "reason": "Error", "finishedAt": "2026-01-01T00:00:09Z"}
    good = {"exitCode": 0, "reason": "Completed", "finishedAt": "2026-01-01T00:00:09Z"}
    ends = {"wait": good, "main": good, "b": over}
    states = [{"name": name, "state": {"terminated": end}} for name, end in ends.items()]
    toy.put({**pod, "status": {"phase": "Failed", "containerStatuses": states}})
    toy.advance(20)
    assert phases(toy) == {"wf": "Failed", "main": "Succeeded", "b": phase}
    assert node(toy, "b")["message"] == f"b: Error (exit code {code}): "
    assert status(toy)["message"] == f"b: Error (exit code {code})"
