"""Networks: what searches find, beside the best of random ones with no less CPU time:
`python -m benchmarks.nas [enas|darts] [SEED ...]`. Takes minutes, so no suite includes it.

A seed splits the 1,797 digits: 600 to learn from, 600 to choose by, 597 for the test. The search
sees the first two parts. Chance has 20 random networks, and more until it has had as much CPU time
as the search: each is trained with the first part, and the best for the second one is taken. Then
the network of either side is trained from nothing with both parts, for the same epochs from the
same starts, and its accuracy is that for the test, by which nothing was chosen.

Settings were chosen with seeds from 100 on. Those of the report were not looked at before.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from statistics import mean, stdev
from typing import Any, NamedTuple

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is imported

import numpy as np
from numpy.random import Generator
from scipy.stats import t as student

from sampan.lib import nets
from sampan.lib.nets.descent import Momentum
from sampan.lib.search import networks
from sampan.lib.search.algorithms import enas
from sampan.lib.search.problem import (
    Architecture,
    Objective,
    Operation,
    Parameter,
    Problem,
    Trial,
)
from sampan.nodes.images import programs

sys.modules["nets"] = nets  # as the programs find it in their containers
sys.path.insert(0, str(Path(programs.__file__).parent / "katib"))

import cells  # noqa: E402
import darts_cifar10 as darts_program  # noqa: E402
import digits  # noqa: E402
import enas_cifar10 as enas_program  # noqa: E402

SEEDS = range(1000, 1010)
RANDOM = 20
PART = 600
STARTS = 3  # of the last training
ENAS_EPOCHS, ENAS_LAST = 3, 6
CELL_EPOCHS, CELL_LAST, CELL_BATCH, CELL_RATE = 5, 8, 32, 0.1
SEARCHED = 20  # epochs of DARTS
PRIMITIVES = ("separable_convolution_3x3", "dilated_convolution_3x3", "max_pooling_3x3",
              "avg_pooling_3x3", "skip_connection")  # fmt: skip
SHAPE = {"layers": 2, "channels": 4, "nodes": 2, "stem": 1}

Digits = Any  # `digits.Split`, which mypy does not see
Network = Any  # what is to be trained, as the search writes it


class Parts(NamedTuple):
    learn: Digits
    choose: Digits
    both: Digits
    test: Digits


class Rival(NamedTuple):
    """draw: a network by chance. train: its accuracy on the second part after some epochs with the
    first, from the start of a seed; and of how many epochs the first and the last training are.
    find: by a search, with a few words about it."""

    draw: Callable[[Generator], Network]
    train: Callable[[Network, Digits, Digits, int, int], float]
    epochs: tuple[int, int]
    find: Callable[[Parts, int], tuple[Network, str]]


class Row(NamedTuple):
    found: float
    lucky: float


def parted(seed: int) -> Parts:
    train, test = digits.load()
    images = np.concatenate([train.images, test.images])
    labels = np.concatenate([train.labels, test.labels])
    order = np.random.default_rng(seed).permutation(len(labels))

    def part(start: int, end: int) -> Digits:
        return digits.Split(images[order[start:end]], labels[order[start:end]])

    return Parts(part(0, PART), part(PART, 2 * PART), part(0, 2 * PART), part(2 * PART, len(order)))


def by_chance(rival: Rival, parts: Parts, seed: int, least: float) -> tuple[Network, int, float]:
    """The best of the networks that were drawn, how many they were, and CPU seconds."""
    random, start = np.random.default_rng([seed, 1]), time.process_time()
    found: list[tuple[float, Network]] = []
    while len(found) < RANDOM or time.process_time() - start < least:
        network = rival.draw(random)
        right = rival.train(network, parts.learn, parts.choose, seed, rival.epochs[0])
        found.append((right, network))
    best = max(found, key=lambda each: each[0])[1]
    return best, len(found), time.process_time() - start


def raced(name: str, rival: Rival, seed: int) -> Row:
    parts, start = parted(seed), time.process_time()
    found, how = rival.find(parts, seed)
    spent = time.process_time() - start
    lucky, count, seconds = by_chance(rival, parts, seed, spent)
    row = Row(*(
        mean(
            rival.train(network, parts.both, parts.test, 1000 * seed + at, rival.epochs[1])
            for at in range(STARTS)
        ) for network in (found, lucky)
    ))  # fmt: skip
    print(f"{name:5} seed {seed}: search {row.found:.1%} in {spent:4.1f} s ({how}); "
          f"best of {count} random {row.lucky:.1%} in {seconds:4.1f} s", flush=True)  # fmt: skip
    return row


def compared(name: str, rows: Sequence[Row]) -> str:
    """The paired differences, with Student's interval."""
    apart = [100 * (row.found - row.lucky) for row in rows]
    middle = mean(apart)
    if len(apart) < 2:
        return f"{name}: {middle:+.2f} points"
    reach = float(student.ppf(0.975, len(apart) - 1)) * stdev(apart) / len(apart) ** 0.5
    verdict = (
        "ahead of chance" if middle - reach > 0 else
        "behind chance" if middle + reach < 0 else "not to be told from chance"
    )  # fmt: skip
    return (f"{name}: {middle:+.2f} points beside the best random network, 95 % interval "
            f"{middle - reach:+.2f} to {middle + reach:+.2f}; more accurate with "
            f"{sum(each > 0 for each in apart)} of {len(apart)} seeds: {verdict}")  # fmt: skip


# ENAS


def choice(name: str, *choices: str) -> Parameter:
    return Parameter(name=name, kind="categorical", choices=choices)


