"""The built-in functions that take no predicate."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sampan.lib.expr import times
from sampan.lib.expr.evaluate import Frame
from sampan.lib.expr.faults import Fault
from sampan.lib.expr.operators import less
from sampan.lib.expr.signatures import checked
from sampan.lib.expr.sorting import ordered
from sampan.lib.expr.texts import measure, shown, to_json
from sampan.lib.expr.values import (
    MOST,
    Opaque,
    equal,
    fetch,
    is_number,
    real,
    type_of,
    whole,
    wrapped,
)
from sampan.lib.gotime.moments import of_datetime

MOST_TEXT = 10_000_000
"""Characters of one text that a function makes."""
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)


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


# Texts.


def _trim(text: str, chars: str = _SPACE) -> str:
    return text.strip(chars)


def _split(text: str, by: str, most: Any = -1) -> list[str]:
    count = whole(most)
    if count == 0:
        return []
    if not by:
        parts = list(text)
        return parts if count < 0 else [*parts[: count - 1], "".join(parts[count - 1 :])]
    return text.split(by) if count < 0 else text.split(by, count - 1)


def _split_after(text: str, by: str, most: Any = -1) -> list[str]:
    *parts, last = _split(text, by, most) or [""]
    return [*(part + by for part in parts), last] if whole(most) else []


def _replace(text: str, old: str, new: str, most: Any = -1) -> str:
    times = text.count(old) if whole(most) < 0 else min(text.count(old), whole(most))
    if len(text) + times * (len(new) - len(old)) > MOST_TEXT:
        raise Fault("memory budget exceeded")
    return text.replace(old, new, times)


def _repeat(text: str, times: Any) -> str:
    count = whole(times)
    if count < 0:
        raise Fault(f"invalid argument for repeat (expected positive integer, got {count})")
    if count > 1_000_000 or len(text) * count > MOST_TEXT:
        raise Fault("memory budget exceeded")
    return text * count


def _join(parts: Sequence[Any], glue: str = "") -> str:
    for part in parts:
        if part.__class__ is not str:
            raise Fault(f"invalid argument for join (type {type_of(part)})")
    if sum(map(len, parts)) + len(glue) * len(parts) > MOST_TEXT:
        raise Fault("memory budget exceeded")
    return glue.join(parts)


def _index_of(text: str, part: str) -> int:
    at = text.find(part)
    return len(text[:at].encode("utf-8", "surrogatepass")) if at > 0 else at


def _last_index_of(text: str, part: str) -> int:
    at = text.rfind(part)
    return len(text[:at].encode("utf-8", "surrogatepass")) if at > 0 else at


# Numbers.


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


def _numbers(name: str, values: Sequence[Any], deep: int = 0) -> list[Any]:
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
        return json.loads(text, parse_int=float, parse_constant=_refuse)
    except (ValueError, RecursionError) as wrong:
        raise Fault(f"invalid JSON: {wrong}") from None


def _refuse(name: str) -> Any:
    raise ValueError(f"invalid character '{name[0]}' looking for beginning of value")


def _from_base64(text: str) -> str:
    try:
        plain = text.replace("\n", "").replace("\r", "")
        return base64.b64decode(plain, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise Fault("illegal base64 data") from None


_PLAIN: dict[str, tuple[str, Callable[..., Any]]] = {
    "len": ("a", _length),
    "type": ("a", _kind),
    "abs": ("r", lambda value: wrapped(abs(value)) if value.__class__ is int else abs(value)),
    "ceil": ("r", _rounded("ceil", lambda value: float(math.ceil(value)))),
    "floor": ("r", _rounded("floor", lambda value: float(math.floor(value)))),
    "round": ("r", _rounded("round", _half_away)),
    "int": ("a", _int),
    "float": ("a", _float),
    "string": ("a", shown),
    "trim": ("s?s", _trim),
    "trimPrefix": ("s?s", lambda text, part=" ": text.removeprefix(part)),
    "trimSuffix": ("s?s", lambda text, part=" ": text.removesuffix(part)),
    "upper": ("s", str.upper),
    "lower": ("s", str.lower),
    "split": ("ss?i", _split),
    "splitAfter": ("ss?i", _split_after),
    "replace": ("sss?i", _replace),
    "repeat": ("si", _repeat),
    "join": ("l?s", _join),
    "indexOf": ("ss", _index_of),
    "lastIndexOf": ("ss", _last_index_of),
    "hasPrefix": ("ss", str.startswith),
    "hasSuffix": ("ss", str.endswith),
    "max": ("a+", _extreme("max", lambda value, best: less(best, value))),
    "min": ("a+", _extreme("min", less)),
    "mean": ("a+", _mean),
    "median": ("a+", _median),
    "toJSON": ("a", lambda value: to_json(value, "  ")),
    "fromJSON": ("s", _from_json),
    "toBase64": ("s", lambda text: base64.b64encode(text.encode()).decode()),
    "fromBase64": ("s", _from_base64),
    "duration": ("s", times.duration),
    "date": ("a?aaa", times.date),
    "timezone": ("s", times.timezone),
    "first": ("a", lambda items: _get(items, 0)),
    "last": ("a", lambda items: _get(items, -1)),
    "get": ("aa", _get),
    "take": ("li", _take),
    "keys": ("m", list),
    "values": ("m", lambda box: list(box.values())),
    "toPairs": ("m", lambda box: [list(pair) for pair in box.items()]),
    "fromPairs": ("l", _from_pairs),
    "reverse": ("l", lambda items: list(reversed(items))),
    "concat": ("l+", lambda *lists: [item for items in lists for item in items]),
    "sort": ("l?a", _sorted),
    "bitand": ("aa", _bits("bitand", lambda a, b: a & b)),
    "bitor": ("aa", _bits("bitor", lambda a, b: a | b)),
    "bitxor": ("aa", _bits("bitxor", lambda a, b: a ^ b)),
    "bitnand": ("aa", _bits("bitnand", lambda a, b: a & ~b)),
    "bitshl": ("aa", _bits("bitshl", _shift(lambda a, b: a << b))),
    "bitshr": ("aa", _bits("bitshr", _shift(lambda a, b: a >> b))),
    "bitushr": ("aa", _bits("bitushr", _shift(lambda a, b: (a % (1 << 64)) >> b))),
    "bitnot": ("a", lambda value: _bits("bitnot", lambda a, b: ~a)(value, 0)),
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
        return checked(name, "l", lambda items: function(frame, items))(*given)

    return call


BUILTINS: dict[str, Callable[..., Any]] = {
    **{name: _framed(name, takes, function) for name, (takes, function) in _PLAIN.items()},
    **{name: _with_frame(name, function) for name, function in _FRAMED.items()},
    "now": _now,
}
"""Name to function; the first argument is the frame of the run."""
