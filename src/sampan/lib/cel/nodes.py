"""The nodes of a parsed expression. `at` is the place in the text, counted in characters."""

from __future__ import annotations

from typing import Any


class Node:
    __slots__ = ("at",)

    def __init__(self, at: int) -> None:
        self.at = at


class Literal(Node):
    __slots__ = ("value",)

    def __init__(self, at: int, value: Any) -> None:
        super().__init__(at)
        self.value = value


class Name(Node):
    """A variable, or the name of a type."""

    __slots__ = ("name",)

    def __init__(self, at: int, name: str) -> None:
        super().__init__(at)
        self.name = name


class Select(Node):
    """`operand.field`; with `test` has(operand.field), with `optional` operand.?field. The checker
    puts the real name in `field` where the written one is escaped, and what is no field but the
    dotted name of a type (`net.IP`) into `type_name`."""

    __slots__ = ("field", "operand", "optional", "test", "type_name")

    def __init__(self, at: int, operand: Node, field: str, *, optional: bool = False) -> None:
        super().__init__(at)
        self.operand = operand
        self.field = field
        self.optional = optional
        self.test = False
        self.type_name = ""


class Index(Node):
    __slots__ = ("key", "operand", "optional")

    def __init__(self, at: int, operand: Node, key: Node, *, optional: bool = False) -> None:
        super().__init__(at)
        self.operand = operand
        self.key = key
        self.optional = optional


class Call(Node):
    """A function, or a method when there is a target. Operators are functions, too: `_+_`."""

    __slots__ = ("args", "name", "target")

    def __init__(self, at: int, name: str, args: list[Node], target: Node | None = None) -> None:
        super().__init__(at)
        self.name = name
        self.args = args
        self.target = target


class ListOf(Node):
    """`optional` are the positions of the items that may be left out (`[?a]`)."""

    __slots__ = ("items", "optional")

    def __init__(self, at: int, items: list[Node], optional: frozenset[int]) -> None:
        super().__init__(at)
        self.items = items
        self.optional = optional


class MapOf(Node):
    __slots__ = ("entries", "optional")

    def __init__(self, at: int, entries: list[tuple[Node, Node]], optional: frozenset[int]) -> None:
        super().__init__(at)
        self.entries = entries
        self.optional = optional


class Loop(Node):
    """A macro over a list or a map: all, exists, exists_one, map, filter, transformList,
    transformMap, transformMapEntry, sortBy. `names` are one variable or two. The checker puts into
    `most` how many turns there can be, if that is known."""

    __slots__ = ("body", "filter", "macro", "most", "names", "over")

    def __init__(
        self,
        at: int,
        macro: str,
        over: Node,
        names: tuple[str, ...],
        body: Node,
        filter: Node | None = None,
    ) -> None:
        super().__init__(at)
        self.macro = macro
        self.over = over
        self.names = names
        self.body = body
        self.filter = filter
        self.most: int | None = None


class Bind(Node):
    """cel.bind(name, value, body); for an optional `over` also optMap and optFlatMap (`macro`)."""

    __slots__ = ("body", "macro", "name", "value")

    def __init__(self, at: int, macro: str, name: str, value: Node, body: Node) -> None:
        super().__init__(at)
        self.macro = macro
        self.name = name
        self.value = value
        self.body = body
