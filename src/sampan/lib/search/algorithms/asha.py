"""ASHA: successive halving that waits for nobody.

Each answer promotes the best trial that may go on now, from the highest rung that has one: those
who are among the best, one of eta, of what has told in their rung so far. Where there is none, a
new trial begins in the lowest rung. So nothing is idle while others run, for some promotions that
turn out to have been early. Trials that fail are not counted. Li et al. 2020. Several objectives
are compared by front and room, and who breaks constraints comes after all who do not.

The settings are those of `hyperband`, with no rule for `parallelTrialCount`. Upstream has no such
algorithm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sampan.lib.search import outcomes, turns
from sampan.lib.search.algorithms import budgets
from sampan.lib.search.algorithms.budgets import Ladder
from sampan.lib.search.problem import Answer, Problem, Suggestion, Trial

RUNG, MEMBER = "asha-rung", "asha-member"
"""The labels of a trial: numbers from 0 on. A member has the same values in each rung."""


def check(problem: Problem) -> None:
    budgets.check(problem, "asha")


def suggest(problem: Problem, trials: Sequence[Trial], count: int) -> Answer:
    return turns.in_turn(_propose, problem, trials, count)


def _propose(problem: Problem, trials: Sequence[Trial]) -> Suggestion:
    ladder = budgets.ladder(problem)
    rungs = _rungs(ladder, trials)
    for rung in reversed(range(ladder.top)):
        best = _promotable(problem, ladder, rungs[rung], rungs[rung + 1])
        if best is not None:
            budget = ladder.budget(ladder.top - rung - 1)
            labels = _labels(rung + 1, best)
            return budgets.promoted(rungs[rung][best], ladder.resource, budget, labels)
    labels = _labels(0, budgets.unused(rungs[0]))
    return budgets.begun(problem, ladder.resource, len(trials), ladder.budget(ladder.top), labels)


def _rungs(ladder: Ladder, trials: Sequence[Trial]) -> list[dict[int, Trial]]:
    """The trials of each rung, by their member."""
    rungs: list[dict[int, Trial]] = [{} for _ in range(ladder.top + 1)]
    for trial in trials:
        if (numbers := budgets.numbers(trial, RUNG, MEMBER)) is None:
            continue
        rung, member = numbers
        if rung <= ladder.top:
            rungs[rung][member] = trial
    return rungs


def _promotable(
    problem: Problem, ladder: Ladder, rung: Mapping[int, Trial], above: Mapping[int, Trial]
) -> int | None:
    member = {id(trial): each for each, trial in rung.items()}
    told = outcomes.told(problem, rung.values())
    best = outcomes.ranked(problem, told)[: int(len(told) / ladder.eta)]
    return next((member[id(each)] for each in best if member[id(each)] not in above), None)


def _labels(rung: int, member: int) -> Mapping[str, str]:
    return {RUNG: str(rung), MEMBER: str(member)}
