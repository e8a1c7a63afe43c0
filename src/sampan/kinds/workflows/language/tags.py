"""`{{tag}}`: simple substitution in texts, and in the texts of any JSON value.

A tag inside a tag is resolved first; whitespace around a tag is dropped; what a tag stands for is
put in as it is and never looked at again; a tag that the lookup does not know stays as it was
written. Expression tags (`{{=`) are no business of this module. Upstream:
argo-workflows util/template, valyala/fasttemplate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

_OPEN, _CLOSE = "{{", "}}"

Lookup = Callable[[str], Any]


def fill(value: Any, known: Mapping[str, Any]) -> Any:
    """The JSON value with its tags replaced; parts without tags are shared, not copied."""
    return _fill(value, known.get)


def _fill(value: Any, lookup: Lookup) -> Any:
    if isinstance(value, str):
        return fill_text(value, lookup) if _OPEN in value else value
    if isinstance(value, dict):
        new = {_fill(key, lookup): _fill(each, lookup) for key, each in value.items()}
        return new if new != value else value
    if isinstance(value, list):
        items = [_fill(each, lookup) for each in value]
        return items if items != value else value
    return value


def fill_text(text: str, lookup: Lookup) -> str:
    parts: list[str] = []
    place = 0
    while (start := text.find(_OPEN, place)) >= 0:
        end = _end(text, start + len(_OPEN))
        if end < 0:
            break
        inner = text[start + len(_OPEN) : end]
        tag = fill_text(inner, lookup) if _OPEN in inner else inner
        value = lookup(tag.strip())
        parts.append(text[place:start])
        parts.append(value if isinstance(value, str) else f"{_OPEN}{tag}{_CLOSE}")
        place = end + len(_CLOSE)
    parts.append(text[place:])
    return "".join(parts)


def _end(text: str, place: int) -> int:
    """Where the tag that began before `place` closes; -1 when it does not."""
    depth = 1
    while True:
        close = text.find(_CLOSE, place)
        if close < 0:
            return -1
        opened = text.find(_OPEN, place, close)
        if opened >= 0:
            depth += 1
            place = opened + len(_OPEN)
            continue
        depth -= 1
        if depth == 0:
            return close
        place = close + len(_CLOSE)


def found_in(value: Any) -> Iterator[str]:
    """All tags of a JSON value, in the order of the text; of nested ones only the innermost."""
    if isinstance(value, str):
        if _OPEN in value:
            seen: list[str] = []
            fill_text(value, lambda tag: seen.append(tag))
            yield from (tag for tag in seen if _OPEN not in tag)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from found_in(key)
            yield from found_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from found_in(each)
