"""The Sobol sequence: points that fill the space more evenly than chance.

A suggestion depends on its place in the history alone. The first point of the sequence, which is a
corner of the space, is left out. Distributions are ignored and axes numbered by name, as upstream
does; the largest whole number is as likely as the others, which it is not there.
Upstream: pkg/suggestion/v1beta1/goptuna.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import qmc

from sampan.lib.search import settings, space
from sampan.lib.search.problem import Answer, Problem, Suggestion, Trial


def check(problem: Problem) -> None:
    settings.verify(problem, "sobol", {})
    space.evenly(problem.parameters)


def suggest(problem: Problem, trials: Sequence[Trial], count: int) -> Answer:
    searched = space.evenly(problem.parameters)
    if not searched.axes or not count:
        return Answer(suggestions=(Suggestion(assignments={}),) * count)
    column = np.argsort(np.argsort(searched.names))
    engine = qmc.Sobol(len(searched.axes), scramble=False)
    engine.fast_forward(len(trials) + 1)
    points = [engine.random(1)[0, column] for _ in range(count)]
    return Answer(
        suggestions=tuple(
            Suggestion(assignments=searched.assigned(point.tolist())) for point in points
        )
    )
