"""Words of the log of observations: whose it is, what is in it, which part of it is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import Struct

from sampan.kube.errors import SampanError
from sampan.kube.times import parse

LONGEST_NAME = 255
"""Characters of a metric's name, as upstream."""
MOST = 1_000_000
"""Values of a Trial from programs that report by themselves; a long text counts as one for each 64
characters."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Full(SampanError):
    """No more is kept of a Trial."""


class Of(Struct, frozen=True):
    """A Trial."""

    namespace: str
    trial: str
    uid: str


class Entry(Struct, frozen=True):
    """`time`: microseconds since 1970."""

    time: int
    metric: str
    value: str


class Wanted(Struct, frozen=True, kw_only=True):
    """`metric` "" is all of them; times as entries have them, both ends included."""

    metric: str = ""
    since: int | None = None
    until: int | None = None


def micros(text: str) -> int:
    """Of a time of RFC 3339. ValueError when it is none."""
    try:
        return (parse(text) - _EPOCH) // _MICROSECOND
    except OverflowError as error:  # in UTC it would lie before the year 1, or after 9999
        raise ValueError(str(error)) from error


def written(time: int) -> str:
    """RFC 3339 without zeros at the end, as Go's RFC3339Nano."""
    moment = _EPOCH + time * _MICROSECOND
    fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
    return f"{moment.year:04}-{moment:%m-%dT%H:%M:%S}{fraction}Z"
