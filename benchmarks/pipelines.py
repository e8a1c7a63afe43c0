"""Pipelines through the REST API: from the request for a run until it says that it is over.

The peer is kfp.local, which runs the same pipelines in one process with no server, no isolation and
no history; its time begins when kfp is imported and everything compiled. Both have kfp installed
beforehand. `KFP_PYTHON` names an interpreter that has it, else one is made in `.venvs/kfp`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.program import Program, program
from benchmarks.table import Table

_SDK = Path(__file__).with_name("sdk.py")
_ENVIRONMENT = Path(__file__).parent.parent / ".venvs" / "kfp"
_OVER = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
_LONGEST = 600.0
_TRIES = 5


def run(table: Table) -> None:
    python = _python()
    compiled = json.loads(_sdk(python, "compile"))
    with program() as sampan:
        runs = Runs(sampan)
        runs.timed(compiled["one"])  # installs kfp, once for ever
        for name, title, goal in (
            ("one", "pipeline of one component", 0.3),
            ("chain", "pipeline of ten in a row", 0.6),
            ("loop", "ParallelFor of 20, and a sum", 0.8),
        ):
            taken = statistics.median(runs.timed(compiled[name]) for _ in range(_TRIES))
            peer = float(_sdk(python, "local", name).split()[-1])
            table.at_most(title, taken, "s", goal, floor=peer, floor_name="kfp.local")
        once = runs.timed(compiled["chain"], cached=True)
        again = runs.timed(compiled["chain"], cached=True)
        table.at_most("a cached step, of ten in a row", again * 100, "ms", 10,
                      floor=once * 100, floor_name="the same, not cached")  # fmt: skip
        table.at_least("tasks of one run, 1,000 sandboxed",
                       1000 / runs.timed(compiled["bare-thousand"]), "/s", 60)  # fmt: skip
        table.at_least("tasks of one run, 1,000 warm",
                       1000 / runs.timed(compiled["thousand"]), "/s", 100)  # fmt: skip
    _memory(table, compiled["one"])


def _memory(table: Table, pipeline: Any) -> None:
    with program() as sampan:
        runs = Runs(sampan)
        for _ in range(200):
            runs.timed(pipeline)
        before = sampan.pss()
        for _ in range(1000):
            runs.timed(pipeline)
        table.at_most("memory after 1,000 runs more", sampan.pss() / before, "×", 1.1)


class Runs:
    def __init__(self, sampan: Program) -> None:
        state = json.loads((sampan.home / "state.json").read_text())
        self._base = f"{state['gateway']}/pipeline/apis/v2beta1"
        self._headers = {
            "Authorization": f"Bearer {sampan.token}", "Content-Type": "application/json",
        }  # fmt: skip

    def timed(self, pipeline: Any, *, cached: bool = False) -> float:
        """Seconds until the run is over. Exits when it failed."""
        body = {"display_name": "benchmark", "pipeline_spec": _with_cache(pipeline, cached)}
        began = time.perf_counter()
        made = self._ask("POST", "/runs", body)
        while True:
            found = self._ask("GET", f"/runs/{made['run_id']}")
            if found.get("state") in _OVER:
                break
            taken = time.perf_counter() - began
            if taken > _LONGEST:
                raise SystemExit(f"the run is {found.get('state')} after {_LONGEST} s")
            time.sleep(max(0.005, taken / 100))  # a large run is a large answer
        if found["state"] != "SUCCEEDED":
            raise SystemExit(f"the run is {found['state']}: {found.get('error')}")
        return time.perf_counter() - began

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        text = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, text, self._headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


def _with_cache(value: Any, cached: bool) -> Any:
    """The pipeline with caching for all tasks, or for none."""
    if isinstance(value, list):
        return [_with_cache(each, cached) for each in value]
    if not isinstance(value, dict):
        return value
    new = {key: _with_cache(each, cached) for key, each in value.items()}
    if "componentRef" in new:
        new["cachingOptions"] = {"enableCache": True} if cached else {}
    return new


def _python() -> str:
    if given := os.environ.get("KFP_PYTHON"):
        return given
    python = _ENVIRONMENT / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(_ENVIRONMENT)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "kfp>=2.16,<3"], check=True)
    return str(python)


def _sdk(python: str, *words: str) -> str:
    path = f"{os.path.dirname(python)}:{os.environ['PATH']}"
    done = subprocess.run(
        [python, "-P", str(_SDK), *words], capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": path},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"kfp {' '.join(words)}:\n{done.stderr[-2000:]}")
    return done.stdout
