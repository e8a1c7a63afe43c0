"""Selection: which items a list of the pipelines API means, in which order, and which page of them.

The product's REST reads the query into one (`services/pipelines/listing`), whatever it lists. Here
is what a selection means in Python, for what is listed from resources; `listing` says the same in
SQL, and its tests compare the two. An item is a mapping from keys to text or numbers; a time is
whole seconds since 1970, 0 for none, as upstream holds it.
Upstream: backend/src/apiserver/{list/list.go,filter/filter.go}.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

Operation = Literal[
    "EQUALS",
    "NOT_EQUALS",
    "GREATER_THAN",
    "GREATER_THAN_EQUALS",
    "LESS_THAN",
    "LESS_THAN_EQUALS",
    "IN",
    "IS_SUBSTRING",
]
Scalar = str | int | float
METRIC = "metric:"
"""Prefix of a key to sort by: the value of a run's metric. Runs without it come last."""

RUN_KEYS: Mapping[str, str] = {
    **{
        key: key
        for key in (
            "run_id", "display_name", "created_at", "finished_at", "scheduled_at", "description",
            "storage_state", "state", "experiment_id", "recurring_run_id", "namespace", "status",
        )
    },
    "id": "run_id",
    "name": "display_name",
}  # fmt: skip
"""What runs can be filtered and sorted by -> the item's key. `status` is v1beta1's, as
"Succeeded"."""


class Predicate(Struct, frozen=True):
    """`value` is a tuple for IN alone. A key that the item lacks has the value "". Values are
    compared as what the item holds: a text that is no number equals no time, and is not in order
    with any."""

    key: str
    operation: Operation
    value: Scalar | tuple[Scalar, ...]

    def matches(self, item: Mapping[str, Any]) -> bool:
        found = item.get(self.key, "")
        if self.operation == "IS_SUBSTRING":
            return str(self.value).lower() in str(found).lower()
        values = self.values(numeric=not isinstance(found, str))
        if self.operation in ("EQUALS", "IN"):
            return found in values
        if self.operation == "NOT_EQUALS":
            return found not in values
        return bool(values) and bool(ORDER[self.operation](found, values[0]))

    def values(self, *, numeric: bool) -> tuple[Scalar, ...]:
        """The values that a number (or a text) can be compared with."""
        given = self.value if isinstance(self.value, tuple) else (self.value,)
        found = (_number(each) if numeric else _text(each) for each in given)
        return tuple(each for each in found if each is not None)


class After(Struct, frozen=True):
    """Where the page before ended: the last item's sort value and its number (or id). `value` is
    None for a run that lacks the metric."""

    value: Scalar | None
    tie: str | int


class Selection(Struct, frozen=True, kw_only=True):
    """namespace, experiment_id: "" is any. sort_by: a key of the item, or `metric:<name>` of runs.
    page_size: 0 is everything. after: as the page before told."""

    namespace: str = ""
    experiment_id: str = ""
    predicates: tuple[Predicate, ...] = ()
    sort_by: str = "created_at"
    descending: bool = False
    page_size: int = 20
    after: After | None = None

    def matches(self, item: Mapping[str, Any]) -> bool:
        """Whether an item is meant, on whatever page."""
        return (
            (not self.namespace or item.get("namespace") == self.namespace)
            and (not self.experiment_id or item.get("experiment_id") == self.experiment_id)
            and all(each.matches(item) for each in self.predicates)
        )


class Page(Struct, frozen=True):
    """total: of all pages. after: None at the end."""

    items: Sequence[Any]
    total: int
    after: After | None = None


def page(items: Sequence[Mapping[str, Any]], wanted: Selection, *, tie: str) -> Page:
    """The page of these items that a selection means. `tie` is the key that tells items apart."""

    def position(value: Scalar | None, last: Any) -> tuple[bool, Any, Any]:
        missing = value is None
        return (missing != wanted.descending, 0 if missing else value, last)

    def place(item: Mapping[str, Any]) -> tuple[bool, Any, Any]:
        return position(_sorted_by(item, wanted), item[tie])

    meant = [each for each in items if wanted.matches(each)]
    rest = sorted(meant, key=place, reverse=wanted.descending)
    if (after := wanted.after) is not None:
        end = position(after.value, after.tie)
        rest = [e for e in rest if (place(e) < end if wanted.descending else place(e) > end)]
    shown = rest[: wanted.page_size or None]
    more = len(shown) < len(rest)
    last = After(_sorted_by(shown[-1], wanted), shown[-1][tie]) if more else None
    return Page(shown, len(meant), last)


def _sorted_by(item: Mapping[str, Any], wanted: Selection) -> Scalar | None:
    found: Scalar | None = item.get(wanted.sort_by)
    return "" if found is None and not wanted.sort_by.startswith(METRIC) else found


def _number(value: Scalar) -> int | float | None:
    """Clipped to what each database holds."""
    if isinstance(value, str):
        text = value.strip().removeprefix("-")
        if not (text.isascii() and text.isdecimal() and len(text) < _DIGITS):
            return None
        value = int(value)
    return max(-MOST, min(value, MOST))


def _text(value: Scalar) -> str:
    return str(value)


MOST = (1 << 63) - 1
"""The greatest number that each database holds."""
_DIGITS = 20
ORDER: Mapping[str, Callable[[Any, Any], Any]] = {
    "GREATER_THAN": operator.gt,
    "GREATER_THAN_EQUALS": operator.ge,
    "LESS_THAN": operator.lt,
    "LESS_THAN_EQUALS": operator.le,
}
