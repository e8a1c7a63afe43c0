from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sampan.engine.discovery import Resource
from sampan.nodes.executor.job import Failed
from sampan.nodes.executor.kubectl import Place
from sampan.nodes.executor.resource import holds, once, requirements, value_of

JOB: dict[str, Any] = {
    "metadata": {"name": "job", "labels": {"a": "b"}},
    "status": {"succeeded": 3, "phase": "Running", "conditions": [{"type": "Complete"}],
               "ready": True},
}  # fmt: skip


@pytest.mark.parametrize(
    ("success", "met"),
    [
        pytest.param("status.succeeded > 2", True, id="more"),
        pytest.param("status.succeeded > 3", False, id="not-more"),
        pytest.param("status.phase == Running", True, id="equal"),
        pytest.param("status.phase in (Failed, Running)", True, id="among"),
        pytest.param("status.phase != Running", False, id="unequal"),
        pytest.param("status.none != x", True, id="what-is-not-there-is-unequal"),
        pytest.param("status.ready=true", True, id="truth-is-a-word"),
        pytest.param("status.conditions.0.type=Complete", True, id="index"),
        pytest.param("status.failed", False, id="there"),
        pytest.param("!status.failed", True, id="not-there"),
        pytest.param("status.succeeded > 2, status.phase=Done", False, id="both"),
        pytest.param("", True, id="nothing-to-wait-for"),
    ],
)
def test_conditions(success: str, met: bool) -> None:
    assert holds(JOB, requirements(success, "success"), ()) is met


@pytest.mark.parametrize(
    ("failure", "shown"),
    [
        ("status.succeeded > 1", "status.succeeded>1"),
        ("status.phase == Running", "status.phase=Running"),
        ("status.phase in (b, Running)", "status.phase in (Running,b)"),
        ("status.phase", "status.phase"),
        ("!status.none", "!status.none"),
    ],
)
def test_a_failure_goes_first_and_says_which(failure: str, shown: str) -> None:
    with pytest.raises(Failed) as caught:
        holds(JOB, requirements("status.succeeded > 2", "success"), requirements(failure, "fail"))
    assert str(caught.value) == f"failure condition '{shown}' evaluated true"


def test_a_condition_that_cannot_be_read_is_told() -> None:
    with pytest.raises(Failed, match=r"success condition 'a b' failed to parse"):
        requirements("a b", "success")


@pytest.mark.parametrize(
    ("path", "program", "value"),
    [
        ("{.metadata.name}", "", "job"),
        (".metadata.name", "", "job"),
        ("{.metadata.labels}", "", '{"a":"b"}'),
        ("", ".metadata.name", "job"),
        ("", ".metadata.labels", '{"a":"b"}'),
        ("", ".status.succeeded, .status.phase", "3\nRunning"),
        ("", '"<a>", ["<a>"]', '<a>\n["\\u003ca\\u003e"]'),
        ("", "empty", ""),
    ],
)
def test_outputs(path: str, program: str, value: str) -> None:
    assert value_of(JOB, path, program) == value


@pytest.mark.parametrize(("path", "program"), [("{.a", ""), ("", ".a |"), ("", ".metadata[0]")])
def test_outputs_that_cannot_be_had_are_told(path: str, program: str) -> None:
    with pytest.raises(Failed):
        value_of(JOB, path, program)


PODS = Resource("", "v1", "Pod", "pods", True, ("v1",), "pod", ("po",))


@pytest.mark.parametrize("made", [Place(PODS, "v1", "team", "p"), None])
def test_what_was_done_before_a_crash_is_not_done_again(tmp_path: Path, made: Place | None) -> None:
    acts: list[Place | None] = []

    async def act() -> Place | None:
        acts.append(made)
        return made

    assert asyncio.run(once(tmp_path, act)) == made
    assert asyncio.run(once(tmp_path, act)) == made
    assert len(acts) == 1


def test_what_went_wrong_is_tried_again(tmp_path: Path) -> None:
    async def fail() -> Place | None:
        raise Failed("no")

    for _ in range(2):
        with pytest.raises(Failed, match="no more retries no"):
            asyncio.run(once(tmp_path, fail))
