"""Macros in the parameters of a run: its id, the time, what its schedule says.

    [[RunUUID]]  [[Index]]  [[CurrentTime]]  [[ScheduledTime]]        20240131235959
    [[CurrentTime.2006-01]]  [[ScheduledTime.2006-01]]                a layout of Go's
    {{$.currentTime.strftime('%Y-%m')}}  {{$.scheduledTime.strftime('%s')}}

A layout with a `%` is read as one of strftime, too: that is what people write there. A macro of a
schedule stays as it is where there is none.
Upstream: backend/src/common/util/parameter_formatter.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from sampan.lib.gotime import layouts
from sampan.lib.gotime.moments import of_datetime

_TAG = re.compile(
    r"\[\[(RunUUID|Index|CurrentTime|ScheduledTime)(?:\.(.{1,200}?))?\]\]"
    r"|\{\{\$\.(currentTime|scheduledTime)\.strftime\('(.{1,200}?)'\)\}\}"
)
_PLAIN = "20060102150405"


class Moments(Struct, frozen=True, kw_only=True):
    """What macros say. scheduled, index: None for a run without a schedule."""

    run_id: str
    now: datetime
    scheduled: datetime | None = None
    index: int | None = None


def expanded(given: Mapping[str, Any], moments: Moments) -> dict[str, Any]:
    """Parameters with the macros in texts replaced; other values stay as they are."""
    return {
        name: _TAG.sub(lambda match: _said(match, moments), value)
        if isinstance(value, str)
        else value
        for name, value in given.items()
    }


def _said(match: re.Match[str], moments: Moments) -> str:
    name, layout, spelled, format_ = match.groups()
    if name in ("RunUUID", "Index"):
        said = moments.run_id if name == "RunUUID" else moments.index
        return match[0] if said is None or layout else str(said)
    current = name == "CurrentTime" or spelled == "currentTime"
    moment = moments.now if current else moments.scheduled
    if moment is None:
        return match[0]
    return _written(moment.astimezone(UTC), format_ or layout or _PLAIN)


def _written(moment: datetime, layout: str) -> str:
    if "%" in layout:
        seconds = str(int(moment.timestamp()))
        return moment.strftime(layout.replace("%s", seconds))
    return layouts.write(of_datetime(moment), layout)
