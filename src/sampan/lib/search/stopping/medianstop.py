"""`medianstop`: stop who at one report is worse than trials were on average so far.

The value is the mean of the means of the first `start_step` reports of each trial that succeeded,
and tested at report number `start_step` only: despite its name, exactly what upstream does. A
median, at more than one report, is `median`.
Upstream: pkg/earlystopping/v1beta1/medianstop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sampan.lib.search.problem import Problem, Rule, Trial
from sampan.lib.search.settings import verify
from sampan.lib.search.stopping import curves


def check(problem: Problem, settings: Mapping[str, str]) -> None:
    verify(settings, "medianstop", curves.MEDIAN)


def rules(problem: Problem, trials: Sequence[Trial], settings: Mapping[str, str]) -> Sequence[Rule]:
    start = int(settings.get(curves.START, 4))
    means = [
        _mean(curve[:start])
        for curve in curves.of(each for each in trials if each.state == "succeeded")
    ]
    if len(means) < int(settings.get(curves.REQUIRED, 3)):
        return ()
    return (curves.worse(problem, _mean(means), start),)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)  # its last digit too is to be upstream's
