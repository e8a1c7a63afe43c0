"""The process that searches: a request for each line of standard input, an answer for each.

    {"verb": "check" | "suggest" | "rules", "algorithm": name, "problem": …, "trials": […], …}
    {"answer": {…}}  |  {"refused": message}  |  {"failed": message}

It holds nothing between two requests that it could not make again from the next one, so that it can
be ended at any moment. What it imports stays out of the program that asks. It ends when its input
is closed, which also happens when the asking program dies.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, BinaryIO, Literal

import msgspec
from msgspec import Struct

from sampan.lib.search import algorithms, stopping
from sampan.lib.search.problem import Answer, Problem, Refused, Rule, Trial

_THREADS = "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"
_MOST_MEMORY = 4 << 30
"""Bytes. Beyond, a question fails, and not whatever else runs on this machine."""
_NEEDED = "it needs packages that are not installed: pip install 'sampan[tuning]'"


class Request(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`settings` are those of early stopping; the algorithm's are the problem's."""

    verb: Literal["check", "suggest", "rules"]
    algorithm: str
    problem: Problem
    trials: tuple[Trial, ...] = ()
    count: int = 0
    settings: Mapping[str, str] = {}


class Reply(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`refused`: the problem is none for this algorithm; `failed`: it could not answer."""

    answer: Answer | None = None
    rules: tuple[Rule, ...] = ()
    refused: str = ""
    failed: str = ""


def main() -> None:
    for name in _THREADS:  # matrices are small, and sums must not depend on the number of cores
        os.environ.setdefault(name, "1")
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    most = _MOST_MEMORY if hard == resource.RLIM_INFINITY else min(_MOST_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:  # who asked has died: what is left to be written is for nobody
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def keep_to_one_thread() -> None:
    """Of what is loaded from now on: matrices are small, and sums must not depend on the number of
    cores."""
    for name in _THREADS:
        os.environ.setdefault(name, "1")


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    for line in requests:
        replies.write(msgspec.json.encode(answered(line)) + b"\n")
        replies.flush()


def answered(line: bytes) -> Reply:
    try:
        request = msgspec.json.decode(line, type=Request)
        return _VERBS[request.verb](request)
    except Refused as fault:
        return Reply(refused=str(fault))
    except ModuleNotFoundError:
        return Reply(refused=f"{request.algorithm}: {_NEEDED}")
    except Exception as fault:  # whatever a library finds wrong with a problem ends no process
        return Reply(failed=f"{type(fault).__name__}: {fault}")


def _check(request: Request) -> Reply:
    algorithm = _algorithm(request.algorithm)
    missing = _wanted(request.problem) - algorithms.ABILITIES[request.algorithm]
    if missing:
        raise Refused(f"{request.algorithm} cannot have {' and '.join(sorted(missing))}")
    algorithm.check(request.problem)
    return Reply()


def _wanted(problem: Problem) -> set[algorithms.Ability]:
    wanted = set[algorithms.Ability]()
    if problem.constraints:
        wanted.add("constraints")
    if any(each.when is not None for each in problem.parameters):
        wanted.add("conditions")
    if len(problem.objectives) > 1:
        wanted.add("several objectives")
    return wanted


def _suggest(request: Request) -> Reply:
    algorithm = _algorithm(request.algorithm)
    return Reply(answer=algorithm.suggest(request.problem, request.trials, request.count))


def _rules(request: Request) -> Reply:
    rule = _module(stopping.MODULES, stopping.__name__, request.algorithm)
    rule.check(request.problem, request.settings)
    return Reply(rules=tuple(rule.rules(request.problem, request.trials, request.settings)))


def _algorithm(name: str) -> Any:
    return _module(algorithms.MODULES, algorithms.__name__, name)


def _module(modules: Mapping[str, str], package: str, name: str) -> Any:
    if name not in modules:
        raise Refused(f"unknown algorithm name {name}")
    return import_module(f"{package}.{modules[name]}")


_VERBS: Mapping[str, Callable[[Request], Reply]] = {
    "check": _check,
    "suggest": _suggest,
    "rules": _rules,
}

if __name__ == "__main__":
    main()
