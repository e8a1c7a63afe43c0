"""The functions of the language, by name and number of arguments.

Most are `functions` of values or `streams` of queries. A few are best said in jq itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sampan.lib.jq.bindings import Bind, NamePattern
from sampan.lib.jq.changes import CHANGES, assign, modify
from sampan.lib.jq.faults import Mistake
from sampan.lib.jq.functions import FUNCTIONS
from sampan.lib.jq.nodes import (
    Binary,
    Builtin,
    Frame,
    Identity,
    Index,
    Item,
    Literal,
    Native,
    Node,
    Otherwise,
    Variable,
    values,
)  # fmt: skip
from sampan.lib.jq.numbers import NUMBERS
from sampan.lib.jq.searches import ENTRIES, SEARCHES
from sampan.lib.jq.streams import STREAMS
from sampan.lib.jq.values import Machine

__all__ = ["PRELUDE", "assign", "call", "modify", "update"]

PRELUDE = {
    "nth/1": "def nth($n): .[$n];",
    "combinations/0": """
        def combinations:
          reduce .[] as $choices ([[]]; [.[] as $made | $choices[] as $next | $made + [$next]])
          | .[];""",
    "combinations/1": "def combinations(n): n as $n | [range($n) as $i | .] | combinations;",
    "tostream/0": """
        def tostream:
          def down($at): if type | . == "array" or . == "object" | not then [$at, .]
            elif length == 0 then [$at, .]
            else (keys[] as $key | .[$key] | down($at + [$key])), [$at + [keys[-1]]] end;
          down([]);""",
    "fromstream/1": """
        def fromstream(events):
          foreach events as $event (null;
            if .done then null else . end
            | if $event | length == 2 then
                .value = (.value | setpath($event[0]; $event[1])) | .done = ($event[0] == [])
              else .done = ($event[0] | length == 1) end;
            if .done then .value else empty end);""",
    "truncate_stream/1": """
        def truncate_stream(events):
          . as $depth | null | events
          | if .[0] | length > $depth then .[0] |= .[$depth:] else empty end;""",
    "INDEX/2": """
        def INDEX(rows; key): reduce rows as $row ({}; .[$row | key | tostring] = $row);""",
    "INDEX/1": "def INDEX(key): INDEX(.[]; key);",
    "IN/1": "def IN(set): . as $value | any(set; . == $value);",
    "IN/2": "def IN(source; set): any(source == set; .);",
    "JOIN/2": "def JOIN($index; key): [.[] as $row | [$row, $index[$row | key]]];",
    "JOIN/3": """
        def JOIN($index; rows; key): rows as $row | [$row, $index[$row | key]];""",
    "JOIN/4": """
        def JOIN($index; rows; key; shape): rows as $row | [$row, $index[$row | key]] | shape;""",
}


_OF_QUERIES = {**STREAMS, **CHANGES, **SEARCHES}
_OF_VALUES = {**FUNCTIONS, **NUMBERS, **ENTRIES}


def call(name: str, arguments: tuple[Node, ...]) -> Node:
    """A call of a function of the language. Raises Mistake when there is none of that name."""
    if name in _OF_QUERIES:
        return Native(_OF_QUERIES[name], arguments)
    if name in _OF_VALUES:
        return Native(_of_values(_OF_VALUES[name]), arguments)
    match name:
        case "first/0":
            return Index(Identity(), Literal(0))
        case "last/0":
            return Index(Identity(), Literal(-1))
        case "builtins/0":
            known = (*_OF_QUERIES, *_OF_VALUES, *PRELUDE, "first/0", "last/0", "env/0")
            return Literal(sorted(known))
        case "env/0":
            return Literal({})
        case "input/0" | "inputs/0":
            raise Mistake("input(s)/0 is not allowed")
    raise Mistake(f"function not defined: {name}")


def _of_values(function: Callable[..., Any]) -> Builtin:
    """A function of values as one of queries: for all values of its arguments, the last of them in
    the outer loop."""

    def run(
        machine: Machine, frame: Frame | None, item: Item, arguments: tuple[Node, ...]
    ) -> Iterator[Item]:
        for given in _all(machine, frame, item.value, arguments):
            yield item.made(function(machine, item.value, *given))

    return run


def _all(
    machine: Machine, frame: Frame | None, value: Any, arguments: tuple[Node, ...]
) -> Iterator[tuple[Any, ...]]:
    if not arguments:
        yield ()
        return
    for last in values(machine, frame, arguments[-1], value):
        for before in _all(machine, frame, value, arguments[:-1]):
            yield (*before, last)


def update(sign: str, left: Node, right: Node) -> Node:
    """`f += g` and the like: what g makes of the whole is added at each path."""
    name = NamePattern("$ update")  # no name that could be written
    new: Node = Variable(name.name)
    change = Otherwise(Identity(), new) if sign == "//" else Binary(sign, Identity(), new)
    return Bind(right, (name,), Native(modify, (left, change)))
