"""The built-in functions without a predicate: all by name, and what those on lists and codes do."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sampan.lib.expr import numbers, strings, times
from sampan.lib.expr.faults import Fault
from sampan.lib.expr.frame import Frame
from sampan.lib.expr.signatures import checked
from sampan.lib.expr.sorting import ordered
from sampan.lib.expr.texts import measure, shown, to_json
from sampan.lib.expr.values import (
    Opaque,
    equal,
    fetch,
    is_number,
    type_of,
    whole,
)
from sampan.lib.gotime.moments import of_datetime


def _length(value: Any) -> int:
    if isinstance(value, str | bytes | list | tuple | Mapping):
        return len(value)
    raise Fault(f"invalid argument for len (type {type_of(value)})")


def _kind(value: Any) -> str:
    if isinstance(value, Opaque):
        return value.TYPE
    if callable(value):
        return "func"
    named = {"<nil>": "nil", "float64": "float"}.get(type_of(value), type_of(value))
    return "map" if named.startswith("map") else "array" if named.startswith("[") else named


# Times.


def _now(frame: Frame, *zone: Any) -> times.Time:
    """The caller knows what time it is: a function `now` among those it gave."""
    if len(zone) > 1 or not all(isinstance(one, times.Location) for one in zone):
        raise Fault(f"invalid number of arguments (expected 0, got {len(zone)})")
    clock = frame.functions.get("now")
    if clock is None:
        raise Fault("now() has no clock here")
    moment = of_datetime(clock())
    return times.Time(moment.within(zone[0].zone) if zone else moment)


# Lists and maps.


def _get(box: Any, key: Any) -> Any:
    try:
        return None if box is None else fetch(box, key)
    except Fault:
        return None


def _take(items: Sequence[Any], count: Any) -> list[Any]:
    if whole(count) < 0:
        raise Fault("reflect.Value.Slice: slice index out of bounds")
    return list(items[: whole(count)])


def _from_pairs(pairs: Sequence[Any]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for pair in pairs:
        if not isinstance(pair, list | tuple):
            raise Fault(f"invalid pair {shown(pair)}")
        if len(pair) != 2:
            raise Fault(f"invalid pair length {shown(pair)}")
        try:
            found[pair[0]] = pair[1]
        except TypeError:
            raise Fault(f"cannot use {type_of(pair[0])} as a key of a map") from None
    return found


def _unique(frame: Frame, items: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    seen: set[Any] = set()
    for item in items:
        if item is None or item.__class__ in (bool, str) or is_number(item):
            key = (item.__class__ in (bool, str), item)
            if key not in seen:
                seen.add(key)
                found.append(item)
            continue
        frame.spend(len(found) + 1)
        if not any(equal(item, other) for other in found):
            found.append(item)
    return found


def _flatten(frame: Frame, items: Sequence[Any]) -> list[Any]:
    frame.spend(measure(items))
    found: list[Any] = []
    waiting = list(reversed(items))
    while waiting:
        item = waiting.pop()
        if isinstance(item, list | tuple):
            waiting.extend(reversed(item))
        else:
            found.append(item)
    return found


def _sorted(items: Sequence[Any], order: Any = "asc") -> list[Any]:
    return ordered(list(items), list(items), order)


# Codes.


def _from_json(text: str) -> Any:
    try:
        return json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_refuse)
    except (ValueError, RecursionError) as wrong:
        raise Fault(f"invalid JSON: {wrong}") from None


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"cannot unmarshal number {text[:40]} into Go value of type float64")
    return number


def _refuse(name: str) -> Any:
    raise ValueError(f"invalid character '{name[0]}' looking for beginning of value")


def _from_base64(text: str) -> str:
    try:
        plain = text.replace("\n", "").replace("\r", "")
        return base64.b64decode(plain, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise Fault("illegal base64 data") from None


_PLAIN: dict[str, tuple[str, Callable[..., Any]]] = {
    **strings.FUNCTIONS,
    **numbers.FUNCTIONS,
    "len": ("!a", _length),
    "type": ("a", _kind),
    "string": ("a", shown),
    "toJSON": ("a", lambda value: to_json(value, "  ")),
    "fromJSON": ("s", _from_json),
    "toBase64": ("s", lambda text: base64.b64encode(text.encode()).decode()),
    "fromBase64": ("s", _from_base64),
    "duration": ("s", times.duration),
    "date": ("a?aaa", times.date),
    "timezone": ("s", times.timezone),
    "first": ("!a", lambda items: _get(items, 0)),
    "last": ("!a", lambda items: _get(items, -1)),
    "get": ("!aa", _get),
    "take": ("!li", _take),
    "keys": ("!m", list),
    "values": ("!m", lambda box: list(box.values())),
    "toPairs": ("!m", lambda box: [list(pair) for pair in box.items()]),
    "fromPairs": ("!l", _from_pairs),
    "reverse": ("!l", lambda items: list(reversed(items))),
    "concat": ("l+", lambda *lists: [item for items in lists for item in items]),
    "sort": ("l?a", _sorted),
}
_FRAMED: dict[str, Callable[..., Any]] = {"uniq": _unique, "flatten": _flatten}


def _framed(name: str, takes: str, function: Callable[..., Any]) -> Callable[..., Any]:
    run = checked(name, takes, function)

    def call(frame: Frame, *given: Any) -> Any:
        for value in given:
            if value.__class__ in (str, list, dict):
                frame.spend(len(value) >> 6)
        return run(*given)

    return call


def _with_frame(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(frame: Frame, *given: Any) -> Any:
        return checked(name, "!l", lambda items: function(frame, items))(*given)

    return call


BUILTINS: dict[str, Callable[..., Any]] = {
    **{name: _framed(name, takes, function) for name, (takes, function) in _PLAIN.items()},
    **{name: _with_frame(name, function) for name, function in _FRAMED.items()},
    "now": _now,
}
"""Name to function; the first argument is the frame of the run."""
