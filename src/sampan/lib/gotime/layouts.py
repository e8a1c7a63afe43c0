"""Read and write moments after a layout: how `Mon Jan 2 15:04:05 MST 2006` would be written."""

from __future__ import annotations

import re
from collections.abc import Callable

from sampan.lib.gotime.moments import GREENWICH, Civil, Moment, Zone, days_in, days_of, of_civil

RFC3339 = "2006-01-02T15:04:05Z07:00"
RFC3339_NANO = "2006-01-02T15:04:05.999999999Z07:00"
STRING = "2006-01-02 15:04:05.999999999 -0700 MST"
NAMED = {
    "ANSIC": "Mon Jan _2 15:04:05 2006",
    "RFC822": "02 Jan 06 15:04 MST",
    "RFC850": "Monday, 02-Jan-06 15:04:05 MST",
    "RFC1123": "Mon, 02 Jan 2006 15:04:05 MST",
}
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December")  # fmt: skip
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

_CHUNK = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|002|0[1-6]|15|1|2006|2|__2|_2(?!006)|3|4|5|PM|pm"
    r"|[-Z](?:070000|07:00:00|0700|07:00|07)|[.,](?:0+|9+)(?![0-9])"
)


def write(moment: Moment, layout: str) -> str:
    return _CHUNK.sub(lambda chunk: _written(moment, chunk[0]), layout)


def _written(moment: Moment, chunk: str) -> str:
    year, month, day, hour, minute, second = moment.civil
    match chunk:
        case "January" | "Jan":
            return MONTHS[month - 1][: None if chunk == "January" else 3]
        case "Monday" | "Mon":
            return DAYS[moment.weekday][: None if chunk == "Monday" else 3]
        case "PM" | "pm":
            half = "pm" if hour >= 12 else "am"
            return half.upper() if chunk == "PM" else half
        case "MST":
            name = moment.abbreviation
            return name if name else _offset(moment.offset, "-0700")
        case "2006":
            return f"{year:04d}" if year >= 0 else f"-{-year:04d}"
    if chunk[0] in "-Z":
        return _offset(moment.offset, chunk)
    if chunk[0] in ".,":
        digits = f"{moment.nanos:09d}"[: len(chunk) - 1]
        digits = digits if chunk[1] == "0" else digits.rstrip("0")
        return chunk[0] + digits if digits else ""
    numbers = {
        "01": month, "1": month, "02": day, "2": day, "_2": day, "002": moment.year_day,
        "__2": moment.year_day, "15": hour, "03": hour % 12 or 12, "3": hour % 12 or 12,
        "04": minute, "4": minute, "05": second, "5": second, "06": year % 100,
    }  # fmt: skip
    width = {"002": 3, "__2": 3}.get(chunk, 2 if len(chunk) == 2 else 1)
    return str(numbers[chunk]).rjust(width, " " if chunk[0] == "_" else "0")


