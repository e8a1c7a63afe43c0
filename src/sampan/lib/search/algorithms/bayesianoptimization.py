"""Bayesian optimization: a model of the loss is asked which point is worth trying most.

The model is a Gaussian process (GP) or an ensemble of trees (RF, ET, GBRT), learned from the trials
that told; those that run are taken to lose what it expects of them, so that others are sent
elsewhere. `gp_hedge` takes one of EI, LCB and PI, the more likely the better what each of them
found before was; a trial carries the name of its function as a label. EIps and PIps divide by the
seconds that a model of these expects, where trials tell them.

Doubles above 0 are searched on the scale of logarithms, as upstream does, and others as they are,
where upstream has no answer. Steps are kept, which upstream ignores.
Upstream: pkg/suggestion/v1beta1/skopt.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from sampan.lib.search import history, settings, space, turns
from sampan.lib.search.algorithms.random import even
from sampan.lib.search.history import Array
from sampan.lib.search.models.acquisition import FUNCTIONS, PER_SECOND
from sampan.lib.search.models.proposer import Guess, Proposer
from sampan.lib.search.problem import Answer, Parameter, Problem, Suggestion, Trial
from sampan.lib.search.space import Space

FUNCTION = "acq-func"
"""The label of a trial."""

_HEDGED = ("EI", "LCB", "PI")
_INITIAL = 10
_MUCH = 10.0  # times as far above the middle loss as the best is below it
_MOST_LEARNED = 300  # trials; of more, the best, the latest, and some of the others

_UNSUPPORTED = "{name} {{}} is not supported in Bayesian optimization"
_RULES = dict([
    *(
        settings.one_of(name, values, _UNSUPPORTED.format(name=name))
        for name, values in (
            ("base_estimator", ("GP", "RF", "ET", "GBRT")),
            ("acq_func", ("gp_hedge", "LCB", "EI", "PI", "EIps", "PIps")),
            ("acq_optimizer", ("auto", "sampling", "lbfgs")),
        )
    ),
    settings.at_least_zero("n_initial_points"),
    settings.at_least_zero(settings.SEED),
])  # fmt: skip


def check(problem: Problem) -> None:
    settings.verify(problem.settings, "bayesianoptimization", _RULES)
    settings.one_objective(problem, "bayesianoptimization")
    space.of(_scaled(problem.parameters))


def suggest(problem: Problem, trials: Sequence[Trial], count: int) -> Answer:
    return turns.in_turn(_propose, problem, trials, count)


def _scaled(parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
    return tuple(
        replace(each, distribution="logUniform")
        if each.kind == "double" and each.distribution == "uniform" and (each.min or 0) > 0
        else each
        for each in parameters
    )


def _propose(problem: Problem, trials: Sequence[Trial]) -> Suggestion:
    searched, seed = space.of(_scaled(problem.parameters)), settings.seed(problem)
    told = history.told(problem, trials)
    chance = Random(f"{seed} {len(trials)} chosen")
    if len(told) < max(1, settings.integer(problem, "n_initial_points", _INITIAL)):
        return even(problem, searched, trials)
    learned = _worth_learning(problem, told, chance)
    guess = Guess(searched, problem.settings.get("base_estimator", "GP"), seed)
    lost = _normal(history.penalized(problem, learned))
    guess.learn(history.places(searched, learned), lost)
    guess.expect(history.places(searched, history.pending(trials)))
    name = problem.settings.get("acq_func", "gp_hedge")
    if name == "gp_hedge":
        name = _hedged(learned, lost, chance)
    proposer = Proposer(guess, np.random.default_rng([seed, len(trials)]))
    if name in PER_SECOND:
        timed = [each for each in learned if each.seconds > 0]
        proposer.dear = _seconds(problem, searched, timed, seed) if timed else None
    climbing = problem.settings.get("acq_optimizer", "auto") != "sampling"
    points = proposer.points(FUNCTIONS[name], climbing=climbing)
    return Suggestion(
        assignments=turns.unseen(searched, trials, points, chance), labels={FUNCTION: name}
    )


def _worth_learning(problem: Problem, told: Sequence[Trial], chance: Random) -> Sequence[Trial]:
    if len(told) <= _MOST_LEARNED:
        return told
    third = _MOST_LEARNED // 3
    kept = {*history.ranked(problem, told)[:third].tolist(), *range(len(told) - third, len(told))}
    others = [number for number in range(len(told)) if number not in kept]
    kept.update(chance.sample(others, min(len(others), _MOST_LEARNED - len(kept))))
    return [told[number] for number in sorted(kept)]


def _seconds(problem: Problem, searched: Space, timed: Sequence[Trial], seed: int) -> Guess:
    """Of the logarithm of the seconds that a trial takes."""
    guess = Guess(searched, problem.settings.get("base_estimator", "GP"), seed)
    logarithms = np.log([each.seconds for each in timed])
    guess.learn(history.places(searched, timed), logarithms - logarithms.mean())
    return guess


def _normal(lost: Array) -> Array:
    """Around 0 with a deviation of 1; those much worse than the middle are only much worse, or one
    that diverged would make all others the same."""
    scaled = lost / (np.abs(lost).max() or 1.0)
    middle = np.median(scaled)
    spread = middle - scaled.min()
    if spread:
        scaled = np.minimum(scaled, middle + _MUCH * spread)
    return np.asarray((scaled - scaled.mean()) / (scaled.std() or 1.0))


def _hedged(told: Sequence[Trial], lost: Array, chance: Random) -> str:
    """One of the functions: what each gained is how little its trials lost."""
    functions: NDArray[np.str_] = np.array([each.labels.get(FUNCTION, "") for each in told])
    gains = [
        -float(lost[functions == name].mean()) if name in functions else 0.0 for name in _HEDGED
    ]
    top = max(gains)
    return chance.choices(_HEDGED, [math.exp(each - top) for each in gains])[0]
