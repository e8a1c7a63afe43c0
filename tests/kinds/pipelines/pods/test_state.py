"""What became of a task: pods as nodes leave them, and what their task says then."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.kinds.pipelines.pods import state
from sampan.kinds.pipelines.pods.state import Outcome
from sampan.kube import names
from sampan.kube.keys import Manifest
from sampan.kube.launcher import Result

BEGUN, ENDED = "2026-01-01T00:00:01Z", "2026-01-01T00:00:03Z"

TRACEBACK = "Traceback (most recent call last):"


def pod(phase: str, main: dict[str, Any] | None = None, **status: Any) -> Manifest:
    listed = [{"name": "main", "state": main}] if main is not None else []
    return {
        "metadata": {"name": "p", "namespace": "u"},
        "status": {"phase": phase, "containerStatuses": listed, **status},
    }


def over(code: int, message: str = "", reason: str = "") -> dict[str, Any]:
    said = {"exitCode": code, "reason": reason or ("Error" if code else "Completed")}
    times = {"startedAt": BEGUN, "finishedAt": ENDED}
    return {"terminated": {**said, **times, **({"message": message} if message else {})}}


def waits(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def test_a_task_succeeded_with_what_the_launcher_says() -> None:
    assert state.judge(pod("Succeeded", over(0, '{"parameters":{"sum":3}}'))) == Outcome(
        state="SUCCEEDED", result=Result(parameters={"sum": 3})
    )


def test_a_long_result_is_an_annotation() -> None:
    ended = pod("Succeeded", over(0))
    ended["metadata"]["annotations"] = {names.ANNOTATION_RESULT: '{"parameters":{"a":"b"}}'}
    assert state.judge(ended).result == Result(parameters={"a": "b"})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(
            pod("Succeeded", over(0)),
            "the pod has ended and does not say what came of it: its node has no launcher",
            id="no-launcher",
        ),
        pytest.param(
            pod("Succeeded", over(0, '{"parameters": 1}')),
            "the result of the task is unreadable: the termination message: Expected `object`, "
            "got `int` - at `$.parameters`",
            id="nonsense",
        ),
        pytest.param(pod("Failed", over(3)), "exit code 3", id="program-failed"),
        pytest.param(
            pod("Failed", over(1, "output parameter 'sum' was not written\n")),
            "exit code 1: output parameter 'sum' was not written",
            id="launcher-says-why",
        ),
        pytest.param(
            pod("Failed", over(1, "Traceback …\n  File …\nValueError: no such thing\n}\n")),
            "exit code 1: ValueError: no such thing",
            id="last-words",
        ),
        pytest.param(
            pod("Failed", over(1, f"{TRACEBACK}\n  File …\nValueError: no luck\nbuffered\n")),
            "exit code 1: ValueError: no luck",
            id="raised-before-what-was-buffered",
        ),
        pytest.param(
            pod("Failed", over(1, f"before\n{TRACEBACK}\n  File …\n")),
            "exit code 1: File …",
            id="half-a-traceback",
        ),
        pytest.param(
            pod("Failed", over(137, reason="OOMKilled")),
            "OOMKilled (exit code 137): the program used more memory than its limit",
            id="out-of-memory",
        ),
        pytest.param(
            pod("Failed", over(143), reason="DeadlineExceeded",
                message="Pod was active on the node longer than the specified deadline"),
            "DeadlineExceeded: the task took longer than its timeout",
            id="timeout",
        ),
        pytest.param(
            pod("Failed", over(137), reason="Evicted", message="The node was low on memory."),
            "Evicted: The node was low on memory.",
            id="evicted",
        ),
        pytest.param(
            pod("Failed", waits("PodInitializing"),
                initContainerStatuses=[{"name": "warm-up", "state": over(2, "no such file")}]),
            "container warm-up: exit code 2: no such file",
            id="init-container",
        ),
        pytest.param(
            pod("Failed", waits("StartError", "no such program")),
            "never started: StartError: no such program",
            id="never-started",
        ),
        pytest.param(pod("Failed"), "the pod failed without a reason", id="nothing-said"),
    ],
)  # fmt: skip
def test_a_task_that_failed_says_why(given: Manifest, message: str) -> None:
    found = state.judge(given)
    assert (found.state, found.message, found.abandoned) == ("FAILED", message, False)


@pytest.mark.parametrize("reason", ["ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"])
def test_a_task_whose_image_cannot_be_had_fails_and_its_pod_has_to_go(reason: str) -> None:
    found = state.judge(pod("Pending", waits(reason, "nobody has it")))
    assert found == Outcome(state="FAILED", message=f"{reason}: nobody has it", abandoned=True)


def test_a_first_failure_to_pull_is_not_the_end() -> None:
    found = state.judge(pod("Pending", waits("ErrImagePull", "connection refused")))
    assert found == Outcome(state="PENDING", message="ErrImagePull: connection refused")


def test_what_a_pod_waits_for_is_said() -> None:
    unbound = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
               "message": "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."}  # fmt: skip
    found = state.judge(pod("Pending", conditions=[unbound]))
    assert found.state == "PENDING"
    assert found.message == f"Unschedulable: {unbound['message']}"
    missing = waits("CreateContainerConfigError", 'secret "s" not found')
    assert state.judge(pod("Pending", missing)).message == (
        'CreateContainerConfigError: secret "s" not found'
    )
    assert state.judge(pod("Pending", waits("ContainerCreating"))) == Outcome(state="PENDING")


def test_a_new_pod_without_a_status_is_pending() -> None:
    assert state.judge({"metadata": {"name": "p"}}) == Outcome(state="PENDING")


def test_a_program_that_runs_says_since_when() -> None:
    running = pod("Running", {"running": {"startedAt": BEGUN}})
    assert state.judge(running) == Outcome(state="RUNNING", started=BEGUN)


def test_a_pod_that_is_pulled_away_fails_its_task() -> None:
    leaving = pod("Running", {"running": {"startedAt": BEGUN}})
    leaving["metadata"]["deletionTimestamp"] = ENDED
    assert state.judge(leaving) == Outcome(
        state="FAILED", message="the pod was deleted while the task was running"
    )


def test_a_pod_that_ended_before_it_was_deleted_has_ended() -> None:
    ended = pod("Succeeded", over(0, "{}"))
    ended["metadata"]["deletionTimestamp"] = ENDED
    assert state.judge(ended).state == "SUCCEEDED"
