"""Functions of values: what takes a value and arguments, and makes one value of them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from sampan.lib.jq import operators, paths, texts
from sampan.lib.jq.faults import Fault, Mistake
from sampan.lib.jq.formats import named, number
from sampan.lib.jq.nodes import shown
from sampan.lib.jq.values import (
    LONGEST,
    Machine,
    as_int,
    compare,
    described,
    encode,
    in_order,
    is_number,
    ordering,
    preview,
    same,
    type_of,
)  # fmt: skip

Function = Callable[..., Any]


def wrong(machine: Machine, name: str, value: Any, *arguments: Any) -> Fault:
    """`f(x) cannot be applied to: string ("a")`"""
    given = f"({'; '.join(preview(machine, each) for each in arguments)})" if arguments else ""
    return Fault(f"{name}{given} cannot be applied to: {described(machine, value)}")


def because(machine: Machine, name: str, value: Any, reason: object, *arguments: Any) -> Fault:
    given = f"({'; '.join(preview(machine, each) for each in arguments)})" if arguments else ""
    return Fault(f"{name}{given} cannot be applied to {preview(machine, value)}: {reason}")


def _text(name: str, of: Callable[..., Any]) -> Function:
    """A function of texts only."""

    def function(machine: Machine, value: Any, *arguments: Any) -> Any:
        if not all(isinstance(each, str) for each in (value, *arguments)):
            raise wrong(machine, name, value, *arguments)
        machine.tick(len(value) // 64)
        return of(value, *arguments)

    return function


def _list(name: str, of: Callable[..., Any]) -> Function:
    """A function of a list."""

    def function(machine: Machine, value: Any, *arguments: Any) -> Any:
        if not isinstance(value, list):
            raise wrong(machine, name, value, *arguments)
        machine.tick(len(value))
        return of(machine, value, *arguments)

    return function


def _length(machine: Machine, value: Any) -> Any:
    if isinstance(value, bool):
        raise wrong(machine, "length", value)
    if is_number(value):
        return abs(value)
    return 0 if value is None else len(value)


def _abs(machine: Machine, value: Any) -> Any:
    if not is_number(value):
        raise wrong(machine, "abs", value)
    return abs(value)


def _keys(machine: Machine, value: Any) -> list[Any]:
    if isinstance(value, list):
        return list(range(len(value)))
    if isinstance(value, dict):
        return list(in_order(value))
    raise wrong(machine, "keys", value)


def _has(machine: Machine, value: Any, key: Any) -> bool:
    if value is None:
        return False
    if isinstance(value, dict) and isinstance(key, str):
        return key in value
    if isinstance(value, list) and is_number(key):
        return 0 <= as_int(key) < len(value)
    raise wrong(machine, "has", value, key)


def items(machine: Machine, name: str, value: Any) -> list[Any]:
    """What is in a list or an object. Raises Fault."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [value[key] for key in in_order(value)]
    raise wrong(machine, name, value)


