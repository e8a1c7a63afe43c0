from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from lib.search.searching import choice, double, ended, integer
from sampan.lib.search import turns
from sampan.lib.search.problem import Suggestion, Trial
from sampan.lib.search.space import Space

SMALL = Space((integer("n", 1, 3), choice("c", "a", "b")))


def trial(n: str, c: str) -> Trial:
    return ended(Suggestion(assignments={"n": n, "c": c}), 1.0)


def test_the_first_point_that_is_new_is_taken() -> None:
    points = [(0.1, 0.1), (0.9, 0.1), (0.5, 0.1)]
    assert turns.unseen(SMALL, [trial("1", "a")], points, Random(0)) == {"n": "3", "c": "a"}


@given(st.lists(st.integers(0, 5), min_size=5, max_size=5, unique=True), st.integers())
def test_the_last_new_point_is_found(tried: list[int], seed: int) -> None:
    trials = [ended(Suggestion(assignments=SMALL.assigned(SMALL.point(n))), 1.0) for n in tried]
    (left,) = set(range(6)) - set(tried)
    first = [SMALL.point(tried[0])]
    assert turns.unseen(SMALL, trials, first, Random(seed)) == SMALL.assigned(SMALL.point(left))


def test_where_all_was_tried_the_first_is_taken_again() -> None:
    trials = [ended(Suggestion(assignments=SMALL.assigned(SMALL.point(n))), 1.0) for n in range(6)]
    assert turns.unseen(SMALL, trials, [(0.1, 0.9)], Random(0)) == {"n": "1", "c": "b"}


def test_a_continuum_is_not_looked_through() -> None:
    space = Space((double("x", 0, 1),))
    before = [ended(Suggestion(assignments={"x": "0.5"}), 1.0)]
    assert turns.unseen(space, before, [(0.5,), (0.6,)], Random(0)) == {"x": "0.6"}
    assert turns.unseen(space, before, [(0.5,)], Random(0)) == {"x": "0.5"}


def test_a_branch_that_is_used_up_is_left() -> None:
    """The linear kernel has no parameter, so that it is one point of many."""
    gamma = double("gamma", 0, 1, when=("kernel", ("rbf",)))
    space = Space((choice("kernel", "linear", "rbf"), gamma))
    before = [ended(Suggestion(assignments={"kernel": "linear"}), 1.0)]
    assert turns.unseen(space, before, [(0.1, 0.5)], Random(0))["kernel"] == "rbf"
