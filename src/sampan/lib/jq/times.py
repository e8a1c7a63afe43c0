"""Dates: broken down times as lists of eight numbers, strftime and strptime, always in UTC.

Years from 1 to 9999. The forms are those of C without flags and widths. There is no `now` but the
caller's clock, as a program that reads the time gives other results every time; gojq has one.
"""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sampan.lib.jq.values import as_float, as_int, is_number

_COMPOSED = {
    "c": "%a %b %e %H:%M:%S %Y", "v": "%e-%b-%Y", "r": "%I:%M:%S %p", "F": "%Y-%m-%d",
    "D": "%m/%d/%y", "x": "%m/%d/%y", "T": "%H:%M:%S", "X": "%H:%M:%S", "R": "%H:%M",
}  # fmt: skip
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
           "October", "November", "December")  # fmt: skip
_PART = re.compile(r"%(.)|[^%]+|%", re.DOTALL)


def broken_down(seconds: int | float) -> list[Any]:
    """[year, month from 0, day, hour, minute, seconds, weekday, day of the year from 0]. ValueError
    when it is out of reach."""
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=as_int(seconds))
    except OverflowError:
        raise ValueError("the time is out of reach") from None
    fraction = as_float(seconds) - int(seconds) if isinstance(seconds, float) else 0.0
    fraction += 1.0 if fraction < 0 else 0.0
    parts = moment.timetuple()
    return [
        parts.tm_year, parts.tm_mon - 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
        float(parts.tm_sec) + int(fraction * 1e9) / 1e9, (parts.tm_wday + 1) % 7, parts.tm_yday - 1,
    ]  # fmt: skip


def moment_of(parts: list[Any]) -> datetime:
    """The time that eight (or fewer) numbers mean; too large ones go on. ValueError."""
    if not all(map(is_number, parts[:8])):
        raise ValueError("expected an array of 8 numbers")
    given: list[Any] = [each if at == 5 else as_int(each) for at, each in enumerate(parts[:6])]
    year, month, day, hour, minute, second = given + [0] * (6 - len(given))
    try:
        begin = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        return begin + timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second)
    except (OverflowError, ValueError):
        raise ValueError("the time is out of reach") from None


def seconds_of(moment: datetime) -> float:
    return timegm(moment.timetuple()) + moment.microsecond / 1e6


_WRITERS: dict[str, Callable[[datetime], str]] = {
    "Y": lambda t: f"{t.year:04d}",
    "y": lambda t: f"{t.year % 100:02d}",
    "C": lambda t: f"{t.year // 100:02d}",
    "G": lambda t: f"{t.isocalendar().year:04d}",
    "g": lambda t: f"{t.isocalendar().year % 100:02d}",
    "m": lambda t: f"{t.month:02d}",
    "B": lambda t: _MONTHS[t.month - 1],
    "b": lambda t: _MONTHS[t.month - 1][:3],
    "h": lambda t: _MONTHS[t.month - 1][:3],
    "A": lambda t: _DAYS[t.isoweekday() % 7],
    "a": lambda t: _DAYS[t.isoweekday() % 7][:3],
    "w": lambda t: str(t.isoweekday() % 7),
    "u": lambda t: str(t.isoweekday()),
    "V": lambda t: f"{t.isocalendar().week:02d}",
    "U": lambda t: f"{(t.timetuple().tm_yday + 6 - t.isoweekday() % 7) // 7:02d}",
    "W": lambda t: f"{(t.timetuple().tm_yday + 6 - (t.isoweekday() + 6) % 7) // 7:02d}",
    "d": lambda t: f"{t.day:02d}",
    "e": lambda t: f"{t.day:2d}",
    "j": lambda t: f"{t.timetuple().tm_yday:03d}",
    "H": lambda t: f"{t.hour:02d}",
    "k": lambda t: f"{t.hour:2d}",
    "I": lambda t: f"{t.hour % 12 or 12:02d}",
    "l": lambda t: f"{t.hour % 12 or 12:2d}",
    "p": lambda t: "AM" if t.hour < 12 else "PM",
    "P": lambda t: "am" if t.hour < 12 else "pm",
    "M": lambda t: f"{t.minute:02d}",
    "S": lambda t: f"{t.second:02d}",
    "s": lambda t: str(timegm(t.timetuple())),
    "f": lambda t: f"{t.microsecond:06d}",
    "Z": lambda t: "UTC",
    "z": lambda t: "+0000",
    "t": lambda t: "\t",
    "n": lambda t: "\n",
    "%": lambda t: "%",
}


