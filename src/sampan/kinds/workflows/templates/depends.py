"""`depends`: the condition under which a task of a dag starts, such as `A && (B.Failed || !C)`.

A word is a task and one result, or a bare task, which means that it succeeded, was skipped or is a
daemon, or ended in a way that its `continueOn` allows. `dependencies: [a, b]` is `a && b`.
AnySucceeded and AllFailed are about the members of a loop. Upstream: argo-workflows
workflow/common/ancestry.go.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

RESULTS = {
    "Succeeded": "Succeeded",
    "Failed": "Failed",
    "Errored": "Error",
    "Skipped": "Skipped",
    "Omitted": "Omitted",
}
"""What a word calls the phase of a task."""
OTHERS = ("Daemoned", "AnySucceeded", "AllFailed")
"""Words that are no phase: the last two are for loops only."""
_BARE = frozenset({"Succeeded", "Skipped", "Daemoned"})
_DEEPEST = 100
_CONTINUES = {"error": "Errored", "failed": "Failed"}
_TOKEN = re.compile(r"\s*(?:(&&|\|\||!|\(|\))|([A-Za-z0-9][-A-Za-z0-9_]*)(?:\.([A-Za-z]+))?)")

Holding = Mapping[str, Collection[str]]
"""The words that hold for each task that is over."""
Test = Callable[[Holding], bool]
"""A condition over the tasks that it names."""


class Mistake(ValueError):
    """The text is no condition."""


def of(task: Mapping[str, Any]) -> str:
    """The condition of a task as text, "" for none."""
    if task.get("depends"):
        return str(task["depends"])
    return " && ".join(task.get("dependencies") or ())


def words(condition: str) -> list[str]:
    """The tasks that a condition names, in order, each once. Raises Mistake."""
    found = [token for token in _tokens(condition) if isinstance(token, tuple)]
    return list(dict.fromkeys(name for name, _ in found))


def bare(task: Mapping[str, Any]) -> frozenset[str]:
    """The words of which one must hold where a task is named without a result."""
    allowed = task.get("continueOn") or {}
    return _BARE | {word for field, word in _CONTINUES.items() if allowed.get(field)}


Token = str | tuple[str, str]


def _tokens(text: str) -> Iterator[Token]:
    place, text = 0, text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise Mistake(f"cannot be read at {text[place:]!r}")
        place = match.end()
        sign, name, result = match.groups()
        if sign:
            yield sign
            continue
        if result and result not in (*RESULTS, *OTHERS):
            raise Mistake(f"task result '{result}' for task '{name}' is invalid")
        yield (name, result or "")


def parse(condition: str, tasks: Mapping[str, Mapping[str, Any]] = {}) -> Test:
    """The condition as a function. tasks: by name, for what a bare word means. Raises Mistake."""
    return _Reader(condition, tasks).read()


class _Reader:
    def __init__(self, condition: str, tasks: Mapping[str, Mapping[str, Any]]) -> None:
        self._tokens = deque(_tokens(condition))
        self._tasks = tasks
        self._depth = 0

    def read(self) -> Test:
        test = self._either()
        if self._tokens:
            raise Mistake(f"unexpected {_shown(self._tokens[0])}")
        return test

    def _either(self) -> Test:
        tests = self._joined("||", self._both)
        return tests[0] if len(tests) == 1 else lambda holding: any(t(holding) for t in tests)

    def _both(self) -> Test:
        tests = self._joined("&&", self._one)
        return tests[0] if len(tests) == 1 else lambda holding: all(t(holding) for t in tests)

    def _joined(self, sign: str, part: Callable[[], Test]) -> list[Test]:
        tests = [part()]
        while self._tokens and self._tokens[0] == sign:
            self._tokens.popleft()
            tests.append(part())
        return tests

    def _one(self) -> Test:
        if not self._tokens:
            raise Mistake("ends too early")
        first = self._tokens.popleft()
        if isinstance(first, tuple):
            return self._word(*first)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Mistake("brackets within brackets, too often")
        test = self._signed(first)
        self._depth -= 1
        return test

    def _signed(self, sign: str) -> Test:
        if sign == "!":
            inner = self._one()
            return lambda holding: not inner(holding)
        if sign != "(":
            raise Mistake(f"unexpected {_shown(sign)}")
        inner = self._either()
        if not self._tokens or self._tokens.popleft() != ")":
            raise Mistake("a bracket is not closed")
        return inner

    def _word(self, name: str, result: str) -> Test:
        wanted = frozenset({result}) if result else bare(self._tasks.get(name) or {})
        return lambda holding: not wanted.isdisjoint(holding.get(name, ()))


def _shown(token: Token) -> str:
    return repr(token if isinstance(token, str) else ".".join(part for part in token if part))
