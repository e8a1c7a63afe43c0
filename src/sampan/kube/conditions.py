"""Conditions: the list under `status.conditions`, one entry per type.

`lastTransitionTime` moves only when `status` changes; the order of the list is kept, so that a
status which says the same is the same JSON. Upstream: k8s.io/apimachinery pkg/api/meta/conditions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sampan.kube.times import rfc3339

Condition = dict[str, Any]


def get_condition(conditions: Iterable[Condition] | None, type: str) -> Condition | None:
    return next((each for each in conditions or () if each.get("type") == type), None)


def is_true(conditions: Iterable[Condition] | None, type: str) -> bool:
    """Whether the condition is there with status "True"."""
    found = get_condition(conditions, type)
    return found is not None and found.get("status") == "True"


def set_condition(
    conditions: Sequence[Condition] | None,
    new: Condition,
    now: datetime,
) -> list[Condition]:
    """The list with `new` (type, status, reason, message…) in the place of its type's entry.

    The transition time is the old one while the status stays, `now` when it changes; one given in
    `new` wins. Fields that `new` does not name are not carried over.
    """
    old = get_condition(conditions, new["type"])
    since = (old or {}).get("lastTransitionTime") if _same_status(old, new) else None
    entry = {"lastTransitionTime": since or rfc3339(now), **new}
    if old is None:
        return [*(conditions or ()), entry]
    return [entry if each is old else each for each in conditions or ()]


def without_condition(conditions: Sequence[Condition] | None, type: str) -> list[Condition]:
    return [each for each in conditions or () if each.get("type") != type]


def _same_status(old: Condition | None, new: Condition) -> bool:
    return old is not None and old.get("status") == new.get("status")
