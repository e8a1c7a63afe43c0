"""Which fields a manifest has, and which ones differ between two: as field sets.

`owned` is what an apply claims, `differences` what an update changed. The rules for structs ("only
what lies below is owned"), maps, sets, list maps and atomic values are upstream's, see
structured-merge-diff typed/tofieldset.go and typed/compare.go.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sampan.apiserver.apply.elements import Unkeyed, element, indexed, is_associative
from sampan.apiserver.apply.fieldsets import SELF, FieldSet, ordered
from sampan.apiserver.schemas.nodes import ANY, SCALAR, STRUCT, List, Node, Struct

_ABSENT: Any = object()


class Differences:
    """Fields that are only in the new manifest, only in the old one, or in both but not the
    same."""

    __slots__ = ("added", "modified", "removed")

    def __init__(self, added: FieldSet, removed: FieldSet, modified: FieldSet) -> None:
        self.added = added
        self.removed = removed
        self.modified = modified


def owned(value: dict[str, Any], node: Node) -> FieldSet:
    """The set of an applied manifest (of an object in it). Unkeyed when a list cannot be told."""
    made: FieldSet = {}
    declared = node.fields if isinstance(node, Struct) else {}
    for key in sorted(value):
        inner = value[key]
        child = declared.get(key)
        if inner.__class__ is not dict and inner.__class__ is not list:
            made[f"f:{key}"] = {}
            continue
        below = _owned_below(inner, child or node.child(key))
        if below is None:
            made[f"f:{key}"] = {}
        elif below:
            made[f"f:{key}"] = below if child is not None else {SELF: {}, **below}
        elif child is None:
            made[f"f:{key}"] = {}
    return made


def _owned_below(value: Any, node: Node) -> FieldSet | None:
    """What is owned below a map or a list; None when it is owned as a whole."""
    if node.shape == SCALAR or node.atomic:
        return None
    if value.__class__ is dict:
        return owned(value, node) or None
    if not isinstance(node, List):
        return None
    made: FieldSet = {}
    items = node.items
    for item in value:
        below = owned(item, items) if item.__class__ is dict and not items.atomic else {}
        made[element(item, node, strict=True)] = {SELF: {}, **below} if below else {}
    if len(made) < len(value):
        raise Unkeyed
    return ordered(made) if len(made) > 1 else made


def differences(old: dict[str, Any], new: dict[str, Any], node: Node) -> Differences:
    """What changed from one manifest to another."""
    found = Differences({}, {}, {})
    _maps(old, new, node, found)
    if len(found.added) > 1:
        found.added = ordered(found.added)
    if len(found.modified) > 1:
        found.modified = ordered(found.modified)
    return found


def owned_by_creator(new: dict[str, Any], node: Node, *, there: Collection[str] = ()) -> FieldSet:
    """What `differences` finds added or modified since there was nothing, in one walk. Fields in
    `there` count as having been empty rather than absent."""
    made: FieldSet = {}
    for key in sorted(new):
        value, child = new[key], node.child(key)
        if value.__class__ is not dict or not (child.always or key in there):
            made[f"f:{key}"] = everything(value, child)
        elif child.atomic or child.shape == SCALAR:
            if value:
                made[f"f:{key}"] = {}
        elif below := owned_by_creator(value, child):
            made[f"f:{key}"] = below
    return made


def everything(value: Any, node: Node) -> FieldSet:
    """The element of a value that is there and was not before (or the other way round)."""
    if value.__class__ is dict:
        if not value or node.atomic or node.shape == SCALAR:
            return {}
        made: FieldSet = {SELF: {}}
        for key in sorted(value):
            inner = value[key]
            if inner.__class__ is dict or inner.__class__ is list:
                made[f"f:{key}"] = everything(inner, node.child(key))
            else:
                made[f"f:{key}"] = {}
        return made
    if value.__class__ is list and value and is_associative(node):
        assert isinstance(node, List)
        items = node.items
        made = {element(item, node): everything(item, items) for item in value}
        return {SELF: {}, **(ordered(made) if len(made) > 1 else made)}
    return {}


def _maps(old: dict[str, Any], new: dict[str, Any], node: Node, found: Differences) -> None:
    for key, value in new.items():
        before = old.get(key, _ABSENT)
        if before is value:
            continue
        child = node.child(key)
        if before is _ABSENT:
            if not child.always or value.__class__ is not dict:
                found.added[f"f:{key}"] = everything(value, child)
                continue
            before = {}
        if before == value:
            continue
        _values(f"f:{key}", before, value, child, found)
    for key, before in old.items():
        if key in new:
            continue
        child = node.child(key)
        if not child.always or before.__class__ is not dict:
            found.removed[f"f:{key}"] = everything(before, child)
        elif before:
            _values(f"f:{key}", before, {}, child, found)


def _values(key: str, old: Any, new: Any, node: Node, found: Differences) -> None:
    """Two values at the same place that are not equal."""
    below = Differences({}, {}, {})
    if node.atomic or node.shape == SCALAR:
        found.modified[key] = {}
        return
    if _is_map(old, new, node):
        _maps(old or {}, new or {}, node, below)
    elif is_associative(node) and isinstance(old or [], list) and isinstance(new or [], list):
        assert isinstance(node, List)
        _lists(old or [], new or [], node, below)
    else:
        found.modified[key] = {}
        return
    for mine, inner in (
        (found.added, below.added),
        (found.removed, below.removed),
        (found.modified, below.modified),
    ):
        if inner:
            mine[key] = ordered(inner) if len(inner) > 1 else inner


def _is_map(old: Any, new: Any, node: Node) -> bool:
    if old.__class__ is dict and new.__class__ is dict:
        return True
    one = old or new  # the other is null
    return one.__class__ is dict and not (old and new) and node.shape in (STRUCT, ANY)


def _lists(old: list[Any], new: list[Any], node: List, found: Differences) -> None:
    before, after = indexed(old, node), indexed(new, node)
    for key, item in after.items():
        was = before.get(key, _ABSENT)
        if was is item:
            continue
        if was is _ABSENT:
            found.added[key] = everything(item, node.items)
        elif was != item:
            _values(key, was, item, node.items, found)
    for key, was in before.items():
        if key not in after:
            found.removed[key] = everything(was, node.items)
