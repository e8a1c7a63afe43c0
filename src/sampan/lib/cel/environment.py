"""Environment and Program: what a user of this package touches."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sampan.lib.cel import extensions, standard
from sampan.lib.cel.check import Checker
from sampan.lib.cel.estimate import worst
from sampan.lib.cel.evaluate import built
from sampan.lib.cel.faults import CompileError, EvaluationError
from sampan.lib.cel.nodes import Node
from sampan.lib.cel.operators import Frame, Run
from sampan.lib.cel.parser import parse
from sampan.lib.cel.types import Function, Functions, Key, Type

PER_RUN = 1_000_000
"""Steps of one run at most; about a fifth of a second."""


class Budget:
    """Steps that several runs may take together."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left


class Program:
    """`type` is that of the value; `names` are the variables that occur; `worst` are the steps of
    the dearest run, as far as sizes are known."""

    def __init__(
        self, source: str, type_: Type, names: frozenset[str], run: Run, worst: int = 0
    ) -> None:
        self.source = source
        self.type = type_
        self.names = names
        self.worst = worst
        self._run = run

    def run(self, variables: Mapping[str, Any], budget: Budget | None = None) -> Any:
        """The value. Raises EvaluationError, OverBudget."""
        allowed = PER_RUN if budget is None else min(PER_RUN, budget.left)
        frame = Frame(dict(variables), allowed)
        try:
            return self._run(frame)
        except RecursionError:
            raise EvaluationError("the expression is nested too deeply") from None
        finally:
            if budget is not None:
                budget.left -= allowed - frame.left


class Environment:
    """Functions and variables with their types. `functions` come on top of the standard ones."""

    def __init__(self, variables: Mapping[str, Type], functions: Functions | None = None) -> None:
        self._variables = variables
        self._functions = standard_functions() if functions is None else functions

    def compile(self, source: str) -> Program:
        """Raises CompileError."""
        try:
            node = parse(source)
            type_ = Checker(source, self._variables, self._functions).check(node)
            run = built(node, self._functions)
        except RecursionError:
            raise CompileError(source, 0, "the expression is nested too deeply") from None
        names = frozenset(_names(node)) & self._variables.keys()
        return Program(source, type_, names, run, worst(node))


@cache
def standard_functions() -> dict[Key, Function]:
    """What is there without being asked for; shared, so never change it."""
    return combined(standard.functions(), extensions.functions())


def combined(*libraries: Mapping[Key, Function]) -> dict[Key, Function]:
    """The libraries in one. Where two declare the same name, the later one runs it all."""
    found: dict[Key, Function] = {}
    for library in libraries:
        for key, function in library.items():
            known = found[key].overloads if key in found else []
            found[key] = Function(function.run, [*known, *function.overloads])
    return found


def _names(value: Any) -> set[str]:
    """Every name of a variable below a node."""
    if isinstance(value, list | tuple):
        return set().union(*map(_names, value)) if value else set()
    if not isinstance(value, Node):
        return set()
    own = getattr(value, "name", "")
    found = {own} if isinstance(own, str) and type(value).__name__ == "Name" else set()
    for cls in type(value).__mro__:
        for slot in getattr(cls, "__slots__", ()):
            found |= _names(getattr(value, slot))
    return found
