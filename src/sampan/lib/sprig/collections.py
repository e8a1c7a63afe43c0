"""Functions on lists and maps. Nothing that is given is changed: `set` and `merge` answer with a
new map, which is all that an expression can see of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sampan.lib.expr.values import Opaque, equal
from sampan.lib.sprig import casts
from sampan.lib.sprig.faults import Mistake

_KINDS = {bool: "bool", int: "int", float: "float64", str: "string", type(None): "invalid"}


def kind(value: Any) -> str:
    """The kind of Go's reflection."""
    if isinstance(value, Mapping):
        return "map"
    if isinstance(value, list | tuple | bytes):
        return "slice"
    if isinstance(value, Opaque):
        return "struct"
    return _KINDS.get(value.__class__, "func")


def type_name(value: Any) -> str:
    """What %T prints."""
    if isinstance(value, Opaque):
        return value.TYPE
    named = {"map": "map[string]interface {}", "slice": "[]interface {}", "invalid": "<nil>"}
    return "[]uint8" if isinstance(value, bytes) else named.get(kind(value), kind(value))


def deep_equal(left: Any, right: Any) -> bool:
    """By type and value: 1 is not 1.0."""
    return equal({"": left}, {"": right})


def _listed(doing: str, way: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose first argument must be a list."""

    def run(items: Any, *given: Any) -> Any:
        if not isinstance(items, list | tuple):
            raise Mistake(f"Cannot {doing} type {kind(items)}")
        return way(list(items), *given)

    return run


def _unique(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    seen: set[tuple[type, Any]] = set()
    for item in items:
        if isinstance(item, str | bool | int | float):
            if (item.__class__, item) not in seen:
                seen.add((item.__class__, item))
                found.append(item)
        elif not any(deep_equal(item, other) for other in found):
            found.append(item)
    return found


def _without(items: list[Any], *omitted: Any) -> list[Any]:
    return [one for one in items if not any(deep_equal(one, other) for other in omitted)]


def _has(needle: Any, items: Any) -> bool:
    if items is None:
        return False
    if not isinstance(items, list | tuple):
        raise Mistake(f"Cannot find has on type {kind(items)}")
    return any(deep_equal(needle, one) for one in items)


def _slice(items: list[Any], *indices: Any) -> list[Any] | None:
    if not items:
        return None
    start = casts.whole(indices[0]) if indices else 0
    end = casts.whole(indices[1]) if len(indices) > 1 else len(items)
    if not 0 <= start <= end <= len(items):
        raise Mistake("reflect.Value.Slice: slice index out of bounds")
    return items[start:end]


def _chunk(size: int, items: Any) -> list[list[Any]]:
    if not isinstance(items, list | tuple):
        raise Mistake(f"Cannot chunk type {kind(items)}")
    if size < 1:
        raise Mistake("chunk needs a size of at least 1")
    return [list(items[at : at + size]) for at in range(0, len(items), size)]


def _concat(*lists: Any) -> list[Any]:
    found: list[Any] = []
    for items in lists:
        if not isinstance(items, list | tuple):
            raise Mistake(f"Cannot concat type {kind(items)} as list")
        found.extend(items)
    return found


def _dict(*given: Any) -> dict[str, Any]:
    values = [*given, ""] if len(given) % 2 else given
    return {casts.text(values[at]): values[at + 1] for at in range(0, len(values), 2)}


def _dig(*given: Any) -> Any:
    if len(given) < 3:
        raise Mistake("dig needs at least three arguments")
    *keys, default, box = given
    for key in keys:
        if not isinstance(box, Mapping):
            raise Mistake(f"interface conversion: interface {{}} is {type_name(box)}, not map")
        if key not in box:
            return default
        box = box[key]
    return box


def _merged(first: Mapping[str, Any], *others: Any, overwrite: bool) -> dict[str, Any]:
    made = dict(first)
    for other in others:
        if not isinstance(other, Mapping):
            raise Mistake(f"cannot merge {type_name(other)}")
        for key, value in other.items():
            known = made.get(key)
            if isinstance(known, Mapping) and isinstance(value, Mapping):
                made[key] = _merged(known, value, overwrite=overwrite)
            elif casts.is_empty(known) or (overwrite and not casts.is_empty(value)):
                made[key] = value
    return made


def _default(value: Any, *given: Any) -> Any:
    return value if not given or casts.is_empty(given[0]) else given[0]


def _compact(items: list[Any]) -> list[Any]:
    return [one for one in items if not casts.is_empty(one)]


def _pluck(key: str, *boxes: Any) -> list[Any]:
    return [box[key] for box in boxes if isinstance(box, Mapping) and key in box]


def _picked(box: Mapping[str, Any], *keys: Any) -> dict[str, Any]:
    return {key: box[key] for key in keys if key in box}


def _omitted(box: Mapping[str, Any], *keys: Any) -> dict[str, Any]:
    return {key: value for key, value in box.items() if key not in keys}


def _keys(*boxes: Mapping[str, Any]) -> list[str]:
    return [key for box in boxes for key in box]


def _sorted(items: Any) -> list[str]:
    return sorted(casts.texts(items)) if isinstance(items, Sequence) else [casts.text(items)]


_LISTS: dict[str, tuple[str, Callable[..., Any]]] = {
    "append": ("aa", _listed("push on", lambda items, value: [*items, value])),
    "push": ("aa", _listed("push on", lambda items, value: [*items, value])),
    "prepend": ("aa", _listed("prepend on", lambda items, value: [value, *items])),
    "first": ("a", _listed("find first on", lambda items: items[0] if items else None)),
    "last": ("a", _listed("find last on", lambda items: items[-1] if items else None)),
    "rest": ("a", _listed("find rest on", lambda items: items[1:] if items else None)),
    "initial": ("a", _listed("find initial on", lambda items: items[:-1] if items else None)),
    "reverse": ("a", _listed("find reverse on", lambda items: items[::-1])),
    "compact": ("a", _listed("compact on", _compact)),
    "uniq": ("a", _listed("find uniq on", _unique)),
    "without": ("a?a+", _listed("find without on", _without)),
    "has": ("aa", _has),
    "slice": ("a?a+", _listed("slice", _slice)),
    "chunk": ("ia", _chunk),
    "merge": ("m?a+", lambda *all: _merged(*all, overwrite=False)),
    "mergeOverwrite": ("m?a+", lambda *all: _merged(*all, overwrite=True)),
    "deepCopy": ("a", lambda value: value),
}
"""Each of them has a twin with `must` before its name."""

FUNCTIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    **_LISTS,
    **{f"must{name[0].upper()}{name[1:]}": function for name, function in _LISTS.items()},
    "list": ("?a+", lambda *items: list(items)),
    "tuple": ("?a+", lambda *items: list(items)),
    "concat": ("?a+", _concat),
    "sortAlpha": ("a", _sorted),
    "dict": ("?a+", _dict),
    "get": ("ms", lambda box, key: box.get(key, "")),
    "set": ("msa", lambda box, key, value: {**box, key: value}),
    "unset": ("ms", lambda box, key: {k: v for k, v in box.items() if k != key}),
    "hasKey": ("ms", lambda box, key: key in box),
    "pluck": ("s?m+", _pluck),
    "pick": ("m?s+", _picked),
    "omit": ("m?s+", _omitted),
    "keys": ("?m+", _keys),
    "values": ("m", lambda box: list(box.values())),
    "dig": ("?a+", _dig),
    "default": ("a?a+", _default),
    "empty": ("a", casts.is_empty),
    "coalesce": ("?a+", lambda *all: next((v for v in all if not casts.is_empty(v)), None)),
    "all": ("?a+", lambda *all: not any(map(casts.is_empty, all))),
    "any": ("?a+", lambda *given: not all(map(casts.is_empty, given))),
    "ternary": ("aab", lambda yes, no, condition: yes if condition else no),
    "typeOf": ("a", type_name),
    "typeIs": ("sa", lambda name, value: type_name(value) == name),
    "typeIsLike": ("sa", lambda name, value: type_name(value).lstrip("*") == name.lstrip("*")),
    "kindOf": ("a", kind),
    "kindIs": ("sa", lambda name, value: kind(value) == name),
    "deepEqual": ("aa", deep_equal),
}
