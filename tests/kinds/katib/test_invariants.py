"""What holds of every experiment, however its trials end, and wherever the program dies.

The toy cluster asks every decision twice and fails when the answers differ.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinds.katib.making import (
    EXPERIMENT,
    World,
    budget,
    condition,
    experiment,
    jobs,
    said,
    status,
    suggested,
    trials,
)
from kinds.toy import Toy
from sampan.kinds.katib import phases
from sampan.kube import meta
from sampan.kube.plan import Delete, Plan

VALUES = ("0.1", "0.7", "nan", "unavailable", "", "a text", "-inf")


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """An experiment that has begun, in a cluster where trials end the same however often it is
    asked."""
    most = draw(st.integers(1, 5))
    spec: dict[str, Any] = {
        "maxTrialCount": draw(st.sampled_from([most, most, None])),
        "parallelTrialCount": draw(st.integers(1, most)),
        "maxFailedTrialCount": draw(st.sampled_from([None, 0, 1, most])),
        "resumePolicy": draw(st.sampled_from(["Never", "LongRunning", "FromVolume"])),
    }
    if draw(st.booleans()):
        spec["objective"] = {"type": "minimize", "objectiveMetricName": "loss", "goal": 0.2}
    seed = draw(st.integers(0, 10**6))
    world = World()
    world.why = "nothing matches"
    world.space = draw(st.integers(0, 4)) if spec["maxTrialCount"] is None else 100
    world.values = lambda name: VALUES[crc32(f"{seed} {name}".encode()) % len(VALUES)]
    world.failing = lambda name: crc32(f"{name} {seed}".encode()) % 4 == 0  # type: ignore[attr-defined]
    world.create(experiment(**spec))
    return world


def play(world: World, limit: int = 200) -> World:
    """One job at a time ends."""

    def one(name: str) -> str | None:
        if name != min(jobs(world)):
            return None
        return "Failed" if world.failing(name) else "Complete"  # type: ignore[attr-defined]

    world.settle()
    return world.go(one, limit)


def guard(world: World) -> dict[str, str]:
    """Watches each write; the uids of trials by name."""
    known: dict[str, str] = {}

    def watch(toy: Toy) -> None:
        parallel = (toy.objects.get(EXPERIMENT) or {"spec": {}})["spec"].get("parallelTrialCount")
        active = [each for each in trials(toy) if not phases.over(phases.phase_of(each))]
        assert parallel is None or len(active) <= parallel, "too many at once"
        for each in trials(toy):
            uid = known.setdefault(meta.name_of(each), meta.uid_of(each))
            assert uid == meta.uid_of(each), "a trial was made twice"
        assert set(known) <= {each["name"] for each in suggested(toy)}, "not kept before"

    world.watch = watch
    return known


pytestmark = pytest.mark.slow


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_every_experiment_ends_within_its_budget(world: World) -> None:
    known = guard(world)
    play(world)
    assert said(world)[-1] in ("Succeeded", "Failed")
    spec, told = world.objects[EXPERIMENT]["spec"], status(world)
    assert len(known) <= (spec.get("maxTrialCount") or world.space)
    assert told.get("trials", 0) == len(known)
    assert jobs(world) == []
    best = told["currentOptimalTrial"].get("bestTrialName")
    if best is not None:
        assert phases.is_usable(world.values(best))


@settings(max_examples=50, deadline=None)
@given(worlds(), st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_a_crash_within_any_plan_changes_nothing_in_the_end(world: World, cuts: list[int]) -> None:
    carry_out, left = world.carry_out, list(cuts)

    def cut(key: Any, plan: Plan) -> None:
        """Carry out only a part, without the status."""
        if not left or not (plan.actions or plan.status):
            carry_out(key, plan)
            return
        carry_out(key, Plan(actions=plan.actions[: left.pop()]))

    known = guard(world)
    world.carry_out = cut  # type: ignore[method-assign]
    while left:  # a look that changes nothing looks like the end
        world.settle()
        before = len(left)
        world.step(lambda name: "Complete" if name == min(jobs(world), default="") else None)
        if len(left) == before:
            break
    play(world)
    assert said(world)[-1] in ("Succeeded", "Failed")
    spec = world.objects[EXPERIMENT]["spec"]
    assert len(known) <= (spec.get("maxTrialCount") or world.space)


@settings(max_examples=50, deadline=None)
@given(worlds(), st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), max_size=5))
def test_budgets_may_change_at_any_time(world: World, changes: list[tuple[int, int]]) -> None:
    world.failing = lambda name: False  # type: ignore[attr-defined]
    world.settle()
    for steps, parallel in changes:
        for _ in range(steps):
            world.step(lambda name: "Complete" if name == min(jobs(world), default="") else None)
        budget(world, parallelTrialCount=parallel)
        active = [each for each in trials(world) if not phases.over(phases.phase_of(each))]
        assert len(active) <= parallel or said(world)[-1] in ("Succeeded", "Failed")
    play(world)
    assert said(world)[-1] in ("Succeeded", "Failed")
    names = [each["name"] for each in suggested(world)]
    assert len(names) == len(set(names))
    if condition(world)["reason"] == "ExperimentMaxTrialsReached":
        assert status(world)["trials"] == world.objects[EXPERIMENT]["spec"]["maxTrialCount"]


@settings(max_examples=40, deadline=None)
@given(worlds(), st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=5), st.booleans())
def test_it_may_be_held_at_any_time(
    world: World, changes: list[tuple[int, bool]], stops: bool
) -> None:
    known = guard(world)
    world.settle()
    held = False
    for steps, suspend in changes:
        before = set(known)
        for _ in range(steps):
            world.step(lambda name: "Complete" if name == min(jobs(world), default="") else None)
        assert not held or set(known) == before, "a trial began"
        if said(world)[-1] in ("Succeeded", "Failed"):
            break
        held = suspend
        world.patch(EXPERIMENT, {"spec": {"suspend": suspend}})
        world.settle()
    world.patch(EXPERIMENT, {"spec": {"suspend": False, **({"shutdown": "Stop"} if stops else {})}})
    before = set(known)
    play(world)
    assert said(world)[-1] in ("Succeeded", "Failed")
    assert not stops or set(known) == before
    assert status(world).get("trials", 0) == len(known)


@settings(max_examples=40, deadline=None)
@given(worlds(), st.integers(0, 30))
def test_a_repeated_plan_is_harmless(world: World, at: int) -> None:
    carry_out, turn = world.carry_out, [at]

    def twice(key: Any, plan: Plan) -> None:
        carry_out(key, plan)
        turn[0] -= 1
        if turn[0] == 0 and not any(isinstance(each, Delete) for each in plan.actions):
            carry_out(key, Plan(actions=plan.actions))

    known = guard(world)
    world.carry_out = twice  # type: ignore[method-assign]
    play(world)
    assert said(world)[-1] in ("Succeeded", "Failed")
    assert status(world).get("trials", 0) == len(known)
