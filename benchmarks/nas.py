"""Networks: what searches find, beside the best of random ones in as much CPU time. Takes minutes:
`python -m benchmarks.nas [enas|darts] [SEEDS]`, which no suite of `python -m benchmarks` includes.

For each seed random networks are trained, 20 of them, on 8 × 8 digits; the one that is best with
images held out is tested with others. The search is given the CPU seconds that this took, its own
thoughts included, and its best is tested likewise; DARTS trains only what it has found. Test sets
have 360 images, so that accuracies within one image of each other are a tie.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from sampan.lib import nets
from sampan.lib.nets.descent import Momentum
from sampan.lib.search.algorithms import enas
from sampan.lib.search.problem import (
    Architecture,
    Objective,
    Operation,
    Parameter,
    Problem,
    Suggestion,
    Trial,
)
from sampan.nodes.images import programs

sys.modules["nets"] = nets  # as the programs find it in their containers
sys.path.insert(0, str(Path(programs.__file__).parent / "katib"))

import cells  # noqa: E402
import darts_cifar10 as darts_program  # noqa: E402
import digits  # noqa: E402
import enas_cifar10 as enas_program  # noqa: E402

RANDOM = 20
SEEDS = 5
TIE = 1 / 360
EPOCHS = 2  # of a network of ENAS
CELL_EPOCHS, CELL_BATCH, CELL_RATE = 3, 32, 0.1
PRIMITIVES = ("separable_convolution_3x3", "dilated_convolution_3x3", "max_pooling_3x3",
              "avg_pooling_3x3", "skip_connection")  # fmt: skip
SHAPE = {"layers": 2, "channels": 4, "nodes": 2, "stem": 1}


class Found(NamedTuple):
    valid: float
    test: float


Split = Any  # of `digits`, which mypy does not see


def parts() -> tuple[Split, Split, Split]:
    """To train with, to choose with, to test with."""
    train, test = digits.load()
    held = digits.Split(train.images[:360], train.labels[:360])
    return digits.Split(train.images[360:], train.labels[360:]), held, test


def best(
    networks: Iterator[Callable[[], Found]], *, count: int | None, seconds: float
) -> tuple[Found, int, float]:
    """The best by what was held out, of so many networks or of as many as the time is enough for;
    how many there were, and the CPU seconds."""
    found: list[Found] = []
    start = time.process_time()
    for train in networks:
        if len(found) == count or time.process_time() - start > seconds:
            break
        found.append(train())
    return max(found), len(found), time.process_time() - start


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


def controlled(seed: int, learns: bool = False) -> Iterator[Callable[[], Found]]:
    """Networks as ENAS suggests them; without learning each comes from the controller's start."""
    problem = Problem(
        name="benchmark", objectives=(Objective(metric="accuracy", minimize=False),), seed=seed,
        parallel=2, architecture=GRAPH,
    )  # fmt: skip
    history: list[Trial] = []
    while True:
        (suggestion,) = enas.suggest(problem, history, 1).suggestions

        def train(suggestion: Suggestion = suggestion) -> Found:
            found = trained(suggestion)
            history.append(Trial(
                name="", assignments=suggestion.assignments, labels=suggestion.labels,
                state="succeeded" if learns else "failed", values=(found.valid,),
            ))  # fmt: skip
            return found

        yield train


def learned(seed: int, seconds: float) -> tuple[Found, str, float]:
    found, count, spent = best(controlled(seed, learns=True), count=None, seconds=seconds)
    return found, f"{count} networks", spent


def trained(suggestion: Suggestion) -> Found:
    architecture, config = (
        json.loads(suggestion.assignments[name].replace("'", '"'))
        for name in ("architecture", "nn_config")
    )
    random = np.random.default_rng(0)
    network = enas_program.Network(architecture, config["embedding"], 10, random)
    optimizer = enas_program.Adam(network.weights)
    train, held, test = parts()
    for _ in range(EPOCHS):
        enas_program.epoch(network, optimizer, train, random)
    return Found(enas_program.tested(network, held)[0], enas_program.tested(network, test)[0])


# DARTS


