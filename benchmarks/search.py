"""Search: how near algorithms come to a known minimum, and what a suggestion costs.

The regret is the best loss less the least there is, the median of 20 seeds. Other libraries are
measured beside where `PEERS_ENVIRONMENT` is the prefix of an environment with hyperopt and optuna.
A suggestion is asked for as the cluster does: the whole history, as JSON, to `lib.search.process`.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.searchers import PEERS
from benchmarks.surfaces import SURFACES, Surface
from benchmarks.table import Table
from sampan.lib.search import process
from sampan.lib.search.problem import Objective, Parameter, Problem, Suggestion, Trial

SEEDS = 20
GOALS = {
    "bayesianoptimization": (50, (0.05, 0.10)),
    "tpe": (100, (0.11, 0.66)),
    "multivariate-tpe": (100, (0.02, 0.10)),
    "cmaes": (100, (0.02, 0.30)),
}
"""By algorithm: trials, and the regret for each surface."""
HISTORY = 1000
SLOWER = {"bayesianoptimization": 300.0}
"""Milliseconds for a suggestion, where not 10."""


def run(table: Table) -> None:
    for name, (trials, goals) in GOALS.items():
        peers = beside(name, trials)
        for surface, goal, peer in zip(SURFACES, goals, peers, strict=True):
            found = median(regret(name, surface, trials, seed) for seed in range(SEEDS))
            row = f"{name}, {surface.name}, {trials} trials"
            floor = {"floor": peer, "floor_name": PEERS[name][0]} if peer else {}
            table.at_most(row, found, "regret", goal, **floor)
    for name in ("random", "sobol", *GOALS):
        table.at_most(f"suggestion after {HISTORY}, {name}", cost(name), "ms", SLOWER.get(name, 10))


def beside(name: str, trials: int) -> list[float | None]:
    environment = os.environ.get("PEERS_ENVIRONMENT")
    if not environment or name not in PEERS:
        return [None] * len(SURFACES)
    command = [Path(environment, "bin", "python"), "-W", "ignore", "-m", "benchmarks.searchers",
               name, str(trials), str(SEEDS)]  # fmt: skip
    said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return list(json.loads(said.stdout))


def regret(name: str, surface: Surface, trials: int, seed: int) -> float:
    problem, history = posed(surface, seed), list[Trial]()
    while len(history) < trials:
        (suggestion,) = asked(name, problem, history)
        history.append(ended(surface, suggestion))
    return min(each.values[0] or 0.0 for each in history) - surface.least


def cost(name: str) -> float:
    """Milliseconds for one more suggestion, when all before were made by the algorithm itself."""
    surface, history = SURFACES[1], list[Trial]()
    problem = posed(surface, 0)
    teacher = name if name == "cmaes" else "random"
    while len(history) < HISTORY:
        for each in asked(teacher, problem, history, 9):
            history.append(ended(surface, each))
    taken = []
    for _ in range(11):
        line = request(name, problem, history, 1)
        start = time.process_time()
        reply = process.answered(line)
        taken.append(1000 * (time.process_time() - start))
        assert reply.answer is not None
        history += [ended(surface, each) for each in reply.answer.suggestions]
    return median(taken[1:])


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


def asked(
    name: str, problem: Problem, history: list[Trial], count: int = 1
) -> tuple[Suggestion, ...]:
    reply = process.answered(request(name, problem, history, count))
    if reply.answer is None:
        raise SystemExit(f"{name}: {reply.refused or reply.failed}")
    return reply.answer.suggestions


def request(name: str, problem: Problem, history: list[Trial], count: int) -> bytes:
    return msgspec.json.encode(
        process.Request(
            verb="suggest", algorithm=name, problem=problem, trials=tuple(history), count=count
        )
    )


def ended(surface: Surface, suggestion: Suggestion) -> Trial:
    loss = surface.loss([float(text) for text in suggestion.assignments.values()])
    return Trial(
        name="", assignments=suggestion.assignments, labels=suggestion.labels, state="succeeded",
        values=(loss,),
    )  # fmt: skip
