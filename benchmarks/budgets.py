"""Budgets: how many epochs a search spends until it has found what full budgets find.

A search is of a classifier of handwritten digits (scikit-learn's, which come with it), trained by
stochastic gradient descent; a trial's value is its accuracy on held-out digits after as many epochs
as it was given. Random search gives all of them to each trial, one after another; its accuracy in
the end, less a twentieth, is what the others have to reach; ranges are so wide that few of its
trials learn anything. The others run several trials at a time, and what these have spent so far
counts too. Epochs count from the start for each trial: nothing goes on from a checkpoint. Medians
of seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from random import Random
from statistics import median
from typing import Any

from msgspec.structs import replace

from benchmarks.table import Table
from sampan.lib.search.algorithms import MODULES
from sampan.lib.search.problem import Algorithm, Objective, Parameter, Problem, Trial

SEEDS = range(10)
EPOCHS = 27
TRIALS = 27
"""Of random search."""
PARALLEL = {"random": 1, "hyperband": 27, "asha": 4}
"""Trials at a time: hyperband has to have that many."""
SHARE = 0.95
GOAL = 40.0
"""Percent of the epochs of random search."""
ENOUGH = TRIALS * EPOCHS // 2
"""Epochs after which a search is not followed any more."""
SETTINGS = {"resource_name": "epochs", "r_l": str(EPOCHS), "eta": "3"}


def run(table: Table) -> None:
    seeds = table.seeds or SEEDS
    full = [searched("random", seed) for seed in seeds]
    wanted = [SHARE * best(each) for each in full]
    beside = median(map(until, full, wanted))
    for name in ("hyperband", "asha"):
        found = [searched(name, seed) for seed in seeds]
        table.at_most(
            f"{name}, epochs to 95 % of {TRIALS} × {EPOCHS}", median(map(until, found, wanted)),
            "%", GOAL, floor=beside, floor_name="random",
        )  # fmt: skip
        reached = [best(each, GOAL) / best(other) for each, other in zip(found, full, strict=True)]
        table.at_least(f"{name}, accuracy with {GOAL:g} %", median(reached), "× full", SHARE)


def best(spent: Sequence[tuple[float, float]], most: float = float("inf")) -> float:
    """The accuracy that is reached with so many percent of the epochs."""
    return max((value for percent, value in spent if percent <= most), default=0.0)


def until(spent: Sequence[tuple[float, float]], accuracy: float) -> float:
    """Percent of the epochs."""
    return next((percent for percent, value in spent if value >= accuracy), float("inf"))


def searched(name: str, seed: int) -> Sequence[tuple[float, float]]:
    """Percent of the epochs that had been spent by all when each trial ended, and its accuracy. Who
    has the fewest epochs left ends first."""
    algorithm: Algorithm = import_module(f"sampan.lib.search.algorithms.{MODULES[name]}")  # type: ignore[assignment]
    problem, most = posed(name, seed), TRIALS * EPOCHS if name == "random" else ENOUGH
    trials, left, found = list[Trial](), dict[int, int](), list[tuple[float, float]]()
    spent = 0
    while True:
        for each in algorithm.suggest(problem, trials, PARALLEL[name] - len(left)).suggestions:
            left[len(trials)] = int(each.assignments["epochs"])
            trials.append(Trial(name=f"t{len(trials)}", assignments=each.assignments,
                                labels=each.labels, state="running"))  # fmt: skip
        number = min(left, key=lambda each: (left[each], each))
        step, running = left.pop(number), len(left) + 1
        left = {each: more - step for each, more in left.items()}
        spent += step * running
        if spent > most:
            return found
        value = accuracy(**trials[number].assignments)
        trials[number] = replace(trials[number], state="succeeded", values=(value,))
        found.append((100 * spent / (TRIALS * EPOCHS), value))


def posed(name: str, seed: int) -> Problem:
    return Problem(
        name="digits",
        parameters=(
            Parameter(name="rate", kind="double", min=1e-8, max=1e2, distribution="logUniform"),
            Parameter(name="alpha", kind="double", min=1e-6, max=1e2, distribution="logUniform"),
            Parameter(name="momentum", kind="double", min=0.0, max=0.99),
            Parameter(name="width", kind="int", min=4, max=64, distribution="logUniform"),
            Parameter(name="epochs", kind="int", min=EPOCHS, max=EPOCHS),
        ),
        objectives=(Objective(metric="accuracy", minimize=False),),
        settings=SETTINGS if name != "random" else {},
        seed=seed,
        parallel=PARALLEL[name],
    )


def accuracy(rate: str, alpha: str, momentum: str, width: str, epochs: str) -> float:
    """One hidden layer of rectified units, batches of 32."""
    numpy, (images, labels, held, truth) = import_module("numpy"), digits()
    random, units, order = numpy.random.default_rng(0), int(width), Random(0)
    into = random.normal(0, (2 / images.shape[1]) ** 0.5, (images.shape[1], units))
    out = random.normal(0, (1 / units) ** 0.5, (units, 10))
    weights = [into, numpy.zeros(units), out, numpy.zeros(10)]
    moves = [numpy.zeros_like(each) for each in weights]
    for _ in range(int(epochs)):
        places = list(range(len(images)))
        order.shuffle(places)
        for start in range(0, len(places), 32):
            batch = places[start : start + 32]
            slopes = gradients(numpy, weights, images[batch], labels[batch], float(alpha))
            for weight, move, slope in zip(weights, moves, slopes, strict=True):
                move *= float(momentum)
                move -= float(rate) * numpy.clip(slope, -10, 10)
                weight += move
    scores = numpy.maximum(held @ weights[0] + weights[1], 0) @ weights[2] + weights[3]
    return float((scores.argmax(axis=1) == truth).mean())


def gradients(
    numpy: Any, weights: Sequence[Any], images: Any, labels: Any, alpha: float
) -> list[Any]:
    """Of the cross entropy, with `alpha` of the squared weights."""
    hidden = numpy.maximum(images @ weights[0] + weights[1], 0)
    scores = hidden @ weights[2] + weights[3]
    likely = numpy.exp(scores - scores.max(axis=1, keepdims=True))
    wrong = likely / likely.sum(axis=1, keepdims=True)
    wrong[numpy.arange(len(labels)), labels] -= 1
    wrong /= len(labels)
    behind = wrong @ weights[2].T * (hidden > 0)
    return [images.T @ behind + alpha * weights[0], behind.sum(axis=0),
            hidden.T @ wrong + alpha * weights[2], wrong.sum(axis=0)]  # fmt: skip


@cache
def digits() -> tuple[Any, Any, Any, Any]:
    """Images and labels to learn from, and those held out."""
    images, labels = import_module("sklearn.datasets").load_digits(return_X_y=True)
    images = images / 16.0
    learned = import_module("numpy").arange(len(images)) % 3 > 0
    return images[learned], labels[learned], images[~learned], labels[~learned]
