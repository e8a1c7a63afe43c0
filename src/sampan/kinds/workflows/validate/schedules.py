"""The schedules of a CronWorkflow and their time zone.

Upstream: argo-workflows workflow/validate/validate.go CronWorkflow, robfig/cron.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sampan.kinds.workflows.validate.named import Wrong
from sampan.lib import cron
from sampan.lib.cron import Schedule

MOST = 100
"""Schedules of one CronWorkflow, for each costs time whenever it is looked at."""
_POLICIES = ("", "Allow", "Forbid", "Replace")


def read(schedules: Sequence[str], timezone: str) -> list[Schedule]:
    """The schedules, to be asked when they are due. Raises Wrong."""
    if not schedules:
        raise Wrong("cron workflow must have at least one schedule")
    if len(schedules) > MOST:
        raise Wrong(f"cron workflow must have at most {MOST} schedules")
    for schedule in schedules:
        try:
            cron.parse(schedule)
        except ValueError as wrong:
            raise Wrong(f"cron schedule {schedule} is malformed: {wrong}") from wrong
    try:
        zone = cron.zone(timezone or "UTC")
    except ValueError as wrong:
        raise Wrong(f'invalid timezone "{timezone}": {wrong}') from wrong
    return [cron.parse(schedule, zone) for schedule in schedules]


def check(spec: Mapping[str, Any]) -> None:
    """When a CronWorkflow begins workflows, and how many at once. Raises Wrong."""
    read(spec.get("schedules") or (), spec.get("timezone") or "")
    policy = spec.get("concurrencyPolicy") or ""
    if policy not in _POLICIES:
        raise Wrong(f"'{policy}' is not a valid concurrencyPolicy")
    if (spec.get("startingDeadlineSeconds") or 0) < 0:
        raise Wrong("startingDeadlineSeconds must be positive")
