"""What a terminal shows of a run that goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sampan.cli.pipelines import follow
from sampan.kube.errors import UserMistake


class Answers:
    """A server that answers with one state of the run after the other."""

    def __init__(self, *runs: Any) -> None:
        self._runs = list(runs)

    async def get(self, *_: str) -> Any:
        return self._runs.pop(0)

    async def tasks(self, run_id: str) -> list[Any]:
        return [
            {"task_id": "old", "status_metadata": {"state": "CACHED"}},
            {"task_id": "new", "status_metadata": {"message": "installing numpy"}},
        ]

    async def log(self, run_id: str, node: str) -> AsyncIterator[bytes]:
        if node == "gone":
            raise UserMistake("there is no log")
        for number in range(100):
            yield f"{run_id} {node} {number}\n".encode()


def run(state: str, *tasks: Any) -> Any:
    return {"run_id": "r", "display_name": "train", "state": state,
            "run_details": {"task_details": list(tasks)}}  # fmt: skip


def task(name: str, state: str, **more: Any) -> Any:
    return {"task_id": name, "display_name": name, "state": state, "pod_name": name, **more}


def followed(*runs: Any) -> int:
    return asyncio.run(follow.until_over(Answers(*runs), "r"))  # type: ignore[arg-type]


def test_each_change_is_a_line_and_the_tree_comes_last(capsys: pytest.CaptureFixture[str]) -> None:
    running = run("RUNNING", task("one", "RUNNING"))
    assert followed(running, running, run("SUCCEEDED", task("one", "SUCCEEDED"))) == 0
    assert capsys.readouterr().out == (
        "● one RUNNING\n✔ one SUCCEEDED\n✔ train  SUCCEEDED\n└─✔ one\n"
    )


def test_what_comes_from_the_cache_was_not_passed_over(capsys: pytest.CaptureFixture[str]) -> None:
    assert followed(run("SUCCEEDED", task("old", "SKIPPED"), task("off", "SKIPPED"))) == 0
    assert "✔ old    cached\n└─○ off\n" in capsys.readouterr().out


def test_who_waits_long_is_told_for_what(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "_PATIENCE", 0)
    waiting = run("RUNNING", task("new", "PENDING"))
    assert followed(waiting, waiting, run("SUCCEEDED")) == 0
    assert capsys.readouterr().out.startswith("◷ new PENDING installing numpy\n✔ train")


def test_who_interrupts_is_told_that_the_run_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    async def interrupted() -> None:
        going = [run("RUNNING", task("one", "RUNNING"))] * 100
        following = asyncio.create_task(follow.until_over(Answers(*going), "r"))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        following.cancel()
        await following

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    assert "run r goes on: sampan runs get r --follow" in capsys.readouterr().err


def test_a_failure_shows_the_end_of_its_log(capsys: pytest.CaptureFixture[str]) -> None:
    error = {"error": {"message": "no such image"}}
    ended = run("FAILED", task("bad", "FAILED"), task("gone", "FAILED", **error))
    assert followed(ended) == 1
    shown = capsys.readouterr().out
    assert "r bad 39\n" not in shown
    assert "r bad 40\n" in shown
    assert shown.endswith("no such image\n")
