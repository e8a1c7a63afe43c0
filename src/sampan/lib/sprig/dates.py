"""Functions on dates. "Local" is UTC here, as in upstream's container."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sampan.lib.expr.times import Time
from sampan.lib.gotime import durations, layouts, moments
from sampan.lib.gotime.moments import Moment, of_datetime
from sampan.lib.sprig import casts
from sampan.lib.sprig.faults import Mistake

_ZERO = Time(Moment(moments.days_of(1, 1, 1) * 86400))
_UNITS = (("y", 365 * 24), ("mo", 30 * 24), ("d", 24), ("h", 1))
Clock = Callable[[], datetime]


def _no_clock() -> datetime:
    raise Mistake("there is no clock here")


def _duration(seconds: Any) -> str:
    count = casts.whole(seconds) if isinstance(seconds, str | int) else 0
    return durations.shown(count * 10**9)


def _modified(text: str, date: Any) -> Time:
    return _time(date).shifted(durations.parse(text))


def _modified_or_not(text: str, date: Any) -> Time:
    try:
        return _modified(text, date)
    except ValueError:
        return _time(date)


def _read(layout: str, text: str) -> Time:
    return Time(layouts.read(text, layout))


def _read_or_zero(layout: str, text: str) -> Time:
    try:
        return _read(layout, text)
    except ValueError:
        return _ZERO


def _time(value: Any) -> Time:
    if not isinstance(value, Time):
        raise Mistake("the argument is no date")
    return value


def _short(nanoseconds: int) -> str:
    """The largest unit only: 3h."""
    size = abs(nanoseconds)
    for unit, hours in _UNITS:
        if size > hours * 3600 * 10**9:
            return f"{size // (hours * 3600 * 10**9)}{unit}"
    for unit, seconds in (("m", 60), ("s", 1)):
        if size > seconds * 10**9:
            return f"{size // (seconds * 10**9)}{unit}"
    return "0s"


class _Dates:
    """The functions that ask the clock where a date is missing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> Time:
        return Time(of_datetime(self._clock()))

    def _moment(self, value: Any) -> Moment:
        if isinstance(value, Time):
            return value.moment
        if isinstance(value, int) and not isinstance(value, bool):
            return Moment(value)
        return self.now().moment

    def written(self, layout: str, date: Any, zone: str = "") -> str:
        try:
            place = moments.zone(zone)
        except ValueError:
            place = moments.GREENWICH
        return layouts.write(self._moment(date).within(place), layout)

    def plain(self, date: Any, zone: str = "") -> str:
        return self.written("2006-01-02", date, zone)

    def ago(self, date: Any) -> str:
        past = self.now().moment.instant - self._moment(date).instant
        return durations.shown(durations.rounded(past, 10**9))

    def rounded(self, value: Any) -> str:
        if isinstance(value, Time):
            return _short(self.now().moment.instant - value.moment.instant)
        try:
            return _short(durations.parse(value) if isinstance(value, str) else casts.whole(value))
        except ValueError:
            return "0s"


def functions(clock: Clock = _no_clock) -> dict[str, tuple[str, Callable[..., Any]]]:
    """The functions; the clock is asked only where a date is missing."""
    dates = _Dates(clock)
    return {
        "now": ("", dates.now),
        "ago": ("a", dates.ago),
        "date": ("sa", dates.written),
        "dateInZone": ("sas", dates.written),
        "date_in_zone": ("sas", dates.written),
        "htmlDate": ("a", dates.plain),
        "htmlDateInZone": ("as", dates.plain),
        "dateModify": ("sa", _modified_or_not),
        "date_modify": ("sa", _modified_or_not),
        "mustDateModify": ("sa", _modified),
        "must_date_modify": ("sa", _modified),
        "duration": ("a", _duration),
        "durationRound": ("a", dates.rounded),
        "toDate": ("ss", _read_or_zero),
        "mustToDate": ("ss", _read),
        "unixEpoch": ("a", lambda date: str(_time(date).moment.seconds)),
    }
