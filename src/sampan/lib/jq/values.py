"""JSON values as jq sees them: kinds, order, text. Keys of objects are always taken in order.

A machine counts steps, so that values which share parts of themselves cannot be made to cost more
than a program may.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

from sampan.lib.jq.faults import Mistake

STEPS = 500_000
"""What one run may do; a second or two."""
LONGEST = 16 << 20
"""Characters of a text, and items of a list, that a program makes."""
_LARGEST = 1.7976931348623157e308


class Machine:
    """Counts the steps of one run."""

    def __init__(self, steps: int = STEPS) -> None:
        self.left = steps

    def tick(self, steps: int = 1) -> None:
        """Raises Mistake when there have been too many."""
        self.left -= steps
        if self.left < 0:
            raise Mistake("the query takes too many steps")


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def type_of(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
    return "number"


def truthy(value: Any) -> bool:
    return value is not None and value is not False


def in_order(value: dict[str, Any]) -> list[str]:
    """Keys, by code points."""
    return sorted(value)


_RANKS = {"null": 0, "number": 3, "string": 4, "array": 5, "object": 6}


def _rank(value: Any) -> int:
    if isinstance(value, bool):
        return 2 if value else 1
    return _RANKS[type_of(value)]


def compare(machine: Machine, left: Any, right: Any) -> int:
    """-1, 0 or 1. NaN is less than everything, itself included."""
    machine.tick()
    ranks = _rank(left), _rank(right)
    if ranks[0] != ranks[1]:
        return -1 if ranks[0] < ranks[1] else 1
    match left:
        case list():
            for ours, theirs in zip(left, right, strict=False):
                if found := compare(machine, ours, theirs):
                    return found
            return _sign(len(left), len(right))
        case dict():
            return _compare_objects(machine, left, right)
        case str():
            return _sign(left, right)
        case None | bool():
            return 0
    if isinstance(left, float) or isinstance(right, float):
        left, right = as_float(left), as_float(right)
    return -1 if isinstance(left, float) and math.isnan(left) else _sign(left, right)


def _compare_objects(machine: Machine, left: dict[str, Any], right: dict[str, Any]) -> int:
    keys = in_order(left)
    if found := compare(machine, keys, in_order(right)):
        return found
    for key in keys:
        if found := compare(machine, left[key], right[key]):
            return found
    return 0


def _sign(left: Any, right: Any) -> int:
    return 0 if left == right else -1 if left < right else 1


def same(machine: Machine, left: Any, right: Any) -> bool:
    return compare(machine, left, right) == 0


def ordering(machine: Machine) -> Any:
    """A key for `sorted`."""
    return cmp_to_key(lambda left, right: compare(machine, left, right))


def as_float(value: Any) -> float:
    """A number as a float64; infinite when it has no place."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def as_int(value: int | float, *, up: bool = False) -> int:
    """A number as Go's int: fractions are cut off (`up`: rounded up), and what is too large is the
    largest one."""
    if isinstance(value, float):
        if math.isnan(value):
            return -(1 << 63)
        if math.isfinite(value):
            value = math.ceil(value) if up else math.trunc(value)
        else:
            value = 1 << 63 if value > 0 else -(1 << 63)
    return max(-(1 << 63), min(int(value), (1 << 63) - 1))


def encode(machine: Machine, value: Any) -> str:
    """The value as JSON: keys in order, no spaces, floats as Go's encoding/json writes them."""
    parts: list[str] = []
    length = 0
    for part in _encoded(machine, value):
        parts.append(part)
        length += len(part)
        if length > LONGEST:
            raise Mistake("a text grows too long")
    return "".join(parts)


def _encoded(machine: Machine, value: Any) -> Iterator[str]:
    """The pieces of a text. A loop, because values may be deep."""
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        machine.tick()
        text, each = waiting.pop()
        match each:
            case _Sign():
                yield text
            case list():
                yield f"{text}["
                waiting.append(("]", _Sign()))
                last = len(each) - 1
                waiting.extend(("," if at else "", each[at]) for at in range(last, -1, -1))
            case dict():
                yield f"{text}{{"
                waiting.append(("}", _Sign()))
                keys = in_order(each)
                for at in range(len(keys) - 1, -1, -1):
                    before = f"{',' if at else ''}{_text(keys[at])}:"
                    waiting.append((before, each[keys[at]]))
            case _:
                yield text + _scalar(each)


class _Sign:
    """Stands for no value, only for the text before it."""


def _scalar(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case float():
            return _float(value)
    return _digits(value)


def _digits(value: int) -> str:
    if abs(value) >= 10**4000:
        raise Mistake("a number grows too large")
    return str(value)


def _float(value: float) -> str:
    if math.isnan(value):
        return "null"
    value = max(-_LARGEST, min(value, _LARGEST))
    size = abs(value)
    sign, digits, power = Decimal(repr(value)).as_tuple()
    if size and (size < 1e-6 or size >= 1e21):
        shown = "".join(map(str, digits)).rstrip("0")
        power = int(power) + len(digits) - 1
        fraction = f".{shown[1:]}" if len(shown) > 1 else ""
        return f"{'-' if sign else ''}{shown[0]}{fraction}e{power:+03d}".replace("e-0", "e-")
    return format(Decimal(repr(value)), "f").removesuffix(".0")


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r",
            "\t": "\\t"}  # fmt: skip


def _text(value: str) -> str:
    if value.isascii() and value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    return f"\\u{ord(char):04x}" if char < " " or char == "\x7f" else char


def preview(machine: Machine, value: Any) -> str:
    """The beginning of a value as JSON, for messages: 30 bytes at most."""
    made = b""
    for part in _encoded(machine, value):
        made += part.encode("utf-8", "replace")
        if len(made) >= 32:
            break
    if len(made) <= 30:
        return made.decode()
    ends = {"string": ' ..."', "array": " ...]", "object": " ...}"}
    end = ends.get(type_of(value), " ...")
    return made[: 30 - len(end)].decode(errors="ignore") + end


def described(machine: Machine, value: Any) -> str:
    """A value in a message: its kind and how it begins."""
    return "null" if value is None else f"{type_of(value)} ({preview(machine, value)})"
