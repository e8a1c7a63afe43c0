from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.search.searching import choice, double, ended, integer, problem
from sampan.lib.search.algorithms import grid
from sampan.lib.search.problem import Problem, Refused, Suggestion

SMALL = integer("layers", 1, 5), double("lr", 0.1, 0.3, step=0.1)


def all_of(about: Problem) -> list[dict[str, str]]:
    return [dict(each.assignments) for each in grid.suggest(about, [], 1000).suggestions]


def test_every_combination_is_suggested_once() -> None:
    pairs = itertools.product("12345", ("0.1", "0.2", "0.3"))
    expected = [{"layers": layers, "lr": lr} for layers, lr in pairs]
    found = all_of(problem(*SMALL))
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert found != expected


def test_the_end_of_the_grid_is_said() -> None:
    assert not grid.suggest(problem(*SMALL), [], 15).over
    assert grid.suggest(problem(*SMALL), [], 16).over


def test_a_seed_is_an_order() -> None:
    orders = {
        str(all_of(problem(*SMALL, settings={"random_state": str(each)}))) for each in range(5)
    }
    assert len(orders) == 5


def test_what_was_tried_before_is_passed_over() -> None:
    about = problem(*SMALL)
    earlier = [ended(Suggestion(assignments={"layers": "2", "lr": "0.2"}), 1.0)]
    found = grid.suggest(about, earlier, 20)
    assert found.over
    assert len(found.suggestions) == 14


def test_conditions_do_not_make_one_point_of_many_more_than_one_trial() -> None:
    gamma = double("gamma", 0, 1, step=0.5, when=("kernel", ("rbf",)))
    assert len(all_of(problem(choice("kernel", "rbf", "linear"), gamma))) == 4


@pytest.mark.parametrize(
    ("about", "said"),
    [
        pytest.param(
            problem(*SMALL, settings={"invalid": "x"}),
            "unknown setting invalid for algorithm grid",
            id="name",
        ),
        pytest.param(
            problem(*SMALL, settings={"random_state": "-1"}),
            "random_state should be great or equal than zero",
            id="seed",
        ),
        pytest.param(
            problem(double("lr", 1, 5)),
            "failed to validate parameters(lr): Param lr step is nil; "
            "For discrete search space, all parameters must include step",
            id="no-step",
        ),
        pytest.param(
            problem(integer("a", 1, 5), double("b", 1, 5, step=1), max_trials=26),
            "Max Trial Count: 26 > all possible search combinations: 25",
            id="too-many",
        ),
    ],
)
def test_nonsense_is_refused_in_upstream_s_words(about: Problem, said: str) -> None:
    with pytest.raises(Refused) as fault:
        grid.check(about)
    assert str(fault.value) == said


def test_a_grid_of_any_size_is_walked() -> None:
    about = problem(*(double(f"x{each}", 0, 1, step=1e-9) for each in range(5)))
    grid.check(about)
    assert len(grid.suggest(about, [], 3).suggestions) == 3


def test_a_grid_that_conditions_have_emptied_has_an_end() -> None:
    never = double("x", 0, 1, step=1e-9, when=("kernel", ("poly",)))
    found = grid.suggest(problem(choice("kernel", "rbf", "linear"), never), [], 3)
    assert found.over
    assert len(found.suggestions) == 2


@given(st.integers(1, 300), st.integers(0, 2**40))
def test_an_order_is_a_permutation(size: int, seed: int) -> None:
    assert sorted(grid.mixed(each, size, seed) for each in range(size)) == list(range(size))
