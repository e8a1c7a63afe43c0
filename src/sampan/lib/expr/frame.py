"""One run of an expression: its variables, and what it may still cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sampan.lib.expr.faults import Fault
from sampan.lib.expr.values import type_of

MOST_STEPS = 500_000
"""Operations and turns of loops in one run: about half a second."""
MOST_ROOM = 50_000_000
"""Characters of all texts that one run makes; an item of a list counts for eight."""


class Frame:
    """One run: its variables, the element that a predicate looks at, and what is left to spend."""

    __slots__ = ("accumulated", "at", "env", "functions", "index", "item", "local", "room", "steps")

    def __init__(self, env: Mapping[str, Any], functions: Mapping[str, Any]) -> None:
        self.env = env
        self.functions = functions
        self.local: dict[str, Any] = {}
        self.item: Any = None
        self.accumulated: Any = None
        self.index = 0
        self.at = 0
        self.steps = MOST_STEPS
        self.room = MOST_ROOM

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise Fault("the expression takes too many steps")

    def made(self, value: Any) -> Any:
        """Pay for a new value."""
        if value.__class__ is str:
            self.room -= len(value)
        elif value.__class__ is list:
            self.room -= 8 * len(value)
        if self.room < 0:
            raise Fault("memory budget exceeded")
        return value


Run = Callable[[Frame], Any]


def true(value: Any) -> bool:
    """The value, which must be a boolean."""
    if value.__class__ is not bool:
        raise Fault(f"non-bool expression (type {type_of(value)}) used as condition")
    return bool(value)
