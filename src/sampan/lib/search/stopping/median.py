"""The median rule: stop who, at any report, is worse than half of the trials were until there.

At each report from `start_step` on, a trial's best value so far is compared with the median of the
means of what trials that succeeded had reported until then; where fewer than `min_trials_required`
of them had reported as often, with nothing. A long curve is tested at some of its reports, ever
farther apart. Golovin et al. 2017. The settings are those of `medianstop`. Upstream has no such
rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from statistics import median

from sampan.lib.search.problem import Problem, Rule, Trial
from sampan.lib.search.settings import verify
from sampan.lib.search.stopping import curves

MOST = 16
"""Rules of one trial."""


def check(problem: Problem, settings: Mapping[str, str]) -> None:
    verify(settings, "median", curves.MEDIAN)


def rules(problem: Problem, trials: Sequence[Trial], settings: Mapping[str, str]) -> Sequence[Rule]:
    start, required = (
        int(settings.get(name, default))
        for name, default in ((curves.START, 4), (curves.REQUIRED, 3))
    )
    known = curves.of(each for each in trials if each.state == "succeeded")
    if len(known) < required:
        return ()
    longest = sorted(map(len, known))[-required]  # that enough of them have reached
    sums = [list(accumulate(each)) for each in known]
    return [
        curves.worse(
            problem, median(each[step - 1] for each in sums if len(each) >= step) / step, step
        )
        for step in curves.spread(start, longest, MOST)
    ]
