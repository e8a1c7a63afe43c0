from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.search.searching import double, ended, problem
from sampan.lib.search import history, outcomes
from sampan.lib.search.problem import Objective, Suggestion, Trial

losses = st.integers(-3, 3).map(float)
TWO = Objective(metric="loss"), Objective(metric="accuracy", minimize=False)


def trial(*values: float, constraints: tuple[float, ...] = ()) -> Trial:
    return ended(Suggestion(assignments={}), *values, constraints=constraints)


@given(st.lists(st.tuples(losses, losses, losses), max_size=12), st.booleans(), st.booleans())
def test_the_order_is_that_of_the_arrays(
    values: list[tuple[float, float, float]], several: bool, constrained: bool
) -> None:
    about = problem(
        double("x", 0, 1), objectives=TWO[: 1 + several],
        constraints=("memory",) if constrained else (),
    )  # fmt: skip
    trials = [trial(*each[: 1 + several], constraints=each[2:]) for each in values]
    expected = history.ranked(about, trials)
    found = outcomes.ranked(about, trials)
    assert [id(each) for each in found] == [id(trials[number]) for number in np.asarray(expected)]


def test_equal_outcomes_stand_equal() -> None:
    trials = [trial(each) for each in (2.0, 1.0, 2.0, 3.0)]
    assert outcomes.standings(problem(double("x", 0, 1)), trials) == [1, 0, 1, 2]


@pytest.mark.parametrize("constraints", [(), (float("nan"),)])
def test_a_constraint_that_is_not_known_is_broken(constraints: tuple[float, ...]) -> None:
    about = problem(double("x", 0, 1), constraints=("memory",))
    assert outcomes.violation(about, trial(1.0, constraints=constraints)) == float("inf")
