"""Cron schedules: when the next activation is, and which one was the latest.

Five fields (minute, hour, day of month, month, day of week) with names, ranges, lists, steps, `*`
and `?`; the words `@hourly`, `@daily`, …; `@every 1h30m`; before any of them `CRON_TZ=`. Days are
searched first, then the hours of a day, in both directions, so that no gap has to be walked
through. Activations are moments: an hour that a zone skips has none, an hour that it repeats has
them twice. Years are not part of the language; seconds are of an older dialect of it.
As github.com/robfig/cron v3 reads schedules, and v1 those with seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from sampan.lib.gotime import durations

HORIZON_DAYS = 5 * 366
"""A schedule that has no activation in five years has none: 30 February."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_SLACK = timedelta(hours=4)
"""More than an hour and what a zone moves its clocks by."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


class Schedule(Protocol):
    def following(self, moment: datetime) -> datetime | None:
        """The first activation after `moment`; None when there is none."""
        ...

    def latest(self, since: datetime, until: datetime) -> datetime | None:
        """The last activation after `since` and not after `until`."""
        ...


class Interval(NamedTuple):
    """`@every`: at a fixed distance from the activation before."""

    delay: timedelta

    def following(self, moment: datetime) -> datetime | None:
        return moment.replace(microsecond=0) + self.delay

    def latest(self, since: datetime, until: datetime) -> datetime | None:
        start = since.replace(microsecond=0)
        rounds = (until - start) // self.delay
        return start + rounds * self.delay if rounds > 0 else None


class Calendar(NamedTuple):
    """The fields, as ordered numbers. `any_date` and `any_day`: that field is `*`."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    dates: frozenset[int]
    months: frozenset[int]
    days: frozenset[int]
    any_date: bool
    any_day: bool
    zone: tzinfo

    def following(self, moment: datetime) -> datetime | None:
        start = moment.astimezone(self.zone).date()
        for day in _dates(start, 1):
            if self._means(day):
                for found in self._moments(day, moment, _NEVER):
                    return found
        return None

    def latest(self, since: datetime, until: datetime) -> datetime | None:
        start = since.astimezone(self.zone).date()
        for day in _dates(until.astimezone(self.zone).date(), -1):
            if day < start:
                return None
            if self._means(day):
                for found in self._moments(day, since, until, way=-1):
                    return found
        return None

    def _means(self, day: date) -> bool:
        """Both fields of days hold; when both are restricted, one of them is enough."""
        if day.month not in self.months:
            return False
        by_date, by_day = day.day in self.dates, day.isoweekday() % 7 in self.days
        if self.any_date or self.any_day:
            return by_date and by_day
        return by_date or by_day

    def _moments(
        self, day: date, since: datetime, until: datetime, *, way: int = 1
    ) -> Iterator[datetime]:
        """The activations of one day of the zone's calendar after `since` and not after `until`,
        in UTC, in order; way -1: in the opposite one. Seconds of a minute are all in one offset."""
        for hour in self.hours[::way]:
            folds = (0, 1) if self._repeats(day, hour) else (0,)
            if not self._touches(day, hour, since, until):
                continue
            for fold in folds[::way]:
                for minute in self.minutes[::way]:
                    local = datetime.combine(day, time(hour, minute, fold=fold), self.zone)
                    start = local.astimezone(UTC)
                    if start > until or start + _MINUTE <= since:
                        continue
                    if _wall(start.astimezone(self.zone)) == _wall(local):
                        for second in self.seconds[::way]:
                            if since < (found := start + timedelta(seconds=second)) <= until:
                                yield found

    def _touches(self, day: date, hour: int, since: datetime, until: datetime) -> bool:
        """Whether some of the hour may lie between the two, however the zone moves in it."""
        begin = datetime.combine(day, time(hour), self.zone).astimezone(UTC)
        return begin - _SLACK <= until and begin + _SLACK > since

    def _repeats(self, day: date, hour: int) -> bool:
        """Whether some of the hour comes twice on this day."""
        return any(
            datetime.combine(day, time(hour, minute, fold=0), self.zone).utcoffset()
            != datetime.combine(day, time(hour, minute, fold=1), self.zone).utcoffset()
            for minute in (0, 30, 59)
        )


LONGEST = 1000
"""Characters of a schedule of the older dialect, which is read at each look."""


