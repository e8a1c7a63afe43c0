"""Numbers that controllers give to /metrics."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sampan.engine.measures import Measures
from sampan.kube.keys import Key
from sampan.kube.plan import Measure
from sampan.lib.clock import ManualClock
from sampan.lib.prometheus import render

START = datetime(2026, 1, 1, tzinfo=UTC)
ONE, OTHER = Key("Workflow.argoproj.io", "u", "one"), Key("Workflow.argoproj.io", "u", "other")


def counter(value: float = 1, *, once: str = "", **labels: str) -> Measure:
    return Measure(name="n", help="N.", kind="counter", value=value, labels=labels, once=once)


def gauge(value: float = 1, operation: str = "Set", since: datetime | None = None) -> Measure:
    assert operation in ("Set", "Add", "Sub")
    return Measure(
        name="g",
        help="G.",
        kind="gauge",
        value=value,
        operation=operation,
        since=since,  # type: ignore[arg-type]
    )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def measures(clock: ManualClock) -> Measures:
    return Measures(clock)


def lines(measures: Measures) -> list[str]:
    text = render(measures.families()).decode().strip()
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_a_counter_adds(measures: Measures) -> None:
    for value in (1, 2.5):
        assert measures.take(ONE, counter(value, a="x")) == ""
    measures.take(ONE, counter(1, a="y"))
    assert lines(measures) == ['n{a="x"} 3.5', 'n{a="y"} 1']


def test_what_counts_once_counts_once_while_its_object_lives(measures: Measures) -> None:
    for key in (ONE, ONE, OTHER):
        measures.take(key, counter(once="end"))
    assert lines(measures) == ["n 2"]
    measures.forget(ONE)
    measures.take(ONE, counter(once="end"))
    assert lines(measures) == ["n 3"]


def test_a_gauge_is_set_raised_and_lowered(measures: Measures) -> None:
    for each in (gauge(5), gauge(3, "Add"), gauge(1, "Sub")):
        measures.take(ONE, each)
    assert lines(measures) == ["g 7"]


def test_a_gauge_follows_the_clock_until_it_is_set(measures: Measures, clock: ManualClock) -> None:
    measures.take(ONE, gauge(since=START))
    clock.advance(30)
    assert lines(measures) == ["g 30"]
    measures.take(ONE, gauge(12))
    assert lines(measures) == ["g 12"]


def test_a_gauge_that_follows_the_clock_goes_with_its_object(measures: Measures) -> None:
    measures.take(ONE, gauge(since=START - timedelta(hours=1)))
    measures.forget(ONE)
    assert lines(measures) == []


def test_a_histogram_keeps_the_buckets_it_began_with(measures: Measures) -> None:
    for value, bounds in ((0.5, (1.0, 2.0)), (1.5, ()), (9, ())):
        measures.take(
            ONE, Measure(name="h", help="H.", kind="histogram", value=value, bounds=bounds)
        )
    assert lines(measures) == [
        'h_bucket{le="1"} 1',
        'h_bucket{le="2"} 2',
        'h_bucket{le="+Inf"} 3',
        "h_sum 11",
        "h_count 3",
    ]


def test_a_metric_stays_what_it_is(measures: Measures) -> None:
    measures.take(ONE, counter())
    assert "help for metric n is already set to N." in measures.take(
        ONE, Measure(name="n", help="Other.", kind="counter")
    )
    assert "found existing counter" in measures.take(
        ONE, Measure(name="n", help="N.", kind="gauge")
    )
    assert lines(measures) == ["n 1"]


def test_there_is_an_end_to_the_number_of_series(
    measures: Measures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sampan.engine.measures.MOST", 2)
    faults = [measures.take(ONE, counter(a=label)) for label in "xyzx"]
    assert [bool(fault) for fault in faults] == [False, False, True, False]


def test_series_may_differ_in_their_labels(measures: Measures) -> None:
    measures.take(ONE, counter(a="x"))
    measures.take(ONE, counter(b="y"))
    assert lines(measures) == ['n{a="x"} 1', 'n{b="y"} 1']