def write(moment: datetime, format: str) -> str:
    """strftime. A letter that means nothing stays as it is."""

    def part(match: re.Match[str]) -> str:
        letter = match[1]
        if letter is None:
            return match[0]
        if letter in _COMPOSED:
            return write(moment, _COMPOSED[letter])
        return _WRITERS[letter](moment) if letter in _WRITERS else match[0]

    return _PART.sub(part, format)


_NAMES = "|".join
_READERS = {
    "Y": r"(?P<Y>\d{4})", "y": r"(?P<y>\d{2})", "m": r"(?P<m>\d{1,2})", "d": r"(?P<d>\d{1,2})",
    "e": r" ?(?P<d>\d{1,2})", "H": r"(?P<H>\d{1,2})", "k": r" ?(?P<H>\d{1,2})",
    "I": r"(?P<I>\d{1,2})", "l": r" ?(?P<I>\d{1,2})", "M": r"(?P<M>\d{1,2})",
    "S": r"(?P<S>\d{1,2})", "f": r"(?P<f>\d{1,9})", "j": r"(?P<j>\d{1,3})", "s": r"(?P<s>\d{1,12})",
    "p": r"(?P<p>[AaPp][Mm])", "P": r"(?P<p>[AaPp][Mm])",
    "Z": r"(?P<Z>[A-Za-z]{1,6})", "z": r"(?P<z>Z|[+-]\d{2}(?::?\d{2})?)",
    "B": f"(?P<B>(?i:{_NAMES(_MONTHS)}|{_NAMES(each[:3] for each in _MONTHS)}))",
    "A": f"(?:(?i:{_NAMES(_DAYS)}|{_NAMES(each[:3] for each in _DAYS)}))",
    "w": r"\d", "u": r"\d", "U": r"\d{1,2}", "W": r"\d{1,2}", "V": r"\d{1,2}", "C": r"\d{2}",
    "t": r"\s*", "n": r"\s*", "%": "%",
}  # fmt: skip
_READERS |= {"b": _READERS["B"], "h": _READERS["B"], "a": _READERS["A"]}


def read(text: str, format: str) -> datetime:
    """strptime. ValueError."""
    try:
        match = re.compile(_reader(format), re.ASCII).fullmatch(text)
    except re.error:
        raise ValueError("the same part twice in a format") from None
    if match is None:
        raise ValueError(f'cannot parse "{text}" as "{format}"')
    found = match.groupdict()
    if found.get("s"):
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(found["s"]))
    return _moment(found)


def _reader(format: str) -> str:
    parts: list[str] = []
    for match in _PART.finditer(format):
        letter = match[1]
        if letter is None:
            parts.append(re.escape(match[0]))
        elif letter in _COMPOSED:
            parts.append(_reader(_COMPOSED[letter]))
        elif letter in _READERS:
            parts.append(_READERS[letter])
        else:
            raise ValueError(f"unexpected format: %{letter}")
    return "".join(parts)


def _moment(found: dict[str, Any]) -> datetime:
    short = int(found["y"]) if found.get("y") else 0
    year = int(found["Y"]) if found.get("Y") else short + (1900 if short >= 69 else 2000)
    if not found.get("Y") and not found.get("y"):
        year = 1900
    month = int(found.get("m") or 1)
    if name := found.get("B"):
        month = [each[:3].lower() for each in _MONTHS].index(name[:3].lower()) + 1
    hour = int(found.get("H") or 0)
    if found.get("I"):
        hour = int(found["I"]) % 12
    if found.get("p") and found["p"].lower() == "pm" and hour < 12:
        hour += 12
    micro = int((found.get("f") or "0").ljust(9, "0")) // 1000
    second = int(found.get("S") or 0)
    moment = datetime(
        year, month, int(found.get("d") or 1), hour, int(found.get("M") or 0), second, micro, UTC
    )
    if found.get("j"):
        moment = moment.replace(month=1, day=1) + timedelta(days=int(found["j"]) - 1)
    return moment - _offset(found.get("z"))


def _offset(zone: str | None) -> timedelta:
    if not zone or zone == "Z":
        return timedelta()
    size = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]) if len(zone) > 3 else 0)
    return -size if zone[0] == "-" else size
