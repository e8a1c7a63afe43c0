"""Tree-structured Parzen estimators, each parameter by itself.

Trials are split into the best few and the rest; a density is put through the places of each. Of
some candidates drawn from the density of the best, the one that it makes most likely compared with
the other density is suggested. Trials that run count among the rest, so that others are sent
elsewhere. Before enough trials have told, points are drawn evenly. Constraints and several
objectives are in the order of the trials, and not seen otherwise.

A tenth of the trials are the best, more or fewer as `gamma` is more or less than 0.25 (upstream
takes `gamma` times the square root, which learns more slowly). `multivariate` has one density over
all parameters. Upstream: pkg/suggestion/v1beta1/hyperopt (names and settings).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

import numpy as np

from sampan.lib.search import history, settings, space, turns
from sampan.lib.search.algorithms.random import even
from sampan.lib.search.history import Array
from sampan.lib.search.models.parzen import Parzen, ranked
from sampan.lib.search.problem import Answer, Problem, Suggestion, Trial
from sampan.lib.search.space import Space

CANDIDATES = "n_EI_candidates"
MOST_CANDIDATES = 10_000
MOST_BEST = 25
START = 10
"""Trials that have to tell before there is a model."""
_SHARE = 0.4  # of `gamma`, as part of all trials
_TRIES = 10  # for a point that is new, where points have a number

_RULES = dict([
    ("gamma", (lambda text: 0 < float(text) < 1, "gamma should be in the range of (0, 1)")),
    ("prior_weight", (lambda text: 0 < float(text) < math.inf,
                      "prior_weight should be great than zero")),
    (CANDIDATES, (lambda text: int(text) > 0, f"{CANDIDATES} should be great than zero")),
    settings.at_least_zero(settings.SEED),
])  # fmt: skip


def check(problem: Problem) -> None:
    settings.verify(problem.settings, "tpe", _RULES)
    settings.at_most(problem, CANDIDATES, MOST_CANDIDATES)
    space.of(problem.parameters)


def suggest(problem: Problem, trials: Sequence[Trial], count: int) -> Answer:
    return turns.in_turn(_propose, problem, trials, count)


def _propose(problem: Problem, trials: Sequence[Trial]) -> Suggestion:
    searched, seed = space.of(problem.parameters), settings.seed(problem)
    told = history.told(problem, trials)
    chance = Random(f"{seed} {len(trials)} chosen")
    if len(told) < START or not searched.axes:
        return even(problem, searched, trials)
    share = _SHARE * settings.number(problem, "gamma", 0.25)
    best = min(MOST_BEST, math.ceil(share * len(told)))
    good, bad = split(problem, searched, told, trials, best)
    random = np.random.default_rng([seed, len(trials)])
    columns = [_best(problem, searched, axis, good, bad, random) for axis in range(good.shape[1])]
    points = np.column_stack(columns).tolist()
    return Suggestion(assignments=turns.unseen(searched, trials, points, chance))


def split(
    problem: Problem, searched: Space, told: Sequence[Trial], trials: Sequence[Trial], best: int
) -> tuple[Array, Array]:
    """The places of the best trials, best first, and those of the others in their order, with the
    ones that run as the last."""
    order, places = history.ranked(problem, told, best), history.places(searched, told)
    pending = history.places(searched, history.pending(trials))
    return places[order[:best]], np.vstack([places[np.sort(order[best:])], pending])


def _best(
    problem: Problem,
    searched: Space,
    axis: int,
    good: Array,
    bad: Array,
    random: np.random.Generator,
) -> Array:
    """Places along the axis, the best first."""
    prior = settings.number(problem, "prior_weight", 1.0)
    count = settings.integer(problem, CANDIDATES, 24)
    level = searched.axes[axis].levels * (1 if searched.axes[axis].ordered else -1)
    good, bad = good[:, axis : axis + 1], bad[:, axis : axis + 1]
    good, bad = good[~np.isnan(good[:, 0])], bad[~np.isnan(bad[:, 0])]
    likely = Parzen(good, ranked(len(good), len(problem.objectives)), [level], prior)
    other = Parzen(bad, np.ones(len(bad)), [level], prior)
    points = likely.draw(max(count, _TRIES), random)[:count]
    worth = likely.logarithm(points) - other.logarithm(points)
    return np.resize(points[np.argsort(-worth, kind="stable"), 0], _TRIES)
