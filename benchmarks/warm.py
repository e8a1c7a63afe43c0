"""Python pods forked from a warm interpreter, next to the same pods started cold.

With NUMPY_ENVIRONMENT, the prefix of a Python environment that has numpy, a step with numpy, too.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.pods import Pods
from benchmarks.program import Program, program
from benchmarks.table import Table

_COLD = "-E"  # an option that a fork does not know
_NUMPY = os.environ.get("NUMPY_ENVIRONMENT", "")


def run(table: Table) -> None:
    with tempfile.TemporaryDirectory(prefix="sampan-bench-") as made:
        home = Path(made)
        row = {"match": "numbers", "python": _NUMPY, "warm": ["numpy"]}
        home.joinpath("config.yaml").write_text(json.dumps({"images": [row] if _NUMPY else []}))
        with program(home) as sampan:
            step(table, sampan, "no-op Python", "python:3", "pass", 25)
            cold = python(sampan, "manycold", "python:3", _COLD, "-c", "pass").many(200)
            rate = python(sampan, "many", "python:3", "-c", "pass").many(200)
            table.at_least(
                "warm no-op Python pods, 200 at once", rate, "/s", 100,
                floor=cold, floor_name="started cold",
            )  # fmt: skip
            if _NUMPY:
                step(table, sampan, "import numpy", "numbers", "import numpy", 25)


def step(table: Table, sampan: Program, name: str, image: str, code: str, target: float) -> None:
    """One after the other, from create to Succeeded."""
    first = name.replace(" ", "-").lower()
    python(sampan, f"{first}-first", image, "-c", code).one_by_one(1)
    time.sleep(1)  # the interpreter that is kept has its imports to do, too
    warm = 1000 * python(sampan, f"{first}-warm", image, "-c", code).one_by_one(30)
    cold = 1000 * python(sampan, f"{first}-cold", image, _COLD, "-c", code).one_by_one(15)
    table.at_most(
        f"warm step, {name}, p50", warm, "ms", target, floor=cold, floor_name="started cold"
    )


def python(sampan: Program, prefix: str, image: str, *words: str) -> Pods:
    command: Sequence[str] = ["python3", *words]
    return Pods(sampan, prefix, {"image": image, "command": command})
