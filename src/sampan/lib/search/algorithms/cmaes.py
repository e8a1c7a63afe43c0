"""CMA-ES: a normal distribution over the doubles and ints, moved by the best of each generation.

A trial carries the number of its generation as a label; a generation is over when as many of its
trials have told as its population is large, and those that fail are replaced. Every second trial of
a generation is drawn as the mirror image of the one before. So the distribution
is followed from the start through the history; what was computed on the way is kept, which changes
no answer. Discrete and categorical parameters are drawn evenly. Distributions are ignored. Trials
without the label, as those of an earlier experiment, give the start: the best of them, or else the
middle.

`sigma` is the first deviation, in the units of the parameters; without it, or with 0, it is a sixth
of each range. `ipop` starts anew with twice the population when the search has settled, `bipop`
with a large or a small one, whichever has had fewer trials.
Upstream: pkg/suggestion/v1beta1/goptuna.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random
from typing import NamedTuple

import numpy as np

from sampan.lib.search import history, settings, space, turns
from sampan.lib.search.algorithms.random import drawn
from sampan.lib.search.history import Array
from sampan.lib.search.models import evolution
from sampan.lib.search.models.evolution import Evolution
from sampan.lib.search.problem import Answer, Problem, Refused, Suggestion, Trial
from sampan.lib.search.space import Space

GENERATION = "cmaes-generation"
"""The label of a trial."""

_NUMBERS = ("double", "int")
_SHARE = 1 / 6  # of a range, as deviation
_NARROWEST = 1e-6  # deviation, as a part of the range
_GROWTH = 2  # of the population from one start to the next
_KEPT = 2000  # generations
_DRAWN = 20  # points of one distribution, where all of them are to be new

_STRATEGIES = ("none", "None", "ipop", "bipop")

_RULES = dict([
    settings.at_least_zero(settings.SEED, word="greate"),
    ("sigma", (lambda text: 0 <= float(text) < math.inf,
               "sigma should be greate or equal than zero")),
    ("restart_strategy", (lambda text: text in _STRATEGIES, "invalid restart_strategy: '{}'")),
])  # fmt: skip


class _Plan(NamedTuple):
    """What a search does not change. `deviations` at a start, as parts of the ranges."""

    seed: int
    strategy: str
    deviations: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class _Search:
    """`starts`: how often it began anew, `grown`: how often with a larger population than before.
    `spent`: trials of small populations, less those of large ones."""

    state: Evolution
    starts: int = 0
    grown: int = 0
    spent: int = 0
    large: bool = False


def check(problem: Problem) -> None:
    settings.verify(problem.settings, "cmaes", _RULES)
    settings.one_objective(problem, "cmaes")
    space.of(problem.parameters)
    if sum(each.kind in _NUMBERS for each in problem.parameters) < 2:
        raise Refused("CMA-ES only supports two or more dimensional continuous search space.")


def suggest(problem: Problem, trials: Sequence[Trial], count: int) -> Answer:
    return turns.in_turn(_propose, problem, trials, count)


def _propose(problem: Problem, trials: Sequence[Trial]) -> Suggestion:
    searched, seed = space.evenly(problem.parameters), settings.seed(problem)
    search, generation = _follow(problem, searched, trials)
    label, even = str(generation), drawn(len(searched.axes), seed, len(trials))
    peers = sum(each.labels.get(GENERATION) == label for each in trials)
    points = _drawn(searched, search.state, (seed, generation), peers, even)
    return Suggestion(
        assignments=turns.unseen(searched, trials, points, Random(f"{seed} {len(trials)}")),
        labels={GENERATION: label},
    )


def _drawn(
    searched: Space, state: Evolution, seed: tuple[int, int], place: int, others: Sequence[float]
) -> Iterator[list[float]]:
    """For the trial that is number `place` of its generation, of which every second one mirrors the
    one before. `others`: the places along axes that are no numbers."""
    pair, second = divmod(place, 2)
    random = np.random.default_rng([*seed, pair])
    point, numbers = list(others), _numbers(searched)
    for turn in range(_DRAWN):
        places = state.draw(random, mirrored=bool(second) and not turn)
        for axis, found in zip(numbers, places.tolist(), strict=True):
            point[axis] = found
        yield point


def _follow(problem: Problem, searched: Space, trials: Sequence[Trial]) -> tuple[_Search, int]:
    """The search after the history, and the number of the generation that it is in."""
    generations, start = _generations(problem, searched, history.told(problem, trials))
    plan = _plan(problem, searched)
    search = _first(plan, tuple(start.tolist()))
    for number, (places, lost) in enumerate(generations):
        size = search.state.population
        if len(lost) < size:
            return search, number
        search = _told(plan, search, places[:size].tobytes(), lost[:size].tobytes())
    return search, len(generations)


def _generations(
    problem: Problem, searched: Space, told: Sequence[Trial]
) -> tuple[list[tuple[Array, Array]], Array]:
    """The places and losses of each generation, and the place to start from."""
    numbers = _numbers(searched)
    places = history.places(searched, told)[:, numbers]
    places = np.where(np.isnan(places), 0.5, places)
    lost = history.penalized(problem, told)
    label = np.array([_generation(each, len(told)) for each in told], dtype=int)
    order = label.argsort(kind="stable")
    ends = np.searchsorted(label[order], np.arange(label.max(initial=-1) + 2))
    groups = [order[start:end] for start, end in itertools.pairwise(ends.tolist())]
    found = [(places[those], _among(problem, lost[those])) for those in groups]
    others = np.flatnonzero(label < 0)
    if len(others):
        return found, places[others[np.argmin(lost[others])]]
    return found, np.full(len(numbers), 0.5)


def _generation(trial: Trial, told: int) -> int:
    """-1 where it is of none: there are no more generations than trials."""
    label = trial.labels.get(GENERATION, "")
    return int(label) if label.isdecimal() and len(label) < 10 and int(label) <= told else -1


def _among(problem: Problem, lost: Array) -> Array:
    """With constraints losses are ranks: those within a generation, which no later one moves."""
    return np.argsort(np.argsort(lost)).astype(float) if problem.constraints else lost


def _numbers(searched: Space) -> list[int]:
    return [n for n, axis in enumerate(searched.axes) if axis.parameter.kind in _NUMBERS]


def _plan(problem: Problem, searched: Space) -> _Plan:
    sigma = settings.number(problem, "sigma", 0.0)
    axes = [searched.axes[number] for number in _numbers(searched)]
    ranges = [axis.high - axis.low for axis in axes]
    shares = [sigma / each if sigma and each else _SHARE for each in ranges]
    return _Plan(
        seed=settings.seed(problem),
        strategy=problem.settings.get("restart_strategy", "none").lower(),
        deviations=tuple(min(max(each, _NARROWEST), 1.0) for each in shares),
    )


@lru_cache(maxsize=_KEPT)
def _first(plan: _Plan, mean: tuple[float, ...]) -> _Search:
    return _Search(evolution.begun(np.array(mean), np.array(plan.deviations)))


@lru_cache(maxsize=_KEPT)
def _told(plan: _Plan, search: _Search, places: bytes, lost: bytes) -> _Search:
    """After a generation; started anew where the search has settled and is to be. Kept, since every
    suggestion follows the history from its start; a search is known by its identity."""
    losses, axes = np.frombuffer(lost), len(plan.deviations)
    state = search.state.told(np.frombuffer(places).reshape(-1, axes), losses)
    spent = search.spent + len(losses) * (-1 if search.large else 1)
    after = replace(search, state=state, spent=spent)
    if plan.strategy == "none" or not state.settled:
        return after
    random = Random(f"{plan.seed} start {search.starts + 1}")
    mean = np.array([random.random() for _ in range(axes)])
    large = plan.strategy == "ipop" or spent >= 0
    grown = search.grown + 1 if large else search.grown
    factor = float(_GROWTH**grown) ** (1.0 if large else random.random() ** 2)
    population = int(evolution.usual(axes) * factor)
    begun = evolution.begun(mean, np.array(plan.deviations), population)
    return _Search(begun, starts=search.starts + 1, grown=grown, spent=spent, large=large)


def forget() -> None:
    """What was kept, which costs the time of following it again."""
    _first.cache_clear()
    _told.cache_clear()
