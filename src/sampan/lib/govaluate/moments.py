"""Texts that are moments: the forms of date that the language knows, in UTC where they name none.

Upstream reads them with Go's time package in the controller's own zone, which is UTC in its image.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_NAME = "(?:sun|mon|tue|wed|thu|fri|sat)"
_MONTH_NAME = f"(?P<name>{'|'.join(_MONTHS)})"
_DATE = r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})"
_MINUTES = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})"
_CLOCK = _MINUTES + r":(?P<second>\d{2})(?:[.,]\d+)?"
_COLON_ZONE, _ZONE = r"(?P<zone>[+-]\d{2}:\d{2})", r"(?P<zone>Z|[+-]\d{4})"
_FORMS = tuple(
    re.compile(form, re.ASCII)
    for form in (
        rf"(?i:{_DAY_NAME}) +(?i:{_MONTH_NAME}) +(?P<day>\d{{1,2}}) +{_CLOCK}"
        r"(?: +[A-Z]{3,4})? +(?P<year>\d{4})",
        rf"(?i:{_DAY_NAME}) +(?i:{_MONTH_NAME}) +(?P<day>\d{{2}}) +{_CLOCK}"
        r" +(?P<zone>[+-]\d{4}) +(?P<year>\d{4})",
        r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?P<half>[AP]M)",
        rf"{_DATE}T{_CLOCK}(?:Z|{_COLON_ZONE})",
        _DATE,
        rf"{_DATE} +{_MINUTES}",
        rf"{_DATE} +{_CLOCK}",
        rf"{_DATE} +{_CLOCK}{_COLON_ZONE}",
        rf"{_DATE}T(?P<hour>\d{{1,2}}){_ZONE}",
        rf"{_DATE}T{_MINUTES}{_ZONE}",
        rf"{_DATE}T{_CLOCK}{_ZONE}",
    )
)
_LONGEST = 64  # characters; a fraction of a second may have any number of digits


def seconds(text: str) -> float | None:
    """Whole seconds since 1970. None: the text is no moment."""
    if len(text) > _LONGEST:
        return None
    for form in _FORMS:
        if match := form.fullmatch(text):
            return _seconds(match.groupdict())
    return None


def _seconds(found: dict[str, str | None]) -> float | None:
    year, day = int(found.get("year") or 0), int(found.get("day") or 1)
    name = found.get("name")
    month = _MONTHS.index(name.lower()) + 1 if name else int(found.get("month") or 1)
    hour, minute = int(found.get("hour") or 0), int(found.get("minute") or 0)
    second = int(found.get("second") or 0)
    if half := found.get("half"):
        if hour > 12:
            return None
        hour = hour % 12 + (12 if half == "PM" else 0)
    inside = 1 <= month <= 12 and hour < 24 and minute < 60 and second < 60
    if not inside or not 1 <= day <= monthrange(year or 4, month)[1]:
        return None
    offset = _offset(found.get("zone"))
    days = date(year or 400, month, day).toordinal() - date(1970, 1, 1).toordinal()
    days -= 0 if year else 146_097  # Python begins with the year 1; 400 years are a whole cycle
    return float(days * 86_400 + hour * 3600 + minute * 60 + second - offset)


def _offset(zone: str | None) -> int:
    """Seconds east of Greenwich."""
    if not zone or zone == "Z":
        return 0
    size = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
    return -size if zone[0] == "-" else size
