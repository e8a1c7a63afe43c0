"""Durations: `1h30m`, counted in nanoseconds, 64 bits wide."""

from __future__ import annotations

import re
from fractions import Fraction

UNITS = {
    "ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9,
    "m": 60 * 10**9, "h": 3600 * 10**9,
}  # fmt: skip
LONGEST = (1 << 63) - 1
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_DIGITS = 40


def parse(text: str) -> int:
    """Nanoseconds. ValueError in Go's words; a number needs a unit, except for 0."""
    body = text[1:] if text[:1] in ("-", "+") else text
    if body == "0":
        return 0
    total, at = Fraction(0), 0
    while at < len(body):
        match = _PART.match(body, at)
        if match is None or not (match[1] or match[2]) or len(match[0]) > _DIGITS:
            raise _wrong(text, body)
        digits, point, unit = match.groups()
        number = Fraction(int(digits or 0)) + Fraction(int(point or 0), 10 ** len(point or ""))
        total += number * UNITS[unit]
        at = match.end()
    if not body or total > LONGEST:
        raise _wrong(text, body)
    return -int(total) if text[0] == "-" else int(total)


def _wrong(text: str, body: str) -> ValueError:
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if re.fullmatch(r"[0-9]+\.?[0-9]*", body):
        return ValueError(f"time: missing unit in duration {quoted}")
    return ValueError(f"time: invalid duration {quoted}")


def shown(nanoseconds: int) -> str:
    """As Go's String(): `1h30m0s`, `1.5s`, `2ms`."""
    size = abs(nanoseconds)
    sign = "-" if nanoseconds < 0 else ""
    if size == 0:
        return "0s"
    if size < UNITS["s"]:
        unit = "ms" if size >= UNITS["ms"] else "µs" if size >= UNITS["us"] else "ns"
        return f"{sign}{_decimal(size, UNITS[unit])}{unit}"
    minutes, rest = divmod(size, UNITS["m"])
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, UNITS['s'])}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{sign}{hours}h{text}" if hours else f"{sign}{text}"


def _decimal(number: int, unit: int) -> str:
    whole, rest = divmod(number, unit)
    return f"{whole}.{rest * 10**9 // unit:09d}".rstrip("0").rstrip(".")


def truncated(nanoseconds: int, unit: int) -> int:
    """Towards zero, to a multiple of the unit."""
    if unit <= 0:
        return nanoseconds
    return nanoseconds - (abs(nanoseconds) % unit) * (-1 if nanoseconds < 0 else 1)


def rounded(nanoseconds: int, unit: int) -> int:
    """To the nearest multiple of the unit, halves away from zero."""
    if unit <= 0:
        return nanoseconds
    size = (2 * abs(nanoseconds) + unit) // (2 * unit) * unit
    return -size if nanoseconds < 0 else size
