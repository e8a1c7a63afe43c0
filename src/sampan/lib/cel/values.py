"""Values at run time, and what equal, less and a type mean for them.

    CEL        Python            CEL        Python             CEL          Python
    int        int               string     str                list         list
    uint       Uint              bytes      bytes              map          dict
    double     float             bool       bool               null         None
    timestamp  datetime (aware)  duration   timedelta          optional     Optional

Libraries may add classes of their own; those have `__eq__` and, if they can be compared, `__lt__`.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from sampan.lib.cel.faults import EvaluationError

LEAST, MOST = -(2**63), 2**63 - 1
MOST_UINT = 2**64 - 1


class Uint(int):
    """An unsigned integer of 64 bits."""

    __slots__ = ()


class Optional:
    """A value that may be missing."""

    __slots__ = ("has", "value")

    def __init__(self, value: Any = None, *, has: bool = True) -> None:
        self.value = value
        self.has = has

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Optional) or self.has != other.has:
            return False
        return not self.has or equal(self.value, other.value)

    __hash__ = None  # type: ignore[assignment]


NONE = Optional(has=False)


class TypeName(str):
    """A type as a value: what `type(x)` gives."""

    __slots__ = ()


_PLAIN = frozenset({str, int, float, bool, bytes, type(None)})
_NUMBERS = frozenset({int, float, Uint})
_NAMES: dict[type, str] = {
    int: "int", Uint: "uint", float: "double", bool: "bool", str: "string", bytes: "bytes",
    list: "list", dict: "map", type(None): "null_type", TypeName: "type",
    datetime: "google.protobuf.Timestamp", timedelta: "google.protobuf.Duration",
    Optional: "optional_type",
}  # fmt: skip


def type_of(value: Any) -> TypeName:
    return TypeName(_NAMES.get(value.__class__) or getattr(value, "cel_type", "dyn"))


def equal(left: Any, right: Any) -> bool:
    """Numbers by value whatever their type; otherwise only values of the same type are equal."""
    kind, other = left.__class__, right.__class__
    if kind is other:
        if kind in _PLAIN:
            return bool(left == right)
        if kind is list:
            return len(left) == len(right) and all(map(equal, left, right))
        if kind is dict:
            return len(left) == len(right) and all(
                key in right and equal(value, right[key]) for key, value in left.items()
            )
        return bool(left == right)
    return kind in _NUMBERS and other in _NUMBERS and bool(left == right)


def less(left: Any, right: Any) -> bool:
    """left < right. Raises EvaluationError when the two have no order."""
    kind, other = left.__class__, right.__class__
    if (kind is not other and not (kind in _NUMBERS and other in _NUMBERS)) or kind in (
        list,
        dict,
        type(None),
        TypeName,
        Optional,
    ):
        raise no_overload("_<_", left, right)
    try:
        return bool(left < right)
    except TypeError:
        raise no_overload("_<_", left, right) from None


def no_overload(name: str, *values: Any) -> EvaluationError:
    given = ", ".join(type_of(value) for value in values)
    return EvaluationError(f"no such overload: {name}({given})")


def checked(number: int) -> int:
    """An int of 64 bits. Raises EvaluationError."""
    if LEAST <= number <= MOST:
        return number
    raise EvaluationError("integer overflow")


def checked_uint(number: int) -> Uint:
    if 0 <= number <= MOST_UINT:
        return Uint(number)
    raise EvaluationError("unsigned integer overflow")


def is_zero(value: Any) -> bool:
    """Whether a value is the zero of its type."""
    if value is None or value is False:
        return True
    if isinstance(value, Optional):
        return not value.has
    if isinstance(value, datetime):
        return value.replace(tzinfo=None) == datetime.min
    if isinstance(value, int | float | timedelta):
        return not value or (isinstance(value, float) and math.isnan(value))
    return isinstance(value, str | bytes | list | dict) and not value


def size_of(value: Any) -> int:
    """How dear a value is to look at: characters by the ten, items one by one."""
    if value.__class__ is str or value.__class__ is bytes:
        return 1 + len(value) // 10
    return 1 + len(value) if value.__class__ is list or value.__class__ is dict else 1
