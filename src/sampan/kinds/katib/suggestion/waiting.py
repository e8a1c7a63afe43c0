"""Waiting for trials to end, where the algorithm has nothing to suggest before.

The condition `Waiting` is there meanwhile, and `trialsEnded` says how many had ended when the
algorithm was asked. When more have, or after a while in any case, it is asked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sampan.kinds.katib import conditions
from sampan.kube.conditions import get_condition, without_condition
from sampan.kube.times import parse, rfc3339

LONGEST = 10.0
"""Seconds."""
_ENDED = "trialsEnded"
_COUNTS = ("trialsSucceeded", "trialsFailed", "trialsKilled", "trialsEarlyStopped",
           "trialMetricsUnavailable")  # fmt: skip


def left(suggestion: Mapping[str, Any], experiment: Mapping[str, Any], now: datetime) -> float:
    """Seconds in which not to ask, of both statuses; 0 when it is time."""
    said = get_condition(suggestion.get("conditions"), conditions.WAITING)
    if said is None or _ended(experiment) > (suggestion.get(_ENDED) or 0):
        return 0.0
    try:
        since = parse(said["lastUpdateTime"])
    except (KeyError, ValueError):
        return 0.0
    passed = (now - since).total_seconds()
    return max(LONGEST - passed, 0.0) if passed >= 0.0 else 0.0  # else a clock was set back


def told(status: Mapping[str, Any], ended: int, now: datetime) -> dict[str, Any]:
    before = get_condition(status.get("conditions"), conditions.WAITING) or {}
    new = {
        "type": conditions.WAITING,
        "status": "True",
        "reason": "TrialsRunning",
        "message": "Nothing more is suggested before another trial has ended",
        "lastUpdateTime": rfc3339(now),
        "lastTransitionTime": before.get("lastTransitionTime") or rfc3339(now),
    }
    others = without_condition(status.get("conditions"), conditions.WAITING)
    return {**status, _ENDED: ended, "conditions": [new, *others]}


def over(status: Mapping[str, Any]) -> dict[str, Any]:
    """There was a suggestion."""
    others = without_condition(status.get("conditions"), conditions.WAITING)
    kept = {field: value for field, value in status.items() if field != _ENDED}
    return {**kept, "conditions": others}


def _ended(experiment: Mapping[str, Any]) -> int:
    return sum(int(experiment.get(each) or 0) for each in _COUNTS)
