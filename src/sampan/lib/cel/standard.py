"""The functions of the language itself: arithmetic, conversions, text, times, optional values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sampan.lib.cel.faults import EvaluationError
from sampan.lib.cel.types import Function, Key, declare
from sampan.lib.cel.values import (
    NONE,
    Optional,
    Uint,
    checked,
    checked_uint,
    is_zero,
    no_overload,
    type_of,
)
from sampan.lib.regex.patterns import PatternError, compiled

_NUMBERS = "int, int -> int", "uint, uint -> uint", "double, double -> double"
_DURATION = re.compile(r"([+-]?)((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+")
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}


def _same(name: str, left: Any, right: Any) -> type:
    if left.__class__ is not right.__class__ or left.__class__ is bool:
        raise no_overload(name, left, right)
    return type(left)


def _add(left: Any, right: Any) -> Any:
    kind, other = left.__class__, right.__class__
    if (kind is datetime and other is timedelta) or (kind is timedelta and other is datetime):
        return left + right
    kind = _same("_+_", left, right)
    if kind is int:
        return checked(left + right)
    if kind is Uint:
        return checked_uint(int(left) + int(right))
    if kind in (str, float, bytes, list, timedelta):
        return left + right
    raise no_overload("_+_", left, right)


def _subtract(left: Any, right: Any) -> Any:
    if left.__class__ is datetime and right.__class__ in (datetime, timedelta):
        return left - right
    kind = _same("_-_", left, right)
    if kind is int:
        return checked(left - right)
    if kind is Uint:
        return checked_uint(int(left) - int(right))
    if kind in (float, timedelta):
        return left - right
    raise no_overload("_-_", left, right)


def _multiply(left: Any, right: Any) -> Any:
    kind = _same("_*_", left, right)
    if kind is int:
        return checked(left * right)
    if kind is Uint:
        return checked_uint(int(left) * int(right))
    if kind is float:
        return left * right
    raise no_overload("_*_", left, right)


def _divide(left: Any, right: Any) -> Any:
    """Towards zero; a double by zero is infinite or no number."""
    kind = _same("_/_", left, right)
    if kind is float:
        if right:
            return left / right
        return math.nan if not left or math.isnan(left) else math.copysign(math.inf, left) \
            * math.copysign(1, right)  # fmt: skip
    if kind not in (int, Uint):
        raise no_overload("_/_", left, right)
    if not right:
        raise EvaluationError("division by zero")
    quotient = abs(int(left)) // abs(int(right))
    signed = quotient if (left < 0) == (right < 0) else -quotient
    return checked(signed) if kind is int else Uint(signed)


def _modulo(left: Any, right: Any) -> Any:
    kind = _same("_%_", left, right)
    if kind not in (int, Uint):
        raise no_overload("_%_", left, right)
    if not right:
        raise EvaluationError("modulus by zero")
    rest = abs(int(left)) % abs(int(right))
    return (rest if left >= 0 else -rest) if kind is int else Uint(rest)


def _negate(value: Any) -> Any:
    if value.__class__ is int:
        return checked(-value)
    if value.__class__ in (float, timedelta):
        return -value
    raise no_overload("-_", value)


def _size(value: Any) -> int:
    if value.__class__ not in (str, bytes, list, dict):
        raise no_overload("size", value)
    return len(value)


# -- conversions ------------------------------------------------------------------------------


def _whole(value: Any) -> int:
    """The number that int() and uint() start from. Raises EvaluationError."""
    if isinstance(value, float):
        if math.isnan(value) or math.isinf(value):
            raise EvaluationError("integer overflow")
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,30}", value):
        return int(value)
    if isinstance(value, datetime):
        return math.floor(value.timestamp())
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    raise EvaluationError(f"type conversion error from '{type_of(value)}' to 'int'")


def _to_double(value: Any) -> float:
    if isinstance(value, str) and not re.fullmatch(r"[+-]?[0-9a-zA-Z.+-]+", value):
        raise EvaluationError("type conversion error from 'string' to 'double'")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise no_overload("double", value)
    return float(value)


def to_string(value: Any) -> str:
    """What string() makes of a value; classes of libraries have `cel_text`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, datetime):
        text = value.astimezone(UTC).replace(tzinfo=None).isoformat()
        return (text.rstrip("0") if "." in text else text) + "Z"
    if isinstance(value, timedelta):
        return f"{_number(value.total_seconds())}s"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, str | int):
        return str(value)
    return str(value.cel_text())


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)


