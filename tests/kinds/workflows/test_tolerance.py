"""A status that this controller has not written."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.workflows.makers import (
    call,
    finish,
    leaf,
    nodes,
    started,
    status,
    steps,
    workflow,
)
from sampan.kinds.workflows.tolerance import status_of

BORN = "2026-01-01T00:00:00Z"


def foreign(*nodes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    body = workflow(leaf(), steps([call("a")]))
    body["metadata"]["creationTimestamp"] = BORN
    return body | {"status": {"nodes": {each["id"]: each for each in nodes}, **fields}}


def test_what_is_missing_of_a_node_is_as_if_it_were_still_to_come() -> None:
    root = {"id": "wf", "name": "wf", "type": "Steps"}
    toy = started(foreign(root))
    finish(toy)
    assert status(toy)["phase"] == "Succeeded"
    assert {each["phase"] for each in nodes(toy).values()} == {"Succeeded"}
    assert len(nodes(toy)) == 3


@pytest.mark.parametrize("phase", ["", "Odd", None])
@pytest.mark.parametrize("type", ["Pod", "Steps", "Retry", "Suspend", "Odd"])
def test_a_node_of_no_known_phase_does_no_harm(phase: Any, type: str) -> None:
    stranger = {"id": "wf-1", "name": "wf.x", "type": type, "phase": phase, "startedAt": None}
    toy = started(foreign(stranger, phase="Running"))
    finish(toy)
    (done,) = (each for each in nodes(toy).values() if each["name"] == "wf[0].a")
    assert done["phase"] == "Succeeded"


@pytest.mark.parametrize("progress", ["", "a/b", "1", f"{'9' * 5000}/1"])
def test_boundaries_in_a_circle_and_odd_progress_hold_nobody_up(progress: str) -> None:
    begun = {"phase": "Running", "type": "Steps", "startedAt": BORN, "progress": progress}
    ring = [
        {"id": "wf", "name": "wf", "displayName": "wf", "boundaryID": "wf-1", **begun},
        {"id": "wf-1", "name": "x", "displayName": "x", "boundaryID": "wf", **begun},
        {**begun, "id": "wf-2", "name": "y", "displayName": "y", "type": "Pod"},
    ]
    toy = started(foreign(*ring, phase="Running"))
    finish(toy)
    assert nodes(toy)["wf"]["progress"] != progress


def test_one_that_is_over_without_a_time_has_ended_when_it_began() -> None:
    ended = {"id": "wf", "name": "wf", "type": "Pod", "phase": "Failed"}
    known = status_of(foreign(ended, phase="Failed"))
    assert known["finishedAt"] == BORN
    assert known["nodes"]["wf"]["finishedAt"] == BORN


def test_our_own_is_left_as_it_is() -> None:
    toy = finish(started(workflow(leaf(), steps([call("a")]))))
    (manifest,) = (each for each in toy.objects.values() if each["kind"] == "Workflow")
    assert status_of(manifest) is manifest["status"]
