"""Search: how near algorithms come to a known minimum.

The regret is the best loss less the least there is; a row is the median of some seeds, 0 to 19 or
those of `--seeds A-B`. Suggestions are asked for one by one as the cluster does: the whole history,
as JSON, of processes of `lib.search.process`. Other libraries are measured beside where
`PEERS_ENVIRONMENT` is the prefix of an environment with hyperopt and optuna, on the same seeds.
What a suggestion costs is told by `suggestions`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from subprocess import PIPE, Popen

import msgspec

from benchmarks.searchers import PEERS
from benchmarks.surfaces import SURFACES, Surface
from benchmarks.table import Table
from sampan.lib.search.problem import Objective, Parameter, Problem, Suggestion, Trial
from sampan.lib.search.process import Reply, Request

SEEDS = range(20)
GOALS = {
    "bayesianoptimization": (50, (0.05, 0.10)),
    "tpe": (100, (0.11, 0.66)),
    "multivariate-tpe": (100, (0.02, 0.10)),
    "cmaes": (100, (0.02, 0.30)),
}
"""By algorithm: trials, and the regret for each surface."""


def run(table: Table) -> None:
    seeds = table.seeds or SEEDS
    print(f"Median simple regret, {len(seeds)} seeds from {seeds[0]} to {seeds[-1]}")
    for name, (trials, goals) in GOALS.items():
        peers = beside(name, trials, seeds)
        for surface, goal, peer in zip(SURFACES, goals, peers, strict=True):
            found = median(regrets(name, surface, trials, seeds))
            row = f"{name}, {surface.name}, {trials} trials"
            floor = {"floor": peer, "floor_name": PEERS[name][0]} if peer else {}
            table.at_most(row, found, "regret", goal, **floor)


def beside(name: str, trials: int, seeds: Sequence[int]) -> list[float | None]:
    environment = os.environ.get("PEERS_ENVIRONMENT")
    if not environment or name not in PEERS:
        return [None] * len(SURFACES)
    command = [Path(environment, "bin", "python"), "-W", "ignore", "-m", "benchmarks.searchers",
               name, str(trials), *map(str, seeds)]  # fmt: skip
    said = subprocess.run(command, stdout=PIPE, stderr=subprocess.DEVNULL, check=True)
    return list(json.loads(said.stdout))


def regrets(name: str, surface: Surface, trials: int, seeds: Sequence[int]) -> list[float]:
    """One for each seed, in their order; as many at a time as there are processors."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda seed: regret(name, surface, trials, seed), seeds))


def regret(name: str, surface: Surface, trials: int, seed: int) -> float:
    problem, history = posed(surface, seed), list[Trial]()
    command = [sys.executable, "-P", "-m", "sampan.lib.search.process"]
    with Popen(command, stdin=PIPE, stdout=PIPE) as searcher:
        while len(history) < trials:
            (suggestion,) = asked(searcher, name, problem, history)
            history.append(ended(surface, suggestion))
    return min(each.values[0] or 0.0 for each in history) - surface.least


def asked(
    searcher: Popen[bytes], name: str, problem: Problem, history: Sequence[Trial]
) -> tuple[Suggestion, ...]:
    assert searcher.stdin is not None
    assert searcher.stdout is not None
    request = Request(
        verb="suggest", algorithm=name, problem=problem, trials=tuple(history), count=1
    )
    searcher.stdin.write(msgspec.json.encode(request) + b"\n")
    searcher.stdin.flush()
    reply = msgspec.json.decode(searcher.stdout.readline(), type=Reply)
    if reply.answer is None:
        raise SystemExit(f"{name}: {reply.refused or reply.failed}")
    return reply.answer.suggestions


def posed(surface: Surface, seed: int) -> Problem:
    return Problem(
        name="benchmark",
        parameters=tuple(
            Parameter(name=f"x{number}", kind="double", min=low, max=high)
            for number, (low, high) in enumerate(surface.ranges)
        ),
        objectives=(Objective(metric="loss"),),
        seed=seed,
    )


def ended(surface: Surface, suggestion: Suggestion) -> Trial:
    loss = surface.loss([float(text) for text in suggestion.assignments.values()])
    return Trial(
        name="", assignments=suggestion.assignments, labels=suggestion.labels, state="succeeded",
        values=(loss,),
    )  # fmt: skip