def total(machine: Machine, values: list[Any]) -> Any:
    """All values added up; texts and lists at once."""
    for kind in (str, list):
        if values and all(isinstance(each, kind) for each in values):
            size = sum(map(len, values))
            machine.tick(size // 16 + len(values))
            if size > LONGEST:
                raise Mistake("a value grows too large")
            return "".join(values) if kind is str else [each for part in values for each in part]
    result: Any = None
    for each in values:
        machine.tick()
        result = operators.add(machine, result, each)
    return result


def _to_number(machine: Machine, value: Any) -> Any:
    if is_number(value):
        return value
    if not isinstance(value, str):
        raise wrong(machine, "tonumber", value)
    try:
        return number(value)
    except ValueError:
        raise because(machine, "tonumber", value, "invalid number") from None


def _to_boolean(machine: Machine, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise wrong(machine, "toboolean", value)
    if value not in ("true", "false"):
        raise because(machine, "toboolean", value, "invalid boolean")
    return value == "true"


def _from_json(machine: Machine, value: Any) -> Any:
    if not isinstance(value, str):
        raise wrong(machine, "fromjson", value)
    machine.tick(len(value) // 16)

    def constant(word: str) -> Any:
        raise ValueError(word)

    try:
        return json.loads(value, parse_constant=constant)
    except (ValueError, RecursionError) as why:
        raise because(machine, "fromjson", value, why) from None


def contains(machine: Machine, value: Any, part: Any) -> bool:
    """Whether a value has a part in it, at every depth."""
    machine.tick()
    if isinstance(value, str) and isinstance(part, str):
        return part in value
    if isinstance(value, list) and isinstance(part, list):
        return all(any(_within(machine, each, want) for each in value) for want in part)
    if isinstance(value, dict) and isinstance(part, dict):
        return all(key in value and _within(machine, value[key], part[key]) for key in part)
    if type_of(value) == type_of(part) and (value is None or is_number(value)):
        return same(machine, value, part)
    if isinstance(value, bool) and isinstance(part, bool) and value is part:
        return True
    raise wrong(machine, "contains", value, part)


def _within(machine: Machine, value: Any, part: Any) -> bool:
    try:
        return contains(machine, value, part)
    except Fault:
        return False


def _places(name: str, pick: Callable[[list[int]], Any]) -> Function:
    def function(machine: Machine, value: Any, part: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, str) and isinstance(part, str):
            machine.tick(len(value))
            found = [at for at in range(len(value)) if part and value.startswith(part, at)]
            return pick(found)
        if not isinstance(value, list):
            raise wrong(machine, name, value, part)
        return pick(paths.places(machine, value, part if isinstance(part, list) else [part]))

    return function


def _implode(machine: Machine, value: list[Any]) -> str:
    if not all(map(is_number, value)):
        raise wrong(machine, "implode", value)
    codes = map(as_int, value)
    return "".join(
        chr(code) if 0 <= code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else "\ufffd"
        for code in codes
    )


def _split(machine: Machine, value: Any, by: Any) -> list[str]:
    for each in (value, by):
        if not isinstance(each, str):
            raise wrong(machine, "split", each)
    machine.tick(len(value) // 16)
    return operators.split(value, by)


def _join(machine: Machine, value: Any, by: Any) -> Any:
    if not isinstance(value, list | dict):
        raise wrong(machine, "join", value, by)
    parts: list[Any] = []
    for each in items(machine, "join", value):
        parts += [by] if parts else [""]
        parts.append(encode(machine, each) if is_number(each) or isinstance(each, bool) else each)
    return total(machine, [each for each in parts if each is not None]) if parts else ""


def _flatten(machine: Machine, value: Any, depth: Any = None) -> list[Any]:
    listed = items(machine, "flatten", value)
    if depth is not None and not is_number(depth):
        raise wrong(machine, "flatten", depth)
    if depth is not None and not depth >= 0:
        raise Fault(f"flatten depth should not be negative: {preview(machine, depth)}")
    found: list[Any] = []
    waiting = [(each, math.inf if depth is None else depth) for each in reversed(listed)]
    while waiting:
        machine.tick()
        each, left = waiting.pop()
        if isinstance(each, list) and left != 0:
            waiting.extend((inner, left - 1) for inner in reversed(each))
        else:
            found.append(each)
    return found


def _transpose(machine: Machine, value: list[Any]) -> list[Any]:
    if not all(isinstance(each, list) for each in value):
        raise wrong(machine, "transpose", value)
    width = max(map(len, value), default=0)
    machine.tick(width * len(value))
    return [[row[at] if at < len(row) else None for row in value] for at in range(width)]


def _search(machine: Machine, value: list[Any], wanted: Any) -> int:
    low, high = 0, len(value)
    while low < high:
        middle = (low + high) // 2
        if compare(machine, value[middle], wanted) < 0:
            low = middle + 1
        else:
            high = middle
    found = low < len(value) and same(machine, value[low], wanted)
    return low if found else -low - 1


def extreme(machine: Machine, value: list[Any], keys: list[Any], *, least: bool) -> Any:
    """The value with the least key (the first of them), or the greatest (the last of them)."""
    best = 0
    for at in range(1, len(keys)):
        if (compare(machine, keys[best], keys[at]) > 0) is least:
            best = at
    return value[best] if value else None


def grouped(machine: Machine, value: list[Any], keys: list[Any]) -> list[list[Any]]:
    """The values in groups of the same key, in the order of the keys."""
    order = ordering(machine)
    pairs = sorted(zip(keys, value, strict=True), key=lambda pair: order(pair[0]))
    groups: list[tuple[Any, list[Any]]] = []
    for key, each in pairs:
        if groups and same(machine, groups[-1][0], key):
            groups[-1][1].append(each)
        else:
            groups.append((key, [each]))
    return [group for _, group in groups]


def _set_path(machine: Machine, value: Any, path: Any, new: Any) -> Any:
    if not isinstance(path, list):
        raise wrong(machine, "setpath", value, path)
    try:
        return paths.Update(machine).put(value, tuple(path), new)
    except Fault as fault:
        raise because(machine, "setpath", value, fault.value, path, new) from None


def _drop_paths(machine: Machine, value: Any, listed: Any) -> Any:
    if not isinstance(listed, list):
        raise wrong(machine, "delpaths", value, listed)
    if not all(isinstance(each, list) for each in listed):
        raise because(machine, "delpaths", value, "expected an array", listed)
    try:
        return paths.Update(machine).drop(value, [tuple(each) for each in listed])
    except Fault as fault:
        raise because(machine, "delpaths", value, fault.value, listed) from None


def _format(machine: Machine, value: Any, name: Any) -> str:
    if not isinstance(name, str):
        raise wrong(machine, "format", name)
    return named(name)(machine, value)


def _halt(machine: Machine, value: Any, code: Any = None) -> Any:
    raise Mistake(f"halt error: {shown(machine, value)}")


def _ascii(upper: bool) -> Callable[[str], str]:
    low, high = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    table = str.maketrans(low, high) if upper else str.maketrans(high, low)
    return lambda text: text.translate(table)


def _without(prefix: bool, suffix: bool) -> Callable[[str, str], str]:
    def trimmed(text: str, part: str) -> str:
        text = text.removeprefix(part) if prefix else text
        return text.removesuffix(part) if suffix and part else text

    return trimmed


FUNCTIONS: dict[str, Function] = {
    "not/0": lambda machine, value: value is None or value is False,
    "length/0": _length,
    "abs/0": _abs,
    "utf8bytelength/0": _text("utf8bytelength", lambda text: len(text.encode("utf-8", "replace"))),
    "keys/0": _keys,
    "has/1": _has,
    "in/1": lambda machine, value, other: _has(machine, other, value),
    "add/0": lambda machine, value: total(machine, items(machine, "add", value)),
    "type/0": lambda machine, value: type_of(value),
    "tonumber/0": _to_number,
    "toboolean/0": _to_boolean,
    "tostring/0": shown,
    "tojson/0": encode,
    "fromjson/0": _from_json,
    "reverse/0": _list("reverse", lambda machine, value: value[::-1]),
    "contains/1": contains,
    "inside/1": lambda machine, value, other: contains(machine, other, value),
    "indices/1": _places("indices", lambda found: found),
    "index/1": _places("index", lambda found: found[0] if found else None),
    "rindex/1": _places("rindex", lambda found: found[-1] if found else None),
    "startswith/1": _text("startswith", str.startswith),
    "endswith/1": _text("endswith", str.endswith),
    "ltrimstr/1": _text("ltrimstr", _without(True, False)),
    "rtrimstr/1": _text("rtrimstr", _without(False, True)),
    "trimstr/1": _text("trimstr", _without(True, True)),
    "ltrim/0": _text("ltrim", str.lstrip),
    "rtrim/0": _text("rtrim", str.rstrip),
    "trim/0": _text("trim", str.strip),
    "explode/0": _text("explode", lambda text: [ord(char) for char in text]),
    "implode/0": _list("implode", _implode),
    "split/1": _split,
    "join/1": _join,
    "ascii_downcase/0": _text("ascii_downcase", _ascii(upper=False)),
    "ascii_upcase/0": _text("ascii_upcase", _ascii(upper=True)),
    "format/1": _format,
    "flatten/0": _flatten,
    "flatten/1": _flatten,
    "min/0": _list("min", lambda machine, v: extreme(machine, v, v, least=True)),
    "max/0": _list("max", lambda machine, v: extreme(machine, v, v, least=False)),
    "sort/0": _list("sort", lambda machine, v: sorted(v, key=ordering(machine))),
    "unique/0": _list("unique", lambda machine, v: [g[0] for g in grouped(machine, v, v)]),
    "transpose/0": _list("transpose", _transpose),
    "bsearch/1": _list("bsearch", _search),
    "setpath/2": _set_path,
    "delpaths/1": _drop_paths,
    "test/1": texts.occurs,
    "test/2": texts.occurs,
    "halt/0": _halt,
    "halt_error/0": _halt,
    "halt_error/1": _halt,
}
