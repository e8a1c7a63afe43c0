"""How each setting is written, and what it says.

Lists are parted by commas; blanks around their parts do not count. Names of metrics and values of
parameters stand as they are, so that those with a comma in them cannot be written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from msgspec import Struct

OBJECTIVES, REFERENCE = "objectives", "reference_point"
CONSTRAINTS = "constraints"
WARM_START = "warm_start"
WHEN, OTHERWISE = "when.", "otherwise."
"""Beginnings; the name of a parameter follows."""
_WHEN = re.compile(r"(\S+)\s+in\s+(.+)", re.DOTALL)
_WAYS = ("minimize", "maximize")
_MOST = 32
"""Parts of a list."""


class Wrong(ValueError):
    """It is not written so; the message says how it is."""


class Constraint(Struct, frozen=True, kw_only=True):
    metric: str
    at_most: bool
    bound: float

    def excess(self, value: float | None) -> float | None:
        """How far beyond the bound, as a part of it, so that constraints of several scales can be
        added up; not above 0 where the constraint holds."""
        if value is None:
            return None
        beyond = value - self.bound if self.at_most else self.bound - value
        return beyond / (abs(self.bound) or 1.0)

    def __str__(self) -> str:
        return f"{self.metric} {'<=' if self.at_most else '>='} {self.bound:g}"


class When(Struct, frozen=True, kw_only=True):
    """A parameter has a value only while its `parent` has one of these."""

    parent: str
    values: tuple[str, ...]


def objectives(text: str) -> Mapping[str, bool]:
    """`METRIC:minimize` or `METRIC:maximize`; whether each metric is minimized."""
    found: dict[str, bool] = {}
    for part in _parts(text, "accuracy:maximize, latency:minimize"):
        metric, _, way = (each.strip() for each in part.rpartition(":"))
        if not metric or way not in _WAYS:
            raise Wrong(f'"{part}" is no objective such as "latency:minimize"')
        if metric in found:
            raise Wrong(f"{metric} is there twice")
        found[metric] = way == "minimize"
    return found


def reference(text: str) -> Mapping[str, float]:
    """`METRIC:NUMBER`."""
    found: dict[str, float] = {}
    for part in _parts(text, "accuracy:0, latency:500"):
        metric, _, number = (each.strip() for each in part.rpartition(":"))
        if not metric:
            raise Wrong(f'"{part}" is not such as "latency:500"')
        if metric in found:
            raise Wrong(f"{metric} is there twice")
        found[metric] = _number(number)
    return found


def constraints(text: str) -> tuple[Constraint, ...]:
    """`METRIC <= NUMBER` or `METRIC >= NUMBER`."""
    found: list[Constraint] = []
    for part in _parts(text, "latency <= 100"):
        sign = "<=" if "<=" in part else ">="
        metric, _, bound = (each.strip() for each in part.partition(sign))
        if not metric or not bound or len(metric.split()) > 1:
            raise Wrong(f'"{part}" is no constraint such as "latency <= 100" or "speed >= 2"')
        new = Constraint(metric=metric, at_most=sign == "<=", bound=_number(bound))
        if any((each.metric, each.at_most) == (metric, new.at_most) for each in found):
            raise Wrong(f"{metric} {sign} is there twice")
        found.append(new)
    return tuple(found)


def when(text: str) -> When:
    """`PARAMETER in VALUE, VALUE`."""
    match = _WHEN.fullmatch(text.strip())
    if match is None:
        raise Wrong('it must be such as "optimizer in sgd, rmsprop"')
    return When(parent=match[1], values=tuple(_parts(match[2], "optimizer in sgd, rmsprop")))


def _parts(text: str, example: str) -> list[str]:
    parts = [each.strip() for each in text.split(",")]
    if not all(parts):
        raise Wrong(f'a part of the list is empty; it must be such as "{example}"')
    if len(parts) > _MOST:
        raise Wrong(f"it has {len(parts)} parts, and may have {_MOST}")
    return parts


def _number(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise Wrong(f'"{text}" is no number')
    return found
