"""Experiments that their owner suspends, or ends."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.katib.making import (
    EXPERIMENT,
    SUGGESTION,
    World,
    condition,
    events,
    experiment,
    jobs,
    said,
    started,
    status,
    suggested,
    trials,
)
from sampan.kube import meta


def hold(world: World, **spec: Any) -> World:
    world.patch(EXPERIMENT, {"spec": spec})
    world.settle()
    return world


def made(world: World) -> list[str]:
    return [meta.name_of(each) for each in trials(world)]


def test_what_runs_ends_and_nothing_else_begins() -> None:
    world = hold(started(), suspend=True)
    assert said(world) == ["Created", "-Running", "Suspended"]
    assert jobs(world) == ["square-000", "square-001"]
    world.go()
    assert made(world) == ["square-000", "square-001"]
    assert status(world)["trialsSucceeded"] == 2
    assert said(world) == ["Created", "-Running", "Suspended"]
    assert condition(world)["message"] == "Experiment is suspended: no more trials begin"
    assert events(world).count("ExperimentSuspended") == 1


def test_it_goes_on_as_if_nothing_had_been() -> None:
    world = hold(started(), suspend=True).go()
    hold(world, suspend=False)
    assert said(world) == ["Created", "-Suspended", "Running"]
    world.go()
    assert said(world) == ["Created", "-Suspended", "-Running", "Succeeded"]
    undisturbed = started().go()
    assert suggested(world) == suggested(undisturbed)
    assert made(world) == made(undisturbed)
    assert events(world).count("ExperimentResumed") == 1


def test_what_was_suggested_waits() -> None:
    world = World()
    world.create(experiment())
    world.settle()
    hold(world, suspend=True)
    world.step(lambda _: None)
    assert len(suggested(world)) == 2
    assert made(world) == []
    hold(world, suspend=None)
    assert made(world) == ["square-000", "square-001"]


def test_one_that_is_made_so_asks_for_nothing() -> None:
    world = started(experiment(suspend=True))
    assert said(world) == ["Created", "Suspended"]
    assert SUGGESTION not in world.objects
    hold(world, suspend=False).go()
    assert status(world)["trialsSucceeded"] == 4


def test_what_runs_on_may_reach_the_goal() -> None:
    goal = {"type": "minimize", "objectiveMetricName": "loss", "goal": 0.5}
    world = hold(started(experiment(objective=goal)), suspend=True).go()
    assert said(world) == ["Created", "-Running", "-Suspended", "Succeeded"]
    assert condition(world)["reason"] == "ExperimentGoalReached"


def test_fewer_may_run_meanwhile() -> None:
    world = hold(started(), suspend=True, parallelTrialCount=1)
    assert made(world) == ["square-000"]
    assert len(suggested(world)) == 1


@pytest.mark.parametrize("suspend", [True, False])
def test_who_stops_lets_trials_end(suspend: bool) -> None:
    world = hold(started(), shutdown="Stop", suspend=suspend)
    assert jobs(world) == ["square-000", "square-001"]
    world.go()
    assert said(world)[-1] == "Succeeded"
    assert condition(world)["reason"] == "ExperimentStopped"
    assert condition(world)["message"] == (
        "Experiment has succeeded because it was stopped by spec.shutdown"
    )
    assert status(world)["trialsSucceeded"] == 2
    assert status(world)["currentOptimalTrial"]["bestTrialName"] == "square-000"
    assert said(world, SUGGESTION)[-1] == "Succeeded"


def test_who_terminates_does_not() -> None:
    world = started(experiment(parallelTrialCount=2, maxTrialCount=9))
    world.end("square-000")
    world.settle()
    world.step(lambda _: None)
    hold(world, shutdown="Terminate")
    assert condition(world)["reason"] == "ExperimentStopped"
    assert made(world) == ["square-000"]
    assert jobs(world) == []
    assert status(world)["trials"] == 1


def test_one_that_is_ended_before_it_began() -> None:
    world = started(experiment(shutdown="Stop"))
    assert condition(world)["reason"] == "ExperimentStopped"
    assert made(world) == []


def test_what_was_stopped_does_not_go_on_with_more_budget() -> None:
    world = started(experiment(resumePolicy="LongRunning"))
    hold(world, shutdown="Stop").go()
    hold(world, shutdown=None, maxTrialCount=9)
    assert condition(world)["reason"] == "ExperimentStopped"
