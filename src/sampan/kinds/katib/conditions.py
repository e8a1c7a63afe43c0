"""Conditions of Katib's kinds: the one that was set last stands last, for clients show that one.

A condition with the status and reason that it has already stays where it is, whatever its message.
Upstream: pkg/apis/controller/{experiments,trials,suggestions}/v1beta1/util.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sampan.kube.conditions import Condition, get_condition, without_condition
from sampan.kube.times import rfc3339

CREATED, RUNNING, RESTARTING = "Created", "Running", "Restarting"
SUCCEEDED, FAILED, KILLED = "Succeeded", "Failed", "Killed"
EARLY_STOPPED, METRICS_UNAVAILABLE = "EarlyStopped", "MetricsUnavailable"
DEPLOYMENT_READY = "DeploymentReady"
SUSPENDED = "Suspended"
"""Of an Experiment: no more trials begin until its owner wants. Not upstream's."""
EXHAUSTED = "Exhausted"
"""Of a Suggestion: nothing is left to try. Not upstream's."""
WAITING = "Waiting"
"""Of a Suggestion: nothing more before another trial has ended; not there otherwise. Not
upstream's."""
ANSWERED = "Answered"
"""False while who is asked cannot answer; not there otherwise. Not upstream's."""


def marked(
    conditions: Sequence[Condition] | None,
    type: str,
    reason: str,
    message: str,
    now: datetime,
    *,
    status: str = "True",
) -> list[Condition]:
    old = get_condition(conditions, type)
    if old is not None and (old.get("status"), old.get("reason")) == (status, reason):
        return list(conditions or ())
    since = old["lastTransitionTime"] if old and old.get("status") == status else rfc3339(now)
    new = {
        "type": type,
        "status": status,
        "reason": reason,
        "message": message,
        "lastUpdateTime": rfc3339(now),
        "lastTransitionTime": since,
    }
    return [*without_condition(conditions, type), new]


def worded(
    conditions: Sequence[Condition], type: str, message: str, now: datetime
) -> list[Condition]:
    """The same with another message, in its place."""
    return [
        {**each, "message": message, "lastUpdateTime": rfc3339(now)}
        if each["type"] == type and each.get("message") != message
        else each
        for each in conditions
    ]


def ended(
    conditions: Sequence[Condition] | None, type: str, reason: str, message: str, now: datetime
) -> list[Condition]:
    """The same for a condition that ends something: it runs no more."""
    running = get_condition(conditions, RUNNING)
    if running is not None:
        conditions = marked(
            conditions, RUNNING, running.get("reason") or "", running.get("message") or "", now,
            status="False",
        )  # fmt: skip
    return marked(conditions, type, reason, message, now)
