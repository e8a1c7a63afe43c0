"""Sets of fields, in the form that managedFields carries: `{"f:data": {".": {}, "f:x": {}}}`.

A set is a tree whose keys are path elements: `f:name` a field, `k:{"name":"a"}` an item of a list
by its keys, `v:"a"` an item of a set. An element is a member when its tree is empty or holds ".";
otherwise only what lies below it is. Sets are values: nothing here changes one in place, and
results share whatever stayed the same. Upstream: structured-merge-diff fieldpath.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

FieldSet = dict[str, Any]
SELF = "."


def is_member(element: FieldSet) -> bool:
    return not element or SELF in element


def union(left: FieldSet, right: FieldSet) -> FieldSet:
    if not right or left is right:
        return left
    if not left:
        return right
    made = dict(left)
    for key, element in right.items():
        mine = made.get(key)
        made[key] = element if mine is None else _joined(mine, element)
    return ordered(made) if len(made) > len(left) else made


def _joined(left: FieldSet, right: FieldSet) -> FieldSet:
    if left is right or (not left and not right):
        return left
    made = union(left, right)
    return made if left and right else {SELF: {}, **made}


def difference(left: FieldSet, right: FieldSet) -> FieldSet:
    """Members of `left` that are none of `right`; `left` itself when it loses nothing."""
    made: FieldSet | None = None
    for key, element in right.items():
        mine = left.get(key)
        if mine is None or key == SELF:
            continue
        rest = _without(mine, element)
        if rest is mine:
            continue
        made = dict(left) if made is None else made
        if rest is None:
            del made[key]
        else:
            made[key] = rest
    return left if made is None else made


def _without(mine: FieldSet, other: FieldSet) -> FieldSet | None:
    """None when no member is left."""
    if not mine:
        return None if is_member(other) else mine
    rest = difference(mine, other)
    if SELF in rest and is_member(other):
        rest = {key: element for key, element in rest.items() if key != SELF}
    if rest is mine:
        return mine
    if not rest:
        return None
    return {} if len(rest) == 1 and SELF in rest else rest


def intersection(left: FieldSet, right: FieldSet) -> FieldSet:
    made: FieldSet = {}
    for key, element in right.items():
        mine = left.get(key)
        if mine is None or key == SELF:
            continue
        inner = intersection(mine, element) if mine and element else {}
        if is_member(mine) and is_member(element):
            made[key] = {SELF: {}, **inner} if inner else {}
        elif inner:
            made[key] = inner
    return made


def ordered(fields: FieldSet) -> FieldSet:
    """The same set with the keys of this level in order."""
    keys = sorted(fields)
    if keys[-1][0] in "kv" and not all(map(_SORTS_AS_TEXT, keys)):
        keys.sort(key=_rank)
    return {key: fields[key] for key in keys}


_SORTS_AS_TEXT = re.compile(r'[.f]|[kv][^,]*"}?$').match
"""Elements with one textual key: their text sorts as their value does, others are to be read."""


def _rank(key: str) -> tuple[str, list[tuple[str, Any]]]:
    if not key.startswith(("k:", "v:")):
        return key, []
    value = orjson.loads(key[2:])
    parts = value.items() if isinstance(value, dict) else [("", value)]
    return key[:2], [(name, (str(type(part)), part)) for name, part in parts]


def is_well_formed(fields: Any) -> bool:
    """Whether this is a set, before it is trusted."""
    if fields.__class__ is not dict:
        return False
    return all(
        (key == SELF or key[:2] in ("f:", "k:", "v:", "i:")) and is_well_formed(element)
        for key, element in fields.items()
    )


def paths(fields: FieldSet, before: str = "") -> Iterator[str]:
    """Members as people read them: `.spec.containers[name="a"].image`."""
    for key, element in fields.items():
        if key == SELF:
            continue
        path = before + _shown(key)
        if is_member(element):
            yield path
        yield from paths(element, path)


def _shown(key: str) -> str:
    kind, text = key[0], key[2:]
    if kind == "f":
        return f".{text}"
    if kind == "v":
        return f"[={text}]"
    if kind == "k":
        parts = orjson.loads(text).items()
        return (
            "[" + ",".join(f"{name}={orjson.dumps(value).decode()}" for name, value in parts) + "]"
        )
    return f"[{text}]"
