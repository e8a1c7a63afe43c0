from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lib.search import simulated
from lib.search.searching import problem
from lib.search.simulated import posed
from sampan.lib.search.algorithms import asha
from sampan.lib.search.algorithms.asha import MEMBER, RUNG
from sampan.lib.search.checkpoints import PARENT
from sampan.lib.search.problem import Objective, Problem, Refused, Suggestion, Trial


def begun(about: Problem, count: int) -> list[Trial]:
    found = asha.suggest(about, [], count).suggestions
    return [simulated.running(each, number) for number, each in enumerate(found)]


def valued(trial: Trial, *values: float, **more: object) -> Trial:
    return replace(trial, state="succeeded", values=values, **more)


def one(about: Problem, trials: list[Trial]) -> Suggestion:
    (found,) = asha.suggest(about, trials, 1).suggestions
    return found


def test_who_is_among_the_best_so_far_goes_on_while_others_run() -> None:
    about = posed("asha")
    trials = begun(about, 9)
    trials[:3] = [valued(each, value) for each, value in zip(trials[:3], (3, 1, 2), strict=True)]
    found = one(about, trials)
    assert found.assignments == {**trials[1].assignments, "epochs": "3"}
    assert found.labels == {RUNG: "1", MEMBER: "1", PARENT: trials[1].name}


def test_where_nobody_may_go_on_another_one_begins() -> None:
    about = posed("asha")
    trials = begun(about, 9)
    trials[:2] = [valued(each, 1.0) for each in trials[:2]]
    found = one(about, trials)
    assert found.labels == {RUNG: "0", MEMBER: "9"}
    assert found.assignments["epochs"] == "1"


def test_the_highest_rung_comes_first() -> None:
    about = posed("asha")
    trials = [valued(each, float(number)) for number, each in enumerate(begun(about, 12))]
    middle = [
        simulated.running(e, 20 + n)
        for n, e in enumerate(asha.suggest(about, trials, 3).suggestions)
    ]
    middle = [valued(each, float(number)) for number, each in enumerate(middle)]
    labels = [each.labels[RUNG] for each in asha.suggest(about, [*trials, *middle], 3).suggestions]
    assert labels == ["2", "1", "0"]


def test_who_failed_is_not_counted() -> None:
    about = posed("asha")
    trials = begun(about, 9)
    trials = [valued(trials[0], 1.0), *(replace(each, state="failed") for each in trials[1:])]
    assert one(about, trials).labels[RUNG] == "0"


def test_one_of_several_objectives_is_enough_to_go_on() -> None:
    """Who nobody dominates is before who is dominated, however good in one objective."""
    both = Objective(metric="loss"), Objective(metric="seconds")
    about = posed("asha", objectives=both)
    asha.check(about)
    values = [(1.0, 9.0), (2.0, 9.5), (3.0, 9.9), (9.0, 1.0), (4.0, 9.9), (5.0, 9.9)]
    trials = [valued(e, *v) for e, v in zip(begun(about, 6), values, strict=True)]
    found = asha.suggest(about, trials, 2).suggestions
    assert {each.labels[MEMBER] for each in found} == {"0", "3"}


def test_who_breaks_a_constraint_comes_last() -> None:
    about = posed("asha", constraints=("memory",))
    trials = [
        valued(each, float(number), constraints=(1.0 if number < 2 else -1.0,))
        for number, each in enumerate(begun(about, 3))
    ]
    assert one(about, trials).labels[MEMBER] == "2"


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**40), parallel=st.integers(1, 20))
def test_rungs_grow_smaller_by_eta(seed: int, parallel: int) -> None:
    about = posed("asha", parallel=parallel)
    trials = simulated.run("asha", about, 60, Random(seed))
    sizes = [sum(each.labels[RUNG] == rung for each in trials) for rung in "012"]
    assert sum(sizes) == 60
    assert sizes[0] > 2 * sizes[1] > 3 * sizes[2] > 0  # less than by 3, since some were early
    assert {(e.labels[RUNG], e.assignments["epochs"]) for e in trials} <= {
        ("0", "1"), ("1", "3"), ("2", "9"),
    }  # fmt: skip


def test_any_number_of_parallel_trials_will_do() -> None:
    asha.check(posed("asha", parallel=1))


def test_a_resource_that_is_no_parameter_is_refused() -> None:
    about = problem(*simulated.SPACE, settings={"r_l": "9", "resource_name": "steps"})
    with pytest.raises(Refused, match=r"value of resource_name setting must be in parameters\."):
        asha.check(about)
