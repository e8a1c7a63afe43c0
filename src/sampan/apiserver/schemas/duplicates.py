"""Fields that a JSON body names twice: `data.a`, `spec.items[0].x`.

JSON decoders keep the last one silently; a real server warns or, if asked to be strict, refuses.
"""

from __future__ import annotations

import json
import re
from typing import Any

_DEEP = frozenset((dict, list))
# A space between a name and its colon would hide one field from the count.
_SPACED = re.compile(rb'"[ \t\r\n]+:')


def duplicates(body: bytes, value: Any = None) -> list[str]:
    """Paths of duplicate fields, once each. [] when the body is no JSON.

    value: the decoded body, if at hand. When it has as many fields as the body has colons (or
    quotes before a colon), nothing was lost: that is quick to see, and saves the second look.
    """
    if value is not None and _as_many(body, _fields(value)):
        return []
    seen = False

    def note(pairs: list[tuple[str, Any]]) -> Any:
        nonlocal seen
        made = dict(pairs)
        if len(made) == len(pairs):
            return made
        seen = True
        return _Doubled(pairs)

    try:
        found = json.loads(body, object_pairs_hook=note)
    except (ValueError, RecursionError):
        return []
    if not seen:
        return []
    paths: list[str] = []
    _walk(found, "", paths)
    return list(dict.fromkeys(paths))


def _as_many(body: bytes, fields: int) -> bool:
    """Texts may hold colons too, so there are never fewer of them than of names."""
    if body.count(b":") == fields:
        return True
    return body.count(b'":') == fields and not _SPACED.search(body)


def _fields(value: Any) -> int:
    """How many fields all objects in the value have."""
    count = 0
    if value.__class__ is dict:
        count = len(value)
        value = value.values()
    for each in value:
        if each.__class__ in _DEEP:
            count += _fields(each)
    return count


class _Doubled(dict[str, Any]):
    """An object with the names that it had twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.twice = [name for at, name in enumerate(names) if name in names[:at]]


def _walk(value: Any, path: str, paths: list[str]) -> None:
    if isinstance(value, _Doubled):
        paths.extend(f"{path}.{name}" if path else name for name in value.twice)
    if isinstance(value, dict):
        for key, inner in value.items():
            _walk(inner, f"{path}.{key}" if path else key, paths)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _walk(inner, f"{path}[{index}]", paths)
