"""The Sobol sequence: points that fill the space more evenly than chance.

A suggestion depends on its place in the history alone. The first point of the sequence, which is a
corner of the space, is left out. Distributions are ignored and axes numbered by name, as upstream
does; the largest whole number is as likely as the others, which it is not there.
Upstream: pkg/suggestion/v1beta1/goptuna.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

import numpy as np

from sampan.lib.search import settings, space, turns
from sampan.lib.search.models import sobol
from sampan.lib.search.problem import Answer, Problem, Refused, Suggestion, Trial
from sampan.lib.search.space import Space


def check(problem: Problem) -> None:
    settings.verify(problem.settings, "sobol", {})
    space.evenly(problem.parameters)
    if len(problem.parameters) > sobol.MOST_AXES:
        raise Refused(f"sobol has at most {sobol.MOST_AXES} parameters")


def suggest(problem: Problem, trials: Sequence[Trial], count: int) -> Answer:
    return turns.in_turn(_propose, problem, trials, count)


def _propose(problem: Problem, trials: Sequence[Trial]) -> Suggestion:
    searched = space.evenly(problem.parameters)
    points = _sequence(searched, len(trials)) if searched.axes else iter([()])
    return Suggestion(assignments=turns.unseen(searched, trials, points, Random(len(trials))))


def _sequence(searched: Space, place: int) -> Iterator[Sequence[float]]:
    column = np.argsort(np.argsort(searched.names))
    for number in range(place + 1, place + 1 + turns.TRIES):
        yield sobol.point(number, len(searched.axes))[column].tolist()
