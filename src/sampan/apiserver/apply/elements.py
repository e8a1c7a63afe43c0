"""Path elements of list items: how an item of a list map or a set is called in a field set."""

from __future__ import annotations

import re
from typing import Any

import orjson

from sampan.apiserver.schemas.nodes import LIST, STRUCT, List, Node, Struct


def is_associative(node: Node) -> bool:
    """Whether items of this list are told apart by keys or by value."""
    return node.shape == LIST and not node.atomic


_PLAIN = re.compile(r"[-\w./:]*\Z", re.ASCII).match
"""Text that is written in JSON as it is."""


class Unkeyed(ValueError):
    """An item lacks a key, or two items have the same."""


def element(item: Any, node: List, *, strict: bool = False) -> str:
    """`k:{"name":"a"}` or `v:"a"`. Keys that are absent count with their default, or not at all;
    `strict` raises Unkeyed then."""
    if node.list_type == "set" or item.__class__ is not dict:
        if strict and node.list_type == "map":
            raise Unkeyed
        return f"v:{orjson.dumps(item).decode()}"
    keys = node.keys
    if len(keys) == 1:
        name = keys[0]
        value = item.get(name)
        if value.__class__ is str and _PLAIN(value):
            return f'k:{{"{name}":"{value}"}}'
        if value is not None:
            return f'k:{{"{name}":{orjson.dumps(value).decode()}}}'
    named = {name: value for name in keys if (value := key_value(item, name, node)) is not None}
    if strict and len(named) < len(keys):
        raise Unkeyed
    return f"k:{orjson.dumps(named).decode()}"


def key_value(item: dict[str, Any], name: str, node: List) -> Any:
    """The value of one key of an item, with the schema's default; None when there is neither."""
    value = item.get(name)
    if value is None and node.items.shape == STRUCT:
        assert isinstance(node.items, Struct)
        known = node.items.fields.get(name)
        value = known.default if known is not None else None
    return value


def indexed(items: list[Any], node: List) -> dict[str, Any]:
    """Items by element; the last one wins among items with the same keys."""
    return {element(item, node): item for item in items}
