"""Random search: each parameter by itself, from its distribution.

A suggestion depends on the seed and its place among all suggestions, not on what came of the
others; what was suggested before is passed over. Steps are equally likely, those at the ends
included, where upstream halves these.
Upstream: pkg/suggestion/v1beta1/hyperopt.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from sampan.lib.search import settings, space, turns
from sampan.lib.search.problem import Answer, Problem, Suggestion, Trial
from sampan.lib.search.space import Space

_RULES = dict([settings.at_least_zero(settings.SEED)])


def check(problem: Problem) -> None:
    settings.verify(problem.settings, "random", _RULES)
    space.of(problem.parameters)


def suggest(problem: Problem, trials: Sequence[Trial], count: int) -> Answer:
    return turns.in_turn(_propose, problem, trials, count)


def _propose(problem: Problem, trials: Sequence[Trial]) -> Suggestion:
    return even(problem, space.of(problem.parameters), trials)


def even(problem: Problem, searched: Space, trials: Sequence[Trial]) -> Suggestion:
    """An even point of the space: for algorithms that have nothing to learn from yet, too."""
    seed, place = settings.seed(problem), len(trials)
    points = (drawn(len(searched.axes), seed, place + turn) for turn in range(turns.TRIES))
    chance = Random(f"{seed} {place} chosen")
    return Suggestion(assignments=turns.unseen(searched, trials, points, chance))


def drawn(axes: int, seed: int, place: int) -> list[float]:
    """An even point of the space for the trial that is number `place`."""
    random = Random(f"{seed} {place}")
    return [random.random() for _ in range(axes)]
