"""The small parts: tags, parameters, conditions, names, phases."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.kinds.workflows import naming, nodes
from sampan.kinds.workflows.language import arguments
from sampan.kinds.workflows.nodes import PHASES, TRANSITIONS, Phase
from sampan.kinds.workflows.pods import state


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("s", "s"), (15, "15"), (1.0, "1"), (1e3, "1000"), (0.5, "0.5"), (True, "true"),
        ({"a": [1]}, '{"a":[1]}'),
    ],
)  # fmt: skip
def test_values_become_texts_as_go_writes_them(value: Any, text: str) -> None:
    assert arguments.text(value) == text


S, F, O = "Succeeded", "Failed", "Omitted"  # noqa: E741


def test_names_of_nodes_and_pods() -> None:
    assert naming.node_id("wf", "wf") == "wf"
    assert naming.node_id("wf", "wf.a") == "wf-2962115457"
    assert naming.pod_name("wf", "main", "wf") == "wf"
    assert naming.pod_name("wf", "main", "wf.a") == "wf-main-2962115457"
    assert len(naming.pod_name("w" * 63, "t" * 250, "x")) <= 253


@pytest.mark.parametrize("before", PHASES)
@pytest.mark.parametrize("after", PHASES)
def test_only_the_table_changes_a_phase(before: Phase, after: Phase) -> None:
    node = {"id": "n", "type": "Pod", "phase": before, "finishedAt": None}
    if after in TRANSITIONS[before]:
        new = nodes.turned(node, after, "now", "why")
        assert (new["phase"], new["message"]) == (after, "why")
        assert (new["finishedAt"] == "now") is (after in nodes.OVER)
    else:
        with pytest.raises(AssertionError):
            nodes.turned(node, after, "now", "why")


def test_what_is_over_stays_over() -> None:
    assert all(not TRANSITIONS[phase] for phase in PHASES if phase in nodes.OVER)
    assert all(TRANSITIONS[phase] for phase in PHASES if phase not in nodes.OVER)


def container(name: str, code: int | None, **state: Any) -> dict[str, Any]:
    if code is not None:
        reason = "Completed" if code == 0 else "Error"
        state = {"terminated": {"exitCode": code, "reason": reason, **state}}
    return {"name": name, "state": state}


@pytest.mark.parametrize(
    ("status", "phase", "message"),
    [
        pytest.param({}, "Pending", "", id="new"),
        pytest.param(
            {"containerStatuses": [container("main", None, waiting={"reason": "ErrImagePull"})]},
            "Pending", "ErrImagePull", id="waiting",
        ),
        pytest.param(
            {"conditions": [{"reason": "Unschedulable", "message": "no room"}]},
            "Pending", "Unschedulable: no room", id="unschedulable",
        ),
        pytest.param({"phase": "Running"}, "Running", "", id="running"),
        pytest.param({"phase": "Succeeded"}, "Succeeded", "", id="good"),
        pytest.param(
            {"phase": "Failed", "containerStatuses": [container("main", 3)]},
            "Failed", "main: Error (exit code 3)", id="exit-code",
        ),
        pytest.param(
            {"phase": "Failed", "containerStatuses": [container("main", 3, message="why")]},
            "Failed", "main: Error (exit code 3): why", id="termination-message",
        ),
        pytest.param(
            {"phase": "Failed", "message": "The node was low on memory"},
            "Failed", "The node was low on memory", id="evicted",
        ),
        pytest.param(
            {"phase": "Failed", "initContainerStatuses": [container("i", 1)],
             "containerStatuses": [container("main", None, waiting={"reason": "PodInitializing"})]},
            "Error", "i: Error (exit code 1)", id="init",
        ),
        pytest.param(
            {"phase": "Failed", "containerStatuses": [container("main", None, waiting={
                "reason": "CreateContainerError", "message": "no"})]},
            "Error", "Pod failed before main container starts due to CreateContainerError: no",
            id="never-started",
        ),
        pytest.param(
            {"phase": "Failed", "containerStatuses": [container("a", 137), container("main", 0)]},
            "Succeeded", "", id="a-sidecar-that-was-killed",
        ),
        pytest.param(
            {"phase": "Failed", "containerStatuses": [container("a", 2), container("main", 0)]},
            "Failed", "a: Error (exit code 2)", id="a-sidecar-that-failed",
        ),
        pytest.param({"phase": "Unknown"}, "Error", "Unexpected pod phase: Unknown", id="odd"),
    ],
)  # fmt: skip
def test_what_a_pod_means(status: dict[str, Any], phase: str, message: str) -> None:
    assert state.assess({"metadata": {}, "status": status}) == (phase, message)
