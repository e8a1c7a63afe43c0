from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from kinds.katib.making import (
    SUGGESTION,
    World,
    condition,
    events,
    experiment,
    said,
    status,
    suggested,
    trials,
)
from sampan.kinds.katib.suggestion import waiting
from sampan.kube.searching import SuggestAnswer, SuggestQuestion

NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Rungs(World):
    """Nothing is suggested while a trial of those before runs."""

    def _suggested(self, asked: SuggestQuestion) -> SuggestAnswer:
        conditions = [(each.get("status") or {}).get("conditions") or [] for each in trials(self)]
        ended = sum(any(c["type"] == "Succeeded" for c in each) for each in conditions)
        if ended < len(suggested(self)):
            return SuggestAnswer(ended=ended)
        return replace(super()._suggested(asked), over=False)


def test_who_waits_for_trials_is_asked_when_they_have_ended() -> None:
    world = Rungs()
    world.create(experiment(parallelTrialCount=2, maxTrialCount=4))
    world.settle()
    world.step(lambda _: None)
    world.step(lambda _: None)
    first, second = (each["name"] for each in suggested(world))
    world.step(lambda name: "Complete" if name == first else None)
    assert said(world, SUGGESTION) == ["Waiting", "Created", "DeploymentReady", "Running"]
    assert status(world, SUGGESTION)["trialsEnded"] == 1
    assert len(suggested(world)) == 2
    world.step(lambda name: "Complete" if name == second else None)
    assert len(suggested(world)) == 4
    assert "Waiting" not in said(world, SUGGESTION)
    assert "trialsEnded" not in status(world, SUGGESTION)
    world.go()
    assert condition(world)["reason"] == "ExperimentMaxTrialsReached"
    assert "ReconcileError" not in events(world)


@pytest.mark.parametrize(
    ("ended", "seconds", "left"),
    [(1, 4, 6.0), (1, 10, 0.0), (2, 1, 0.0), (0, 1, 9.0), (1, -3600, 0.0)],
)
def test_time_or_another_end_is_waited_for(ended: int, seconds: int, left: float) -> None:
    told = waiting.told({}, 1, NOW)
    counts = {"trialsSucceeded": ended}
    assert waiting.left(told, counts, NOW + timedelta(seconds=seconds)) == left
    assert waiting.left(waiting.over(told), {}, NOW) == 0.0


def test_a_status_of_somebody_else_is_not_waited_for() -> None:
    told = {"conditions": [{"type": "Waiting", "status": "True", "lastUpdateTime": "soon"}]}
    assert waiting.left(told, {}, NOW) == 0.0
