"""expr, the expression language of expr-lang v1.17: read once, run often, within a budget.

    text ─lexer─> tokens ─parser─> nodes ─evaluate─> a Python closure

    sequence   = expression { ";" expression } [";"]
    expression = "let" name "=" expression ";" sequence
               | "if" expression "{" sequence "}" "else" ( "{" sequence "}" | "if" … )
               | binary { "?" [expression] ":" expression }
    binary     = unary { operator binary }            by precedence, weakest first:
                 |   or ||   and &&   == != < > <= >= in matches contains startsWith endsWith
                 ..   + -   * / %   ** ^ (to the right)   ??    ("not" before in … endsWith)
    unary      = ("not" | "!") binary                 binds tighter than comparison
               | ("-" | "+") binary                   binds tighter than `*`
               | operand { "." name ["(" … ")"] | "?." … | "[" expression "]" | "[" a ":" b "]" }
    operand    = number | "text" | 'text' | `raw text` | b"bytes" | true | false | nil
               | name | "$env" | name "(" arguments ")" | "(" sequence ")"
               | "[" … "]" | "{" key ":" expression, … "}"
               | "#" | "#acc" | "#index" | "." name   in the predicate of filter, map, reduce …
    Comments are // and /* */.

`compile` reads an expression, `Program.run` gives it values. Upstream also checks types before a
run; here a fault shows when the run reaches it, with upstream's words where it has some. Only
`Mistake` is raised. Values are those of JSON, bytes, functions and what `Opaque` stands for (dates
and durations); numbers are Go's: an int has 64 bits and wraps around, `/` gives a float.
This package knows no Kubernetes and touches only values it was given. It reads no clock: `now()`
asks the function `now` that the caller gave.
Upstream: github.com/expr-lang/expr, docs/language-definition.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
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

__all__ = ["Functions", "Mistake", "Program", "compile", "marshal", "show", "time", "type_of"]

Functions = Mapping[str, Any]
"""Functions by name, or by name in a mapping of that name: {"sprig": {"trim": …}}. What they raise
as ValueError or TypeError becomes a Mistake. `now`, without arguments, gives an aware datetime."""


_NONE: Functions = MappingProxyType({})


class Program:
    """`names` are the variables that the expression reads, with the dotted paths of their members
    (`names.names`): a caller can tell beforehand what is missing."""

    def __init__(self, source: str, functions: Functions) -> None:
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


def compile(source: str, functions: Functions = _NONE) -> Program:
    """The expression, ready to run. Raises Mistake when it is none."""
    return Program(source, functions)


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
