"""What holds whatever time, runs and crashes do: against a calendar that is walked by seconds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinds.pipelines.schedules.almanac import SCHEDULE, Almanac, cron, every
from sampan.kube.times import parse, rfc3339
from sampan.lib.cron import Calendar, parse_with_seconds

START = parse("2026-05-01T00:00:00Z")
SPAN = 600
CRONS = st.tuples(
    st.sampled_from(["0", "*/20", "5,50", "?"]), st.sampled_from(["*", "*/3", "2-4", "7"])
).map(lambda fields: f"{fields[0]} {fields[1]} * * * *")
SECONDS = st.integers(-300, SPAN)
MOVES = st.one_of(
    st.tuples(st.just("pass"), st.integers(1, 120)),
    st.tuples(st.just("sleep"), st.integers(1, 300)),
    st.tuples(st.just("finish"), st.just(0)),
    st.tuples(st.just("enable"), st.integers(0, 1)),
    st.tuples(st.just("crash"), st.just(0)),
)


@st.composite
def triggers(draw: st.DrawFn) -> dict[str, Any]:
    bounds = {
        field: rfc3339(START + timedelta(seconds=seconds))
        for field, seconds in (
            ("startTime", draw(st.none() | SECONDS)), ("endTime", draw(st.none() | SECONDS)),
        )
        if seconds is not None
    }  # fmt: skip
    if draw(st.booleans()):
        return cron(draw(CRONS), **bounds)
    return every(draw(st.integers(0, 200)), **bounds)


def ticks(spec: dict[str, Any]) -> list[str]:
    """All times of the schedule up to the end of the test, one after the other."""
    ((kind, about),) = spec["trigger"].items()
    start = parse(about["startTime"]) if "startTime" in about else None
    end = parse(about["endTime"]) if "endTime" in about else START + timedelta(days=1)
    base, found = start or START, []
    if kind == "periodicSchedule":
        step = timedelta(seconds=about["intervalSecond"] or 1)
        while (base := base + step) <= min(end, START + timedelta(seconds=8 * SPAN)):
            found.append(base)
    else:
        calendar = parse_with_seconds(about["cron"])
        assert isinstance(calendar, Calendar)
        while (base := base + timedelta(seconds=1)) <= min(
            end, START + timedelta(seconds=8 * SPAN)
        ):
            if base.second in calendar.seconds and base.minute in calendar.minutes:
                found.append(base)
    return [shown(each) for each in found]


def shown(moment: datetime) -> str:
    return f"{moment:%m-%d %H:%M:%S}"


def move(toy: Almanac, what: str, how: int) -> None:
    match what:
        case "pass":
            toy.until(rfc3339(toy.time + timedelta(seconds=how)), ends="")
        case "sleep":
            toy.asleep_until(rfc3339(toy.time + timedelta(seconds=how)))
        case "finish" if toy.active:
            toy.finish()
        case "enable":
            toy.change(enabled=bool(how))
        case "crash" if toy.runs:  # between the run and the status that counts it
            about, index = toy.status["trigger"], len(toy.runs) - 1
            before = parse("2026-" + toy.ticks[-2].replace(" ", "T") + "Z") if index else None
            last = rfc3339(before) if before else None
            counted = {"lastTriggeredTime": last, "lastWorkflowIndex": index}
            toy.patch(SCHEDULE, {"status": {"trigger": counted}})
            toy.settle()
            assert toy.status["trigger"]["lastWorkflowIndex"] >= about["lastWorkflowIndex"]


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(triggers(), st.lists(MOVES, max_size=15), st.integers(1, 4))
def test_each_time_has_one_run_in_order(
    trigger: dict[str, Any], moves: list[tuple[str, int]], most: int
) -> None:
    toy = Almanac(**trigger, maxConcurrency=most)
    for what, how in moves:
        move(toy, what, how)
        assert len(toy.active) <= most
    made = toy.ticks
    assert made == ticks(trigger)[: len(made)]
    assert all(tick <= shown(toy.time) for tick in made)
    assert toy.condition[0] in ("Enabled", "Disabled")


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(triggers(), st.lists(MOVES, max_size=15), st.integers(1, 4))
def test_without_catching_up_no_time_has_two_runs(
    trigger: dict[str, Any], moves: list[tuple[str, int]], most: int
) -> None:
    toy = Almanac(**trigger, maxConcurrency=most, noCatchup=True)
    for what, how in moves:
        move(toy, what, how)
        assert len(toy.active) <= most
    made = toy.ticks
    assert made == sorted(set(made))
    assert all(tick <= shown(toy.time) for tick in made)
    if "cronSchedule" in trigger["trigger"]:
        assert set(made) <= set(ticks(trigger))


@settings(max_examples=25, deadline=None)
@given(triggers())
def test_an_undisturbed_schedule_runs_at_each_of_its_times(trigger: dict[str, Any]) -> None:
    end = START + timedelta(seconds=120)
    toy = Almanac(**trigger).until(rfc3339(end))
    assert toy.ticks == [tick for tick in ticks(trigger) if tick <= shown(end)]
