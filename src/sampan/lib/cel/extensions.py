"""The extension libraries of cel-go: strings, lists, sets, math, encoders."""

from __future__ import annotations

import base64
import binascii
import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

from sampan.lib.cel.faults import EvaluationError
from sampan.lib.cel.texts import (
    char_at,
    format_text,
    index_of,
    last_index_of,
    quote,
    replace,
    split,
    substring,
    translate,
)
from sampan.lib.cel.types import Function, Key, declare
from sampan.lib.cel.values import NONE, Optional, checked, equal, less, no_overload

_ORDERED = ("int", "uint", "double", "bool", "string", "bytes", "timestamp", "duration")
_MOST_RANGE = 100_000


def _index_of(box: Any, part: Any, *at: int) -> int:
    if box.__class__ is list:
        return next((i for i, item in enumerate(box) if equal(item, part)), -1)
    return index_of(box, part, *at)


def _last_index_of(box: Any, part: Any, *at: int) -> int:
    if box.__class__ is list:
        return next((i for i in range(len(box) - 1, -1, -1) if equal(box[i], part)), -1)
    return last_index_of(box, part, *at)


def _reverse(box: Any) -> Any:
    if box.__class__ not in (str, list):
        raise no_overload("reverse", box)
    return box[::-1]


def _sum(items: list[Any]) -> Any:
    if not items:
        return 0
    total = items[0]
    for item in items[1:]:
        if item.__class__ is not total.__class__ or item.__class__ in (bool, str, list, dict):
            raise no_overload("sum", total, item)
        total = checked(total + item) if total.__class__ is int else total + item
    return total


