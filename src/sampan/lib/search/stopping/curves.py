"""What stopping rules share: the values that trials reported, in order, and the rule itself.

A rule is tested against the best value that a trial has reported until then, so what is compared
with it here is either that, or a mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from sampan.lib.search.problem import Problem, Rule, Trial
from sampan.lib.search.settings import Rule as Demand

REQUIRED, START, ETA = "min_trials_required", "start_step", "eta"

_AT_LEAST_ONE: Demand = (
    lambda text: int(text) >= 1,
    "start_step must be greater or equal than one (>=1)",
)
MEDIAN: Mapping[str, Demand] = {
    REQUIRED: (lambda text: int(text) > 0, "min_trials_required must be greater than zero (>0)"),
    START: _AT_LEAST_ONE,
}
HALVING: Mapping[str, Demand] = {
    START: _AT_LEAST_ONE,
    ETA: (lambda text: 1 < float(text) < math.inf, "eta must be greater than one (>1)"),
}


def of(trials: Iterable[Trial]) -> list[list[float]]:
    """The curve of each of them that reported any number."""
    found = [[value for _, value in each.reports] for each in trials]
    return [
        finite
        for curve in found
        if (finite := curve if all(map(math.isfinite, curve)) else [*filter(math.isfinite, curve)])
    ]


def best(problem: Problem, curve: Sequence[float], reports: int) -> float:
    """Of the first so many."""
    return min(curve[:reports]) if is_minimized(problem) else max(curve[:reports])


def worse(problem: Problem, value: float, step: int) -> Rule:
    """Who is worse than this value at that report is stopped."""
    return Rule(
        name=problem.objectives[0].metric,
        value=str(value),
        comparison="greater" if is_minimized(problem) else "less",
        start_step=step,
    )


def is_minimized(problem: Problem) -> bool:
    return problem.objectives[0].minimize


def spread(first: int, last: int, most: int) -> list[int]:
    """At most so many whole numbers from `first` to `last`, each by the same factor larger than
    the one before, or by 1."""
    if last < first:
        return []
    if last - first < most:
        return list(range(first, last + 1))
    factor = (last / first) ** (1 / (most - 1))
    found = {round(first * factor**place) for place in range(most)}
    return sorted(found)
