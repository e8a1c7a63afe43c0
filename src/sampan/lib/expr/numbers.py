"""The built-in functions on numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from sampan.lib.expr.faults import Fault
from sampan.lib.expr.operators import less
from sampan.lib.expr.values import MOST, Opaque, is_number, real, type_of, whole, wrapped


def _int(value: Any) -> int:
    if value.__class__ is str:
        if re.fullmatch(r"[+-]?[0-9]{1,19}", value, re.ASCII) and abs(int(value)) <= MOST:
            return int(value)
        raise Fault(f"invalid operation: int({value})")
    if isinstance(value, Opaque):
        return value.whole()
    return whole(value)


def _float(value: Any) -> float:
    if value.__class__ is str:
        try:
            if value.isascii() and value == value.strip():
                return float.fromhex(value) if "0x" in value.lower() else float(value)
        except (ValueError, OverflowError):
            pass
        raise Fault(f"invalid operation: float({value})")
    return real(value)


def _rounded(name: str, way: Callable[[float], float]) -> Callable[[Any], float]:
    def run(value: Any) -> float:
        number = float(value)
        return way(number) if math.isfinite(number) else number

    return run


def _half_away(number: float) -> float:
    return math.copysign(math.floor(abs(number) + 0.5), number) if abs(number) < 2**52 else number


def _numbers(name: str, values: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    waiting = list(reversed(values))
    while waiting:
        value = waiting.pop()
        if isinstance(value, list | tuple):
            waiting.extend(reversed(value))
        elif is_number(value):
            found.append(value)
        else:
            raise Fault(f"invalid argument for {name} (type {type_of(value)})")
    return found


def _extreme(name: str, sooner: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    def run(*values: Any) -> Any:
        if len(values) == 1 and not isinstance(values[0], list | tuple):
            return values[0]
        best: Any = None
        for value in _numbers(name, values):
            if best is None or sooner(value, best):
                best = value
        return best

    return run


def _mean(*values: Any) -> float:
    numbers = _numbers("mean", values)
    return sum(map(float, numbers)) / len(numbers) if numbers else 0.0


def _median(*values: Any) -> float:
    numbers = sorted(map(float, _numbers("median", values)))
    if not numbers:
        return 0.0
    middle = len(numbers) // 2
    return numbers[middle] if len(numbers) % 2 else (numbers[middle - 1] + numbers[middle]) / 2


def _bits(name: str, way: Callable[[int, int], int]) -> Callable[[Any, Any], int]:
    def run(left: Any, right: Any) -> int:
        if left.__class__ is not int or right.__class__ is not int:
            wrong = right if left.__class__ is int else left
            raise Fault(f"cannot use {type_of(wrong)} as argument (type int) to call {name} ")
        return wrapped(way(left, right))

    return run


def _shift(way: Callable[[int, int], int]) -> Callable[[int, int], int]:
    def run(left: int, right: int) -> int:
        if right < 0:
            raise Fault(f"invalid operation: negative shift count {right} (type int)")
        return way(left, min(right, 64))

    return run


FUNCTIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "abs": ("!r", lambda value: wrapped(abs(value)) if value.__class__ is int else abs(value)),
    "ceil": ("!r", _rounded("ceil", lambda value: float(math.ceil(value)))),
    "floor": ("!r", _rounded("floor", lambda value: float(math.floor(value)))),
    "round": ("!r", _rounded("round", _half_away)),
    "int": ("!a", _int),
    "float": ("!a", _float),
    "max": ("a+", _extreme("max", lambda value, best: less(best, value))),
    "min": ("a+", _extreme("min", less)),
    "mean": ("a+", _mean),
    "median": ("a+", _median),
    "bitand": ("aa", _bits("bitand", lambda a, b: a & b)),
    "bitor": ("aa", _bits("bitor", lambda a, b: a | b)),
    "bitxor": ("aa", _bits("bitxor", lambda a, b: a ^ b)),
    "bitnand": ("aa", _bits("bitnand", lambda a, b: a & ~b)),
    "bitshl": ("aa", _bits("bitshl", _shift(lambda a, b: a << b))),
    "bitshr": ("aa", _bits("bitshr", _shift(lambda a, b: a >> b))),
    "bitushr": ("aa", _bits("bitushr", _shift(lambda a, b: (a % (1 << 64)) >> b))),
    "bitnot": ("a", lambda value: _bits("bitnot", lambda a, b: ~a)(value, 0)),
}
"""By name: what it takes (`signatures`), and what it does."""
