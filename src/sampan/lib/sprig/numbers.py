"""Functions on numbers. Whole ones have 64 bits; what is no number counts as 0."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from functools import reduce
from typing import Any

from sampan.lib.expr.values import wrapped
from sampan.lib.sprig import casts
from sampan.lib.sprig.faults import Mistake

MOST = 1_000_000
"""Numbers of a list that a function makes."""
_EXACT = Context(prec=60, traps=[InvalidOperation, DivisionByZero, Overflow])


def _divided(left: int, right: int) -> int:
    """Towards zero."""
    if right == 0:
        raise Mistake("runtime error: integer divide by zero")
    size = abs(left) // abs(right)
    return wrapped(size if (left < 0) == (right < 0) else -size)


def _rest(left: int, right: int) -> int:
    return wrapped(left - right * _divided(left, right))


def _whole(way: Callable[[int, int], int]) -> Callable[..., int]:
    return lambda *given: wrapped(reduce(way, map(casts.whole, given)))


def _multiplied(*given: Any) -> int:
    return reduce(lambda left, right: wrapped(left * right), map(casts.whole, given))


def _exact(way: str) -> Callable[..., float]:
    """Decimal arithmetic: 0.1 + 0.2 is 0.3."""

    def run(*given: Any) -> float:
        try:
            numbers = [Decimal(repr(casts.real(one))) for one in given]
            total = numbers[0]
            for number in numbers[1:]:
                total = getattr(_EXACT, way)(total, number)
            return float(total)
        except DivisionByZero:
            raise Mistake("decimal division by 0") from None
        except (InvalidOperation, Overflow):
            raise Mistake("a number is too large") from None

    return run


def _rounded(value: Any, places: int, up_from: float = 0.5) -> float:
    number = casts.real(value)
    if not math.isfinite(number) or abs(places) > 300:
        return number
    power = math.pow(10, places)
    digit = power * number
    if not math.isfinite(digit):
        return number
    fraction = math.modf(digit)[0]
    return (math.ceil(digit) if fraction >= up_from else math.floor(digit)) / power


def _steps(start: int, stop: int, step: int) -> list[int]:
    if stop < start and step >= 0:
        return []
    if stop >= start and step <= 0:
        return []
    numbers = range(start, stop, step)
    if abs(stop - start) // abs(step) > MOST:
        raise Mistake(f"a list may have {MOST} numbers at most")
    return list(numbers)


def _seq(*given: int) -> str:
    """`seq end`, `seq start end`, `seq start step end`, ends included, as the command writes it."""
    if not 1 <= len(given) <= 3:
        return ""
    start, end = (1 if len(given) == 1 else given[0]), given[-1]
    way = -1 if end < start else 1
    step = given[1] if len(given) == 3 else way
    if len(given) == 3 and way < 0 and step > 0:
        return ""
    return " ".join(map(str, _steps(start, end + way, step)))


def _octal(value: Any) -> int:
    text = casts.text(value)
    return int(text, 8) if re.fullmatch(r"[+-]?[0-7]{1,21}", text) else 0


def _atoi(text: str) -> int:
    number = int(text) if re.fullmatch(r"[+-]?[0-9]{1,19}", text, re.ASCII) else 0
    return number if abs(number) <= casts.MOST else 0


def _rounder(way: Callable[[float], int]) -> Callable[[Any], float]:
    def run(value: Any) -> float:
        number = casts.real(value)
        return float(way(number)) if math.isfinite(number) else number

    return run


FUNCTIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "atoi": ("s", _atoi),
    "int": ("a", casts.whole),
    "int64": ("a", casts.whole),
    "float64": ("a", casts.real),
    "toDecimal": ("a", _octal),
    "seq": ("?i+", _seq),
    "until": ("i", lambda count: _steps(0, count, -1 if count < 0 else 1)),
    "untilStep": ("iii", _steps),
    "add1": ("a", lambda value: wrapped(casts.whole(value) + 1)),
    "add": ("?a+", lambda *given: _whole(lambda a, b: a + b)(0, *given)),
    "sub": ("aa", _whole(lambda a, b: a - b)),
    "div": ("aa", _whole(_divided)),
    "mod": ("aa", _whole(_rest)),
    "mul": ("a?a+", _multiplied),
    "add1f": ("a", lambda value: _exact("add")(value, 1)),
    "addf": ("?a+", lambda *given: _exact("add")(0, *given)),
    "subf": ("a?a+", _exact("subtract")),
    "divf": ("a?a+", _exact("divide")),
    "mulf": ("a?a+", _exact("multiply")),
    "biggest": ("a?a+", lambda *given: max(map(casts.whole, given))),
    "max": ("a?a+", lambda *given: max(map(casts.whole, given))),
    "min": ("a?a+", lambda *given: min(map(casts.whole, given))),
    "maxf": ("a?a+", lambda *given: max(map(casts.real, given))),
    "minf": ("a?a+", lambda *given: min(map(casts.real, given))),
    "ceil": ("a", _rounder(math.ceil)),
    "floor": ("a", _rounder(math.floor)),
    "round": ("ai?r", _rounded),
}
