"""The nodes of a parsed expression. `at` is the place in the text, counted in characters."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Node(Struct, eq=False):
    at: int


class Literal(Node):
    value: Any


class Name(Node):
    name: str


class Pointer(Node):
    """`#`, `#acc` or `#index` of the innermost predicate."""

    name: str


class Unary(Node):
    sign: str
    operand: Node


class Binary(Node):
    """`first` and what follows it, from left to right: a long chain is one node, not a deep tree.
    `rest` holds (place, sign, operand)."""

    first: Node
    rest: list[tuple[int, str, Node]]


class Conditional(Node):
    condition: Node
    yes: Node
    no: Node


class Member(Node):
    """`operand.key` or `operand[key]`; with `optional`, nil ends the chain instead of failing."""

    operand: Node
    key: Node
    optional: bool


class Chain(Node):
    """What `?.` leaves early."""

    inner: Node


class Slice(Node):
    operand: Node
    begin: Node | None
    end: Node | None


class Call(Node):
    callee: Node
    arguments: list[Node]


class Builtin(Node):
    name: str
    arguments: list[Node]


class Loop(Node):
    """A built-in function with a predicate; `last` is reduce's start or sortBy's order."""

    name: str
    over: Node
    predicate: Node | None
    last: Node | None


class ListOf(Node):
    items: list[Node]


class MapOf(Node):
    entries: list[tuple[Node, Node]]


class Let(Node):
    name: str
    value: Node
    body: Node


class Sequence(Node):
    nodes: list[Node]
