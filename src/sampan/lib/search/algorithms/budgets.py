"""Budgets: how much of a resource, such as epochs, a trial may spend.

    rung 0   R / eta²   many trials
    rung 1   R / eta    the best of them, with the same values
    rung 2   R          the best of these

A trial of a rung has its budget as the value of the parameter `resource_name`; all other values are
drawn once and kept. Budgets are whole numbers, and at least 1; `r_l` is R, that of the last rung.
With `suggestion_trial_dir` who gets more goes on from where it was (`checkpoints`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from sampan.lib.search import settings, space
from sampan.lib.search.algorithms.random import drawn
from sampan.lib.search.checkpoints import DIRECTORY, PARENT
from sampan.lib.search.problem import Problem, Refused, Suggestion, Trial

ETA, MOST, RESOURCE = "eta", "r_l", settings.RESOURCE

_ETA = 3.0
_LARGEST = 1e12
_CLOSE = 1e-9  # powers of numbers that are whole may be a little less


class Ladder(Struct, frozen=True, kw_only=True):
    """`top`: how often `most` can be divided by `eta`, which is the number of the last rung."""

    resource: str
    eta: float
    most: float
    top: int

    def budget(self, rungs: int) -> int:
        """So many rungs below the last one."""
        return max(1, math.floor(self.most / self.eta**rungs + _CLOSE))


_ANY: settings.Rule = (lambda text: True, "")
_RULES: Mapping[str, settings.Rule] = dict([
    (ETA, (lambda text: int(float(text)) != 1 and float(text) <= _LARGEST,
           "eta must be at least 2")),
    (MOST, (lambda text: 1 <= float(text) <= _LARGEST, "r_l must be from 1 to 1e12")),
    (RESOURCE, _ANY),
    (DIRECTORY, _ANY),
    settings.at_least_zero(settings.SEED),
])  # fmt: skip


def check(problem: Problem, algorithm: str, known: Sequence[str] = ()) -> None:
    """`known`: names of more settings, of which all values will do."""
    given = problem.settings
    if MOST not in given or RESOURCE not in given:
        raise Refused("r_l and resource_name must be set.")
    if not _is_positive(given[MOST]):
        raise Refused("r_l must be a positive float number.")
    settings.verify(problem.settings, algorithm, {**_RULES, **dict.fromkeys(known, _ANY)})
    space.of(problem.parameters)
    if given[RESOURCE] not in {each.name for each in problem.parameters}:
        raise Refused("value of resource_name setting must be in parameters.")
    _others(problem, given[RESOURCE])


def ladder(problem: Problem) -> Ladder:
    most, eta = float(problem.settings[MOST]), factor(problem)
    return Ladder(
        resource=problem.settings[RESOURCE],
        eta=eta,
        most=most,
        top=int(math.log(most) / math.log(eta) + _CLOSE),
    )


def factor(problem: Problem) -> float:
    """`eta`; what is not above 0 stands for 3, as with upstream."""
    given = settings.number(problem, ETA, _ETA)
    return given if int(given) > 0 else _ETA


def begun(
    problem: Problem, resource: str, place: int, budget: int, labels: Mapping[str, str]
) -> Suggestion:
    """New values, for the trial that is number `place`."""
    others = _others(problem, resource)
    point = drawn(len(others.axes), settings.seed(problem), place)
    found = {**others.assigned(point), resource: str(budget)}
    ordered = [each.name for each in problem.parameters if each.name in found]
    return Suggestion(assignments={name: found[name] for name in ordered}, labels=labels)


def promoted(trial: Trial, resource: str, budget: int, labels: Mapping[str, str]) -> Suggestion:
    """The values of that trial, with another budget."""
    parent = {PARENT: trial.name} if trial.name else {}
    return Suggestion(
        assignments={**trial.assignments, resource: str(budget)}, labels={**labels, **parent}
    )


def numbers(trial: Trial, *labels: str) -> tuple[int, ...] | None:
    """What these labels of a trial say; None where one of them is no number from 0 on."""
    said = [trial.labels.get(each, "") for each in labels]
    if not all(each.isascii() and each.isdigit() for each in said):
        return None
    return tuple(map(int, said))


def unused(taken: Collection[int]) -> int:
    """The least number that is not taken."""
    return next(number for number in range(len(taken) + 1) if number not in taken)


def _others(problem: Problem, resource: str) -> space.Space:
    return space.of(tuple(each for each in problem.parameters if each.name != resource))


def _is_positive(text: str) -> bool:
    try:
        return 0 < float(text) < math.inf
    except ValueError:
        return False
