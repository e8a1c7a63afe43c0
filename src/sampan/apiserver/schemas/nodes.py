"""Nodes: a kind's structure, compiled so that one walk over an object is quick.

A node knows which JSON values are right at its place (`clean`, `fault`), which fields nobody
declared (`unknown`), which defaults to fill in (`fill`), and how values merge (`list_type`, `keys`,
`atomic`, `merge_key`, `strategy`; read by apply and strategic). `clean` answers only yes or no and
is all that a good object costs; the words come from the slow walks. Built by `core` from
Kubernetes' own definitions and by `custom` from CRDs; recursive definitions make cycles of nodes.
What a value may be beyond its type is the business of `validation`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

SCALAR, STRUCT, MAP, LIST, ANY = range(5)

GoText = str
"""How Go prints a type: `string`, `[]v1.Container`, `map[string]string`; "" for custom
resources."""


class Node:
    """Any JSON value. Maps in it merge key by key, lists replace each other."""

    __slots__ = (
        "always",
        "atomic",
        "default",
        "go",
        "has_default",
        "keeps",
        "nullable",
        "strategy",
    )
    shape: ClassVar[int] = ANY

    def __init__(self, go: GoText = "") -> None:
        self.go = go
        self.atomic = False
        self.always = False
        self.strategy = ""
        self.nullable = False
        self.keeps = True
        self.has_default = False
        self.default: Any = None

    def clean(self, value: Any) -> bool:
        """Whether value is of the right types throughout, with no unknown field and no null."""
        return value is not None

    def fault(self, value: Any, at: str, path: str) -> str | None:
        """What Go's decoder would say; `at` is the Go struct, `path` the field in dots."""
        return None

    def unknown(self, value: Any, path: str, found: list[str], prune: bool) -> None:
        """Append the paths of fields that are not declared; remove them if asked. A null in a list
        of our own kinds becomes what Go makes of it."""

    def fill(self, value: Any) -> None:
        """Put defaults into an object or a list, in place."""

    def zero(self) -> Any:
        """What Go makes of a null in a list of these."""
        return None

    @property
    def fills(self) -> bool:
        """Whether there is a default somewhere below."""
        return False

    def child(self, key: str) -> Node:
        """The node of a field or a key."""
        return DEDUCED

    def variant(self, **changes: Any) -> Node:
        """The same node with other attributes; children stay shared."""
        made = self.__class__.__new__(self.__class__)
        for cls in type(self).__mro__[:-1]:
            for slot in getattr(cls, "__slots__", ()):
                setattr(made, slot, getattr(self, slot))
        for name, change in changes.items():
            setattr(made, name, change)
        return made


class Scalar(Node):
    """Text, a number or a boolean. `test` tells faults that the class alone does not show."""

    __slots__ = ("plain", "test")
    shape = SCALAR

    def __init__(
        self, go: GoText, plain: type | None, test: Callable[[Any], str | None] | None = None
    ) -> None:
        super().__init__(go)
        self.plain = plain
        self.test = test

    def clean(self, value: Any) -> bool:
        if value.__class__ is self.plain:
            return self.test is None or self.test(value) is None
        return value is not None and self.plain is None and not (self.test and self.test(value))

    def fault(self, value: Any, at: str, path: str) -> str | None:
        if value is None or not self.go:
            return None
        if self.plain is not None and value.__class__ is not self.plain:
            return mistyped(value, at, path, self.go)
        found = self.test(value) if self.test else None
        return found and found.format(at=at, path=path)

    def zero(self) -> Any:
        return self.plain() if self.plain is not None else ""


class Struct(Node):
    """An object with declared fields; `values` is the node of all others, if any are allowed."""

    __slots__ = ("_defaults", "_fills", "fields", "leaf", "required", "values")
    shape = STRUCT

    def __init__(self, go: GoText = "") -> None:
        super().__init__(go)
        self.fields: dict[str, Node] = {}
        self.leaf: dict[str, type] = {}
        self.values: Node | None = None
        self.required: tuple[str, ...] = ()
        self.keeps = False
        self._defaults: tuple[tuple[str, Node], ...] | None = None
        self._fills: tuple[tuple[str, Node], ...] = ()

    def seal(self) -> None:
        """To be called once all fields are there."""
        for name, node in self.fields.items():
            if isinstance(node, Scalar) and node.plain is not None and node.test is None:
                self.leaf[name] = node.plain

    def clean(self, value: Any) -> bool:
        if value.__class__ is not dict:
            return False
        leaf, fields = self.leaf, self.fields
        for key, inner in value.items():
            if leaf.get(key) is inner.__class__:
                continue
            node = fields.get(key) or self.values
            if node is None:
                if not self.keeps:
                    return False
            elif not node.clean(inner):
                return False
        return True

    def fault(self, value: Any, at: str, path: str) -> str | None:
        if value is None:
            return None
        if value.__class__ is not dict:
            return mistyped(value, at, path, self.go) if self.go else None
        name = self.go.rpartition(".")[2] or at
        for key, inner in value.items():
            node = self.fields.get(key)
            if node is not None:
                found = node.fault(inner, name, f"{path}.{key}" if path else key)
                if found:
                    return found
        return None

    def unknown(self, value: Any, path: str, found: list[str], prune: bool) -> None:
        if value.__class__ is not dict:
            return
        for key in list(value):
            place = f"{path}.{key}" if path else key
            node = self.fields.get(key) or self.values
            if node is not None:
                node.unknown(value[key], place, found, prune)
            elif not self.keeps:
                found.append(place)
                if prune:
                    del value[key]

    def fill(self, value: Any) -> None:
        if value.__class__ is not dict:
            return
        if self._defaults is None:
            self._plan()
        for key, node in self._defaults or ():
            if key not in value or (value[key] is None and not node.nullable):
                value[key] = copied(node.default)
        for key, node in self._fills:
            if key in value:
                node.fill(value[key])
        if self.values is not None and self.values.fills:
            for key, inner in value.items():
                if key not in self.fields:
                    self.values.fill(inner)

    @property
    def fills(self) -> bool:
        if self._defaults is None:
            self._plan()
        return bool(self._defaults or self._fills or (self.values and self.values.fills))

    def _plan(self) -> None:
        self._defaults = tuple(item for item in self.fields.items() if item[1].has_default)
        self._fills = tuple(item for item in self.fields.items() if item[1].fills)

    def zero(self) -> Any:
        return {}

    def child(self, key: str) -> Node:
        return self.fields.get(key) or self.values or DEDUCED