_BOOLEANS = {
    **dict.fromkeys(("true", "TRUE", "True", "t", "T", "1"), True),
    **dict.fromkeys(("false", "FALSE", "False", "f", "F", "0"), False),
}


def _to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    found = _BOOLEANS.get(value)
    if found is None:
        raise EvaluationError("type conversion error from 'string' to 'bool'")
    return found


def timestamp(value: Any) -> datetime:
    """RFC 3339, or seconds since 1970. Raises EvaluationError."""
    if isinstance(value, datetime):
        return value
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        found = datetime.fromisoformat(value)
        if "T" in value.upper() and found.tzinfo is not None:
            return found
    except (ValueError, TypeError, OverflowError, OSError):
        pass
    raise EvaluationError("type conversion error from 'string' to 'google.protobuf.Timestamp'")


def duration(value: Any) -> timedelta:
    """`1h30m`. Raises EvaluationError."""
    if isinstance(value, timedelta):
        return value
    if value in ("0", "+0", "-0"):
        return timedelta()
    match = _DURATION.fullmatch(value)
    if match is None:
        raise EvaluationError("type conversion error from 'string' to 'google.protobuf.Duration'")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(value))
    return timedelta(seconds=-seconds if match[1] == "-" else seconds)


def _matches(text: str, pattern: str) -> bool:
    try:
        found = compiled(pattern).search(text)
    except PatternError as error:
        raise EvaluationError(str(error)) from None
    if found is None:
        raise EvaluationError("the text is too long to be matched against this pattern")
    return found


# -- times ------------------------------------------------------------------------------------


def _part(of: Callable[[datetime], int], seconds: int = 0) -> Callable[..., int]:
    """A part of a time in a zone; of a duration, how many times `seconds` are in it."""

    def run(value: Any, zone: str = "UTC") -> int:
        if isinstance(value, timedelta) and seconds:
            return int(value.total_seconds() / seconds)
        return of(value.astimezone(_zone(zone)))

    return run


