"""Dates, durations and zones as values of an expression, with the methods that Go gives them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sampan.lib.expr.faults import Fault
from sampan.lib.expr.values import Opaque, is_number, type_of, whole, wrapped
from sampan.lib.gotime import durations, layouts, moments
from sampan.lib.gotime.moments import GREENWICH, Civil, Moment, Zone


class Duration(Opaque):
    """`nanoseconds`, 64 bits wide."""

    TYPE = "time.Duration"
    __slots__ = ("nanoseconds",)

    def __init__(self, nanoseconds: int) -> None:
        self.nanoseconds = wrapped(nanoseconds)

    def __str__(self) -> str:
        return durations.shown(self.nanoseconds)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duration) and other.nanoseconds == self.nanoseconds

    def __hash__(self) -> int:
        return hash(self.nanoseconds)

    def __lt__(self, other: Duration) -> bool:
        return self.nanoseconds < other.nanoseconds

    def __le__(self, other: Duration) -> bool:
        return self.nanoseconds <= other.nanoseconds

    def whole(self) -> int:
        return self.nanoseconds

    def json(self) -> str:
        return str(self.nanoseconds)

    def operate(self, sign: str, right: Any) -> Any:
        if isinstance(right, Duration) and sign in "+-*":
            left, other = self.nanoseconds, right.nanoseconds
            made = {"+": left + other, "-": left - other, "*": left * other}[sign]
            return Duration(made)
        return self.operated(sign, right)

    def operated(self, sign: str, left: Any) -> Any:
        if sign != "*" or not is_number(left):
            return None
        if left.__class__ is float:
            return self.nanoseconds * left
        return Duration(self.nanoseconds * left)

    def method(self, name: str) -> Any:
        return _bound(_DURATION_METHODS, self, name)


class Time(Opaque):
    """A moment with its zone."""

    TYPE = "time.Time"
    __slots__ = ("moment",)

    def __init__(self, moment: Moment) -> None:
        self.moment = moment

    def __str__(self) -> str:
        return layouts.write(self.moment, layouts.STRING)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Time) and other.moment.instant == self.moment.instant

    def __hash__(self) -> int:
        return hash(self.moment.instant)

    def __lt__(self, other: Time) -> bool:
        return self.moment.instant < other.moment.instant

    def __le__(self, other: Time) -> bool:
        return self.moment.instant <= other.moment.instant

    def json(self) -> str:
        return json.dumps(layouts.write(self.moment, layouts.RFC3339_NANO))

    def operate(self, sign: str, right: Any) -> Any:
        if isinstance(right, Duration) and sign in "+-":
            return self.shifted(right.nanoseconds if sign == "+" else -right.nanoseconds)
        if isinstance(right, Time) and sign == "-":
            return Duration(self.moment.instant - right.moment.instant)
        return None

    def operated(self, sign: str, left: Any) -> Any:
        if sign == "+" and isinstance(left, Duration):
            return self.shifted(left.nanoseconds)
        return None

    def shifted(self, nanoseconds: int) -> Time:
        return Time(self.moment.shifted(nanoseconds))

    def method(self, name: str) -> Any:
        return _bound(_TIME_METHODS, self, name)


class Location(Opaque):
    """A time zone."""

    TYPE = "*time.Location"
    __slots__ = ("zone",)

    def __init__(self, zone: Zone) -> None:
        self.zone = zone

    def __str__(self) -> str:
        return self.zone.name

    def method(self, name: str) -> Any:
        return self.__str__ if name == "String" else None


class Named(Opaque):
    """A month or a day of the week: a number that prints as a name."""

    __slots__ = ("TYPE", "number", "text")

    def __init__(self, type_name: str, number: int, text: str) -> None:
        self.TYPE = type_name
        self.number = number
        self.text = text

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __lt__(self, other: Named) -> bool:
        return self.number < other.number

    def __le__(self, other: Named) -> bool:
        return self.number <= other.number

    def whole(self) -> int:
        return self.number

    def json(self) -> str:
        return str(self.number)

    def method(self, name: str) -> Any:
        return self.__str__ if name == "String" else None


def _bound(methods: dict[str, Callable[..., Any]], value: Opaque, name: str) -> Any:
    method = methods.get(name)
    return None if method is None else lambda *given: method(value, *given)


def _wanted(kind: type[Opaque], value: Any) -> Any:
    if not isinstance(value, kind):
        raise Fault(f"cannot use {type_of(value)} as argument (type {kind.TYPE})")
    return value


def _span(value: Any) -> int:
    return int(_wanted(Duration, value).nanoseconds)


def _layout(value: Any) -> str:
    if value.__class__ is not str:
        raise Fault(f"cannot use {type_of(value)} as argument (type string)")
    return str(value)


def _month(time: Time) -> Named:
    month = time.moment.civil.month
    return Named("time.Month", month, layouts.MONTHS[month - 1])


def _weekday(time: Time) -> Named:
    day = time.moment.weekday
    return Named("time.Weekday", day, layouts.DAYS[day])


def _add_date(time: Time, years: Any, months: Any, days: Any) -> Time:
    year, month, day, *clock = time.moment.civil
    civil = Civil(year + whole(years), month + whole(months), day + whole(days), *clock)
    if abs(civil.year) > 1_000_000 or abs(civil.month) > 10**7 or abs(civil.day) > 10**9:
        raise Fault("time out of range")
    return Time(moments.of_civil(civil, time.moment.nanos, time.moment.zone))


_ZERO = moments.days_of(1, 1, 1) * 86400
"""Go's zero time: the first of January of the year 1."""


