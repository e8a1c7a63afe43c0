"""Loops: `withItems`, `withParam` and `withSequence` make many nodes of one step or task.

A member is named after its place and its value, `name(2:pear)`. Its tags `{{item}}` and
`{{item.key}}` stand for the value: texts as they are, all else as JSON. Upstream: argo-workflows
workflow/controller/operator.go processItem, expandSequence; pkg/apis Item.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from sampan.kinds.workflows.language import arguments
from sampan.lib.printf import sprintf

MOST = 100_000
"""Members of a loop. Upstream has no limit but that of an object's size."""
FIELDS = ("withItems", "withParam", "withSequence")


class Mistake(ValueError):
    """What the loop goes over is no list of items."""


class Item(Struct, frozen=True):
    """One turn of a loop. `suffix` is what its node's name adds; `scope` what `item` tags mean."""

    suffix: str
    scope: Mapping[str, str]


class _Digits(str):
    """A number as it was written."""

    __slots__ = ()


def is_loop(child: Mapping[str, Any]) -> bool:
    return bool(child.get("withItems") or child.get("withParam") or child.get("withSequence"))


def items(child: Mapping[str, Any]) -> Sequence[Item]:
    """The turns of a step or task whose tags are filled. Raises Mistake."""
    if child.get("withItems"):
        return _all(child["withItems"])
    if child.get("withParam"):
        return _parsed(child["withParam"])
    sequence = {key: arguments.text(value) for key, value in child["withSequence"].items()}
    return _counted(
        sequence.get("start"), sequence.get("end"), sequence.get("count"), sequence.get("format")
    )


def _all(values: Iterable[Any]) -> Sequence[Item]:
    found = tuple(_item(place, value) for place, value in enumerate(values))
    if len(found) > MOST:
        raise Mistake(_too_many(len(found)))
    return found


@lru_cache(maxsize=64)
def _parsed(text: str) -> Sequence[Item]:
    try:
        values = json.loads(text, parse_float=_Digits)
        if not isinstance(values, list):
            raise Mistake(_no_list(text, "not a list"))
    except ValueError as fault:
        raise Mistake(_no_list(text, str(fault))) from fault
    return _all(values)


def _no_list(text: str, why: str) -> str:
    if len(text) > 1000:
        text = text[:1000] + "…"
    return f"withParam value could not be parsed as a JSON list: {text.strip()}: {why}"


@lru_cache(maxsize=64)
def _counted(
    start: str | None, end: str | None, count: str | None, format: str | None
) -> Sequence[Item]:
    first = _integer(start or "0")
    if end is not None:
        last = _integer(end)
    elif count is None:
        raise Mistake("neither end nor count was specified in withSequence")
    elif (number := _integer(count)) == 0:
        return ()
    else:
        last = first + number - 1
    if abs(last - first) >= MOST:
        raise Mistake(_too_many(abs(last - first) + 1))
    step = 1 if first <= last else -1
    numbers = range(first, last + step, step)
    return _all(sprintf(format or "%d", number) for number in numbers)


def _integer(text: str) -> int:
    try:
        return int(text, 10)
    except ValueError:
        raise Mistake(f'strconv.Atoi: parsing "{text}": invalid syntax') from None


def _too_many(number: int) -> str:
    return f"a loop over {number} items is too long: at most {MOST} are possible"


def _item(place: int, value: Any) -> Item:
    shown = _shown(value)
    if isinstance(value, dict):
        scope = {f"item.{key}": _text(each) for key, each in value.items()}
        scope["item"] = _json(value)
        shown = ",".join(sorted(f"{key}:{_shown(each)}" for key, each in value.items()))
    elif isinstance(value, list):
        scope = {"item": _json(value)}
        shown = f"[{' '.join(map(_shown, value))}]"
    else:
        scope = {"item": _text(value)}
    return Item(f"({place}:{shown.replace('(', '').replace(')', '')})", scope)


def _text(value: Any) -> str:
    return _json(value) if isinstance(value, dict | list) else arguments.text(value)


def _shown(value: Any) -> str:
    """A value within a name: on one line."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)[1:-1]
    return _text(value)


def _json(value: Any) -> str:
    def plain(each: Any) -> Any:
        if isinstance(each, _Digits):
            return json.loads(each)
        if isinstance(each, dict):
            return {key: plain(each[key]) for key in sorted(each)}
        return [plain(one) for one in each] if isinstance(each, list) else each

    return json.dumps(plain(value), separators=(",", ":"), ensure_ascii=False)
