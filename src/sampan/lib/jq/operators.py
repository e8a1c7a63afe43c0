"""Arithmetic and the other operators between two values. Integers have any size, as in gojq."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from sampan.lib.jq.faults import Fault, Mistake
from sampan.lib.jq.values import (
    LONGEST,
    Machine,
    as_float,
    as_int,
    compare,
    described,
    is_number,
    preview,
    same,
    truthy,
)  # fmt: skip

_BITS = 20_000  # of the largest integer


def add(machine: Machine, left: Any, right: Any) -> Any:
    if left is None or right is None:
        return right if left is None else left
    if is_number(left) and is_number(right):
        return _number(left, right, lambda x, y: x + y)
    for kind in (str, list, dict):
        if isinstance(left, kind) and isinstance(right, kind):
            size = len(left) + len(right)
            machine.tick(size // 64)
            if size > LONGEST:
                raise Mistake("a value grows too large")
            return _joined(left, right)
    raise _between(machine, "add", left, right)


def _joined(left: Any, right: Any) -> Any:
    return {**left, **right} if isinstance(left, dict) else left + right


def subtract(machine: Machine, left: Any, right: Any) -> Any:
    if is_number(left) and is_number(right):
        return _number(left, right, lambda x, y: x - y)
    if isinstance(left, list) and isinstance(right, list):
        return [each for each in left if not any(same(machine, each, other) for other in right)]
    raise _between(machine, "subtract", left, right)


def multiply(machine: Machine, left: Any, right: Any) -> Any:
    if is_number(left) and is_number(right):
        return _number(left, right, lambda x, y: x * y)
    if isinstance(left, dict) and isinstance(right, dict):
        return _merged(machine, left, right)
    if isinstance(left, str) and is_number(right):
        return _repeated(machine, left, right)
    if isinstance(right, str) and is_number(left):
        return _repeated(machine, right, left)
    raise _between(machine, "multiply", left, right)


def _merged(machine: Machine, left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    merged = dict(left)
    for key, value in right.items():
        machine.tick()
        before = merged.get(key)
        deep = isinstance(before, dict) and isinstance(value, dict)
        merged[key] = _merged(machine, before, value) if deep else value  # type: ignore[arg-type]
    return merged


def _repeated(machine: Machine, text: str, times: int | float) -> str | None:
    if times < 0 or (isinstance(times, float) and math.isnan(times)):
        return None
    count = as_int(times)
    if len(text) * count > LONGEST:
        shown = preview(machine, text), preview(machine, times)
        raise Fault(f"repeat string result too large: {shown[0]} * {shown[1]}")
    return text * count


def divide(machine: Machine, left: Any, right: Any) -> Any:
    if is_number(left) and is_number(right):
        if right == 0:
            shown = described(machine, left), described(machine, right)
            raise Fault(f"cannot divide {shown[0]} by: {shown[1]}")
        if isinstance(left, int) and isinstance(right, int) and left % right == 0:
            return left // right
        return as_float(left) / as_float(right)
    if isinstance(left, str) and isinstance(right, str):
        return split(left, right) if left else []
    raise _between(machine, "divide", left, right)


def split(text: str, by: str) -> list[str]:
    """As Go's strings.Split: nothing splits between characters."""
    if not text and not by:
        return []
    return text.split(by) if by else list(text)


def modulo(machine: Machine, left: Any, right: Any) -> Any:
    if not (is_number(left) and is_number(right)):
        raise _between(machine, "modulo", left, right)
    if isinstance(left, float) or isinstance(right, float):
        left, right = as_float(left), as_float(right)
        if math.isnan(left) or math.isnan(right):
            return math.nan
    whole, by = _whole(left), _whole(right)
    if by == 0:
        shown = described(machine, left), described(machine, right)
        raise Fault(f"cannot modulo {shown[0]} by: {shown[1]}")
    rest = abs(whole) % abs(by)
    return -rest if whole < 0 else rest


def _whole(value: int | float) -> int:
    return as_int(value) if isinstance(value, float) else value


def _number(left: Any, right: Any, compute: Callable[[Any, Any], Any]) -> Any:
    if isinstance(left, float) or isinstance(right, float):
        return compute(as_float(left), as_float(right))
    if left.bit_length() + right.bit_length() > _BITS:
        raise Mistake("a number grows too large")
    return compute(left, right)


def _between(machine: Machine, verb: str, left: Any, right: Any) -> Fault:
    return Fault(f"cannot {verb}: {described(machine, left)} and {described(machine, right)}")


def negate(machine: Machine, value: Any) -> Any:
    if not is_number(value):
        raise Fault(f"cannot negate: {described(machine, value)}")
    return -value


def plus(machine: Machine, value: Any) -> Any:
    if not is_number(value):
        raise Fault(f"cannot plus: {described(machine, value)}")
    return value


BINARY: dict[str, Callable[[Machine, Any, Any], Any]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": modulo,
    "==": lambda machine, left, right: compare(machine, left, right) == 0,
    "!=": lambda machine, left, right: compare(machine, left, right) != 0,
    "<": lambda machine, left, right: compare(machine, left, right) < 0,
    "<=": lambda machine, left, right: compare(machine, left, right) <= 0,
    ">": lambda machine, left, right: compare(machine, left, right) > 0,
    ">=": lambda machine, left, right: compare(machine, left, right) >= 0,
    "//": lambda machine, left, right: left if truthy(left) else right,
}
