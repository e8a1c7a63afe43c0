"""Order lists by Go's `<`, which refuses to compare what is not alike."""

from __future__ import annotations

from functools import cmp_to_key
from typing import Any

from sampan.lib.expr.faults import Fault
from sampan.lib.expr.operators import less
from sampan.lib.expr.values import type_of


def ordered(items: list[Any], keys: list[Any], order: Any = "asc") -> list[Any]:
    """The items, sorted by the keys at the same places."""
    if order.__class__ is not str:
        raise Fault(f"sort order argument must be a string (got {type_of(order)})")
    if order not in ("asc", "desc"):
        raise Fault(f"invalid order {order}, expected asc or desc")

    def compare(one: int, other: int) -> int:
        if less(keys[one], keys[other]):
            return -1
        return 1 if less(keys[other], keys[one]) else 0

    places = sorted(range(len(items)), key=cmp_to_key(compare), reverse=order == "desc")
    return [items[at] for at in places]
