"""What came of trials: which have told, and which of them are better. Without arrays (`history`).

Told are trials that ended with a number for each objective, those stopped early included; a trial
that failed says nothing, one that has not ended is pending. Of those that told, the feasible ones
are the best, by loss (by front and room, where there are several), then the others by how little
they violate the constraints.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from sampan.lib.search import pareto
from sampan.lib.search.problem import Problem, Trial

_TOLD = ("succeeded", "stopped")
_PENDING = ("created", "running")


def told(problem: Problem, trials: Iterable[Trial]) -> list[Trial]:
    wanted = max(1, len(problem.objectives))
    return [
        each
        for each in trials
        if each.state in _TOLD and len(each.values) >= wanted and finite(each.values[:wanted])
    ]


def pending(trials: Iterable[Trial]) -> list[Trial]:
    return [each for each in trials if each.state in _PENDING]


def violation(problem: Problem, trial: Trial) -> float:
    """By how much it breaks the constraints, 0 where it is feasible."""
    wanted = len(problem.constraints)
    if not wanted:
        return 0.0
    values = trial.constraints[:wanted]
    if len(values) < wanted or not finite(values):
        return math.inf
    return sum(max(0.0, each) for each in values if each is not None)


def standings(problem: Problem, told: Sequence[Trial]) -> list[int]:
    """Of each of these trials, how many better outcomes there are: 0 is the best."""
    signs = [1.0 if each.minimize else -1.0 for each in problem.objectives] or [1.0]
    lost = [
        tuple(sign * (value or 0.0) for sign, value in zip(signs, each.values, strict=False))
        for each in told
    ]
    keys = [(violation(problem, each), loss[0]) for each, loss in zip(told, lost, strict=True)]
    if len(signs) > 1:
        keys = [(broken, 0.0) for broken, _ in keys]
        feasible = [number for number, (broken, _) in enumerate(keys) if broken == 0]
        for place, number in enumerate(pareto.order([lost[each] for each in feasible])):
            keys[feasible[number]] = 0.0, float(place)
    standing = {key: place for place, key in enumerate(sorted(set(keys)))}
    return [standing[key] for key in keys]


def ranked(problem: Problem, told: Sequence[Trial]) -> list[Trial]:
    """Best first; of equals the earlier one is first."""
    places = standings(problem, told)
    return [told[number] for number in sorted(range(len(told)), key=places.__getitem__)]


def finite(values: Iterable[float | None]) -> bool:
    for each in values:  # noqa: SIM110  # read for each trial of each question: `all` takes thrice as long
        if each is None or not math.isfinite(each):
            return False
    return True