def _offset(seconds: int, chunk: str) -> str:
    if chunk[0] == "Z" and seconds == 0:
        return "Z"
    sign, size = "-" if seconds < 0 else "+", abs(seconds)
    parts = [f"{size // 3600:02d}", f"{size // 60 % 60:02d}", f"{size % 60:02d}"]
    digits = chunk[1:].replace(":", "")
    return sign + (":" if ":" in chunk else "").join(parts[: len(digits) // 2])


class _Reading:
    """What has been read so far."""

    def __init__(self) -> None:
        self.year, self.month, self.day, self.year_day = 0, -1, -1, -1
        self.hour, self.minute, self.second, self.nanos = 0, 0, 0, 0
        self.afternoon: bool | None = None
        self.zone: Zone | None = None
        self.offset: int | None = None
        self.abbreviation = ""


def read(text: str, layout: str, zone: Zone = GREENWICH) -> Moment:
    """The moment; `zone` holds where the text names none. ValueError in Go's words."""
    reading, rest, at = _Reading(), text, 0
    wrong = f'parsing time "{text}" as "{layout}": '
    chunks = list(_CHUNK.finditer(layout))
    for number, chunk in enumerate(chunks):
        literal = layout[at : chunk.start()]
        after = _skip(rest, literal)
        if after is None:
            raise ValueError(f'{wrong}cannot parse "{rest}" as "{literal}"')
        behind = chunks[number + 1] if number + 1 < len(chunks) else None
        fraction_follows = (
            behind is not None and behind.start() == chunk.end() and behind[0][0] in ".,"
        )
        taken = _taken(reading, chunk[0], after, fraction_follows)
        if taken is None:
            raise ValueError(f'{wrong}cannot parse "{after}" as "{chunk[0]}"')
        rest, at = after[taken:], chunk.end()
    literal = layout[at:]
    tail = _skip(rest, literal)
    if tail is None:
        raise ValueError(f'{wrong}cannot parse "{rest}" as "{literal}"')
    if tail:
        raise ValueError(f'parsing time "{text}": extra text: "{tail}"')
    return _judged(reading, text, zone)


def _skip(text: str, literal: str) -> str | None:
    """What is left behind the literal; blanks stand for any number of blanks."""
    while literal:
        if literal[0] == " ":
            if text and text[0] != " ":
                return None
            literal, text = literal.lstrip(" "), text.lstrip(" ")
        elif text[:1] != literal[0]:
            return None
        else:
            literal, text = literal[1:], text[1:]
    return text


_NUMBERS: dict[str, tuple[str, str, int, int]] = {
    "01": ("month", r"[0-9]{2}", 1, 12),
    "1": ("month", r"[0-9]{1,2}", 1, 12),
    "02": ("day", r"[0-9]{2}", 0, 99),
    "2": ("day", r" ?[0-9]{1,2}", 0, 99),
    "_2": ("day", r" ?[0-9]{1,2}", 0, 99),
    "002": ("year_day", r"[0-9]{3}", 0, 999),
    "__2": ("year_day", r" {0,2}[0-9]{1,3}", 0, 999),
    "2006": ("year", r"[0-9]{4}", 0, 9999),
    "15": ("hour", r"[0-9]{2}", 0, 23),
    "03": ("hour", r"[0-9]{2}", 0, 12),
    "3": ("hour", r"[0-9]{1,2}", 0, 12),
    "04": ("minute", r"[0-9]{2}", 0, 59),
    "4": ("minute", r"[0-9]{1,2}", 0, 59),
    "05": ("second", r"[0-9]{2}", 0, 59),
    "5": ("second", r"[0-9]{1,2}", 0, 59),
}


def _taken(reading: _Reading, chunk: str, text: str, fraction_follows: bool) -> int | None:
    """How many characters the chunk takes; None where they are not what it wants."""
    if chunk in _NUMBERS:
        name, pattern, least, most = _NUMBERS[chunk]
        match = re.compile(pattern, re.ASCII).match(text)
        if match is None or not least <= int(match[0]) <= most:
            return None
        setattr(reading, name, int(match[0]))
        if name == "second" and not fraction_follows:
            return match.end() + _fraction(reading, text[match.end() :])
        return match.end()
    if chunk[0] in ".,":
        return _fraction_like(reading, chunk, text)
    if chunk[0] in "-Z":
        return _zone_offset(reading, chunk, text)
    return _WORDS[chunk](reading, text)


def _fraction(reading: _Reading, text: str) -> int:
    """A fraction that the layout does not mention may stand behind the seconds."""
    match = re.compile(r"[.,][0-9]+", re.ASCII).match(text)
    if match is None:
        return 0
    reading.nanos = int(match[0][1:10].ljust(9, "0"))
    return match.end()


def _fraction_like(reading: _Reading, chunk: str, text: str) -> int | None:
    if chunk[1] == "9":
        return _fraction(reading, text)
    size = len(chunk)
    if text[:1] not in (".", ",") or not re.fullmatch(r"[0-9]+", text[1:size], re.ASCII):
        return None
    if len(text) < size:
        return None
    reading.nanos = int(text[1:size][:9].ljust(9, "0"))
    return size


def _zone_offset(reading: _Reading, chunk: str, text: str) -> int | None:
    if chunk[0] == "Z" and text[:1] == "Z":
        reading.zone = GREENWICH
        return 1
    colon = ":" if ":" in chunk else ""
    pairs = len(chunk[1:].replace(":", "")) // 2
    match = re.compile(r"([+-])" + colon.join(["([0-9]{2})"] * pairs), re.ASCII).match(text)
    if match is None:
        return None
    hours, minutes, seconds = ([int(part) for part in match.groups()[1:]] + [0, 0])[:3]
    if hours > 24 or minutes > 59 or seconds > 59:
        return None
    size = hours * 3600 + minutes * 60 + seconds
    reading.offset = -size if match[1] == "-" else size
    return match.end()


def _named(attribute: str, names: tuple[str, ...], length: int | None) -> Callable[..., int | None]:
    def take(reading: _Reading, text: str) -> int | None:
        for number, name in enumerate(names):
            word = name[:length]
            if text[: len(word)].lower() == word.lower():
                if attribute:
                    setattr(reading, attribute, number + 1)
                return len(word)
        return None

    return take


def _half(words: tuple[str, str]) -> Callable[..., int | None]:
    def take(reading: _Reading, text: str) -> int | None:
        if text[:2] not in words:
            return None
        reading.afternoon = text[:2] == words[1]
        return 2

    return take


def _abbreviated(reading: _Reading, text: str) -> int | None:
    match = re.compile(r"UTC|GMT[+-][0-9]{1,2}|[+-][0-9]{2}|[A-Z]{3,5}").match(text)
    if match is None:
        return None
    if match[0] == "UTC":
        reading.zone = GREENWICH
    else:
        reading.abbreviation = match[0]
    return match.end()


def _short_year(reading: _Reading, text: str) -> int | None:
    if not re.match(r"[0-9]{2}", text, re.ASCII):
        return None
    year = int(text[:2])
    reading.year = year + (1900 if year >= 69 else 2000)
    return 2


_WORDS: dict[str, Callable[..., int | None]] = {
    "January": _named("month", MONTHS, None),
    "Jan": _named("month", MONTHS, 3),
    "Monday": _named("", DAYS, None),
    "Mon": _named("", DAYS, 3),
    "PM": _half(("AM", "PM")),
    "pm": _half(("am", "pm")),
    "MST": _abbreviated,
    "06": _short_year,
}


def _judged(reading: _Reading, text: str, zone: Zone) -> Moment:
    if reading.afternoon is not None:
        reading.hour = reading.hour % 12 + (12 if reading.afternoon else 0)
    year = reading.year
    if reading.year_day >= 0:
        month, day = 1, reading.year_day
        if not 1 <= day <= days_of(year + 1, 1, 1) - days_of(year, 1, 1):
            raise ValueError(f'parsing time "{text}": day-of-year out of range')
    else:
        month = 1 if reading.month < 0 else reading.month
        day = 1 if reading.day < 0 else reading.day
        if not 1 <= day <= days_in(year, month):
            raise ValueError(f'parsing time "{text}": day out of range')
    civil = Civil(year, month, day, reading.hour, reading.minute, reading.second)
    if reading.zone is not None:
        return of_civil(civil, reading.nanos, reading.zone)
    if reading.offset is not None:
        made = of_civil(civil, reading.nanos, Zone(reading.abbreviation, reading.offset))
        known = made.within(zone)
        return known if known.offset == reading.offset else made
    if reading.abbreviation:
        local = of_civil(civil, reading.nanos, zone)
        if local.abbreviation == reading.abbreviation:
            return local
        hours = re.fullmatch(r"GMT([+-][0-9]{1,2})", reading.abbreviation)
        return of_civil(
            civil,
            reading.nanos,
            Zone(reading.abbreviation, int(hours[1]) * 3600 if hours else 0),
        )
    return of_civil(civil, reading.nanos, zone)
