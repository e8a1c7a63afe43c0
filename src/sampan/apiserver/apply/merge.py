"""Merge an applied manifest into the live one, and take out what is no longer applied.

Both functions answer with a new value that shares what did not change.
Upstream: structured-merge-diff typed/merge.go, typed/remove.go.
"""

from __future__ import annotations

from collections import deque
from operator import is_
from typing import Any

from sampan.apiserver.apply.elements import element, indexed, is_associative
from sampan.apiserver.apply.fieldsets import SELF, FieldSet, is_member
from sampan.apiserver.schemas.nodes import SCALAR, List, Node, Struct

_ABSENT: Any = object()
GONE: Any = object()
"""What `without` answers when nothing is left of a value."""


def merged(live: Any, applied: Any, node: Node) -> Any:
    """Maps and list maps merge, sets unite, the rest is replaced. `live` itself if nothing
    changes."""
    if live.__class__ is not applied.__class__:
        return applied
    if node.shape == SCALAR or node.atomic:
        return live if live == applied else applied
    if live.__class__ is dict:
        return _merged_maps(live, applied, node)
    if live.__class__ is list and is_associative(node):
        assert isinstance(node, List)
        return _merged_lists(live, applied, node)
    return live if live == applied else applied


def _merged_maps(live: dict[str, Any], applied: dict[str, Any], node: Node) -> dict[str, Any]:
    made: dict[str, Any] | None = None
    for key, value in applied.items():
        before = live.get(key, _ABSENT)
        after = value if before is _ABSENT else merged(before, value, node.child(key))
        if after is not before:
            made = dict(live) if made is None else made
            made[key] = after
    return live if made is None else made


def _merged_lists(live: list[Any], applied: list[Any], node: List) -> list[Any]:
    """Applied items in their order; live items that are not applied keep their place between."""
    ours, theirs = indexed(live, node), indexed(applied, node)
    shared = iter([key for key in theirs if key in ours])
    wanted = next(shared, None)
    waiting = deque(ours)
    made: list[Any] = []
    for key, item in theirs.items():
        while waiting and waiting[0] != wanted:
            first = waiting.popleft()
            if first not in theirs:
                made.append(ours[first])
        if key == wanted:
            if waiting:
                waiting.popleft()
            wanted = next(shared, None)
            item = merged(ours[key], item, node.items)
        made.append(item)
    made.extend(ours[key] for key in waiting if key not in theirs)
    return live if len(made) == len(live) and all(map(is_, made, live)) else made


def surplus(last: FieldSet, managed: FieldSet, node: Node) -> FieldSet:
    """What was applied before and belongs to nobody now: the set to take out.

    A declared field of a struct counts as owned when something below it is.
    """
    made: FieldSet = {}
    declared = node.fields if isinstance(node, Struct) else ()
    for key, before in last.items():
        if key == SELF:
            continue
        is_field = key.startswith("f:")
        named = is_field and key[2:] in declared
        now = managed.get(key)
        held = now is not None and (named or is_member(now))
        if (named or is_member(before)) and not held:
            made[key] = {}
        elif before:
            child = node.child(key[2:]) if is_field else _items(node)
            if below := surplus(before, now or {}, child):
                made[key] = below
    return made


def _items(node: Node) -> Node:
    return node.items if isinstance(node, List) else node


def without(value: Any, fields: FieldSet, node: Node) -> Any:
    """The value without the set's members; GONE when that empties it."""
    if value.__class__ is dict:
        made = dict(value)
        for key, below in fields.items():
            name = key[2:]
            if key.startswith("f:") and name in made:
                rest = without(made[name], below, node.child(name)) if below else GONE
                if rest is GONE:
                    del made[name]
                else:
                    made[name] = rest
        return made or GONE
    if value.__class__ is list and is_associative(node):
        assert isinstance(node, List)
        kept = [_item_without(item, fields.get(element(item, node)), node) for item in value]
        return [item for item in kept if item is not GONE] or GONE
    return value


def _item_without(item: Any, below: FieldSet | None, node: List) -> Any:
    if below is None:
        return item
    return without(item, below, node.items) if below else GONE
