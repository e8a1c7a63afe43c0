from __future__ import annotations

from lib.search.searching import double, ended, integer, problem
from sampan.lib.search.algorithms import sobol


def test_points_are_those_of_the_sequence_without_the_corner() -> None:
    """Axes are numbered by name: `b` is the first one, whatever its place in the list."""
    found = sobol.suggest(problem(double("c", 0, 1), double("b", 0, 1)), [], 4).suggestions
    pairs = [(float(each.assignments["b"]), float(each.assignments["c"])) for each in found]
    assert pairs == [(0.5, 0.5), (0.75, 0.25), (0.25, 0.75), (0.375, 0.375)]


def test_the_sequence_goes_on_where_the_history_ends() -> None:
    about = problem(double("x", 0, 8), integer("n", 1, 4))
    five = sobol.suggest(about, [], 5).suggestions
    assert sobol.suggest(about, [ended(each, 0.0) for each in five[:3]], 2).suggestions == five[3:]


def test_distributions_are_ignored() -> None:
    plain, other = (
        sobol.suggest(problem(double("x", 1, 9, distribution=each)), [], 3)
        for each in ("uniform", "logNormal")
    )
    assert plain == other


def test_whole_numbers_are_filled_evenly() -> None:
    found = sobol.suggest(problem(integer("n", 1, 4), integer("m", 1, 4)), [], 16).suggestions
    assert len({tuple(each.assignments.values()) for each in found}) == 16
