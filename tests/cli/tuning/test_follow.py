"""What is said of a search until it is over, by a cluster that is played."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cli.tuning.test_shown import BEST, experiment, trial
from sampan.cli.tuning import follow
from sampan.kube.errors import NotFound, UserMistake


class Cluster:
    """Has these trials; the experiment becomes what `states` says, one watch event each."""

    def __init__(self, *states: dict[str, Any] | None, trials: list[dict[str, Any]]) -> None:
        self.states = list(states)
        self.trials = [_dated(each) for each in trials]

    async def get(self, path: str) -> Any:
        if "/pods" in path:
            return {"items": [{"metadata": {"name": "pod"}}]}
        kind, found = ("Trial", self.trials)
        if "/experiments" in path:
            kind, found = "Experiment", [each for each in self.states[:1] if each]
        return {"kind": f"{kind}List", "metadata": {"resourceVersion": "1"}, "items": found}

    async def lines(self, path: str) -> AsyncIterator[bytes]:
        for state in self.states[1:] if "/experiments" in path else ():
            await asyncio.sleep(0)
            event = "MODIFIED" if state else "DELETED"
            yield json.dumps({"type": event, "object": state or self.states[0]}).encode()
        await asyncio.Event().wait()

    async def chunks(self, path: str) -> AsyncIterator[bytes]:
        if "container=main" in path:
            raise NotFound("no such container")
        yield b"ValueError: no such layer\n"


def _dated(found: dict[str, Any]) -> dict[str, Any]:
    about = {**found["metadata"], "creationTimestamp": "2026-11-23T00:00:00Z"}
    return {**found, "metadata": about}


def followed(*states: dict[str, Any] | None, trials: list[dict[str, Any]]) -> int:
    cluster: Any = Cluster(*states, trials=trials)
    return asyncio.run(follow.until_over(cluster, "u", "mine"))


def test_a_line_for_each_trial_and_the_best(capsys: pytest.CaptureFixture[str]) -> None:
    ended = experiment("Succeeded", BEST)
    assert followed(experiment("Running", BEST), ended, trials=[BEST]) == 0
    assert capsys.readouterr().out == (
        "a  lr=0.01235  loss=0.25  best so far\n"
        "1 of 4 trials in 12 s\nbest: loss=0.25 of trial mine-a\n  lr  0.0123456789\n"
    )


def test_a_failure_shows_the_log_of_a_trial(capsys: pytest.CaptureFixture[str]) -> None:
    assert followed(experiment("Failed"), trials=[trial("a", "Failed")]) == 1
    assert capsys.readouterr().out.endswith("ValueError: no such layer\n")


def test_one_that_is_deleted_ends_it() -> None:
    with pytest.raises(UserMistake, match="experiment mine was deleted"):
        followed(experiment("Running"), None, trials=[])


def test_who_interrupts_it_leaves_it(capsys: pytest.CaptureFixture[str]) -> None:
    async def interrupted() -> None:
        cluster: Any = Cluster(experiment("Running", BEST), trials=[BEST])
        following = asyncio.create_task(follow.until_over(cluster, "u", "mine"))
        await asyncio.sleep(0.01)
        following.cancel()
        await following

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    said = capsys.readouterr()
    assert "best: loss=0.25" in said.out
    assert "sampan tune --attach mine" in said.err
    assert "to pause it: sampan tune --suspend mine" in said.err
    assert "to end it: sampan tune --stop mine" in said.err
