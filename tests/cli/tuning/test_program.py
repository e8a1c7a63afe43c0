"""The program of a trial, as a container starts it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sampan.cli.tuning import objects, program


def trial(place: Path, source: str, kinds: dict[str, str], **given: Any) -> Any:
    """What it printed, and its exit code."""
    shutil.copy(program.__file__, place / objects.PROGRAM)
    (place / "mine.py").write_text(source)
    fixed = {name: value for name, value in given.items() if name not in kinds}
    about = {
        "file": "mine.py",
        "function": "f",
        "metric": "loss",
        "kinds": kinds,
        "fixed": fixed,
        "sometimes": ["sometimes"],
    }
    variables = {f"{program.PREFIX}{name}": str(given[name]) for name in kinds}
    return subprocess.run(
        [sys.executable, "-I", place / objects.PROGRAM],
        env={**os.environ, "SAMPAN_TUNE": json.dumps(about), **variables},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def f(x, y=1): return x + y", "loss=3.5\n"),
        ("def f(parameters): return parameters['x'] * 2", "loss=3.0\n"),
        ("def f(**all): return all['x']", "loss=1.5\n"),
        ("def f(x): return {'loss': x, 'accuracy': 1}", "loss=1.5\naccuracy=1.0\n"),
        ("def f(x):\n  yield x\n  yield x / 1e9", "loss=1.5\nloss=1.5e-09\n"),
        ("import dataclasses\n@dataclasses.dataclass\nclass A:\n  x: float\nf = lambda x: A(x).x",
         "loss=1.5\n"),
    ],
)  # fmt: skip
def test_what_the_function_gives_is_printed(source: str, said: str, tmp_path: Path) -> None:
    given = {"y": 2} if "y=" in source else {}
    done = trial(tmp_path, source, {"x": "float"}, x="1.5", **given)
    assert (done.stdout, done.stderr, done.returncode) == (said, "", 0)


def test_what_has_no_value_is_not_given(tmp_path: Path) -> None:
    source = "def f(x, sometimes=9.0): return x + sometimes"
    kinds = {"x": "float", "sometimes": "float"}
    for text, said in (("", "10.0"), ("2", "3.0")):
        assert trial(tmp_path, source, kinds, x="1", sometimes=text).stdout == f"loss={said}\n"


def test_values_are_what_they_were_declared(tmp_path: Path) -> None:
    source = "def f(**given): print(sorted(given.items())); return 0"
    kinds = {"a": "int", "b": "float", "c": "bool", "d": "str"}
    done = trial(tmp_path, source, kinds, a="7", b="1e-3", c="false", d="sgd", e=[1])
    wanted = [("a", 7), ("b", 0.001), ("c", False), ("d", "sgd"), ("e", [1])]
    assert done.stdout == f"{wanted}\nloss=0.0\n"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("def f(y, z): return 1", "the function takes (y, z), but is given x"),
        ("def f(rate, n=3): return rate * n", "the function takes (rate, n=3), but is given x"),
        ("def f(*, y): return 1", "the function takes (*, y), but is given x"),
        ("f = 1", "1 is no function"),
        ("def f(x): return None", "the function gave None as loss, which is no number"),
        ("def f(x): return {'accuracy': 1}", "there is no loss"),
        ("def f(x): return float('nan')", "the function gave nan as loss"),
        ("def f(x): raise KeyError('mine')", "KeyError: 'mine'"),
    ],
)
def test_what_is_wrong_fails_the_trial(source: str, why: str, tmp_path: Path) -> None:
    done = trial(tmp_path, source, {"x": "float"}, x="1")
    assert done.returncode == 1
    assert why in done.stderr