def random_cells(seed: int) -> Iterator[Callable[[], Found]]:
    random = np.random.default_rng(seed)

    def genes() -> list[list[tuple[str, int]]]:
        return [
            [
                (PRIMITIVES[random.integers(len(PRIMITIVES))], int(start))
                for start in random.permutation(2 + node)[:2]
            ]
            for node in range(SHAPE["nodes"])
        ]

    while True:
        genotype = cells.Genotype(genes(), None, genes(), None)
        yield lambda genotype=genotype: from_cells(genotype)  # type: ignore[misc]


def from_cells(genotype: Any) -> Found:
    """The network of these cells, trained from nothing."""
    random = np.random.default_rng(0)
    network = cells.Network(random, **SHAPE, classes=10, genotype=genotype)
    optimizer = Momentum(network.weights, 0.9, 3e-4)
    train, held, test = parts()
    for epoch in range(CELL_EPOCHS):
        rate = CELL_RATE * (1 + np.cos(np.pi * epoch / CELL_EPOCHS)) / 2
        for chosen in darts_program.batches(len(train), CELL_BATCH, random):
            logits = network(train.images[chosen].reshape(-1, 8, 8, 1), training=True)
            loss = darts_program.tape.cross_entropy(logits, train.labels[chosen])
            darts_program.tape.backward(loss)
            optimizer.step(rate)
    valid, tested = (
        float((network(each.images.reshape(-1, 8, 8, 1)).value.argmax(1) == each.labels).mean())
        for each in (held, test)
    )
    return Found(valid, tested)


def differentiated(seed: int, seconds: float) -> tuple[Found, str, float]:
    """The cells that a search finds which leaves time to train them; how many epochs it had."""
    start = time.process_time()
    train, _, _ = parts()
    images, middle = train.images.reshape(-1, 8, 8, 1), len(train) // 2
    halves = ((images[:middle], train.labels[:middle]), (images[middle:], train.labels[middle:]))
    settings = {
        "num_epochs": 1, "w_lr": CELL_RATE, "w_lr_min": CELL_RATE, "w_momentum": 0.9,
        "w_weight_decay": 3e-4, "w_grad_clip": 5.0, "alpha_lr": 0.01, "alpha_weight_decay": 1e-3,
        "batch_size": CELL_BATCH, "print_step": 1000, "init_channels": SHAPE["channels"],
        "num_nodes": SHAPE["nodes"], "stem_multiplier": SHAPE["stem"],
    }  # fmt: skip
    search = darts_program.Search(settings, PRIMITIVES, SHAPE["layers"], halves, seed)
    epochs = 0
    while time.process_time() - start < seconds * (1 - 1.5 / RANDOM):
        with redirect_stdout(StringIO()):
            search.train(0)
        epochs += 1
    found = from_cells(search.genotype())
    return found, f"{epochs} epochs", time.process_time() - start


SEARCHES = {"enas": (controlled, learned), "darts": (random_cells, differentiated)}
"""What draws networks by chance, and the search."""


def compared(name: str, rows: Sequence[tuple[Found, Found]]) -> None:
    """The search beside chance, for the images held out and for the test."""
    for title, at in (("held out", 0), ("test", 1)):
        apart = [search[at] - chance[at] for search, chance in rows]
        won, lost = (
            sum(each > TIE + 1e-9 for each in apart),
            sum(each < -TIE - 1e-9 for each in apart),
        )
        print(f"{name}, {title}: {median(s[at] for s, _ in rows):.1%}, random "
              f"{median(c[at] for _, c in rows):.1%}; {won} won, {len(apart) - won - lost} tied, "
              f"{lost} lost", flush=True)  # fmt: skip


def main() -> None:
    names = [each for each in sys.argv[1:] if each in SEARCHES] or [*SEARCHES]
    seeds = next((int(each) for each in sys.argv[1:] if each.isdecimal()), SEEDS)
    for name in names:
        chance, search = SEARCHES[name]
        rows = []
        for seed in range(seeds):
            lucky, _, seconds = best(chance(seed), count=RANDOM, seconds=math.inf)
            found, how, spent = search(seed, seconds)
            rows.append((found, lucky))
            said(name, seed, lucky, seconds, found, how, spent)
        compared(name, rows)


def said(
    name: str, seed: int, chance: Found, seconds: float, search: Found, how: str, spent: float
) -> None:
    print(f"{name:6} seed {seed}: best of {RANDOM} random {chance.valid:.1%} / {chance.test:.1%} "
          f"in {seconds:5.1f} s; search {search.valid:.1%} / {search.test:.1%} "
          f"in {spent:5.1f} s, {how}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
