"""NSGA-II: the best of all trials are parents, and each suggestion is a child of two of them.

Parents win tournaments by front, then by how much room they have in it (`pareto`). A child mixes
its parents' numbers (simulated binary crossover) and choices, and some of it is changed anew
(polynomial mutation). Children are made one by one from whatever has told by then, without waiting
for a generation. One objective or several; trials that break fewer constraints are better.
Deb et al. 2002; the names of settings are Optuna's. Upstream has no such algorithm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

import numpy as np

from sampan.lib.search import history, settings, space, turns
from sampan.lib.search.algorithms.random import even
from sampan.lib.search.history import Array
from sampan.lib.search.problem import Answer, Problem, Suggestion, Trial
from sampan.lib.search.space import Space

_POPULATION = 50
_MOST = 10_000
_CROSSOVER = 0.9
_MIXED = 20.0  # how near to a parent a child's numbers are: the index of the distribution
_CHANGED = 20.0  # the same of a mutation
_TRIES = 20  # children, where all are to be new


def _chance(name: str) -> tuple[str, settings.Rule]:
    return name, (lambda text: 0 <= float(text) <= 1, f"{name} should be in the range of [0, 1]")


_RULES = dict([
    ("population_size", (lambda text: 2 <= int(text) <= _MOST,
                         f"population_size should be at least 2 and at most {_MOST}")),
    _chance("mutation_prob"),
    _chance("crossover_prob"),
    _chance("swapping_prob"),
    settings.at_least_zero(settings.SEED),
])  # fmt: skip


def check(problem: Problem) -> None:
    settings.verify(problem.settings, "nsga-ii", _RULES)
    space.of(problem.parameters)


def suggest(problem: Problem, trials: Sequence[Trial], count: int) -> Answer:
    return turns.in_turn(_propose, problem, trials, count)


def _propose(problem: Problem, trials: Sequence[Trial]) -> Suggestion:
    searched, seed = space.of(problem.parameters), settings.seed(problem)
    size = settings.integer(problem, "population_size", _POPULATION)
    told, chance = history.told(problem, trials), Random(f"{seed} {len(trials)} chosen")
    if len(trials) < size or len(told) < 2:
        return even(problem, searched, trials)
    best = history.ranked(problem, told, size)[:size]
    parents = _filled(history.places(searched, [told[each] for each in best]))
    children = _children(problem, searched, parents, chance)
    return Suggestion(assignments=turns.unseen(searched, trials, children, chance))


def _filled(places: Array) -> Array:
    return np.where(np.isnan(places), 0.5, places)


def _children(
    problem: Problem, searched: Space, parents: Array, chance: Random
) -> Iterator[list[float]]:
    mutated = settings.number(problem, "mutation_prob", 1 / max(1, len(searched.axes)))
    crossed = settings.number(problem, "crossover_prob", _CROSSOVER)
    swapped = settings.number(problem, "swapping_prob", 0.5)
    for _ in range(_TRIES):
        one, other = (parents[_winner(len(parents), chance)].tolist() for _ in range(2))
        child = (
            _crossed(searched, one, other, swapped, chance) if chance.random() < crossed else one
        )
        yield [
            _changed(place, chance, axis.ordered) if chance.random() < mutated else place
            for axis, place in zip(searched.axes, child, strict=True)
        ]


def _winner(count: int, chance: Random) -> int:
    """Of a tournament of two; the better parents come first."""
    return min(chance.randrange(count), chance.randrange(count))


def _crossed(
    searched: Space, one: list[float], other: list[float], swapped: float, chance: Random
) -> list[float]:
    child = []
    for axis, mine, theirs in zip(searched.axes, one, other, strict=True):
        if chance.random() < swapped:
            mine, theirs = theirs, mine
        if axis.ordered and mine != theirs:
            even = chance.random()
            spread = (2 * even if even < 0.5 else 1 / (2 * (1 - even))) ** (1 / (_MIXED + 1))
            mine = 0.5 * ((1 + spread) * mine + (1 - spread) * theirs)
        child.append(min(max(mine, 0.0), 1.0))
    return child


def _changed(place: float, chance: Random, ordered: bool) -> float:
    even = chance.random()
    if not ordered:
        return even
    power = 1 / (_CHANGED + 1)
    if even < 0.5:
        moved = (2 * even + (1 - 2 * even) * (1 - place) ** (_CHANGED + 1)) ** power - 1
    else:
        moved = 1 - (2 * (1 - even) + (2 * even - 1) * place ** (_CHANGED + 1)) ** power
    return float(min(max(place + moved, 0.0), 1.0))
