from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lib.search.searching import choice, double, ended, integer, problem, tried
from sampan.lib.search.algorithms import cmaes
from sampan.lib.search.problem import Problem, State, Trial

SPACE = double("x", -1, 1), double("y", 0, 100), integer("n", 1, 9), choice("c", "a", "b")
POPULATION = 7  # of three numbers: 4 + ⌊3 ln 3⌋


def generations(trials: Sequence[Trial]) -> list[int]:
    return [int(each.labels[cmaes.GENERATION]) for each in trials]


def test_a_generation_is_over_when_its_population_has_told() -> None:
    assert generations(tried("cmaes", problem(*SPACE), 16)) == [0] * 7 + [1] * 7 + [2] * 2


def test_what_failed_or_still_runs_is_replaced_in_its_generation() -> None:
    about, history = problem(*SPACE), list[Trial]()
    states: Sequence[State] = ("failed", "running", *["succeeded"] * POPULATION)
    for state in states:
        (new,) = cmaes.suggest(about, history, 1).suggestions
        history.append(ended(new, float(len(history)), state=state))
    assert generations(history) == [0] * 9
    (new,) = cmaes.suggest(about, history, 1).suggestions
    assert new.labels[cmaes.GENERATION] == "1"


def test_every_second_trial_of_a_generation_mirrors_the_one_before() -> None:
    about = problem(double("x", 0, 2), double("y", 0, 2), settings={"sigma": "0.1"})
    one, other, third, fourth = (
        each.assignments for each in cmaes.suggest(about, [], 4).suggestions
    )
    for name in "xy":
        assert float(one[name]) + float(other[name]) == pytest.approx(2)
        assert float(third[name]) + float(fourth[name]) == pytest.approx(2)


@pytest.mark.parametrize("label", ["", "-1", "x", "²", "4000000000", "9" * 5000])
def test_a_label_that_is_none_is_no_generation(label: str) -> None:
    history = tried("cmaes", problem(*SPACE), 8)
    strange = [replace(each, labels={cmaes.GENERATION: label}) for each in history]
    bare = [replace(each, labels={}) for each in history]
    assert cmaes.suggest(problem(*SPACE), strange, 2) == cmaes.suggest(problem(*SPACE), bare, 2)


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 9),
    before=st.integers(0, 60),
    strategy=st.sampled_from(["none", "ipop", "bipop"]),
)
def test_what_is_kept_changes_no_answer(seed: int, before: int, strategy: str) -> None:
    about = problem(*SPACE, seed=seed, settings={"restart_strategy": strategy})
    history = tried("cmaes", about, before)
    kept = cmaes.suggest(about, history, 2)
    cmaes.forget()
    assert cmaes.suggest(about, history, 2) == kept


def test_sigma_is_in_the_units_of_the_parameters() -> None:
    about = problem(double("x", 0, 1), double("y", 0, 1000), settings={"sigma": "0.01"})
    for each in cmaes.suggest(about, [], 6).suggestions:
        assert abs(float(each.assignments["x"]) - 0.5) < 0.05
        assert abs(float(each.assignments["y"]) - 500) < 0.05


@pytest.mark.parametrize(("strategy", "starts"), [("none", False), ("ipop", True), ("bipop", True)])
def test_a_search_that_has_settled_starts_anew(strategy: str, starts: bool) -> None:
    """On a plateau nothing is better than anything: the search is over at once."""
    about = problem(double("x", 0, 1), double("y", 0, 1), settings={"restart_strategy": strategy})
    history: list[Trial] = []
    while len(history) < 300:
        history += [ended(each, 0.0) for each in cmaes.suggest(about, history, 6).suggestions]
    sizes = [generations(history).count(each) for each in range(max(generations(history)))]
    assert (max(sizes) >= 2 * sizes[0]) == starts


def test_the_best_of_earlier_trials_is_where_it_starts() -> None:
    about = problem(double("x", 0, 1), double("y", 0, 1), settings={"sigma": "0.01"})
    first = cmaes.suggest(about, [_old("0.2", "0.9", 3.0), _old("0.8", "0.1", 1.0)], 5).suggestions
    for each in first:
        assert abs(float(each.assignments["x"]) - 0.8) < 0.06


def _old(x: str, y: str, value: float) -> Trial:
    return Trial(name="old", assignments={"x": x, "y": y}, state="succeeded", values=(value,))


def test_a_valley_is_followed() -> None:
    best: list[float] = []
    for seed in range(3):
        about = Problem(
            name="exp", parameters=SPACE[:2], objectives=problem().objectives, seed=seed
        )
        history: list[Trial] = []
        while len(history) < 120:
            for each in cmaes.suggest(about, history, 3).suggestions:
                x, y = (float(each.assignments[name]) for name in "xy")
                history.append(ended(each, (x - 0.3) ** 2 + (y / 100 - x) ** 2))
        best.append(min(each.values[0] or 0.0 for each in history))
    assert sorted(best)[1] < 1e-4
