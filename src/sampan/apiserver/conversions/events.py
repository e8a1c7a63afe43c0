"""Event of events.k8s.io/v1 and of core v1: the same object under other names of fields.

Upstream: kubernetes pkg/apis/events/v1/conversion.go, pkg/apis/core/validation/events.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.kube import formats
from sampan.kube.errors import Problem, forbidden, invalid, required, unsupported
from sampan.kube.keys import Manifest

_NAMES = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_BACK = {core: new for new, core in _NAMES.items()}
_REFERENCE = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
FIELDS = {
    **{f"regarding.{field}": f"involvedObject.{field}" for field in _REFERENCE},
    "reportingController": "reportingComponent",
    "reason": "reason",
    "type": "type",
}
_MOST_WORDS, _MOST_NOTE = 128, 1024  # bytes
_TYPES = ("Normal", "Warning")


def to_core(event: Manifest) -> Manifest:
    """Core clients expect the fields that Go always writes."""
    core = {_NAMES.get(field, field): value for field, value in event.items()}
    return {"involvedObject": {}, "source": {}, **core, "apiVersion": "v1"}


def from_core(core: Manifest) -> Manifest:
    event = {_BACK.get(field, field): value for field, value in core.items()}
    return {"eventTime": None, **event, "apiVersion": "events.k8s.io/v1"}


def problems(event: Manifest) -> list[Problem]:
    """What the new API demands of a new event, given as core has it."""
    return [*_problems(event), *_series(event.get("series"))]


def _problems(core: Manifest) -> Iterator[Problem]:
    if not core.get("eventTime"):
        yield required("eventTime")
    yield from _word(core, "reportingComponent", "reportingController")
    if fault := formats.label_key(core.get("reportingComponent") or "x"):
        yield invalid("reportingController", core["reportingComponent"], fault)
    for field in ("reportingInstance", "action", "reason"):
        yield from _word(core, field, field)
    if len((core.get("message") or "").encode()) > _MOST_NOTE:
        yield invalid("message", "", f"can have at most {_MOST_NOTE} characters")
    if core.get("type") not in _TYPES:
        yield unsupported("type", core.get("type") or "", _TYPES)
    for field, value in _unset(core):
        if value:
            yield forbidden(field, "needs to be unset")


def _series(series: Any) -> Iterator[Problem]:
    if series is not None and (series.get("count") or 0) < 2:
        yield invalid("series.count", series.get("count"), "should be at least 2")
    if series is not None and not series.get("lastObservedTime"):
        yield required("series.lastObservedTime", "needs to be set")


def _word(core: Manifest, field: str, shown: str) -> Iterator[Problem]:
    value = core.get(field) or ""
    if not value:
        yield required(shown)
    elif len(value.encode()) > _MOST_WORDS:
        yield invalid(shown, "", f"can have at most {_MOST_WORDS} characters")


def _unset(core: Manifest) -> Iterator[tuple[str, Any]]:
    """Fields of old that only the old API may set."""
    yield "firstTimestamp", core.get("firstTimestamp")
    yield "lastTimestamp", core.get("lastTimestamp")
    yield "count", core.get("count")
    yield "source", any((core.get("source") or {}).values())
