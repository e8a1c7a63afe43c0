"""What the operators do, and to which values: upstream's type checks and its words for them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sampan.lib import printf
from sampan.lib.govaluate.tokens import Mistake
from sampan.lib.regex.patterns import PatternError, compiled

LONGEST = 4 << 20
"""Characters of a text that is put together."""

_UNSETTLED = (False, None)


class Regex:
    """A pattern; as a text it is what it was written as. Raises PatternError."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._pattern = compiled(text)

    def __str__(self) -> str:
        return self._text

    def matches(self, value: str) -> bool:
        found = self._pattern.search(value)
        if found is None:
            raise Mistake(f"the text is too long for the pattern '{self}'")
        return found


@dataclass(frozen=True)
class Operator:
    """`fits` looks at both sides before `compute` does; `fault` blames the one it is about."""

    sign: str
    compute: Callable[[Any, Any], Any]
    fits: Callable[[Any, Any], bool] = lambda left, right: True
    fault: str = ""
    blame: Callable[[Any, Any], Any] = lambda left, right: left
    short_cut: Callable[[Any], tuple[bool, Any]] = lambda left: _UNSETTLED
    """Whether the left side is enough, and what the value is then."""

    def apply(self, left: Any, right: Any) -> Any:
        if not self.fits(left, right):
            shown = printf.text(self.blame(left, right))
            raise Mistake(f"Value '{shown}' cannot be used with the {self.fault}")
        return self.compute(left, right)


def value_of(value: Any) -> Any:
    """A parameter as the language knows it: every number a float."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value) if abs(value) < 1 << 64 else math.copysign(math.inf, value)
    return [value_of(each) for each in value] if isinstance(value, list | tuple) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, float)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def same(left: Any, right: Any) -> bool:
    """Equal in kind and value; 1 is not true."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and bool(left == right)


def _add(left: Any, right: Any) -> Any:
    if not isinstance(left, str) and not isinstance(right, str):
        return left + right
    text = printf.text(left) + printf.text(right)
    if len(text) > LONGEST:
        raise Mistake("a text grows too long")
    return text


def _divide(left: float, right: float) -> float:
    if right:
        return left / right
    if not left or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def _remainder(left: float, right: float) -> float:
    return math.fmod(left, right) if right and math.isfinite(left) else math.nan


def _power(left: float, right: float) -> float:
    odd = math.isfinite(right) and math.fmod(right, 2) in (1.0, -1.0)
    try:
        return math.pow(left, right)
    except OverflowError:
        return -math.inf if left < 0 and odd else math.inf
    except ValueError:
        return math.nan if left else math.copysign(math.inf, left) if odd else math.inf


def _int64(value: float) -> int:
    """As amd64 converts: what has no place becomes the least number."""
    return int(value) if -(2.0**63) <= value < 2.0**63 else -(1 << 63)


def _uint64(value: float) -> int:
    return int(value) if 2.0**63 <= value < 2.0**64 else _int64(value) & (1 << 64) - 1


def _shift_left(left: float, right: float) -> float:
    places = _uint64(right)
    return float(_uint64(left) << places & (1 << 64) - 1) if places < 64 else 0.0


def _shift_right(left: float, right: float) -> float:
    return float(_uint64(left) >> min(_uint64(right), 64))


def _matches(left: str, right: str | Regex) -> bool:
    try:
        pattern = Regex(right) if isinstance(right, str) else right
    except PatternError as wrong:
        raise Mistake(f"Unable to compile regexp pattern '{right}': {wrong}") from None
    return pattern.matches(left)


def _among(left: Any, right: list[Any]) -> bool:
    if isinstance(left, list) and any(isinstance(each, list) for each in right):
        raise Mistake("lists cannot be looked for in lists")
    return any(same(left, each) for each in right)


def _list(left: Any, right: Any) -> list[Any]:
    return [*left, right] if isinstance(left, list) else [left, right]


def _modifier(sign: str, compute: Callable[[Any, Any], Any]) -> Operator:
    return Operator(
        sign,
        compute,
        fits=lambda left, right: _is_number(left) and _is_number(right),
        blame=lambda left, right: right if _is_number(left) else left,
        fault=f"modifier '{sign}', it is not a number",
    )


def _order(sign: str, compute: Callable[[Any, Any], Any]) -> Operator:
    return Operator(
        sign,
        compute,
        fits=lambda left, right: any(kind(left) and kind(right) for kind in (_is_number, _is_text)),
        fault=f"comparator '{sign}', it is not a number",
    )


def _match(sign: str, compute: Callable[[Any, Any], Any]) -> Operator:
    return Operator(
        sign,
        compute,
        fits=lambda left, right: _is_text(left) and isinstance(right, str | Regex),
        blame=lambda left, right: right if _is_text(left) else left,
        fault=f"comparator '{sign}', it is not a number",
    )


def _logic(sign: str, compute: Callable[[Any, Any], Any], settles: bool) -> Operator:
    return Operator(
        sign,
        compute,
        fits=lambda left, right: _is_bool(left) and _is_bool(right),
        blame=lambda left, right: right if _is_bool(left) else left,
        fault=f"logical operator '{sign}', it is not a bool",
        short_cut=lambda left: (left is settles, settles),
    )


def _prefix(sign: str, compute: Callable[[Any], Any], fits: Callable[[Any], bool]) -> Operator:
    return Operator(
        sign,
        lambda left, right: compute(right),
        fits=lambda left, right: fits(right),
        blame=lambda left, right: right,
        fault=f"prefix '{sign}'",
    )


PREFIX = {
    each.sign: each
    for each in (
        _prefix("-", lambda value: -value, _is_number),
        _prefix("!", lambda value: not value, _is_bool),
        _prefix("~", lambda value: float(~_int64(value)), _is_number),
    )
}

BINARY = {
    each.sign: each
    for each in (
        Operator(",", _list),
        Operator(
            "?",
            lambda left, right: right,
            fits=lambda left, right: _is_bool(left),
            fault="ternary operator '?', it is not a bool",
            short_cut=lambda left: (left is False, None),
        ),
        Operator(":", lambda _, right: right, short_cut=lambda left: (left is not None, left)),
        Operator("??", lambda _, right: right, short_cut=lambda left: (left is not None, left)),
        _logic("||", lambda left, right: left or right, settles=True),
        _logic("&&", lambda left, right: left and right, settles=False),
        Operator("==", same),
        Operator("!=", lambda left, right: not same(left, right)),
        _order(">", lambda left, right: left > right),
        _order(">=", lambda left, right: left >= right),
        _order("<", lambda left, right: left < right),
        _order("<=", lambda left, right: left <= right),
        _match("=~", _matches),
        _match("!~", lambda left, right: not _matches(left, right)),
        Operator(
            "in",
            _among,
            fits=lambda left, right: isinstance(right, list),
            blame=lambda left, right: right,
            fault="comparator 'in', it is not a number",
        ),
        _modifier("^", lambda left, right: float(_int64(left) ^ _int64(right))),
        _modifier("&", lambda left, right: float(_int64(left) & _int64(right))),
        _modifier("|", lambda left, right: float(_int64(left) | _int64(right))),
        _modifier("<<", _shift_left),
        _modifier(">>", _shift_right),
        Operator(
            "+",
            _add,
            fits=lambda left, right: (
                (_is_number(left) and _is_number(right)) or _is_text(left) or _is_text(right)
            ),
            fault="modifier '+', it is not a number",
        ),
        _modifier("-", lambda left, right: left - right),
        _modifier("*", lambda left, right: left * right),
        _modifier("/", _divide),
        _modifier("%", _remainder),
        _modifier("**", _power),
    )
}
