"""What a Trial's status has of a log: the least, the greatest and the latest value of each metric.

Values stay the texts that were reported: what is least is found by number, what is latest by order
alone. A text that is no number is latest at most, and so is NaN, which upstream takes for the least
value and the greatest if it comes first, and then compares with nothing. What one of several pods
does not have hides nothing of what the others have.
Upstream: pkg/controller.v1beta1/trial/trial_controller_util.go getMetrics.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from sampan.kube.katib import UNAVAILABLE
from sampan.kube.searching import Metric

_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?)", re.IGNORECASE
)
"""What Go's strconv.ParseFloat takes, but for hexadecimal numbers and underscores."""


def of(log: Iterable[tuple[str, str]]) -> dict[str, Metric]:
    """By name. `log`: names and values in the order of their times, of the same time the one that
    came later last."""
    least: dict[str, tuple[float, str]] = {}
    greatest: dict[str, tuple[float, str]] = {}
    latest: dict[str, str] = {}
    for name, value in log:
        if value != UNAVAILABLE or name not in latest:
            latest[name] = value
        found = number(value)
        if found is None:
            continue
        if name not in least or found < least[name][0]:
            least[name] = found, value
        if name not in greatest or found > greatest[name][0]:
            greatest[name] = found, value
    none = 0.0, UNAVAILABLE
    return {
        name: Metric(
            name=name,
            min=least.get(name, none)[1],
            max=greatest.get(name, none)[1],
            latest=value,
        )
        for name, value in latest.items()
    }


def number(text: str) -> float | None:
    """The value to compare by; None for what is none."""
    if not _NUMBER.fullmatch(text):
        return None
    found = float(text)
    is_written = "inf" in text.lower()
    return None if math.isinf(found) and not is_written else found
