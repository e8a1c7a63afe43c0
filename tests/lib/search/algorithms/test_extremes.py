"""Spaces and histories at the ends of what can be written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lib.search.searching import GOING_ON, LEARNING, PLAIN, algorithm, choice, double, integer
from lib.search.searching import problem as plain
from lib.search.simulated import SETTINGS
from sampan.lib.search.problem import Parameter, Problem, Refused, State, Suggestion, Trial

ALL = (*PLAIN, *LEARNING, *GOING_ON)
BUDGET = integer("epochs", 1, 9)
ENDS = (0.0, 5e-324, 1e-300, 1e-5, 1.0, 7.0, 2.0**53, 1e300, 1.7e308)
VALUES = (0.0, 1.0, 5e-324, -1e308, 1e308, math.inf, -math.inf, math.nan, None)
STATES: Sequence[State] = ("succeeded", "succeeded", "stopped", "failed", "unavailable", "running")
FOREIGN = Trial(
    name="foreign", assignments={"p0": "1e400", "p1": "nan", "gone": "1"}, state="succeeded",
    values=(1.0,), labels={"cmaes-generation": "3", "asha-rung": "7", "hyperband-rung": "²"},
)  # fmt: skip

every = pytest.mark.parametrize("name", ALL)
thoroughly = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def posed(name: str, *parameters: Parameter, seed: int = 0) -> Problem:
    budget = [BUDGET] if name in ("hyperband", "asha") else []
    return plain(
        *parameters, *budget, settings=SETTINGS.get(name, {}), parallel=9, seed=seed
    )  # fmt: skip


@st.composite
def wide(draw: st.DrawFn, name: str) -> Parameter:
    low, high = sorted((draw(st.sampled_from(ENDS)), draw(st.sampled_from(ENDS))))
    low = -low if draw(st.booleans()) and low > 0 else low
    scales = ("uniform", "logUniform") if low > 0 else ("uniform",)
    step = draw(st.sampled_from((None, 1e-300, 0.1, 1e300)))
    return double(name, low, high, step=step, distribution=draw(st.sampled_from(scales)))


@thoroughly
@given(parameters=st.tuples(wide("p0"), wide("p1")), seed=st.integers(0, 2**70))
@every
def test_values_are_numbers_of_their_range(
    name: str, parameters: tuple[Parameter, ...], seed: int
) -> None:
    about, random, history = posed(name, *parameters, seed=seed), Random(seed), [FOREIGN]
    try:
        algorithm(name).check(about)
    except Refused:
        return
    for _ in range(14):
        for each in algorithm(name).suggest(about, history, 1).suggestions:
            for known in parameters:
                assert (known.min or 0) <= float(each.assignments[known.name]) <= (known.max or 0)
            history.append(ended(each, random))


@every
def test_no_trial_of_another_space_brings_its_values_along(name: str) -> None:
    about = posed(name, choice("p0", "a", "b"), integer("p1", 1, 3), double("p2", 0, 1, step=0.1))
    strange = {"p0": "c", "p1": "9", "p2": "-1", "epochs": "1"}
    history = [replace(FOREIGN, name=f"f{n}", assignments=strange, labels={}) for n in range(6)]
    history += [replace(FOREIGN, name="lost", assignments=strange, labels={}, state="failed")]
    for number in range(14):
        for each in algorithm(name).suggest(about, history, 1).suggestions:
            found = each.assignments
            assert found["p0"] in ("a", "b")
            assert found["p1"] in ("1", "2", "3")
            assert 0 <= float(found["p2"]) <= 1
            history.append(ended(each, Random(number), "succeeded", float(number)))


@every
def test_when_trials_began_is_no_news(name: str) -> None:
    """Histories are in the order of creation, whatever the clock said and whoever ended first."""
    about = posed(name, double("p0", 0, 1, step=0.01), integer("p1", 1, 9))
    history: list[Trial] = []
    for number in range(12):
        (found,) = algorithm(name).suggest(about, history, 1).suggestions or (None,)
        if found is not None:
            history.append(ended(found, Random(number), "succeeded", float(number)))
    shuffled = [replace(each, since=float(-number)) for number, each in enumerate(history)]
    one, other = (algorithm(name).suggest(about, each, 3) for each in (history, shuffled))
    assert one == other


@every
def test_a_space_of_one_point_is_given_again_or_is_over(name: str) -> None:
    about = posed(name, double("p0", 3, 3, step=1), integer("p1", 5, 5), choice("c", "only"))
    history: list[Trial] = []
    for number in range(12):
        for each in algorithm(name).suggest(about, history, 1).suggestions:
            assert {**each.assignments, "epochs": ""} == {
                "p0": "3.0", "p1": "5", "c": "only", "epochs": ""
            }  # fmt: skip
            history.append(ended(each, Random(number), "succeeded", 1.0))
    assert len(history) == (1 if name == "grid" else 12)


@every
def test_two_hundred_parameters_are_searched(name: str) -> None:
    about = posed(name, *(double(f"p{number}", 0, 1, step=0.25) for number in range(200)))
    algorithm(name).check(about)
    history: list[Trial] = []
    for number in range(12):
        for each in algorithm(name).suggest(about, history, 1).suggestions:
            assert len(each.assignments) == len(about.parameters)
            history.append(ended(each, Random(number), "succeeded", float(number)))


@every
def test_a_step_that_no_number_counts_is_refused(name: str) -> None:
    about = posed(name, double("p0", 0, 1e300, step=1e-300), double("p1", 0, 1, step=0.1))
    with pytest.raises(Refused, match="parameter p0: its step is too small for its range"):
        algorithm(name).check(about)


def ended(
    suggestion: Suggestion, random: Random, state: State | None = None, value: float | None = None
) -> Trial:
    return Trial(
        name=suggestion.name or f"trial-{random.random()}",
        assignments=suggestion.assignments,
        labels=suggestion.labels,
        state=state or random.choice(STATES),
        values=(random.choice(VALUES) if state is None else value,),
    )
