"""Durations as workflows write them: `90` (seconds), `1.5h`, `2m30s`, and as messages show them.

Upstream: argo-workflows pkg/apis ParseStringToDuration, Go's time.ParseDuration, argoproj/pkg
humanize.
"""

from __future__ import annotations

import re

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_WHOLE = re.compile(rf"[-+]?(0|({_PART.pattern})+)")
LONGEST = float(2**63 - 1) / 1e9
"""Seconds in the longest duration of Go."""


class Mistake(ValueError):
    """The text is no duration."""


def seconds(text: str) -> float:
    """The duration in seconds; a bare number counts seconds. Raises Mistake."""
    if re.fullmatch(r"[-+]?\d+", text):
        return float(text)
    if not _WHOLE.fullmatch(text):
        why = f'time: invalid duration "{text}"'
        if re.fullmatch(r"[-+]?[\d.]+", text):
            why = f'time: missing unit in duration "{text}"'
        raise Mistake(f"unable to parse {text} as a duration: {why}")
    total = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    return -total if text.startswith("-") else total


def shown(seconds: float) -> str:
    """`5 seconds`, `2 minutes 5 seconds`, `1 hours 0 minutes 5 seconds`, …"""
    whole = int(seconds)
    parts = [(whole % 60, "seconds")]
    for size, unit, most in ((60, "minutes", 60), (3600, "hours", 24), (86400, "days", 0)):
        if whole >= size:
            number = whole // size
            parts.append((number % most if most else number, unit))
    return " ".join(f"{number} {unit}" for number, unit in reversed(parts))
