"""A point in time with a zone: any year, to the nanosecond. Python's datetime ends at year 1."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

_FIRST, _LAST = -62135596800 + 86400 * 2, 253402300799 - 86400 * 2
"""Seconds between which zones are asked; beyond, the offset is that of the end."""
NANO = 10**9


@dataclass(frozen=True)
class Zone:
    """`offset`, seconds east of Greenwich, for a fixed zone; else `rules`."""

    name: str
    offset: int = 0
    rules: tzinfo | None = None

    def at(self, seconds: int) -> tuple[int, str]:
        """Offset and abbreviation that hold at this moment."""
        if self.rules is None:
            return self.offset, self.name
        moment = datetime.fromtimestamp(min(max(seconds, _FIRST), _LAST), self.rules)
        return int((moment.utcoffset() or timedelta()).total_seconds()), moment.tzname() or ""


GREENWICH = Zone("UTC")


def zone(name: str) -> Zone:
    """The zone of this name; "" and "UTC" are UTC, "Local" is too. ValueError: unknown."""
    if name in ("", "UTC", "Local"):
        return GREENWICH
    try:
        return Zone(name, rules=ZoneInfo(name))
    except (OSError, ValueError, LookupError):  # also: hostile and half names
        raise ValueError(f"unknown time zone {name}") from None


class Civil(NamedTuple):
    """What calendar and clock show."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int


@dataclass(frozen=True, order=False)
class Moment:
    """`seconds` since 1970 in UTC and `nanos` beyond."""

    seconds: int
    nanos: int = 0
    zone: Zone = GREENWICH

    @property
    def instant(self) -> int:
        """Nanoseconds since 1970."""
        return self.seconds * NANO + self.nanos

    @cached_property
    def offset(self) -> int:
        return self.zone.at(self.seconds)[0]

    @property
    def abbreviation(self) -> str:
        return self.zone.at(self.seconds)[1]

    @cached_property
    def civil(self) -> Civil:
        days, rest = divmod(self.seconds + self.offset, 86400)
        return Civil(*_date(days), rest // 3600, rest // 60 % 60, rest % 60)

    @property
    def weekday(self) -> int:
        """0 is Sunday."""
        return ((self.seconds + self.offset) // 86400 + 4) % 7

    @property
    def year_day(self) -> int:
        year, month, day = self.civil[:3]
        return days_of(year, month, day) - days_of(year, 1, 1) + 1

    def shifted(self, nanoseconds: int) -> Moment:
        seconds, nanos = divmod(self.instant + nanoseconds, NANO)
        return Moment(seconds, nanos, self.zone)

    def within(self, zone: Zone) -> Moment:
        """The same instant as clocks in the zone show it."""
        return Moment(self.seconds, self.nanos, zone)


def of_civil(civil: Civil, nanos: int, zone: Zone) -> Moment:
    """The moment when clocks in the zone show this, by the rule of Go's time.Date: in an hour that
    the zone skips or repeats, an offset of one of the two sides holds. Fields may be beyond their
    range: the 32nd of a month is in the next one."""
    years, month = divmod(civil.month - 1, 12)
    days = days_of(civil.year + years, month + 1, 1) + civil.day - 1
    wall = days * 86400 + civil.hour * 3600 + civil.minute * 60 + civil.second
    offset = zone.at(wall)[0]
    if offset:
        offset = zone.at(wall - offset)[0]
    return Moment(wall - offset, nanos, zone)


def of_datetime(moment: datetime) -> Moment:
    """An aware datetime, in UTC."""
    span = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return Moment(span.days * 86400 + span.seconds, span.microseconds * 1000)


def days_of(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the Gregorian calendar, extended both ways."""
    shifted = year - (month <= 2)
    era, in_era = divmod(shifted, 400)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146097 + in_era * 365 + in_era // 4 - in_era // 100 + day_of_year - 719468


def _date(days: int) -> tuple[int, int, int]:
    era, day = divmod(days + 719468, 146097)
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    rest = day - (365 * year + year // 4 - year // 100)
    month = (5 * rest + 2) // 153
    date = rest - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    return year + era * 400 + (month <= 2), month, date


def days_in(year: int, month: int) -> int:
    return days_of(year + month // 12, month % 12 + 1, 1) - days_of(year, month, 1)
