"""Tree-structured Parzen estimators with one density over all parameters, so that parameters that
depend on each other are moved together. Otherwise as `tpe`.

The prior counts for little among the best trials and for much among the others, whose bumps are
wider too: with many axes nearly all of the space is far from every trial, and would be worth a
visit for that alone.

Upstream: pkg/suggestion/v1beta1/optuna (names and settings; "greate" is its spelling).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

import numpy as np

from sampan.lib.search import history, settings, space, turns
from sampan.lib.search.algorithms.random import even
from sampan.lib.search.algorithms.tpe import MOST_BEST, MOST_CANDIDATES, START, split
from sampan.lib.search.models.parzen import Parzen, ranked
from sampan.lib.search.problem import Answer, Problem, Suggestion, Trial

_BEST = 0.1  # of all trials
_FEWEST = 2  # best ones
_NARROW = 0.4  # of an axis, for the bump of one trial
_WIDER = 1.3  # bumps of the other trials than of the best ones
_PRIOR, _PRIOR_OF_OTHERS = 0.3, 5.0  # weights, where the best trial's is 1

_RULES = dict([
    settings.at_least_zero("n_startup_trials", word="greate"),
    settings.at_least_zero("n_ei_candidates", word="greate"),
    settings.at_least_zero(settings.SEED, word="greate"),
])  # fmt: skip


def check(problem: Problem) -> None:
    settings.verify(problem.settings, "multivariate-tpe", _RULES)
    settings.at_most(problem, "n_ei_candidates", MOST_CANDIDATES)
    space.of(problem.parameters)


def suggest(problem: Problem, trials: Sequence[Trial], count: int) -> Answer:
    return turns.in_turn(_propose, problem, trials, count)


def _propose(problem: Problem, trials: Sequence[Trial]) -> Suggestion:
    searched, seed = space.of(problem.parameters), settings.seed(problem)
    told = history.told(problem, trials)
    chance = Random(f"{seed} {len(trials)} chosen")
    start = max(1, settings.integer(problem, "n_startup_trials", START))
    if len(told) < start or not searched.axes:
        return even(problem, searched, trials)
    best = min(MOST_BEST, max(_FEWEST, math.ceil(_BEST * len(told))))
    good, bad = split(problem, searched, told, trials, best)
    levels = [axis.levels if axis.ordered else -axis.levels for axis in searched.axes]
    weights = ranked(len(good), len(problem.objectives))
    likely = Parzen(good, weights, levels, _PRIOR, narrow=_NARROW)
    other = Parzen(bad, np.ones(len(bad)), levels, _PRIOR_OF_OTHERS, narrow=_NARROW, wider=_WIDER)
    count = max(1, settings.integer(problem, "n_ei_candidates", 24))
    points = likely.draw(count, np.random.default_rng([seed, len(trials)]))
    worth = likely.logarithm(points) - other.logarithm(points)
    points = points[np.argsort(-worth, kind="stable")]
    return Suggestion(assignments=turns.unseen(searched, trials, points.tolist(), chance))
