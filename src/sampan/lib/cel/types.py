"""Types at compile time, and the signatures of functions.

A signature is text: `"string . string, int -> int"` is a method of a string with two arguments,
`"list(A) -> A"` a function; a single capital letter stands for any type, the same one each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct


class Type:
    """`params` are the types inside (list(int) has one). An object has `fields`: by the name that
    an expression writes, the name that the data has, and the type. A list or a map may know how
    many items it has at `most`."""

    __slots__ = ("fields", "most", "name", "params")

    def __init__(self, name: str, *params: Type) -> None:
        self.name = name
        self.params = params
        self.fields: Mapping[str, tuple[str, Type]] | None = None
        self.most: int | None = None

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.params))})" if self.params else self.name


DYN, NULL, BOOL, INT = Type("dyn"), Type("null"), Type("bool"), Type("int")
UINT, DOUBLE, STRING, BYTES = Type("uint"), Type("double"), Type("string"), Type("bytes")
TIMESTAMP, DURATION = Type("timestamp"), Type("duration")


def list_of(item: Type, most: int | None = None) -> Type:
    made = Type("list", item)
    made.most = most
    return made


def map_of(key: Type, value: Type, most: int | None = None) -> Type:
    made = Type("map", key, value)
    made.most = most
    return made


def optional(inner: Type) -> Type:
    return Type("optional_type", inner)


def object_of(name: str, fields: Mapping[str, tuple[str, Type]]) -> Type:
    made = Type(name)
    made.fields = fields
    return made


_NEVER_NULL = frozenset({"bool", "int", "uint", "double", "string", "bytes", "list", "map"})


def is_variable(type_: Type) -> bool:
    return len(type_.name) == 1 and type_.name.isupper()


def assignable(wanted: Type, given: Type, bound: dict[str, Type]) -> bool:
    """Whether a value of type `given` may stand where `wanted` is; binds type variables."""
    if is_variable(wanted):
        known = bound.get(wanted.name)
        if known is None or known.name == "dyn":
            bound[wanted.name] = given
            return True
        return assignable(known, given, {})
    if "dyn" in (wanted.name, given.name):
        return True
    if "null" in (wanted.name, given.name):
        return wanted.name == given.name or not (_NEVER_NULL & {wanted.name, given.name})
    if wanted.fields is not None or given.fields is not None:
        return wanted.fields is not None and given.fields is not None
    if wanted.name != given.name or len(wanted.params) != len(given.params):
        return False
    return all(assignable(w, g, bound) for w, g in zip(wanted.params, given.params, strict=True))


def substitute(type_: Type, bound: Mapping[str, Type]) -> Type:
    """The type with its variables replaced by what they were bound to."""
    if is_variable(type_):
        return bound.get(type_.name, DYN)
    if not type_.params:
        return type_
    return Type(type_.name, *(substitute(inner, bound) for inner in type_.params))


def joined(left: Type, right: Type) -> Type:
    """The type of something that is the one or the other."""
    if left is right or right.name == "null":
        return left
    if left.name == "null":
        return right
    if left.name != right.name or len(left.params) != len(right.params) or left.fields is not None:
        return DYN
    inner = (joined(a, b) for a, b in zip(left.params, right.params, strict=True))
    return Type(left.name, *inner) if left.params else left


class Overload(Struct, frozen=True):
    params: tuple[Type, ...]
    result: Type


class Function(Struct):
    """`run` takes all arguments, the target of a method first, and finds out their types itself."""

    run: Callable[..., Any]
    overloads: list[Overload]


Key = tuple[str, bool, int]
"""(name, whether it is a method, number of arguments with the target)."""
Functions = Mapping[Key, Function]
Declaration = tuple[str | tuple[Any, ...], ...]


def declare(table: Iterable[tuple[Any, ...]]) -> dict[Key, Function]:
    """Functions from rows of (name, run, signature, …)."""
    found: dict[Key, Function] = {}
    for name, run, *signatures in table:
        for text in signatures:
            method, overload = _signature(text)
            key = (name, method, len(overload.params))
            found.setdefault(key, Function(run, [])).overloads.append(overload)
    return found


def _signature(text: str) -> tuple[bool, Overload]:
    given, _, result = text.partition("->")
    target, method, rest = given.partition(" . ")
    params = [target] if method else []
    params += _split(rest if method else given)
    return bool(method), Overload(tuple(read(p) for p in params), read(result))


_SIMPLE = {t.name: t for t in (DYN, NULL, BOOL, INT, UINT, DOUBLE, STRING, BYTES, TIMESTAMP,
                               DURATION)}  # fmt: skip


def read(text: str) -> Type:
    """A type from its text."""
    text = text.strip()
    if not text.endswith(")"):
        return _SIMPLE.get(text) or Type(text)
    name, _, inner = text[:-1].partition("(")
    return Type("optional_type" if name == "optional" else name, *map(read, _split(inner)))


def _split(text: str) -> list[str]:
    """At the commas that are in no parentheses."""
    parts, depth, start = [], 0, 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and not depth:
            parts.append(text[start:at])
            start = at + 1
    last = text[start:].strip()
    return [*parts, last] if last or parts else []
