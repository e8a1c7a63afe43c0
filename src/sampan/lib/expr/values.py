"""Values as Go has them: what kind one is, how two compare, how a part is fetched.

nil is None, int is 64 bits wide, float64 is float, []byte is bytes, a slice is a list, a map is any
mapping. Every fault is a `Fault` in the words of upstream's virtual machine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sampan.lib.expr.faults import Fault

MOST = (1 << 63) - 1
_GO_NAMES: dict[type, str] = {
    type(None): "<nil>", bool: "bool", int: "int", float: "float64", str: "string",
    bytes: "[]uint8", list: "[]interface {}", tuple: "[]interface {}",
    dict: "map[string]interface {}",
}  # fmt: skip


class Opaque:
    """Base of values with methods, such as a date. `str()` is what Go prints with %v."""

    TYPE = ""
    """Go's name of the type."""

    def method(self, name: str) -> Any:
        """The method as a callable, or None."""
        raise NotImplementedError

    def operate(self, sign: str, right: Any) -> Any:
        """`self <sign> right`, or None where there is no such thing."""
        return None

    def operated(self, sign: str, left: Any) -> Any:
        """`left <sign> self`, or None where there is no such thing."""
        return None

    def whole(self) -> int:
        """The value as an int, for a type that is a number underneath."""
        raise Fault(f"invalid operation: int({self.TYPE})")

    def json(self) -> str:
        """The value as JSON."""
        raise Fault(f"json: unsupported type: {self.TYPE}")


def type_of(value: Any) -> str:
    """The name of the type as Go prints it with %T."""
    known = _GO_NAMES.get(value.__class__)
    if known is not None:
        return known
    if isinstance(value, Opaque):
        return value.TYPE
    if isinstance(value, Mapping):
        return "map[string]interface {}"
    return "func" if callable(value) else "unknown"


def is_number(value: Any) -> bool:
    return value.__class__ is int or value.__class__ is float


def wrapped(number: int) -> int:
    """Cut to 64 bits, as Go's arithmetic does."""
    if -MOST <= number <= MOST:
        return number
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def whole(value: Any) -> int:
    """The number, its fraction cut off. Fault for anything else."""
    if value.__class__ is int:
        return int(value)
    if value.__class__ is float:
        return -(1 << 63) if not math.isfinite(value) else wrapped(math.trunc(value))
    raise Fault(f"invalid operation: int({type_of(value)})")


def real(value: Any) -> float:
    if is_number(value):
        return float(value)
    raise Fault(f"invalid operation: float({type_of(value)})")


def equal(left: Any, right: Any) -> bool:
    """Numbers and lists by value; what stands in maps also by type, for Go compares it deeply."""
    if left.__class__ is right.__class__:
        if isinstance(left, list | tuple):
            return len(left) == len(right) and all(map(equal, left, right))
        return _same(left, right)
    if is_number(left) and is_number(right):
        return bool(left == right)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(equal, left, right))
    return _same(left, right)


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, Mapping):
        if not isinstance(right, Mapping) or len(left) != len(right):
            return False
        return all(key in right and _same(value, right[key]) for key, value in left.items())
    if left.__class__ is not right.__class__:
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return bool(left == right)


def fetch(box: Any, key: Any) -> Any:
    """`box[key]` or `box.key`: nil for a key that a map has not, a Fault for a bad index."""
    if box.__class__ is dict or isinstance(box, Mapping):
        try:
            return box.get(key)
        except TypeError:
            raise Fault(f"cannot fetch {type_of(key)} from {type_of(box)}") from None
    if isinstance(box, Opaque):
        found = box.method(key) if isinstance(key, str) else None
        if found is not None:
            return found
    elif isinstance(box, list | tuple | str | bytes):
        parts = box.encode("utf-8", "surrogatepass") if isinstance(box, str) else box
        index = whole(key) if is_number(key) else None
        if index is not None:
            at = index + len(parts) if index < 0 else index
            if 0 <= at < len(parts):
                return parts[at]
            raise Fault(f"index out of range: {at} (array length is {len(parts)})")
    raise Fault(f"cannot fetch {key} from {type_of(box)}")


def sliced(box: Any, begin: Any, end: Any) -> Any:
    """`box[begin:end]`, both already given; a string is cut by its bytes."""
    if isinstance(box, str) and not box.isascii():
        cut = sliced(box.encode("utf-8", "surrogatepass"), begin, end)
        return str(cut, "utf-8", "replace")
    if not isinstance(box, list | tuple | str | bytes):
        raise Fault(f"cannot slice {type_of(box)}")
    size = len(box)
    first = 0 if begin is None else whole(begin)
    last = size if end is None else whole(end)
    first = max(first + size, 0) if first < 0 else first
    last = max(last + size, 0) if last < 0 else min(last, size)
    return box[min(first, last) : last]


def within(item: Any, box: Any) -> bool:
    if box is None:
        return False
    if isinstance(box, list | tuple):
        return any(equal(each, item) for each in box)
    if isinstance(box, Mapping):
        try:
            return item in box
        except TypeError:
            return False
    raise Fault(f'operator "in" not defined on {type_of(box)}')