def _zone(name: str) -> Any:
    if match := re.fullmatch(r"([+-]?)(\d{2}):(\d{2})", name):
        offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
        return timezone(-offset if match[1] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise EvaluationError(f"unknown time zone {name}") from None


def _milliseconds(value: Any, zone: str = "UTC") -> int:
    if isinstance(value, timedelta):
        return int(value.total_seconds() * 1000)
    return int(value.microsecond // 1000)


_TIMES: dict[str, tuple[Callable[[datetime], int], int]] = {
    "getFullYear": (lambda t: t.year, 0),
    "getMonth": (lambda t: t.month - 1, 0),
    "getDate": (lambda t: t.day, 0),
    "getDayOfMonth": (lambda t: t.day - 1, 0),
    "getDayOfWeek": (lambda t: t.isoweekday() % 7, 0),
    "getDayOfYear": (lambda t: t.timetuple().tm_yday - 1, 0),
    "getHours": (lambda t: t.hour, 3600),
    "getMinutes": (lambda t: t.minute, 60),
    "getSeconds": (lambda t: t.second, 1),
}


def _or_value(value: Optional, other: Any) -> Any:
    return value.value if value.has else other


def _value(value: Optional) -> Any:
    if not value.has:
        raise EvaluationError("optional.none() dereference")
    return value.value


_ORDERED = [
    f"{kind}, {kind} -> bool"
    for kind in ("int", "uint", "double", "string", "bytes", "bool", "timestamp", "duration")
]
_ORDERED += [
    f"{left}, {right} -> bool"
    for left in ("int", "uint", "double")
    for right in ("int", "uint", "double")
    if left != right
]
_TIMES_TEXT = ("timestamp . -> int", "timestamp . string -> int")


def functions() -> dict[Key, Function]:
    """All of them. The operators that `operators` runs are here for their types only."""
    boolean = "bool, bool -> bool"
    rows: list[tuple[Any, ...]] = [
        *((sign, None, boolean) for sign in ("_&&_", "_||_")),
        ("!_", None, "bool -> bool"),
        *((sign, None, *_ORDERED) for sign in ("_<_", "_<=_", "_>_", "_>=_")),
        ("_+_", _add, *_NUMBERS, "string, string -> string", "bytes, bytes -> bytes",
         "list(A), list(A) -> list(A)", "duration, duration -> duration",
         "timestamp, duration -> timestamp", "duration, timestamp -> timestamp"),
        ("_-_", _subtract, *_NUMBERS, "timestamp, timestamp -> duration",
         "timestamp, duration -> timestamp", "duration, duration -> duration"),
        ("_*_", _multiply, *_NUMBERS),
        ("_/_", _divide, *_NUMBERS),
        ("_%_", _modulo, *_NUMBERS[:2]),
        ("-_", _negate, "int -> int", "double -> double", "duration -> duration"),
        ("size", _size, *(f"{kind}{how} -> int" for how in ("", " . ") for kind in
                          ("string", "bytes", "list(A)", "map(A, B)"))),
        ("int", lambda value: checked(_whole(value)),
         *(f"{kind} -> int" for kind in ("int", "uint", "double", "string", "timestamp"))),
        ("uint", lambda value: checked_uint(_whole(value)),
         *(f"{kind} -> uint" for kind in ("int", "uint", "double", "string"))),
        ("double", _to_double,
         *(f"{kind} -> double" for kind in ("int", "uint", "double", "string"))),
        ("string", to_string, *(f"{kind} -> string" for kind in ("int", "uint", "double", "string",
         "bool", "bytes", "timestamp", "duration"))),
        ("bytes", lambda value: value.encode() if isinstance(value, str) else bytes(value),
         "string -> bytes", "bytes -> bytes"),
        ("bool", _to_bool, "bool -> bool", "string -> bool"),
        ("dyn", lambda value: value, "A -> dyn"),
        ("type", type_of, "A -> type"),
        ("timestamp", timestamp, "string -> timestamp", "int -> timestamp",
         "timestamp -> timestamp"),
        ("duration", duration, "string -> duration", "duration -> duration"),
        ("contains", lambda text, part: part in _text(text), "string . string -> bool"),
        ("startsWith", lambda text, part: _text(text).startswith(part), "string . string -> bool"),
        ("endsWith", lambda text, part: _text(text).endswith(part), "string . string -> bool"),
        ("matches", _matches, "string . string -> bool", "string, string -> bool"),
        *((name, _part(*how), *_TIMES_TEXT, *(["duration . -> int"] if how[1] else []))
          for name, how in _TIMES.items()),
        ("getMilliseconds", _milliseconds, *_TIMES_TEXT, "duration . -> int"),
        ("optional.of", Optional, "A -> optional(A)"),
        ("optional.none", lambda: NONE, "-> optional(dyn)"),
        ("optional.ofNonZeroValue", lambda value: NONE if is_zero(value) else Optional(value),
         "A -> optional(A)"),
        ("hasValue", lambda value: value.has, "optional(A) . -> bool"),
        ("value", _value, "optional(A) . -> A"),
        ("orValue", _or_value, "optional(A) . A -> A"),
        ("or", lambda value, other: value if value.has else other,
         "optional(A) . optional(A) -> optional(A)"),
    ]  # fmt: skip
    return declare(rows)


def _text(value: Any) -> str:
    if value.__class__ is not str:
        raise no_overload("contains", value)
    return str(value)
