"""Durations as workflows write them: `90` (seconds), `1.5h`, `2m30s`, and as messages show them.

Upstream: argo-workflows pkg/apis ParseStringToDuration, Go's time.ParseDuration, argoproj/pkg
humanize.
"""

from __future__ import annotations

import re

from sampan.lib.gotime import durations

LONGEST = durations.LONGEST / 1e9
"""Seconds in the longest duration of Go."""


class Mistake(ValueError):
    """The text is no duration."""


def seconds(text: str) -> float:
    """The duration in seconds; a bare number counts seconds. Raises Mistake."""
    if re.fullmatch(r"[-+]?\d+", text):
        return float(text)
    try:
        return durations.parse(text) / 1e9
    except ValueError as wrong:
        raise Mistake(f"unable to parse {text} as a duration: {wrong}") from wrong


def shown(seconds: float) -> str:
    """`5 seconds`, `2 minutes 5 seconds`, `1 hours 0 minutes 5 seconds`, …"""
    whole = int(seconds)
    parts = [(whole % 60, "seconds")]
    for size, unit, most in ((60, "minutes", 60), (3600, "hours", 24), (86400, "days", 0)):
        if whole >= size:
            number = whole // size
            parts.append((number % most if most else number, unit))
    return " ".join(f"{number} {unit}" for number, unit in reversed(parts))
