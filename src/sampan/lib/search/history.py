"""What was tried, as arrays: places of trials in the space, and what each of them lost.

Which have told, and which are pending, is said by `outcomes`. A place is NaN where the trial has no
value that the parameter could have: it was not active, or the trial is of another space.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from sampan.lib.search import outcomes, pareto
from sampan.lib.search.problem import Problem, Trial
from sampan.lib.search.space import Axis, Space

Array = NDArray[np.float64]

told, pending = outcomes.told, outcomes.pending


def losses(problem: Problem, trials: Sequence[Trial]) -> Array:
    """Of told trials, to be small: one row each, a column for each objective."""
    signs = [1.0 if each.minimize else -1.0 for each in problem.objectives] or [1.0]
    values = [each.values[: len(signs)] for each in trials]
    return np.array(values, dtype=float).reshape(len(trials), len(signs)) * signs


def violations(problem: Problem, trials: Sequence[Trial]) -> Array:
    """By how much each trial breaks the constraints, 0 where it is feasible."""
    if not problem.constraints:
        return np.zeros(len(trials))
    return np.array([outcomes.violation(problem, each) for each in trials])


def ranked(problem: Problem, trials: Sequence[Trial], most: int | None = None) -> NDArray[np.intp]:
    """Told trials as numbers, best first: the feasible ones by loss (by front and room, where there
    are several), then the others by how little they violate. Of equals the earlier one is first.
    All are there, but of several losses those beyond the `most` best are in no order."""
    lost, broken = losses(problem, trials), violations(problem, trials)
    if lost.shape[1] == 1:
        return np.lexsort((lost[:, 0], broken))
    feasible = np.flatnonzero(broken == 0)
    best = pareto.order(list(map(tuple, lost[feasible].tolist())), most)
    place = np.full(len(trials), len(trials))
    place[feasible[best]] = np.arange(len(best))
    return np.lexsort((place, broken))


def penalized(problem: Problem, trials: Sequence[Trial]) -> Array:
    """The first loss of told trials; with constraints instead how many are better, since no sum of
    a loss and a violation is right for every scale."""
    if not problem.constraints:
        return losses(problem, trials)[:, 0]
    found = np.empty(len(trials))
    found[ranked(problem, trials)] = np.arange(len(trials))
    return found


def places(space: Space, trials: Sequence[Trial]) -> Array:
    """One row for each trial, a column for each axis."""
    found = np.full((len(trials), len(space.axes)), np.nan)
    for column, axis in enumerate(space.axes):
        found[:, column] = _column(axis, [each.assignments.get(axis.name) for each in trials])
    return found


def _column(axis: Axis, texts: Sequence[str | None]) -> Array:
    if axis.choices:
        place = {choice: number for number, choice in reversed([*enumerate(axis.choices)])}
        numbers = np.array([place.get(each or "", math.nan) for each in texts], dtype=float)
        return (numbers + 0.5) / axis.levels
    values = _numbers(texts)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if axis.logarithmic:
            values = np.log(values)
        if axis.normal:
            found = np.asarray(ndtr((values - axis.low) / axis.high))
        elif axis.high > axis.low:
            found = (values - axis.low) / (axis.high - axis.low)
        else:
            found = np.where(np.isnan(values), np.nan, 0.5)
    return np.asarray(np.clip(found, 0.0, 1.0))


def _numbers(texts: Sequence[str | None]) -> Array:
    try:
        return np.array([math.nan if each is None else float(each) for each in texts])
    except ValueError:
        return np.array([_number(each) for each in texts])


def _number(text: str | None) -> float:
    try:
        return float(text or "")
    except ValueError:
        return math.nan
