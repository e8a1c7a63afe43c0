"""`depends`: the condition under which a task of a dag starts, such as `A && (B.Failed || !C)`.

A word is a task, or a task and one result; a bare task means that it succeeded, was skipped or is
a daemon. `dependencies: [a, b]` is `a && b`. Loops are not supported yet, so neither are the words
AnySucceeded and AllFailed. Upstream: argo-workflows workflow/common/ancestry.go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

RESULTS = {
    "Succeeded": "Succeeded",
    "Failed": "Failed",
    "Errored": "Error",
    "Skipped": "Skipped",
    "Omitted": "Omitted",
    "Daemoned": "Daemoned",
}
"""What a word calls the phase of a task."""
_BARE = ("Succeeded", "Skipped", "Daemoned")
_TOKEN = re.compile(r"\s*(?:(&&|\|\||!|\(|\))|([A-Za-z0-9][-A-Za-z0-9_]*)(?:\.([A-Za-z]+))?)")

Test = Callable[[Mapping[str, str]], bool]
"""A condition over the phases of the tasks it names."""


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


def met(condition: str, phases: Mapping[str, str]) -> bool:
    """Whether the condition holds. Every task that it names is over. Raises Mistake."""
    return parse(condition)(phases)


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
        if result and result not in RESULTS:
            raise Mistake(f"unknown task result {result!r}: one of {', '.join(RESULTS)}")
        yield (name, result or "")


def parse(condition: str) -> Test:
    """The condition as a function. Raises Mistake."""
    tokens = list(_tokens(condition))
    test, rest = _either(tokens)
    if rest:
        raise Mistake(f"unexpected {_shown(rest[0])}")
    return test


def _either(tokens: list[Token]) -> tuple[Test, list[Token]]:
    left, rest = _both(tokens)
    while rest and rest[0] == "||":
        right, rest = _both(rest[1:])
        left = _or(left, right)
    return left, rest


def _both(tokens: list[Token]) -> tuple[Test, list[Token]]:
    left, rest = _one(tokens)
    while rest and rest[0] == "&&":
        right, rest = _one(rest[1:])
        left = _and(left, right)
    return left, rest


def _one(tokens: list[Token]) -> tuple[Test, list[Token]]:
    if not tokens:
        raise Mistake("ends too early")
    first, rest = tokens[0], tokens[1:]
    if isinstance(first, tuple):
        return _word(*first), rest
    if first == "!":
        inner, rest = _one(rest)
        return (lambda phases: not inner(phases)), rest
    if first == "(":
        inner, rest = _either(rest)
        if not rest or rest[0] != ")":
            raise Mistake("a bracket is not closed")
        return inner, rest[1:]
    raise Mistake(f"unexpected {_shown(first)}")


def _word(name: str, result: str) -> Test:
    wanted = {RESULTS[result]} if result else {RESULTS[each] for each in _BARE}
    return lambda phases: phases.get(name) in wanted


def _or(left: Test, right: Test) -> Test:
    return lambda phases: left(phases) or right(phases)


def _and(left: Test, right: Test) -> Test:
    return lambda phases: left(phases) and right(phases)


def _shown(token: Token) -> str:
    return repr(token if isinstance(token, str) else ".".join(part for part in token if part))
