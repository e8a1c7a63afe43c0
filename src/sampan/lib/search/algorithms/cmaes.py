"""CMA-ES: a normal distribution over the doubles and ints, moved by the best of each generation.

A trial carries the number of its generation as a label; a generation is over when as many of its
trials have told as its population is large, and those that fail are replaced. So the distribution
is followed from the start through the history, which a memo makes cheap. Discrete and categorical
parameters are drawn evenly. Distributions are ignored. Trials without the label, as those of an
earlier experiment, give the start: the best of them, or else the middle.

`sigma` is the first deviation, in the units of the parameters; without it, or with 0, it is a sixth
of each range. `ipop` starts anew with twice the population when the search has settled, `bipop`
with a large or a small one, whichever has had fewer trials.
Upstream: pkg/suggestion/v1beta1/goptuna.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from random import Random

import numpy as np
from cmaes import CMA

from sampan.lib.search import history, settings, space, turns
from sampan.lib.search.algorithms.random import drawn
from sampan.lib.search.history import Array
from sampan.lib.search.memo import Memo
from sampan.lib.search.problem import Answer, Problem, Refused, Suggestion, Trial
from sampan.lib.search.space import Space

GENERATION = "cmaes-generation"
"""The label of a trial."""

_NUMBERS = ("double", "int")
_SHARE = 1 / 6  # of a range, as deviation
_NARROWEST = 1e-6  # deviation, as a part of the range
_GROWTH = 2  # of the population from one start to the next
_ASKED = 20  # points of one distribution, where all of them are to be new

_STRATEGIES = ("none", "None", "ipop", "bipop")

_RULES = dict([
    settings.at_least_zero(settings.SEED, word="greate"),
    ("sigma", (lambda text: 0 <= float(text) < math.inf,
               "sigma should be greate or equal than zero")),
    ("restart_strategy", (lambda text: text in _STRATEGIES, "invalid restart_strategy: '{}'")),
])  # fmt: skip


@dataclass(frozen=True)
class _Search:
    """`starts`: how often it began anew, `grown`: how often with a larger population than before.
    `spent`: trials of small populations, less those of large ones."""

    optimizer: CMA
    starts: int = 0
    grown: int = 0
    spent: int = 0
    large: bool = False


_followed: Memo[_Search] = Memo(2000)


def check(problem: Problem) -> None:
    settings.verify(problem, "cmaes", _RULES)
    settings.one_objective(problem, "cmaes")
    space.of(problem.parameters)
    if sum(each.kind in _NUMBERS for each in problem.parameters) < 2:
        raise Refused("CMA-ES only supports two or more dimensional continuous search space.")


def suggest(problem: Problem, trials: Sequence[Trial], count: int) -> Answer:
    return turns.in_turn(_propose, problem, trials, count)


def forget() -> None:
    """What was followed, which costs the time of following it again."""
    _followed.clear()


def _propose(problem: Problem, trials: Sequence[Trial]) -> Suggestion:
    searched, seed = space.evenly(problem.parameters), settings.seed(problem)
    search, generation = _follow(problem, searched, trials)
    points = _asked(searched, search.optimizer, seed, len(trials))
    return Suggestion(
        assignments=turns.unseen(searched, trials, points, Random(f"{seed} {len(trials)}")),
        labels={GENERATION: str(generation)},
    )


def _asked(searched: Space, optimizer: CMA, seed: int, place: int) -> Iterator[list[float]]:
    asked = deepcopy(optimizer)
    asked.reseed_rng(int(np.random.SeedSequence([seed, place]).generate_state(1)[0]))
    point, numbers = drawn(len(searched.axes), seed, place), _numbers(searched)
    for _ in range(_ASKED):
        for axis, found in zip(numbers, asked.ask().tolist(), strict=True):
            point[axis] = found
        yield point


def _follow(problem: Problem, searched: Space, trials: Sequence[Trial]) -> tuple[_Search, int]:
    """The search after the history, and the number of the generation that it is in."""
    generations, start = _generations(problem, searched, history.told(problem, trials))
    about = problem.parameters, sorted(problem.settings.items()), settings.seed(problem)
    key = hashlib.blake2b(repr((about, start.tolist())).encode())
    search = _Search(_begin(problem, searched, start))
    for number, (places, lost) in enumerate(generations):
        size = search.optimizer.population_size
        if len(lost) < size:
            return search, number
        places, lost = places[:size], lost[:size]
        key.update(places.tobytes() + lost.tobytes())
        step = partial(_told, problem, searched, search, places, lost)
        search = _followed.get(key.digest(), step)
    return search, len(generations)


def _generations(
    problem: Problem, searched: Space, told: Sequence[Trial]
) -> tuple[list[tuple[Array, Array]], Array]:
    """The places and losses of each generation, and the place to start from."""
    numbers = _numbers(searched)
    places = history.places(searched, told)[:, numbers]
    places = np.where(np.isnan(places), 0.5, places)
    lost = history.penalized(problem, told)
    label = np.array([int(each.labels.get(GENERATION, -1)) for each in told], dtype=int)
    found = []
    for number in range(label.max(initial=-1) + 1):
        those = label == number
        found.append((places[those], _among(problem, lost[those])))
    others = np.flatnonzero(label < 0)
    if len(others):
        return found, places[others[np.argmin(lost[others])]]
    return found, np.full(len(numbers), 0.5)


def _among(problem: Problem, lost: Array) -> Array:
    """With constraints losses are ranks: those within a generation, which no later one moves."""
    return np.argsort(np.argsort(lost)).astype(float) if problem.constraints else lost


def _numbers(searched: Space) -> list[int]:
    return [n for n, axis in enumerate(searched.axes) if axis.parameter.kind in _NUMBERS]


def _begin(problem: Problem, searched: Space, mean: Array, population: int | None = None) -> CMA:
    sigma = settings.number(problem, "sigma", 0.0)
    ranges = [
        searched.axes[number].high - searched.axes[number].low for number in _numbers(searched)
    ]
    shares = [sigma / each if sigma and each else _SHARE for each in ranges]
    deviations = np.clip(shares, _NARROWEST, 1.0)
    middle = float(np.exp(np.log(deviations).mean()))
    return CMA(
        mean=mean.copy(),
        sigma=middle,
        cov=np.diag((deviations / middle) ** 2),
        bounds=np.array([[0.0, 1.0]] * len(ranges)),
        population_size=population,
    )


def _told(
    problem: Problem, searched: Space, search: _Search, places: Array, lost: Array
) -> _Search:
    """After a generation; started anew where the search has settled and is to be."""
    optimizer = deepcopy(search.optimizer)
    optimizer.tell(list(zip(places, lost.tolist(), strict=True)))
    spent = search.spent + len(lost) * (-1 if search.large else 1)
    after = replace(search, optimizer=optimizer, spent=spent)
    strategy = problem.settings.get("restart_strategy", "none").lower()
    if strategy == "none" or not optimizer.should_stop():
        return after
    random = Random(f"{settings.seed(problem)} start {search.starts + 1}")
    mean = np.array([random.random() for _ in places[0]])
    first = _begin(problem, searched, mean).population_size
    large = strategy == "ipop" or spent >= 0
    grown = search.grown + 1 if large else search.grown
    factor = float(_GROWTH**grown)
    population = int(first * (factor if large else factor ** (random.random() ** 2)))
    begun = _begin(problem, searched, mean, population)
    return _Search(begun, starts=search.starts + 1, grown=grown, spent=spent, large=large)
