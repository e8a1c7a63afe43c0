"""A HorizontalPodAutoscaler as its decisions read it: the target, its pods, what they use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from sampan.kinds.workloads.types import Conditions
from sampan.kube import meta, quantities
from sampan.kube.conditions import get_condition
from sampan.kube.keys import Key, Manifest
from sampan.kube.times import parse

NOTES = "sampan.local/recommendations"
"""The annotation in which an autoscaler remembers what it recommended and did of late."""


class Policy(Struct, frozen=True, kw_only=True):
    type: str
    value: int
    periodSeconds: int


class Rules(Struct, frozen=True, kw_only=True):
    stabilizationWindowSeconds: int | None = None
    selectPolicy: str | None = None
    policies: list[Policy] | None = None
    tolerance: str | int | float | None = None


class Behavior(Struct, frozen=True, kw_only=True):
    scaleUp: Rules | None = None
    scaleDown: Rules | None = None


class Reference(Struct, frozen=True, kw_only=True):
    kind: str
    name: str
    apiVersion: str = ""


class Spec(Struct, frozen=True, kw_only=True):
    scaleTargetRef: Reference
    maxReplicas: int
    minReplicas: int = 1
    metrics: list[dict[str, Any]] = []
    behavior: Behavior | None = None


class Status(Struct, frozen=True, kw_only=True):
    lastScaleTime: str = ""
    currentMetrics: list[dict[str, Any]] = []
    conditions: Conditions = []


class Notes(Struct, frozen=True, kw_only=True):
    """Of late: (seconds since the epoch, recommended size), since the recommendation left the
    present size; and (seconds, change) of each rescale."""

    recommended: list[tuple[float, int]] = []
    rescaled: list[tuple[float, int]] = []


class Usage(Struct, frozen=True):
    """What the containers of a pod used: by container, by resource, in thousandths."""

    containers: Mapping[str, Mapping[str, int]]
    at: datetime
    window: float = 0.0


class Loaded(Struct, frozen=True, kw_only=True):
    """A pod of the target. requests: by container, by resource, in thousandths; turned: when the
    condition Ready last changed."""

    name: str
    phase: str
    deleting: bool
    ready: bool | None
    turned: datetime | None
    started: datetime | None
    requests: Mapping[str, Mapping[str, int]]
    usage: Usage | None = None


class Scaled(Struct, frozen=True, kw_only=True):
    """All that a decision may depend on.

    fault: why the target has no scale. values: of metrics from elsewhere, in thousandths, by
    (type of the metric, name) and in the order of the metric's objects.
    """

    manifest: Manifest
    spec: Spec
    status: Status
    notes: Notes
    target: Key
    fault: str = ""
    replicas: int = 0
    pods: tuple[Loaded, ...] = ()
    values: Mapping[int, Sequence[int]] = {}
    now: datetime


def look(pod: Manifest, usage: Usage | None) -> Loaded:
    status = pod.get("status") or {}
    ready = get_condition(status.get("conditions"), "Ready")
    started, turned = status.get("startTime"), (ready or {}).get("lastTransitionTime")
    return Loaded(
        name=meta.name_of(pod),
        phase=status.get("phase") or "Pending",
        deleting=meta.deleting(pod),
        ready=None if ready is None else ready.get("status") == "True",
        turned=parse(turned) if turned else None,
        started=parse(started) if started else None,
        requests={
            each["name"]: _amounts((each.get("resources") or {}).get("requests"))
            for each in pod["spec"].get("containers") or ()
        },
        usage=usage,
    )


def used(metrics: Manifest) -> Usage:
    """The view of one PodMetrics."""
    window = str(metrics.get("window") or "0s").removesuffix("s")
    return Usage(
        {each["name"]: _amounts(each.get("usage")) for each in metrics.get("containers") or ()},
        parse(metrics["timestamp"]),
        float(window) if window.replace(".", "", 1).isdecimal() else 0.0,
    )


def remembered(manifest: Manifest) -> Notes:
    """What the annotation says; nothing when it is not readable, for anybody may write it."""
    text = meta.annotations_of(manifest).get(NOTES) or "{}"
    try:
        return msgspec.json.decode(text, type=Notes)
    except msgspec.DecodeError:
        return Notes()


def _amounts(given: Mapping[str, Any] | None) -> dict[str, int]:
    found = {}
    for name, quantity in (given or {}).items():
        try:
            found[name] = quantities.milli(quantity)
        except ValueError:
            continue
    return found