def _most(name: str, better: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    def run(*given: Any) -> Any:
        items = given[0] if len(given) == 1 and given[0].__class__ is list else given
        if not items:
            raise EvaluationError(f"{name} called on empty list")
        return functools.reduce(lambda best, item: item if better(item, best) else best, items)

    return run


def _is_sorted(items: list[Any]) -> bool:
    return not any(less(after, before) for before, after in itertools.pairwise(items))


def _compared(left: Any, right: Any) -> int:
    return -1 if less(left, right) else 1 if less(right, left) else 0


def _sorted(items: list[Any]) -> list[Any]:
    return sorted(items, key=functools.cmp_to_key(_compared))


def by_keys(pairs: list[tuple[Any, Any]]) -> list[Any]:
    """The second ones of the pairs, in the order of the first ones."""
    order = functools.cmp_to_key(_compared)
    return [item for _, item in sorted(pairs, key=lambda pair: order(pair[0]))]


def _distinct(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if not _has(found, item):
            found.append(item)
    return found


def _has(items: list[Any], wanted: Any) -> bool:
    return any(equal(item, wanted) for item in items)


def _flatten(items: list[Any], depth: int = 1) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if item.__class__ is list and depth > 0:
            found.extend(_flatten(item, depth - 1))
        else:
            found.append(item)
    return found


def _slice(items: list[Any], start: int, end: int) -> list[Any]:
    if not 0 <= start <= end <= len(items):
        raise EvaluationError(f"cannot slice({start}, {end}), list is length {len(items)}")
    return items[start:end]


def _range(count: int) -> list[int]:
    if count > _MOST_RANGE:
        raise EvaluationError(f"lists.range({count}) is too large")
    return list(range(count))


def _join(items: list[str], between: str = "") -> str:
    return between.join(items)


def _round(value: float) -> float:
    """Half away from zero."""
    if math.isnan(value) or math.isinf(value):
        return value
    return math.copysign(math.floor(abs(value) + 0.5), value)


def _rounded(how: Callable[[float], float]) -> Callable[[float], float]:
    return lambda value: value if math.isnan(value) or math.isinf(value) else float(how(value))


def _sign(value: Any) -> Any:
    return type(value)((value > 0) - (value < 0))


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise EvaluationError(f"base64.decode: {error}") from None


def functions() -> dict[Key, Function]:
    return declare([*_STRINGS, *_LISTS, *_MATH, *_OTHERS])


_STRINGS: list[tuple[Any, ...]] = [
    ("charAt", char_at, "string . int -> string"),
    ("indexOf", _index_of, "string . string -> int", "string . string, int -> int",
     "list(A) . A -> int"),
    ("lastIndexOf", _last_index_of, "string . string -> int", "string . string, int -> int",
     "list(A) . A -> int"),
    ("lowerAscii", lambda text: translate(text, lower=True), "string . -> string"),
    ("upperAscii", lambda text: translate(text, lower=False), "string . -> string"),
    ("replace", replace, "string . string, string -> string",
     "string . string, string, int -> string"),
    ("split", split, "string . string -> list(string)", "string . string, int -> list(string)"),
    ("substring", substring, "string . int -> string", "string . int, int -> string"),
    ("trim", lambda text: text.strip(), "string . -> string"),
    ("reverse", _reverse, "string . -> string", "list(A) . -> list(A)"),
    ("join", _join, "list(string) . -> string", "list(string) . string -> string"),
    ("format", format_text, "string . list(dyn) -> string"),
    ("strings.quote", quote, "string -> string"),
]  # fmt: skip
_LISTS: list[tuple[Any, ...]] = [
    ("isSorted", _is_sorted, *(f"list({kind}) . -> bool" for kind in _ORDERED)),
    ("sum", _sum, *(f"list({kind}) . -> {kind}" for kind in ("int", "uint", "double", "duration"))),
    ("min", _most("min", less), *(f"list({kind}) . -> {kind}" for kind in _ORDERED)),
    ("max", _most("max", lambda a, b: less(b, a)),
     *(f"list({kind}) . -> {kind}" for kind in _ORDERED)),
    ("distinct", _distinct, "list(A) . -> list(A)"),
    ("flatten", _flatten, "list(A) . -> list(dyn)", "list(A) . int -> list(dyn)"),
    ("slice", _slice, "list(A) . int, int -> list(A)"),
    ("sort", _sorted, "list(A) . -> list(A)"),
    ("first", lambda items: Optional(items[0]) if items else NONE, "list(A) . -> optional(A)"),
    ("last", lambda items: Optional(items[-1]) if items else NONE, "list(A) . -> optional(A)"),
    ("lists.range", _range, "int -> list(int)"),
    ("sets.contains", lambda box, items: all(_has(box, item) for item in items),
     "list(A), list(A) -> bool"),
    ("sets.equivalent", lambda a, b: all(_has(a, x) for x in b) and all(_has(b, x) for x in a),
     "list(A), list(A) -> bool"),
    ("sets.intersects", lambda a, b: any(_has(a, item) for item in b), "list(A), list(A) -> bool"),
]  # fmt: skip
_NUMBERS = ("int", "uint", "double")
_EXTREMES = [f"{', '.join([kind] * count)} -> {kind}" for kind in _NUMBERS for count in range(1, 6)]
_EXTREMES += [f"list({kind}) -> {kind}" for kind in _NUMBERS]
_MATH: list[tuple[Any, ...]] = [
    ("math.greatest", _most("math.greatest", lambda a, b: less(b, a)), *_EXTREMES),
    ("math.least", _most("math.least", less), *_EXTREMES),
    ("math.abs", lambda value: checked(abs(value)) if value.__class__ is int else abs(value),
     "int -> int", "uint -> uint", "double -> double"),
    ("math.sign", _sign, "int -> int", "uint -> uint", "double -> double"),
    ("math.ceil", _rounded(math.ceil), "double -> double"),
    ("math.floor", _rounded(math.floor), "double -> double"),
    ("math.round", _round, "double -> double"),
    ("math.trunc", _rounded(math.trunc), "double -> double"),
    ("math.isNaN", math.isnan, "double -> bool"),
    ("math.isInf", math.isinf, "double -> bool"),
    ("math.isFinite", math.isfinite, "double -> bool"),
]  # fmt: skip
_OTHERS: list[tuple[Any, ...]] = [
    ("base64.encode", lambda data: base64.b64encode(data).decode(), "bytes -> string"),
    ("base64.decode", _decode, "string -> bytes"),
]
