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
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sampan.lib.expr.faults import Mistake
from sampan.lib.later import later

if TYPE_CHECKING:
    from sampan.lib.expr.program import Program

__all__ = ["Functions", "Mistake", "compile", "marshal", "show", "time", "type_of"]

Functions = Mapping[str, Any]
"""Functions by name, or by name in a mapping of that name: {"sprig": {"trim": …}}. What they raise
as ValueError or TypeError becomes a Mistake. `now`, without arguments, gives an aware datetime."""


_NONE: Functions = MappingProxyType({})


@cache
def _whole() -> Any:
    """The rest of the package, which most runs of the program never need."""
    return later("sampan.lib.expr.program")


def compile(source: str, functions: Functions = _NONE) -> Program:
    """The expression, ready to run. Raises Mistake when it is none."""
    program: Program = _whole().Program(source, functions)
    return program


def marshal(value: Any) -> str:
    """A result as JSON, the way Go writes it. Raises Mistake for what JSON cannot hold."""
    return str(_whole().marshal(value))


def show(value: Any) -> str:
    """A result as text, the way Go prints it with %v. Raises Mistake."""
    return str(_whole().show(value))


def time(moment: datetime) -> Any:
    """A moment as an expression has it, to be put into its variables."""
    return _whole().time(moment)


def type_of(value: Any) -> str:
    """Go's name of the value's type."""
    return str(_whole().type_of(value))