def parse_with_seconds(text: str, where: tzinfo = UTC) -> Schedule:
    """The same in the older dialect, which has seconds before the minutes, may lack the day of the
    week, names no zone, and takes a `*` with steps for any day. ValueError says what is wrong."""
    if len(text) > LONGEST:
        raise ValueError(f"more than {LONGEST} characters")
    text = text.strip()
    if not text:
        raise ValueError("Empty spec string")
    if text.startswith("@"):
        return parse(text, where)
    fields = text.split()
    if len(fields) not in (5, 6):
        raise ValueError(f"Expected 5 to 6 fields, found {len(fields)}: {text}")
    days, date = (fields[5] if len(fields) == 6 else "*"), fields[3]
    minutes = _calendar([*fields[1:5], days], where)
    return minutes._replace(
        seconds=tuple(sorted(_field(fields[0], 0, 59))),
        any_date=any(part[0] in "*?" for part in date.split(",") if part),
        any_day=any(part[0] in "*?" for part in days.split(",") if part),
    )


def parse(text: str, where: tzinfo = UTC) -> Schedule:
    """The schedule that `text` means in the zone `where`, unless it names one itself:
    `CRON_TZ=Asia/Tokyo 0 6 * * *`. ValueError says what is wrong with it."""
    text = text.strip()
    if (named := re.match(r"(?:CRON_)?TZ=(\S*)\s*", text)) is not None:
        try:
            where, text = zone(named[1]), text[named.end() :]
        except ValueError as unknown:
            raise ValueError(f"provided bad location {named[1]}: {unknown}") from unknown
    if not text:
        raise ValueError("empty spec string")
    if text.startswith("@every "):
        return Interval(_duration(text.removeprefix("@every ")))
    if text.startswith("@") and text not in _WORDS:
        raise ValueError(f"unrecognized descriptor: {text}")
    fields = _WORDS.get(text, text).split()
    if len(fields) != 5:
        raise ValueError(f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]")
    return _calendar(fields, where)


def _calendar(fields: list[str], where: tzinfo) -> Calendar:
    minute, hour, dates, month, days = fields
    return Calendar(
        seconds=(0,),
        minutes=tuple(sorted(_field(minute, 0, 59))),
        hours=tuple(sorted(_field(hour, 0, 23))),
        dates=frozenset(_field(dates, 1, 31)),
        months=frozenset(_field(month, 1, 12, _MONTHS)),
        days=frozenset(_field(days, 0, 6, _DAYS)),
        any_date=_is_any(dates),
        any_day=_is_any(days),
        zone=where,
    )


def zone(name: str) -> tzinfo:
    """The time zone of this name in the machine's database. ValueError for one it has not."""
    if name in ("UTC", "Etc/UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError) as unknown:  # also: hostile and half names
        raise ValueError(f"unknown time zone {name}") from unknown


def _wall(local: datetime) -> tuple[datetime, int]:
    """What a clock shows. A time that the zone skips is another one when it comes back."""
    return local.replace(tzinfo=None), local.fold


def _dates(start: date, step: int) -> Iterator[date]:
    for number in range(HORIZON_DAYS):
        try:
            yield start + timedelta(days=step * number)
        except OverflowError:
            return


def _is_any(field: str) -> bool:
    """Whether one part of the field is everything, without a step."""
    return any(part in ("*", "?", "*/1", "?/1") for part in field.split(","))


def _field(field: str, low: int, high: int, names: tuple[str, ...] = ()) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        if part:
            found.update(_part(part, low, high, names))
    return found


def _part(part: str, low: int, high: int, names: tuple[str, ...]) -> range:
    """`*`, `3`, `3-9`, each with an optional `/step`; `3/2` goes on to the end."""
    span, slash, pace = part.partition("/")
    first, dash, last = span.partition("-")
    if "/" in pace:
        raise ValueError(f"too many slashes: {part}")
    if "-" in last:
        raise ValueError(f"too many hyphens: {part}")
    if span in ("*", "?"):
        start, end = low, high
    else:
        start = _number(first, low, names)
        end = _number(last, low, names) if dash else (high if slash else start)
    step = _number(pace, 0, ()) if slash else 1
    if start < low:
        raise ValueError(f"beginning of range ({start}) below minimum ({low}): {part}")
    if end > high:
        raise ValueError(f"end of range ({end}) above maximum ({high}): {part}")
    if start > end:
        raise ValueError(f"beginning of range ({start}) beyond end of range ({end}): {part}")
    if step == 0:
        raise ValueError(f"step of range should be a positive number: {part}")
    return range(start, end + 1, step)


def _number(text: str, low: int, names: tuple[str, ...]) -> int:
    if text.lower() in names:
        return names.index(text.lower()) + low
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise ValueError(f"failed to parse int from {text}")
    return int(text)


def _duration(text: str) -> timedelta:
    """Go's `1h30m`; less than a second counts as one."""
    try:
        return timedelta(seconds=max(1, durations.parse(text) // 10**9))
    except ValueError as wrong:
        raise ValueError(f"failed to parse duration @every {text}: {wrong}") from wrong