def _truncate(time: Time, span: Any) -> Time:
    unit = _span(span)
    since = time.moment.instant - _ZERO * moments.NANO
    return time.shifted(-(since % unit)) if unit > 0 else time


def _round(time: Time, span: Any) -> Time:
    unit = _span(span)
    if unit <= 0:
        return time
    rest = (time.moment.instant - _ZERO * moments.NANO) % unit
    return time.shifted(-rest if rest + rest < unit else unit - rest)


_DURATION_METHODS: dict[str, Callable[..., Any]] = {
    "Nanoseconds": lambda d: d.nanoseconds,
    "Microseconds": lambda d: durations.truncated(d.nanoseconds, 10**3) // 10**3,
    "Milliseconds": lambda d: durations.truncated(d.nanoseconds, 10**6) // 10**6,
    "Seconds": lambda d: d.nanoseconds / 10**9,
    "Minutes": lambda d: d.nanoseconds / (60 * 10**9),
    "Hours": lambda d: d.nanoseconds / (3600 * 10**9),
    "Abs": lambda d: Duration(abs(d.nanoseconds)),
    "Round": lambda d, unit: Duration(durations.rounded(d.nanoseconds, _span(unit))),
    "Truncate": lambda d, unit: Duration(durations.truncated(d.nanoseconds, _span(unit))),
    "String": str,
}
_TIME_METHODS: dict[str, Callable[..., Any]] = {
    "Year": lambda t: t.moment.civil.year,
    "Month": _month,
    "Day": lambda t: t.moment.civil.day,
    "Hour": lambda t: t.moment.civil.hour,
    "Minute": lambda t: t.moment.civil.minute,
    "Second": lambda t: t.moment.civil.second,
    "Nanosecond": lambda t: t.moment.nanos,
    "Weekday": _weekday,
    "YearDay": lambda t: t.moment.year_day,
    "Unix": lambda t: t.moment.seconds,
    "UnixMilli": lambda t: t.moment.instant // 10**6,
    "UnixMicro": lambda t: t.moment.instant // 10**3,
    "UnixNano": lambda t: wrapped(t.moment.instant),
    "Add": lambda t, span: t.shifted(_span(span)),
    "AddDate": _add_date,
    "Sub": lambda t, other: Duration(t.moment.instant - _wanted(Time, other).moment.instant),
    "Before": lambda t, other: t < _wanted(Time, other),
    "After": lambda t, other: _wanted(Time, other) < t,
    "Equal": lambda t, other: t == _wanted(Time, other),
    "Compare": lambda t, other: (_wanted(Time, other) < t) - (t < other),
    "IsZero": lambda t: t.moment.seconds == _ZERO and not t.moment.nanos,
    "Format": lambda t, layout: layouts.write(t.moment, _layout(layout)),
    "In": lambda t, place: Time(t.moment.within(_wanted(Location, place).zone)),
    "UTC": lambda t: Time(t.moment.within(GREENWICH)),
    "Local": lambda t: Time(t.moment.within(GREENWICH)),
    "Location": lambda t: Location(t.moment.zone),
    "Truncate": _truncate,
    "Round": _round,
    "String": str,
}


# The built-in functions.

_LAYOUTS = ("2006-01-02", "15:04:05", "2006-01-02 15:04:05", layouts.RFC3339,
            layouts.NAMED["RFC822"], layouts.NAMED["RFC850"], layouts.NAMED["RFC1123"])  # fmt: skip


def duration(text: Any) -> Duration:
    try:
        return Duration(durations.parse(_layout(text)))
    except ValueError as wrong:
        raise Fault(str(wrong)) from None


def timezone(name: Any) -> Location:
    try:
        return Location(moments.zone(_layout(name)))
    except ValueError as wrong:
        raise Fault(str(wrong)) from None


def date(*given: Any) -> Time:
    """`date(text[, layout[, zone]])`; a zone as first argument is the one where none is named."""
    zone = given[0].zone if given and isinstance(given[0], Location) else GREENWICH
    rest = given[1:] if given and isinstance(given[0], Location) else given
    if not 1 <= len(rest) <= 3:
        raise Fault(f"invalid number of arguments (expected at least 1, got {len(rest)})")
    text, *how = map(_layout, rest)
    if len(how) == 2:
        zone = timezone(how[1]).zone
    try:
        if how:
            return Time(layouts.read(text, how[0], zone))
    except ValueError as wrong:
        raise Fault(str(wrong)) from None
    for layout in _LAYOUTS:
        try:
            return Time(layouts.read(text, layout, zone))
        except ValueError:
            continue
    raise Fault(f"invalid date {text}")
