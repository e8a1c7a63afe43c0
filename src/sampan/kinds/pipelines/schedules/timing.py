"""When the next run of a schedule is.

It is counted from the last run, else from the start, else from the creation. One by one, what was
missed comes before what is due now; without catching up, only the latest of it does: by a cron
schedule at its own time, by an interval now. Nothing here walks from one time to the next.
Upstream: backend/src/crd/controller/scheduledworkflow/util/{cron,periodic}_schedule.go and
scheduled_workflow.go; a cron schedule that never comes runs each second there, and never here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

from msgspec import Struct

from sampan.kinds.pipelines.schedules.types import CronSchedule, PeriodicSchedule, Spec
from sampan.kube.times import parse
from sampan.lib import cron

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""A time beyond is one of these: zones and intervals can be added within the calendar."""


class Moments(Struct, frozen=True):
    """created: of the schedule. last: its last run. now: None asks for what comes next even if
    later ones are past, too."""

    created: datetime
    last: datetime | None
    now: datetime | None


def timetable(spec: Spec, zone: tzinfo) -> Callable[[Moments], datetime | None]:
    """The time of the next run; None is never. ValueError says what is wrong with the schedule."""
    catchup = not spec.noCatchup
    if spec.trigger and (periodic := spec.trigger.periodicSchedule):
        start, end = _span(periodic, "periodicSchedule")
        seconds = periodic.intervalSecond or 1
        return _Periodic(start, end, _interval(seconds), catchup)
    if spec.trigger and (crontab := spec.trigger.cronSchedule):
        start, end = _span(crontab, "cronSchedule")
        try:
            schedule = cron.parse_with_seconds(crontab.cron or "", zone)
        except ValueError as wrong:
            raise ValueError(f"spec.trigger.cronSchedule.cron: {wrong}") from wrong
        return _Crontab(start, end, schedule, catchup)
    return lambda moments: moments.created if moments.last is None else None


class _Crontab(Struct, frozen=True):
    start: datetime | None
    end: datetime
    schedule: cron.Schedule
    catchup: bool

    def __call__(self, moments: Moments) -> datetime | None:
        base = _base(moments, self.start)
        if self.start is not None and self.start > base:
            base = self.start
        found = self.schedule.following(base)
        if found is None or found > self.end:
            return None
        if self.catchup or moments.now is None:
            return found
        return self.schedule.latest(found, min(moments.now, self.end)) or found


class _Periodic(Struct, frozen=True):
    start: datetime | None
    end: datetime
    interval: timedelta
    catchup: bool

    def __call__(self, moments: Moments) -> datetime | None:
        base = _base(moments, self.start)
        if self.start is not None and self.start > base:
            return self.start
        found = base + self.interval
        if found > self.end:
            return None
        if self.catchup or moments.now is None or moments.now < found + self.interval:
            return found
        return min(moments.now, self.end)


def _base(moments: Moments, start: datetime | None) -> datetime:
    return _clamped(moments.last or start or moments.created)


def _span(schedule: CronSchedule | PeriodicSchedule, name: str) -> tuple[datetime | None, datetime]:
    start = moment(schedule.startTime, f"spec.trigger.{name}.startTime")
    end = moment(schedule.endTime, f"spec.trigger.{name}.endTime")
    return start, _LATEST if end is None else end


def moment(text: str | None, field: str) -> datetime | None:
    """A time of whole seconds. ValueError names the field."""
    if not text:
        return None
    try:
        return _clamped(parse(text).replace(microsecond=0))
    except (ValueError, OverflowError) as wrong:
        raise ValueError(f"{field}: {wrong}") from wrong


def _clamped(found: datetime) -> datetime:
    return min(max(found, _EARLIEST), _LATEST)


def _interval(seconds: int) -> timedelta:
    """One second at least; at most what takes any time beyond the end of time."""
    return timedelta(seconds=min(max(seconds, 1), 4 * 10**9))
