"""Match a regular expression in linear time, by stepping through all alternatives at once.

Python's matcher tracks back and can take for ever on `(a+)+`; this one never does, but is slow per
character, so `patterns` uses it only where the other could run away. Its syntax tree is the one
that Python's own parser makes. Constructs that need back-tracking (references, look-around) are a
ValueError; Go does not have them either. Method: Thompson's, as in RE2.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

MAX_STATES = 20_000
"""States of one automaton; Go refuses repetitions beyond 1,000 for the same reason."""

Test = Callable[[str], bool]
_MAYBE_ENDLESS = re._constants.MAXREPEAT  # type: ignore[attr-defined]


class Automaton:
    """States are numbers; `_steps[n]` is a test and where it leads, or a list of free moves."""

    def __init__(self, pattern: str, flags: int = re.ASCII) -> None:
        """ValueError for what cannot be matched this way."""
        tree: Any = re._parser.parse(pattern, flags)  # type: ignore[attr-defined]
        self._steps: list[tuple[Test, int] | list[int] | str] = []
        self._accept = self._add([])
        self._start = self._sequence(tree, tree.state.flags, self._accept)

    def search(self, text: str) -> bool:
        """Whether the pattern occurs in the text."""
        current: set[int] = set()
        for at in range(len(text) + 1):
            current = self._closure({*current, self._start}, text, at)
            if self._accept in current:
                return True
            if at < len(text):
                current = self._after(current, text[at])
        return False

    def _after(self, states: set[int], char: str) -> set[int]:
        found = set()
        for state in states:
            step = self._steps[state]
            if isinstance(step, tuple) and step[0](char):
                found.add(step[1])
        return found

    def _closure(self, states: set[int], text: str, at: int) -> set[int]:
        """All states that can be reached without taking a character."""
        seen: set[int] = set()
        waiting = list(states)
        while waiting:
            state = waiting.pop()
            if state in seen:
                continue
            seen.add(state)
            step = self._steps[state]
            if isinstance(step, list):
                waiting.extend(step)
            elif isinstance(step, str) and _PLACES[step](text, at):
                waiting.append(state - 1)  # a place is put right after the state it leads to
        return seen

    def _add(self, step: tuple[Test, int] | list[int] | str) -> int:
        if len(self._steps) >= MAX_STATES:
            raise ValueError("the pattern is too large")
        self._steps.append(step)
        return len(self._steps) - 1

    def _sequence(self, tree: Any, flags: int, after: int) -> int:
        """The state from which the tree leads to `after`."""
        for op, argument in reversed(list(tree)):
            after = self._one(str(op), argument, flags, after)
        return after

    def _one(self, op: str, argument: Any, flags: int, after: int) -> int:
        match op:
            case "SUBPATTERN":
                _, added, removed, inner = argument
                return self._sequence(inner, (flags | added) & ~removed, after)
            case "BRANCH":
                return self._add([self._sequence(one, flags, after) for one in argument[1]])
            case "MAX_REPEAT" | "MIN_REPEAT":
                return self._repeat(argument, flags, after)
            case "AT":
                return self._place(str(argument), flags, after)
        return self._add((_test(op, argument, flags), after))

    def _repeat(self, argument: Any, flags: int, after: int) -> int:
        least, most, inner = argument
        if most is _MAYBE_ENDLESS:
            loop = self._add([after])
            body = self._sequence(inner, flags, loop)
            step = self._steps[loop]
            assert isinstance(step, list)
            step.append(body)
            start = loop
        else:
            start = after
            for _ in range(most - least):
                start = self._add([self._sequence(inner, flags, start), after])
        for _ in range(least):
            start = self._sequence(inner, flags, start)
        return start

    def _place(self, name: str, flags: int, after: int) -> int:
        if flags & re.MULTILINE and name in ("AT_BEGINNING", "AT_END"):
            name += "_LINE"
        if name not in _PLACES:
            raise ValueError(f"{name} cannot be matched")
        self._add([after])
        return self._add(name)


def _is_word(text: str, at: int) -> bool:
    return 0 <= at < len(text) and text[at].isascii() and (text[at].isalnum() or text[at] == "_")


_PLACES: dict[str, Callable[[str, int], bool]] = {
    "AT_BEGINNING": lambda text, at: at == 0,
    "AT_BEGINNING_STRING": lambda text, at: at == 0,
    "AT_BEGINNING_LINE": lambda text, at: at == 0 or text[at - 1] == "\n",
    "AT_END": lambda text, at: at == len(text) or text[at:] == "\n",
    "AT_END_STRING": lambda text, at: at == len(text),
    "AT_END_LINE": lambda text, at: at == len(text) or text[at] == "\n",
    "AT_BOUNDARY": lambda text, at: _is_word(text, at - 1) != _is_word(text, at),
    "AT_NON_BOUNDARY": lambda text, at: _is_word(text, at - 1) == _is_word(text, at),
}
_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d", "CATEGORY_NOT_DIGIT": r"\D", "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S", "CATEGORY_WORD": r"\w", "CATEGORY_NOT_WORD": r"\W",
}  # fmt: skip


def _test(op: str, argument: Any, flags: int) -> Test:
    """The test of one character, put back into Python's syntax: one character cannot run away."""
    match op:
        case "LITERAL":
            text = re.escape(chr(argument))
        case "NOT_LITERAL":
            text = f"[^{re.escape(chr(argument))}]"
        case "ANY":
            text = "."
        case "IN":
            text = _class(argument)
        case _:
            raise ValueError(f"{op} cannot be matched")
    kept = flags & (re.IGNORECASE | re.DOTALL | re.ASCII | re.UNICODE)
    if kept & re.UNICODE:
        kept &= ~re.ASCII
    found = re.compile(text, kept).fullmatch
    return lambda char: found(char) is not None


def _class(items: Any) -> str:
    parts = []
    for op, argument in items:
        match str(op):
            case "NEGATE":
                parts.append("^")
            case "LITERAL":
                parts.append(re.escape(chr(argument)))
            case "RANGE":
                first, last = (re.escape(chr(code)) for code in argument)
                parts.append(f"{first}-{last}")
            case "CATEGORY":
                parts.append(_CATEGORIES[str(argument)])
            case other:
                raise ValueError(f"{other} cannot be matched")
    return f"[{''.join(parts)}]"