GRAPH = Architecture(
    layers=4,
    inputs=(8, 8, 1),
    outputs=(10,),
    operations=(
        Operation(kind="convolution", parameters=(
            choice("filter_size", "3", "5"), choice("num_filter", "4", "8", "16"),
            choice("stride", "1", "2"))),
        Operation(kind="separable_convolution", parameters=(
            choice("filter_size", "3", "5"), choice("num_filter", "8", "16"))),
        Operation(kind="depthwise_convolution", parameters=(choice("filter_size", "3", "5"),)),
        Operation(kind="reduction", parameters=(
            choice("reduction_type", "max_pooling", "avg_pooling"),
            choice("pool_size", "2", "3"))),
    ),
)  # fmt: skip
LAYERS = networks.layers_of(GRAPH.operations)


def any_graph(random: Generator) -> Network:
    chosen = [
        [int(random.integers(len(LAYERS))), *random.integers(2, size=layer).tolist()]
        for layer in range(GRAPH.layers)
    ]
    return enas.assigned(GRAPH, LAYERS, chosen)


def of_graph(network: Network, learn: Digits, judge: Digits, seed: int, epochs: int) -> float:
    architecture, config = (
        json.loads(network[name].replace("'", '"')) for name in ("architecture", "nn_config")
    )
    random = np.random.default_rng(seed)
    with redirect_stdout(StringIO()):  # it says what it leaves out
        made = enas_program.Network(architecture, config["embedding"], 10, random)
    optimizer = enas_program.Adam(made.weights)
    for _ in range(epochs):
        enas_program.epoch(made, optimizer, learn, random)
    return float(enas_program.tested(made, judge)[0])


def suggested(parts: Parts, seed: int) -> tuple[Network, str]:
    """The best trial of an experiment with as many as chance has."""
    problem = Problem(
        name="benchmark", objectives=(Objective(metric="accuracy", minimize=False),), seed=seed,
        parallel=2, architecture=GRAPH,
    )  # fmt: skip
    trials: list[Trial] = []
    for _ in range(RANDOM):
        (suggestion,) = enas.suggest(problem, trials, 1).suggestions
        right = of_graph(suggestion.assignments, parts.learn, parts.choose, seed, ENAS_EPOCHS)
        trials.append(Trial(
            name="", assignments=suggestion.assignments, labels=suggestion.labels,
            state="succeeded", values=(right,),
        ))  # fmt: skip
    best = max(trials, key=lambda each: each.values[0] or 0.0)
    return best.assignments, f"{len(trials)} trials"


# DARTS


def any_cells(random: Generator) -> Network:
    def genes() -> list[list[tuple[str, int]]]:
        return [
            [
                (PRIMITIVES[random.integers(len(PRIMITIVES))], int(start))
                for start in random.permutation(2 + node)[:2]
            ]
            for node in range(SHAPE["nodes"])
        ]

    return cells.Genotype(genes(), None, genes(), None)


def of_cells(network: Network, learn: Digits, judge: Digits, seed: int, epochs: int) -> float:
    random = np.random.default_rng(seed)
    made = cells.Network(random, **SHAPE, classes=10, genotype=network)
    optimizer = Momentum(made.weights, 0.9, 3e-4)
    for epoch in range(epochs):
        rate = CELL_RATE * (1 + np.cos(np.pi * epoch / epochs)) / 2
        for chosen in darts_program.batches(len(learn), CELL_BATCH, random):
            logits = made(squares(learn)[chosen], training=True)
            loss = darts_program.tape.cross_entropy(logits, learn.labels[chosen])
            darts_program.tape.backward(loss)
            optimizer.step(rate)
    with darts_program.tape.unrecorded():
        return float((made(squares(judge)).value.argmax(1) == judge.labels).mean())


def squares(part: Digits) -> Any:
    return part.images.reshape(-1, 8, 8, 1)


def differentiated(parts: Parts, seed: int) -> tuple[Network, str]:
    halves = [(squares(each), each.labels) for each in (parts.learn, parts.choose)]
    settings = {
        "num_epochs": SEARCHED, "w_lr": CELL_RATE, "w_lr_min": 0.01, "w_momentum": 0.9,
        "w_weight_decay": 3e-4, "w_grad_clip": 5.0, "alpha_lr": 0.03, "alpha_weight_decay": 1e-3,
        "batch_size": CELL_BATCH, "print_step": 1000, "init_channels": SHAPE["channels"],
        "num_nodes": SHAPE["nodes"], "stem_multiplier": SHAPE["stem"],
    }  # fmt: skip
    with redirect_stdout(StringIO()):
        search = darts_program.Search(settings, PRIMITIVES, SHAPE["layers"], halves, seed)
        for epoch in range(SEARCHED):
            search.train(epoch)
        found, _ = search.best()
    return found, f"{SEARCHED} epochs"


RIVALS = {
    "enas": Rival(any_graph, of_graph, (ENAS_EPOCHS, ENAS_LAST), suggested),
    "darts": Rival(any_cells, of_cells, (CELL_EPOCHS, CELL_LAST), differentiated),
}


def main() -> None:
    names = [each for each in sys.argv[1:] if each in RIVALS] or [*RIVALS]
    seeds = [int(each) for each in sys.argv[1:] if each.isdecimal()] or [*SEEDS]
    said = [compared(name, [raced(name, RIVALS[name], seed) for seed in seeds]) for name in names]
    print(*said, f"{time.process_time():.0f} s of CPU in all", sep="\n")


if __name__ == "__main__":
    main()
