"""Hyperband: brackets of trials, of which the best of each rung are given a larger budget.

Bracket s begins with many trials, each with R / eta^s of the resource; when all of a rung have
ended, one of eta of them goes on with eta times as much. The first bracket has the most trials and
the smallest budgets, the last one gives R to all; then it begins anew with the first one. Who would
have to wait for a rung begins the next bracket meanwhile, unless `max_trials` would then leave
fewer places than the brackets before it still need: then there are fewer suggestions than were
asked for. A trial that fails is not replaced, and goes nowhere. Li et al. 2018.

Labels say which bracket, rung and member a trial is, so that all state is in the history; what
upstream keeps in the settings is let pass and not read. Upstream asks for `parallelTrialCount` as
large as the first rung of the first bracket, and so do we. Upstream:
pkg/suggestion/v1beta1/hyperband (there, rungs beyond the first answer with fewer than were asked
for, which its controller refuses).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from sampan.lib.search import outcomes, turns
from sampan.lib.search.algorithms import budgets
from sampan.lib.search.algorithms.budgets import Ladder
from sampan.lib.search.problem import Answer, Problem, Refused, Suggestion, Trial

BRACKET, RUNG, MEMBER = "hyperband-bracket", "hyperband-rung", "hyperband-member"
"""The labels of a trial: numbers from 0 on. A member has the same values in each rung."""

_STATE = ("s_max", "b_l", "r", "n", "current_s", "current_i", "evaluating_trials")
_CLOSE = 1e-9


def check(problem: Problem) -> None:
    budgets.check(problem, "hyperband", known=_STATE)
    eta = int(budgets.factor(problem))
    widest = eta ** int(math.log(budgets.ladder(problem).most) / math.log(eta))  # as upstream
    if problem.parallel < widest:
        raise Refused(f"parallelTrialCount must be not less than {widest}.")


def suggest(problem: Problem, trials: Sequence[Trial], count: int) -> Answer:
    return turns.in_turn(_propose, problem, trials, count)


def _propose(problem: Problem, trials: Sequence[Trial]) -> Suggestion | None:
    """None: first some trial has to end."""
    ladder = budgets.ladder(problem)
    brackets = _brackets(ladder, trials)
    left = math.inf if problem.max_trials is None else problem.max_trials - len(trials)
    owed = 0
    for bracket in brackets:
        is_open = left > owed and len(bracket.rungs[0]) < bracket.size
        if found := bracket.promotion(problem, is_open):
            return found
        if is_open:
            return bracket.draw(problem, len(trials))
        owed += bracket.owed(problem)
    if left > owed or not outcomes.pending(trials):
        number = budgets.unused([each.number for each in brackets])
        return _Bracket(ladder, number).draw(problem, len(trials))
    return None


def _brackets(ladder: Ladder, trials: Sequence[Trial]) -> list[_Bracket]:
    """Those that have begun, in their order."""
    found: dict[int, _Bracket] = {}
    for trial in trials:
        if (numbers := budgets.numbers(trial, BRACKET, RUNG, MEMBER)) is None:
            continue
        bracket, rung, member = numbers
        if bracket not in found:
            found[bracket] = _Bracket(ladder, bracket)
        if rung <= found[bracket].last:
            found[bracket].rungs[rung][member] = trial
    return [found[number] for number in sorted(found)]


class _Bracket:
    """`size`: how many trials its first rung has; `last`: the number of its last rung. `rungs`:
    the trials of each, by their member."""

    def __init__(self, ladder: Ladder, number: int) -> None:
        self.ladder = ladder
        self.number = number
        self.last = ladder.top - number % (ladder.top + 1)
        self.size = _upwards((ladder.top + 1) * ladder.eta**self.last / (self.last + 1))
        self.rungs: list[dict[int, Trial]] = [{} for _ in range(self.last + 1)]

    def draw(self, problem: Problem, place: int) -> Suggestion:
        labels = self._labels(0, budgets.unused(self.rungs[0]))
        budget = self.ladder.budget(self.last)
        return budgets.begun(problem, self.ladder.resource, place, budget, labels)

    def promotion(self, problem: Problem, is_open: bool) -> Suggestion | None:
        """The best trial of a rung that is complete, if it was not promoted before. `is_open`:
        there will be more trials in the first rung."""
        members = set() if is_open else set(self.rungs[0])
        for rung in range(self.last):
            here, above = self.rungs[rung], self.rungs[rung + 1]
            if not members or not _complete(here, members):
                return None
            best = _best(problem, here, members, self.ladder.eta)
            for member in best:
                if member not in above:
                    budget = self.ladder.budget(self.last - rung - 1)
                    labels = self._labels(rung + 1, member)
                    return budgets.promoted(here[member], self.ladder.resource, budget, labels)
            members = set(best)
        return None

    def owed(self, problem: Problem) -> int:
        """How many promotions there may be yet."""
        size, owed = len(self.rungs[0]), 0
        for here, above in pairwise(self.rungs):
            able = outcomes.told(problem, here.values()) + outcomes.pending(here.values())
            size = min(_upwards(size / self.ladder.eta), size - (len(here) - len(able)))
            owed += max(0, size - len(above))
        return owed

    def _labels(self, rung: int, member: int) -> Mapping[str, str]:
        return {BRACKET: str(self.number), RUNG: str(rung), MEMBER: str(member)}


def _complete(rung: Mapping[int, Trial], members: set[int]) -> bool:
    """Whether all of them are there and have ended."""
    return members <= rung.keys() and not outcomes.pending(rung[each] for each in members)


def _best(problem: Problem, rung: Mapping[int, Trial], members: set[int], eta: float) -> list[int]:
    member = {id(rung[each]): each for each in members}
    told = outcomes.told(problem, (rung[each] for each in sorted(members)))
    best = outcomes.ranked(problem, told)[: _upwards(len(members) / eta)]
    return [member[id(each)] for each in best]


def _upwards(number: float) -> int:
    return math.ceil(number - _CLOSE)
