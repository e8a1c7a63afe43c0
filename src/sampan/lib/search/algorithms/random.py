"""Random search: each parameter by itself, from its distribution.

A suggestion depends on the seed and its place among all suggestions, not on what came of the
others. Steps are equally likely, those at the ends included, where upstream halves these.
Upstream: pkg/suggestion/v1beta1/hyperopt.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from sampan.lib.search import settings, space
from sampan.lib.search.problem import Answer, Problem, Suggestion, Trial

_RULES = dict([settings.at_least_zero(settings.SEED)])


def check(problem: Problem) -> None:
    settings.verify(problem, "random", _RULES)
    space.of(problem.parameters)


def suggest(problem: Problem, trials: Sequence[Trial], count: int) -> Answer:
    seed, searched = settings.seed(problem), space.of(problem.parameters)
    return Answer(
        suggestions=tuple(
            Suggestion(assignments=searched.assigned(drawn(len(searched.axes), seed, place)))
            for place in range(len(trials), len(trials) + count)
        )
    )


def drawn(axes: int, seed: int, place: int) -> list[float]:
    """An even point of the space for the trial that is number `place`."""
    random = Random(f"{seed} {place}")
    return [random.random() for _ in range(axes)]
