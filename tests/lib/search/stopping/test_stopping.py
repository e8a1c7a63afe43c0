"""Rules of early stopping: who would be stopped by them, and what settings are refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.search.searching import double, problem
from sampan.lib.search.problem import Objective, Refused, Rule, State, Trial
from sampan.lib.search.stopping import MODULES, asha, curves, median, medianstop

LOSS = problem(double("x", 0, 1))
ACCURACY = problem(double("x", 0, 1), objectives=(Objective(metric="accuracy", minimize=False),))


def curve(*values: float, state: State = "succeeded") -> Trial:
    reports = tuple((float(step), value) for step, value in enumerate(values))
    return Trial(name="t", assignments={}, state=state, reports=reports)


def steps(rules: Sequence[Rule]) -> Mapping[int, float]:
    return {each.start_step: float(each.value) for each in rules}


def rule(name: str) -> Any:
    return import_module(f"sampan.lib.search.stopping.{MODULES[name]}")


def test_medianstop_is_the_mean_of_means_at_one_report() -> None:
    trials = [curve(1, 2, 3, 4, 100), curve(2, 2, 2, 2), curve(9, 9, 9, 9), curve(6)]
    assert medianstop.rules(LOSS, trials, {}) == (
        Rule(
            name="loss", value=str((2.5 + 2.0 + 9.0 + 6.0) / 4), comparison="greater", start_step=4
        ),
    )
    (found,) = medianstop.rules(ACCURACY, trials, {"start_step": "2", "min_trials_required": "4"})
    assert found == Rule(name="accuracy", value="4.625", comparison="less", start_step=2)


def test_medianstop_waits_for_enough_trials_that_succeeded() -> None:
    others: list[State] = ["running", "failed", "stopped", "unavailable"]
    trials = [curve(1), curve(2), *(curve(3, state=each) for each in others)]
    assert medianstop.rules(LOSS, trials, {}) == ()
    assert medianstop.rules(LOSS, trials, {"min_trials_required": "2"})


def test_what_is_no_number_and_who_reported_nothing_are_passed_over() -> None:
    trials = [curve(1, float("nan"), 3), curve(), curve(5), curve(6)]
    (found,) = medianstop.rules(LOSS, trials, {})
    assert found.value == str((2.0 + 5.0 + 6.0) / 3)


def test_median_is_one_at_each_report() -> None:
    trials = [curve(4, 2, 0), curve(6, 6, 6), curve(100, 100, 100), curve(5, 5)]
    found = steps(median.rules(LOSS, trials, {"start_step": "1"}))
    assert found == {1: 5.5, 2: 5.5, 3: 6.0}


def test_median_of_a_long_curve_is_tested_at_some_reports() -> None:
    trials = [curve(*range(1000)) for _ in range(3)]
    found = steps(median.rules(LOSS, trials, {}))
    assert 10 < len(found) <= median.MOST
    assert (min(found), max(found)) == (4, 1000)


def test_halving_lets_one_of_eta_go_on() -> None:
    trials = [curve(*[float(n)] * 9, state="stopped" if n > 3 else "running") for n in range(9)]
    assert steps(asha.rules(LOSS, trials, {})) == {1: 2.0, 3: 2.0, 9: 2.0}
    assert steps(asha.rules(ACCURACY, trials, {"eta": "2"})) == {1: 5.0, 2: 5.0, 4: 5.0, 8: 5.0}


def test_halving_compares_the_best_until_there() -> None:
    trials = [curve(5, 1, 9), curve(4, 4, 4), curve(3, 9, 9)]
    assert steps(asha.rules(LOSS, trials, {})) == {1: 3.0, 3: 1.0}


def test_halving_stops_nobody_where_few_have_been() -> None:
    assert asha.rules(LOSS, [curve(1, 1, 1), curve(2)], {}) == []
    assert steps(asha.rules(LOSS, [curve(1, 1, 1), curve(2), curve(3)], {})) == {1: 1.0}


@given(first=st.integers(1, 10**6), more=st.integers(-5, 10**6), most=st.integers(2, 40))
def test_reports_are_spread_from_end_to_end(first: int, more: int, most: int) -> None:
    found = curves.spread(first, first + more, most)
    assert len(found) <= most
    assert found == sorted(set(found))
    if more >= 0:
        assert (found[0], found[-1]) == (first, first + more)


@given(
    st.lists(st.lists(st.floats(-10, 10), max_size=30), max_size=12), st.sampled_from(list(MODULES))
)
def test_any_history_has_rules(values: list[list[float]], name: str) -> None:
    for about, comparison in ((LOSS, "greater"), (ACCURACY, "less")):
        for each in rule(name).rules(about, [curve(*each) for each in values], {}):
            assert each.comparison == comparison
            assert each.start_step >= 1
            assert abs(float(each.value)) <= 10


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("medianstop", {"unknown_conf": "100"},
         "unknown setting unknown_conf for algorithm medianstop"),
        ("medianstop", {"min_trials_required": "0"},
         "min_trials_required must be greater than zero (>0)"),
        ("medianstop", {"start_step": "0"}, "start_step must be greater or equal than one (>=1)"),
        ("medianstop", {"start_step": "x"},
         "failed to validate start_step(x): invalid literal for int() with base 10: 'x'"),
        ("median", {"eta": "3"}, "unknown setting eta for algorithm median"),
        ("asha", {"eta": "1"}, "eta must be greater than one (>1)"),
        ("asha", {"eta": "inf"}, "eta must be greater than one (>1)"),
        ("asha", {"min_trials_required": "3"},
         "unknown setting min_trials_required for algorithm asha"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_in_upstream_s_words(
    name: str, settings: dict[str, str], said: str
) -> None:
    with pytest.raises(Refused) as fault:
        rule(name).check(LOSS, settings)
    assert str(fault.value) == said


@pytest.mark.parametrize("name", MODULES)
def test_defaults_are_taken(name: str) -> None:
    rule(name).check(LOSS, {})
