"""Successive halving: who is not among the best at a rung is stopped there.

The rungs are reports number `start_step`, that times `eta`, and so on. A new trial is stopped at a
rung where its best value so far is worse than the last of the best, one of `eta`, of all trials
that have reached it, those that run and those that were stopped included; rungs that fewer than
`eta` have reached stop nobody. What was reported after a trial began does not change its rules.
Li et al. 2020. Upstream has no such rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sampan.lib.search.problem import Problem, Rule, Trial
from sampan.lib.search.settings import verify
from sampan.lib.search.stopping import curves


def check(problem: Problem, settings: Mapping[str, str]) -> None:
    verify(settings, "asha", curves.HALVING)


def rules(problem: Problem, trials: Sequence[Trial], settings: Mapping[str, str]) -> Sequence[Rule]:
    eta, step = float(settings.get(curves.ETA, 3)), float(settings.get(curves.START, 1))
    known, found = curves.of(trials), list[Rule]()
    while True:
        reports = int(step)
        bests = [curves.best(problem, each, reports) for each in known if len(each) >= reports]
        if len(bests) < eta:
            return found
        bests.sort(reverse=not curves.is_minimized(problem))
        found.append(curves.worse(problem, bests[int(len(bests) / eta) - 1], reports))
        step = max(step * eta, reports + 1)
