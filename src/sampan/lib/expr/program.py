"""An expression that has been read, and what becomes of its results.

This module brings in all the others; it is loaded with the first expression (`sampan.lib.later`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from sampan.lib.expr.builtins import BUILTINS
from sampan.lib.expr.evaluate import Builder
from sampan.lib.expr.faults import Fault, Mistake
from sampan.lib.expr.frame import Frame, Run
from sampan.lib.expr.loops import LOOPS
from sampan.lib.expr.names import names, roots
from sampan.lib.expr.parser import parse
from sampan.lib.expr.texts import measure, shown, to_json
from sampan.lib.expr.times import Time
from sampan.lib.expr.values import type_of
from sampan.lib.gotime.moments import of_datetime

__all__ = ["Program", "marshal", "show", "time", "type_of"]


class Program:
    """`names` are the variables that the expression reads, with the dotted paths of their members
    (`names.names`): a caller can tell beforehand what is missing."""

    def __init__(self, source: str, functions: Mapping[str, Any]) -> None:
        self.source = source
        self._functions = functions
        self._read = _read(source)
        self.names = self._read.names

    def run(self, env: Mapping[str, Any]) -> Any:
        """The value with these variables. Raises Mistake: for an unknown variable, too, even where
        the run would not come by it."""
        for name, at in self._read.roots.items():
            if name not in env and name not in self._functions:
                raise Mistake(f"unknown name {name}", self.source, at)
        frame = Frame(env, self._functions)
        try:
            value = self._read.run(frame)
            measure(value)
        except Fault as fault:
            raise Mistake(str(fault), self.source, frame.at) from None
        except RecursionError:
            raise Mistake("the values are nested too deeply", self.source, frame.at) from None
        return value


class _Read:
    def __init__(self, source: str) -> None:
        node = parse(source, BUILTINS)
        self.names = names(node)
        self.roots = roots(node)
        try:
            self.run: Run = Builder(BUILTINS, LOOPS).build(node)
        except Fault as fault:
            raise Mistake(str(fault), source) from None


@lru_cache(maxsize=2048)
def _read(source: str) -> _Read:
    try:
        return _Read(source)
    except RecursionError:
        raise Mistake("expression is nested too deeply") from None


def marshal(value: Any) -> str:
    """A result as JSON, the way Go writes it. Raises Mistake for what JSON cannot hold."""
    try:
        return to_json(value)
    except (Fault, RecursionError) as fault:
        raise Mistake(str(fault)) from None


def show(value: Any) -> str:
    """A result as text, the way Go prints it with %v. Raises Mistake."""
    try:
        return shown(value)
    except (Fault, RecursionError) as fault:
        raise Mistake(str(fault)) from None


def time(moment: datetime) -> Any:
    """A moment as an expression has it, to be put into its variables."""
    return Time(of_datetime(moment))
