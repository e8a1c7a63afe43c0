"""jq, as gojq speaks it: `.items[] | select(.kind == "Pod") | {name: .metadata.name}`.

    query      = part { "," part } [ "|" query ];
    part       = "def" name [ "(" name { ";" name } ")" ] ":" query ";" query
               | "label" $name "|" query
               | expression [ "as" pattern { "?//" pattern } "|" query ];
    pattern    = $name | "[" pattern { "," pattern } "]" | "{" entry { "," entry } "}";
    expression = term, with // = |= += -= *= /= %= //= or and == != < <= > >= + - * / %
                 between them, from the loosest to the tightest;
    term       = "." | ".." | ".name" | constant | text | @format [ text ] | $name
               | name [ "(" query { ";" query } ")" ] | "(" query ")" | "[" [ query ] "]"
               | "{" … "}" | "-" term | "if" … "end" | "try" term [ "catch" term ]
               | "reduce" expression "as" pattern "(" query ";" query ")"
               | "foreach" … | "break" $name,
                 followed by .name, .[…], ."…", […], […:…], [] and ?;

`lexer` and `parser` make nodes, and nodes make streams (`nodes`, `bindings`). A query may take so
many steps and give so many results. There are no files, no modules, no input, no environment and no
clock. A query that calls itself more than some hundred deep is refused. Upstream:
github.com/itchyny/gojq.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sampan.lib.jq import nodes, values
from sampan.lib.jq.faults import Broken, Fault, Mistake
from sampan.lib.jq.nodes import Node
from sampan.lib.jq.parser import parse

__all__ = ["RESULTS", "Mistake", "encode", "run"]

RESULTS = 100_000
"""What one query may give."""


def run(program: str, document: Any) -> list[Any]:
    """All results for a document of plain JSON values. Raises Mistake."""
    machine = values.Machine()
    found: list[Any] = []
    try:
        for value in nodes.values(machine, None, _parsed(program), document):
            found.append(value)
            if len(found) > RESULTS:
                raise Mistake(f"a query may have {RESULTS} results at most")
    except Fault as fault:
        raise Mistake(_said(machine, fault)) from None
    except Broken:
        raise Mistake("break") from None
    except RecursionError:
        raise Mistake("the query calls itself too often") from None
    return found


def encode(value: Any) -> str:
    """A result as JSON, keys in order, no spaces. Raises Mistake when it is too long."""
    try:
        return values.encode(values.Machine(), value)
    except RecursionError:
        raise Mistake("the value is nested too deep") from None


@lru_cache(maxsize=128)
def _parsed(program: str) -> Node:
    return parse(program)


def _said(machine: values.Machine, fault: Fault) -> str:
    if not fault.raised:
        return str(fault.value)
    shown = fault.value if isinstance(fault.value, str) else values.encode(machine, fault.value)
    return f"error: {shown}"
