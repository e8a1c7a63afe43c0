"""Constraints, several objectives and what runs: what algorithms make of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import median

import pytest

from lib.search.searching import algorithm, double, ended, problem
from sampan.lib.search import pareto
from sampan.lib.search.problem import Objective, Trial

ranking = pytest.mark.parametrize("name", ["tpe", "multivariate-tpe", "nsga-ii"])
SQUARE = double("x", 0, 1), double("y", 0, 1)
SMALL = {"nsga-ii": {"population_size": "16"}}


def point(assignments: Mapping[str, str]) -> tuple[float, float]:
    return float(assignments["x"]), float(assignments["y"])


@pytest.mark.parametrize(
    "name", ["tpe", "multivariate-tpe", "nsga-ii", "cmaes", "bayesianoptimization"]
)
def test_a_search_keeps_to_its_constraints(name: str) -> None:
    """The loss falls towards a corner that is not feasible."""
    about = problem(*SQUARE, constraints=("sum",), settings=SMALL.get(name))
    history: list[Trial] = []
    while len(history) < 80:
        for each in algorithm(name).suggest(about, history, 2).suggestions:
            x, y = point(each.assignments)
            history.append(ended(each, -x - y, constraints=(x + y - 1.0,)))
    feasible = [each for each in history if (each.constraints[0] or 0.0) <= 0]
    assert sum(each in feasible for each in history[40:]) >= 12
    assert min(each.values[0] or 0.0 for each in feasible) < -0.93


def hypervolume(name: str, seed: int) -> float:
    objectives = Objective(metric="a"), Objective(metric="b", minimize=False)
    about = problem(
        *(double(f"x{n}", 0, 1) for n in range(4)),
        objectives=objectives, seed=seed, settings=SMALL.get(name),
    )  # fmt: skip
    history: list[Trial] = []
    while len(history) < 120:
        for each in algorithm(name).suggest(about, history, 3).suggestions:
            first, *rest = map(float, each.assignments.values())
            far = 1 + 3 * sum(rest)
            history.append(ended(each, first, -far * (1 - math.sqrt(first / far))))
    losses = [((each.values[0] or 0.0), -(each.values[1] or 0.0)) for each in history]
    return pareto.hypervolume(losses, (1.0, 5.0))


@ranking
def test_a_front_is_found_better_than_by_chance(name: str) -> None:
    chance = median(hypervolume("random", seed) for seed in range(3))
    assert median(hypervolume(name, seed) for seed in range(3)) > chance + 0.2


@pytest.mark.parametrize("name", ["tpe", "multivariate-tpe"])
def test_what_runs_sends_others_elsewhere(name: str) -> None:
    about = problem(*SQUARE)
    history: list[Trial] = []
    while len(history) < 30:
        for each in algorithm(name).suggest(about, history, 1).suggestions:
            x, y = point(each.assignments)
            history.append(ended(each, (x - 0.2) ** 2 + (y - 0.2) ** 2))
    crowd = [
        Trial(name="", assignments={"x": f"{0.15 + each / 400}", "y": "0.2"}, state="running")
        for each in range(40)
    ]
    found = algorithm(name).suggest(about, [*history, *crowd], 9).suggestions
    there = [point(each.assignments) for each in crowd]
    apart = [min(math.dist(point(each.assignments), one) for one in there) for each in found]
    assert median(apart) > 0.02
