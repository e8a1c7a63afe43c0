"""The nodes of a parsed expression. `at` is the place in the text, counted in characters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, eq=False)
class Node:
    at: int


@dataclass(slots=True, eq=False)
class Literal(Node):
    value: Any


@dataclass(slots=True, eq=False)
class Name(Node):
    name: str


@dataclass(slots=True, eq=False)
class Pointer(Node):
    """`#`, `#acc` or `#index` of the innermost predicate."""

    name: str


@dataclass(slots=True, eq=False)
class Unary(Node):
    sign: str
    operand: Node


@dataclass(slots=True, eq=False)
class Binary(Node):
    """`first` and what follows it, from left to right: a long chain is one node, not a deep tree.
    `rest` holds (place, sign, operand)."""

    first: Node
    rest: list[tuple[int, str, Node]]


@dataclass(slots=True, eq=False)
class Conditional(Node):
    condition: Node
    yes: Node
    no: Node


@dataclass(slots=True, eq=False)
class Member(Node):
    """`operand.key` or `operand[key]`; with `optional`, nil ends the chain instead of failing."""

    operand: Node
    key: Node
    optional: bool


@dataclass(slots=True, eq=False)
class Chain(Node):
    """What `?.` leaves early."""

    inner: Node


@dataclass(slots=True, eq=False)
class Slice(Node):
    operand: Node
    begin: Node | None
    end: Node | None


@dataclass(slots=True, eq=False)
class Call(Node):
    callee: Node
    arguments: list[Node]


@dataclass(slots=True, eq=False)
class Builtin(Node):
    name: str
    arguments: list[Node]


@dataclass(slots=True, eq=False)
class Loop(Node):
    """A built-in function with a predicate; `last` is reduce's start or sortBy's order."""

    name: str
    over: Node
    predicate: Node | None
    last: Node | None


@dataclass(slots=True, eq=False)
class ListOf(Node):
    items: list[Node]


@dataclass(slots=True, eq=False)
class MapOf(Node):
    entries: list[tuple[Node, Node]]


@dataclass(slots=True, eq=False)
class Let(Node):
    name: str
    value: Node
    body: Node


@dataclass(slots=True, eq=False)
class Sequence(Node):
    nodes: list[Node]
