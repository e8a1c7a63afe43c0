from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import Any

import pytest

from sampan.lib.search import process

PROBLEM = {"name": "exp", "parameters": [{"name": "n", "kind": "int", "min": 1, "max": 9}]}


def said(**request: Any) -> dict[str, Any]:
    line = json.dumps({"verb": "suggest", "algorithm": "random", "problem": PROBLEM, **request})
    replies = io.BytesIO()
    process.serve(io.BytesIO(line.encode() + b"\n"), replies)
    (reply,) = replies.getvalue().splitlines()
    found: dict[str, Any] = json.loads(reply)
    return found


def test_each_line_is_answered_with_one() -> None:
    suggestions = said(count=2)["answer"]["suggestions"]
    assert [set(each["assignments"]) for each in suggestions] == [{"n"}, {"n"}]


def test_what_an_algorithm_does_not_take_is_refused() -> None:
    problem = {**PROBLEM, "settings": {"random_state": "-1"}}
    refused = "random_state should be great or equal than zero"
    assert said(verb="check", problem=problem) == {"refused": refused}
    assert said(verb="check") == {}


@pytest.mark.parametrize(
    ("more", "missing"),
    [
        ({"constraints": ["loss <= 1"]}, "constraints"),
        ({"parameters": [{"name": "n", "kind": "int", "when": ["n", ["1"]]}]}, "conditions"),
        ({"objectives": [{"metric": "a"}, {"metric": "b"}]}, "several objectives"),
    ],
)
def test_what_an_algorithm_cannot_do_is_refused(more: dict[str, Any], missing: str) -> None:
    refused = said(verb="check", algorithm="darts", problem={**PROBLEM, **more})
    assert refused == {"refused": f"darts cannot have {missing}"}


def test_an_algorithm_that_there_is_not_is_refused() -> None:
    assert said(algorithm="annealing") == {"refused": "unknown algorithm name annealing"}


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(process, "import_module", absent)
    assert said(algorithm="random")["refused"].endswith("pip install 'sampan[tuning]'")


def test_a_request_that_is_none_ends_nothing() -> None:
    replies = io.BytesIO()
    process.serve(io.BytesIO(b"{}\nnonsense\n"), replies)
    assert all("failed" in json.loads(line) for line in replies.getvalue().splitlines())
    assert len(replies.getvalue().splitlines()) == 2


def test_it_ends_quietly_when_nobody_listens() -> None:
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "sampan.lib.search.process"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as program:  # fmt: skip
        assert program.stdin is not None
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        program.stdin.write(b"{}\n")
        program.stdin.close()
        assert program.stderr.read() == b""
    assert program.returncode == 0
