"""Suggestions: what one more costs, of each algorithm and each rule of early stopping.

CPU of both sides: the history of `HISTORY` trials as JSON and back, what the algorithm does, and
the answer, as JSON and back. The histories are the algorithms' own where they read more than values
from them. Of new processes, all that they spend until they have answered a first time.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median

import msgspec
from msgspec.structs import replace

from benchmarks.search import posed
from benchmarks.surfaces import SURFACES
from benchmarks.table import Table
from sampan.lib.search import process, stopping
from sampan.lib.search.algorithms import MODULES
from sampan.lib.search.problem import Parameter, Problem, Suggestion, Trial
from sampan.lib.search.process import Reply, Request

HISTORY = 1000
REPORTS = 10
"""Of each trial, for rules."""
MOST = 10.0
"""Milliseconds."""
SLOWER = {"bayesianoptimization": 300.0}
FIRST = 400.0
"""Milliseconds for the first answer of a new process, of a first trial's 500."""
NETWORKS = ("enas", "darts")
"""Not measured here: they train networks (`nas`)."""
BUDGETS = {"resource_name": "epochs", "r_l": "27"}
SETTINGS = {
    "hyperband": BUDGETS,
    "asha": BUDGETS,
    "pbt": {
        "suggestion_trial_dir": "/data",
        "n_population": "20",
        "truncation_threshold": "0.2",
    },
}
OWN = ("grid", "cmaes", "hyperband", "asha", "pbt")
"""Whose history has to be their own."""
SURFACE = SURFACES[1]


def run(table: Table) -> None:
    process.keep_to_one_thread()
    named = [name for name in MODULES if name not in NETWORKS]
    for name in named:
        problem, trials = posed_for(name), history(name)
        wanted = [Request(verb="suggest", algorithm=name, problem=problem, trials=trials, count=1)]
        row = f"suggestion after {HISTORY}, {name}"
        table.at_most(row, cost(wanted), "ms", SLOWER.get(name, MOST))
    trials = tuple(reporting(each) for each in history("random"))
    for name in stopping.MODULES:
        rules = [Request(verb="rules", algorithm=name, problem=posed_for("random"), trials=trials)]
        table.at_most(f"rules after {HISTORY}, {name}", cost(rules), "ms", MOST)
    for name in named:
        limit = FIRST * (1.5 if name in SLOWER else 1)
        table.at_most(f"first answer of a process, {name}", first(name), "ms", limit)


def cost(requests: Sequence[Request]) -> float:
    """Milliseconds, the median of some times; the first one, which loads libraries, is left out."""
    taken = []
    for request in [*requests] * 8:
        start = time.process_time()
        reply = process.answered(msgspec.json.encode(request))
        msgspec.json.decode(msgspec.json.encode(reply), type=Reply)
        taken.append(1000 * (time.process_time() - start))
        assert not reply.failed, reply.failed
        assert not reply.refused, reply.refused
    return median(taken[1:])


def first(name: str) -> float:
    """Milliseconds of a whole process."""
    request = Request(verb="suggest", algorithm=name, problem=posed_for(name), count=1)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-P", "-m", "sampan.lib.search.process"]
    given = msgspec.json.encode(request)
    subprocess.run(command, input=given, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def history(name: str) -> tuple[Trial, ...]:
    teacher, made = name if name in OWN else "random", list[Trial]()
    problem = posed_for(teacher)
    while len(made) < HISTORY:
        request = Request(
            verb="suggest", algorithm=teacher, problem=problem, trials=tuple(made), count=27
        )
        reply = process.answered(msgspec.json.encode(request))
        assert reply.answer is not None, reply
        for each in reply.answer.suggestions:
            made.append(ended(each, len(made)))
    return tuple(made[:HISTORY])


def posed_for(name: str) -> Problem:
    problem = posed(SURFACE, 0)
    if name == "grid":
        stepped = tuple(replace(each, step=0.1) for each in problem.parameters)
        return replace(problem, parameters=stepped)
    if SETTINGS.get(name) is BUDGETS:
        epochs = Parameter(name="epochs", kind="int", min=1, max=27)
        problem = replace(problem, parameters=(*problem.parameters, epochs), parallel=27)
    return replace(problem, settings=SETTINGS.get(name, {}))


def ended(suggestion: Suggestion, number: int) -> Trial:
    point = [float(text) for name, text in suggestion.assignments.items() if name != "epochs"]
    return Trial(
        name=suggestion.name or f"benchmark-{number:08}",
        assignments=suggestion.assignments,
        labels=suggestion.labels,
        state="succeeded",
        values=(SURFACE.loss(point),),
        since=1.7e9 + number,
        seconds=1.25,
    )


def reporting(trial: Trial) -> Trial:
    """With reports that come near its value."""
    value = trial.values[0] or 0.0
    return replace(trial, reports=tuple((step, value / step) for step in range(1, REPORTS + 1)))
