"""The built-in functions with a predicate: `filter(list, # > 2)` and its like.

Each takes the frame, the list, the predicate, and what may stand behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sampan.lib.expr.faults import Fault
from sampan.lib.expr.frame import Frame, Run, true
from sampan.lib.expr.operators import add
from sampan.lib.expr.sorting import ordered
from sampan.lib.expr.values import type_of

Items = Sequence[Any]


def _turns(
    frame: Frame, items: Items, predicate: Run | None, *, backwards: bool = False
) -> Iterator[tuple[int, Any, Any]]:
    """(index, item, what the predicate says of it), one after the other."""
    size = len(items)
    for index in range(size - 1, -1, -1) if backwards else range(size):
        frame.spend(1)
        frame.item = item = items[index]
        frame.index = index
        yield index, item, item if predicate is None else predicate(frame)


def _all(frame: Frame, items: Items, predicate: Run) -> bool:
    return all(true(found) for _, _, found in _turns(frame, items, predicate))


def _any(frame: Frame, items: Items, predicate: Run) -> bool:
    return any(true(found) for _, _, found in _turns(frame, items, predicate))


def _none(frame: Frame, items: Items, predicate: Run) -> bool:
    return not _any(frame, items, predicate)


def _count(frame: Frame, items: Items, predicate: Run | None) -> int:
    return sum(true(found) for _, _, found in _turns(frame, items, predicate))


def _one(frame: Frame, items: Items, predicate: Run) -> bool:
    return _count(frame, items, predicate) == 1


def _filter(frame: Frame, items: Items, predicate: Run) -> list[Any]:
    return [item for _, item, found in _turns(frame, items, predicate) if true(found)]


def _map(frame: Frame, items: Items, predicate: Run) -> list[Any]:
    return [found for _, _, found in _turns(frame, items, predicate)]


def _sum(frame: Frame, items: Items, predicate: Run | None) -> Any:
    total: Any = 0
    for _, _, found in _turns(frame, items, predicate):
        total = add(found, total)
    return total


def _finder(what: int, *, backwards: bool = False) -> Callable[[Frame, Items, Run], Any]:
    """The index (0) or the item (1) of the first turn that is true; nil when there is none."""

    def find(frame: Frame, items: Items, predicate: Run) -> Any:
        for turn in _turns(frame, items, predicate, backwards=backwards):
            if true(turn[2]):
                return turn[what]
        return None

    return find


def _group(frame: Frame, items: Items, predicate: Run) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = {}
    for _, item, key in _turns(frame, items, predicate):
        try:
            found.setdefault(key, []).append(item)
        except TypeError:
            raise Fault(
                f"cannot use {type_of(key)} as a key for groupBy: type is not comparable"
            ) from None
    return found


def _sort(frame: Frame, items: Items, predicate: Run, order: Any = "asc") -> list[Any]:
    keys = [found for _, _, found in _turns(frame, items, predicate)]
    return ordered(list(items), keys, order)


def _reduce(frame: Frame, items: Items, predicate: Run, *start: Any) -> Any:
    if not start and not items:
        raise Fault("reduce of empty array with no initial value")
    total = start[0] if start else items[0]
    for index in range(0 if start else 1, len(items)):
        frame.spend(1)
        frame.item, frame.index, frame.accumulated = items[index], index, total
        total = predicate(frame)
    return total


LOOPS: dict[str, Callable[..., Any]] = {
    "all": _all,
    "none": _none,
    "any": _any,
    "one": _one,
    "filter": _filter,
    "map": _map,
    "count": _count,
    "sum": _sum,
    "find": _finder(1),
    "findIndex": _finder(0),
    "findLast": _finder(1, backwards=True),
    "findLastIndex": _finder(0, backwards=True),
    "groupBy": _group,
    "sortBy": _sort,
    "reduce": _reduce,
}
