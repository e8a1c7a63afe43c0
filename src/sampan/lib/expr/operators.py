"""What the operators do with two values."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sampan.lib.expr.faults import Fault
from sampan.lib.expr.values import (
    Opaque,
    equal,
    is_number,
    real,
    type_of,
    whole,
    within,
    wrapped,
)
from sampan.lib.regex.patterns import PatternError, compiled

MOST_CELLS = 1_000_000
"""Items that a range may have; upstream's memory budget."""


def mismatch(left: Any, sign: str, right: Any) -> Fault:
    return Fault(f"invalid operation: {type_of(left)} {sign} {type_of(right)}")


def _calculated(sign: str, way: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def run(left: Any, right: Any) -> Any:
        if left.__class__ is int and right.__class__ is int:
            return wrapped(way(left, right))
        if is_number(left) and is_number(right):
            return way(float(left), float(right))
        if isinstance(left, Opaque) or isinstance(right, Opaque):
            return _with_methods(sign, left, right)
        raise mismatch(left, sign, right)

    return run


def _with_methods(sign: str, left: Any, right: Any) -> Any:
    """Dates and durations: they know themselves what they can be added to."""
    for one, other, name in ((left, right, "operate"), (right, left, "operated")):
        if isinstance(one, Opaque):
            found = getattr(one, name)(sign, other)
            if found is not None:
                return found
    raise mismatch(left, sign, right)


_add = _calculated("+", lambda a, b: a + b)


def add(left: Any, right: Any) -> Any:
    if left.__class__ is str and right.__class__ is str:
        return left + right
    return _add(left, right)


def divide(left: Any, right: Any) -> float:
    if not (is_number(left) and is_number(right)):
        raise mismatch(left, "/", right)
    if right == 0:
        sign = math.copysign(1.0, float(left)) * math.copysign(1.0, float(right))
        return math.nan if left == 0 or left != left else sign * math.inf
    return float(left) / float(right)


def modulo(left: Any, right: Any) -> int:
    if left.__class__ is not int or right.__class__ is not int:
        raise mismatch(left, "%", right)
    if right == 0:
        raise Fault("runtime error: integer divide by zero")
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def power(left: Any, right: Any) -> float:
    base, exponent = real(left), real(right)
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:
        return math.inf if base == 0 else math.nan


def _ordered(sign: str, test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def run(left: Any, right: Any) -> bool:
        if is_number(left) and is_number(right):
            return test(left, right)
        if left.__class__ is str and right.__class__ is str:
            return test(left, right)
        if isinstance(left, Opaque) and left.__class__ is right.__class__:
            with suppress(TypeError):  # not every such value has an order
                return test(left, right)
        raise mismatch(left, sign, right)

    return run


less = _ordered("<", lambda a, b: bool(a < b))


def spread(left: Any, right: Any) -> list[int]:
    """`left..right`"""
    first, last = whole(left), whole(right)
    if last - first >= MOST_CELLS:
        raise Fault("memory budget exceeded")
    return list(range(first, last + 1))


def _textual(sign: str, test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    def run(left: Any, right: Any) -> bool:
        if left is None or right is None:
            return False
        if left.__class__ is not str or right.__class__ is not str:
            raise mismatch(left, sign, right)
        return test(left, right)

    return run


def matches(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return False
    if isinstance(left, bytes):
        left = left.decode("latin-1")
    if left.__class__ is not str or right.__class__ is not str:
        raise mismatch(left, "matches", right)
    try:
        found = compiled(right).search(left)
    except PatternError as wrong:
        raise Fault(str(wrong)) from None
    if found is None:
        raise Fault("the text is too long for this pattern")
    return found


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "<": less,
    ">": _ordered(">", lambda a, b: bool(a > b)),
    "<=": _ordered("<=", lambda a, b: bool(a <= b)),
    ">=": _ordered(">=", lambda a, b: bool(a >= b)),
    "+": add,
    "-": _calculated("-", lambda a, b: a - b),
    "*": _calculated("*", lambda a, b: a * b),
    "/": divide,
    "%": modulo,
    "**": power,
    "^": power,
    "..": spread,
    "in": within,
    "matches": matches,
    "contains": _textual("contains", lambda left, right: right in left),
    "startsWith": _textual("startsWith", str.startswith),
    "endsWith": _textual("endsWith", str.endswith),
}
"""All that look at both sides; `&&`, `||` and `??` need not."""
