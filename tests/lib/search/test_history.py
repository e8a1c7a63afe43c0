from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.search.searching import choice, discrete, double, ended, integer, parameters, problem
from sampan.lib.search import history
from sampan.lib.search.problem import Objective, Parameter, State, Suggestion, Trial
from sampan.lib.search.space import Space

SPACE = Space(
    (
        double("x", 0, 4),
        double("lr", 1e-4, 1, distribution="logUniform"),
        choice("c", "a", "b"),
        discrete("d", "8", "2"),
        integer("n", 1, 4),
    )
)


def trial(**assignments: str) -> Trial:
    return ended(Suggestion(assignments=assignments), 1.0)


def test_places_are_read_from_texts() -> None:
    (found,) = history.places(SPACE, [trial(x="1", lr="0.01", c="b", d="8", n="1")])
    assert found.tolist() == pytest.approx([0.25, 0.5, 0.75, 0.75, 0.125])


@pytest.mark.parametrize("text", ["", "many", "nan"])
def test_what_is_no_value_has_no_place(text: str) -> None:
    found = history.places(SPACE, [trial(x=text, lr=text, c=text, d=text), trial(x="1")])
    assert np.isnan(found[0]).all()
    assert found[1, 0] == 0.25


def test_values_beyond_the_ends_have_their_place_there() -> None:
    (found,) = history.places(SPACE, [trial(x="-9", lr="1e-99", n="400")])
    assert found[[0, 1, 4]].tolist() == [0, 0, 1]


@given(parameters(), st.lists(st.floats(0.01, 0.99), min_size=4, max_size=4))
def test_a_text_has_the_place_that_it_was_made_of(
    given: tuple[Parameter, ...], point: list[float]
) -> None:
    space = Space(given)
    texts = space.assigned(point[: len(given)])
    (place,) = history.places(space, [ended(Suggestion(assignments=texts), 1.0)])
    again = space.assigned(place.tolist())
    for each in given:
        if each.kind == "double" and not each.step:
            assert math.isclose(
                float(texts[each.name]), float(again[each.name]), rel_tol=1e-6, abs_tol=1e-6
            )
        else:
            assert texts[each.name] == again[each.name]


@pytest.mark.parametrize(
    ("state", "told", "pending"),
    [
        ("succeeded", True, False),
        ("stopped", True, False),
        ("failed", False, False),
        ("unavailable", False, False),
        ("running", False, True),
        ("created", False, True),
    ],
)
def test_who_tells_and_who_is_pending(state: State, told: bool, pending: bool) -> None:
    one = [ended(Suggestion(assignments={}), 1.0, state=state)]
    assert bool(history.told(problem(), one)) == told
    assert bool(history.pending(one)) == pending


def test_feasible_trials_come_first_then_those_that_violate_least() -> None:
    about = problem(constraints=("memory", "latency"))
    trials = [
        ended(Suggestion(assignments={}), 1.0, constraints=(0.5, 0.5)),
        ended(Suggestion(assignments={}), 2.0, constraints=(None, 0.0)),
        ended(Suggestion(assignments={}), 9.0, constraints=(-1.0, 0.0)),
        ended(Suggestion(assignments={}), 3.0, constraints=(0.2, -5.0)),
        ended(Suggestion(assignments={}), 8.0, constraints=(0.0, 0.0)),
    ]
    assert history.ranked(about, trials).tolist() == [4, 2, 3, 0, 1]
    assert history.penalized(about, trials).tolist() == [3, 4, 1, 2, 0]


def test_who_breaks_a_constraint_beats_nobody_who_does_not() -> None:
    two = (Objective(metric="loss"), Objective(metric="cost"))
    about = problem(objectives=two, constraints=("memory",))
    given = [((1.0, 1.0), 1.0), ((2.0, 2.0), 0.0), ((9.0, 1.5), 0.0), ((9.0, 9.0), 0.0)]
    trials = [
        ended(Suggestion(assignments={}), *values, constraints=(broken,))
        for values, broken in given
    ]
    assert history.ranked(about, trials).tolist() == [1, 2, 3, 0]


def test_of_several_objectives_a_better_front_comes_first() -> None:
    about = problem(objectives=(Objective(metric="loss"), Objective(metric="auc", minimize=False)))
    values = [(3.0, 0.1), (1.0, 0.5), (2.0, 0.9), (2.5, 0.8)]
    trials = [ended(Suggestion(assignments={}), *each) for each in values]
    order = history.ranked(about, trials).tolist()
    assert set(order[:2]) == {1, 2}
    assert order[2:] == [3, 0]
    assert not history.told(about, [ended(Suggestion(assignments={}), 1.0, None)])