class Map(Node):
    """An object whose keys are free and whose values are all alike."""

    __slots__ = ("values",)
    shape = MAP

    def __init__(self, values: Node, go: GoText = "") -> None:
        super().__init__(go)
        self.values = values

    def clean(self, value: Any) -> bool:
        if value.__class__ is not dict:
            return False
        values = self.values
        plain = str if values is TEXT else None  # most maps are of texts: no call for each
        for inner in value.values():
            if inner.__class__ is not plain and not values.clean(inner):
                return False
        return True

    def fault(self, value: Any, at: str, path: str) -> str | None:
        if value is None or not self.go:
            return None
        if value.__class__ is not dict:
            return mistyped(value, at, path, self.go)
        faults = (self.values.fault(inner, at, path) for inner in value.values())
        return next(filter(None, faults), None)

    def unknown(self, value: Any, path: str, found: list[str], prune: bool) -> None:
        if value.__class__ is dict and self.values.shape != SCALAR:
            for key, inner in value.items():
                self.values.unknown(inner, f"{path}.{key}", found, prune)

    def fill(self, value: Any) -> None:
        if value.__class__ is dict and self.fills:
            for inner in value.values():
                self.values.fill(inner)

    @property
    def fills(self) -> bool:
        return self.values.fills

    def child(self, key: str) -> Node:
        return self.values


class List(Node):
    """A list. `list_type` is atomic, set or map (then `keys` name an item); `merge_key` and
    `strategy` are those of strategic merge patch."""

    __slots__ = ("items", "keys", "list_type", "merge_key")
    shape = LIST

    def __init__(self, items: Node, go: GoText = "") -> None:
        super().__init__(go)
        self.items = items
        self.list_type = "atomic"
        self.keys: tuple[str, ...] = ()
        self.merge_key = ""
        self.atomic = True

    def clean(self, value: Any) -> bool:
        if value.__class__ is not list:
            return False
        items = self.items
        if items is TEXT:
            return all(inner.__class__ is str for inner in value)
        return all(items.clean(inner) for inner in value)

    def fault(self, value: Any, at: str, path: str) -> str | None:
        if value is None or not self.go:
            return None
        if value.__class__ is not list:
            return mistyped(value, at, path, self.go)
        if self.items.shape != SCALAR and None in value:
            # Go reads an empty struct here; nobody means that, and no rule has to expect it.
            return mistyped(None, at, path, self.items.go or self.go)
        faults = (self.items.fault(inner, at, path) for inner in value)
        return next(filter(None, faults), None)

    def unknown(self, value: Any, path: str, found: list[str], prune: bool) -> None:
        if value.__class__ is list:
            for index, inner in enumerate(value):
                if inner is None and self.go:
                    value[index] = self.items.zero()
                self.items.unknown(inner, f"{path}[{index}]", found, prune)

    def fill(self, value: Any) -> None:
        if value.__class__ is list and self.fills:
            for inner in value:
                self.items.fill(inner)

    @property
    def fills(self) -> bool:
        return self.items.fills


def copied(value: Any) -> Any:
    """A JSON value that may be changed without the original."""
    if value.__class__ is dict:
        return {key: copied(inner) for key, inner in value.items()}
    return [copied(inner) for inner in value] if value.__class__ is list else value


def drop_nulls(value: Any) -> None:
    """Remove fields that are null, in place: Go cannot tell them from fields that are absent."""
    if value.__class__ is dict:
        nulls = []
        for key, inner in value.items():
            if inner is None:
                nulls.append(key)
            elif inner.__class__ is dict or inner.__class__ is list:
                drop_nulls(inner)
        for key in nulls:
            del value[key]
    else:
        for inner in value:
            if inner.__class__ is dict or inner.__class__ is list:
                drop_nulls(inner)


SAID = {dict: "object", list: "array", str: "string", bool: "bool", type(None): "null"}
"""What encoding/json calls a JSON value; a number otherwise."""


def mistyped(value: Any, at: str, path: str, go: GoText) -> str:
    """What encoding/json says about a value of the wrong type."""
    said = SAID.get(value.__class__, "number")
    if value.__class__ is float and go.startswith(("int", "uint")):
        said = f"number {value!r}"
    place = f"Go struct field {at}.{path}" if at else "Go value"
    return f"json: cannot unmarshal {said} into {place} of type {go}"


DEDUCED: Final = Node()
TEXT: Final = Scalar("string", str)
