"""Column and Printer, and how single values look in a table: ages, counts, selectors.

Upstream: k8s.io/apimachinery pkg/util/duration, kubernetes pkg/printers/internalversion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from sampan.kube import times
from sampan.kube.keys import Manifest

NONE, UNKNOWN, UNSET = "<none>", "<unknown>", "<unset>"
WIDE = 1
"""The priority of columns that only `-o wide` shows."""


class Column(Struct, frozen=True):
    """A column of a Table, as in meta.k8s.io/v1 TableColumnDefinition."""

    name: str
    type: str = "string"
    format: str = ""
    description: str = ""
    priority: int = 0

    def written(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        }


NAME = Column("Name", format="name", description="The object's name.")
AGE = Column("Age", description="Time since the object was made.")
CREATED = Column("Created At", description="When the object was made.")

Cells = Callable[[Manifest, datetime], list[Any]]


class Printer(Struct, frozen=True):
    """The columns of one kind, and the cells of one object in the same order."""

    columns: tuple[Column, ...]
    cells: Cells


def text(name: str, description: str = "", priority: int = 0) -> Column:
    return Column(name, description=description, priority=priority)


def number(name: str, description: str = "", priority: int = 0) -> Column:
    return Column(name, "integer", description=description, priority=priority)


def wide(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, priority=WIDE) for name in names)


def name_of(manifest: Manifest) -> str:
    return str(manifest["metadata"].get("name", ""))


def age(manifest: Manifest, now: datetime) -> str:
    return since(manifest["metadata"].get("creationTimestamp"), now)


def since(moment: Any, now: datetime) -> str:
    """How long ago a time was; `<unknown>` when it is none."""
    if not moment:
        return UNKNOWN
    try:
        return duration(now - times.parse(str(moment)))
    except ValueError:
        return UNKNOWN


def between(start: Any, end: Any) -> str:
    try:
        return duration(times.parse(str(end)) - times.parse(str(start)))
    except ValueError:
        return UNKNOWN


def duration(span: timedelta) -> str:
    """`4s`, `5m3s`, `3h20m`, `2d`, `1y40d`: coarser the longer it is."""
    seconds = int(span.total_seconds())
    if seconds < 0:
        return "0s" if seconds >= -1 else "<invalid>"
    if seconds < 120:
        return f"{seconds}s"
    minutes, hours = seconds // 60, seconds // 3600
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    return _long(hours)


def _long(hours: int) -> str:
    days = hours // 24
    if hours < 192:
        return _two(days, "d", hours % 24, "h")
    if days < 365 * 2:
        return f"{days}d"
    return _two(days // 365, "y", days % 365, "d") if days < 365 * 8 else f"{days // 365}y"


def _two(big: int, unit: str, small: int, rest: str) -> str:
    return f"{big}{unit}{small}{rest}" if small else f"{big}{unit}"


def labels(pairs: Mapping[str, Any] | None) -> str:
    """`a=b,c=d` in order of the keys; `<none>` without any."""
    return ",".join(f"{key}={value}" for key, value in sorted((pairs or {}).items())) or NONE


_OPERATORS = {"Exists": "{key}", "DoesNotExist": "!{key}", "In": "{key} in ({values})",
              "NotIn": "{key} notin ({values})"}  # fmt: skip


def selector(body: Mapping[str, Any] | None) -> str:
    """A LabelSelector as text."""
    if body is None:
        return NONE
    terms = [f"{key}={value}" for key, value in sorted((body.get("matchLabels") or {}).items())]
    for term in body.get("matchExpressions") or ():
        form = _OPERATORS.get(term.get("operator"), "{key}")
        values = ",".join(sorted(term.get("values") or ()))
        terms.append(form.format(key=term.get("key", ""), values=values))
    return ",".join(terms) or NONE


def joined(values: Iterable[Any], *, most: int = 0) -> str:
    """`a,b` or `<none>`; with `most`, `a,b + 2 more...`."""
    found = [str(value) for value in values if value]
    if most and len(found) > most:
        return f"{','.join(found[:most])} + {len(found) - most} more..."
    return ",".join(found) or NONE


def containers(template: Mapping[str, Any] | None) -> list[str]:
    """The wide cells Containers and Images of something that has a pod template."""
    found = ((template or {}).get("spec") or {}).get("containers") or ()
    return [
        ",".join(str(item.get("name", "")) for item in found),
        ",".join(str(item.get("image", "")) for item in found),
    ]


def flag(value: Any) -> str:
    return UNSET if value is None else ("True" if value else "False")


def condition(manifest: Manifest, kind: str) -> Mapping[str, Any]:
    """A condition of the status; {} when it is not there."""
    found = (manifest.get("status") or {}).get("conditions") or ()
    return next((item for item in found if item.get("type") == kind), {})
