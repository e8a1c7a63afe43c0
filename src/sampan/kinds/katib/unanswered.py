"""Waiting for who cannot answer: told in a condition, and asked again after a while.

The condition `Answered` is False since the first failure (`lastTransitionTime`), and bears the time
of the last one (`lastUpdateTime`). Between two questions lies as much time as the trouble lasted
before, within bounds; so nothing has to be counted, and a restart asks at the right moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sampan.kinds.katib.conditions import ANSWERED
from sampan.kube.conditions import Condition, get_condition, without_condition
from sampan.kube.plan import Unanswered
from sampan.kube.times import parse, rfc3339

SHORTEST, LONGEST = 2.0, 60.0
"""Seconds between two questions."""
_REASON = "Unanswered"


def left(status: Mapping[str, Any], now: datetime) -> float:
    """Seconds in which not to ask; 0 when it is time. For `see`: who does not ask is answered
    anew the next time."""
    said = get_condition(status.get("conditions"), ANSWERED)
    if said is None:
        return 0.0
    try:
        first, last = parse(said["lastTransitionTime"]), parse(said["lastUpdateTime"])
    except (KeyError, ValueError):
        return 0.0
    pause, passed = (last - first).total_seconds(), (now - last).total_seconds()
    if passed < 0.0:  # a clock was set back
        return 0.0
    return max(min(max(pause, SHORTEST), LONGEST) - passed, 0.0)


def told(
    conditions: Sequence[Condition] | None, answer: Unanswered, now: datetime
) -> list[Condition]:
    before = get_condition(conditions, ANSWERED)
    new = {
        "type": ANSWERED,
        "status": "False",
        "reason": _REASON,
        "message": answer.message,
        "lastUpdateTime": rfc3339(now),
        "lastTransitionTime": (before or {}).get("lastTransitionTime") or rfc3339(now),
    }
    return [*without_condition(conditions, ANSWERED), new]


def over(conditions: Sequence[Condition] | None) -> list[Condition]:
    """There was an answer."""
    return without_condition(conditions, ANSWERED)
