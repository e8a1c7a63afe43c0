"""How many replicas one metric asks for.

The ratio of what is to what should be, times the pods that were measured, rounded up. Pods that
cannot be measured are guessed in the direction that moves least: as idle when it would grow, as
fully used when it would shrink; pods that are not ready yet count as idle when it would grow. A
ratio within the tolerance moves nothing. Upstream: kubernetes
pkg/controller/podautoscaler/replica_calculator.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil
from typing import Any

from msgspec import Struct

from sampan.kinds.workloads.autoscaling.types import Loaded, Rules, Scaled
from sampan.kube import quantities

TOLERANCE = Fraction(1, 10)
_INITIALIZATION = timedelta(minutes=5)
"""Until then a pod's cpu is looked at only if it was measured after the pod became ready."""
_READINESS = timedelta(seconds=30)
"""A pod that was not ready this long after its start has never been so."""
_FIELDS = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}


class Proposal(Struct, frozen=True):
    """What a metric asks for. `status` is for status.currentMetrics."""

    replicas: int
    name: str
    status: dict[str, Any]


class Fault(Struct, frozen=True):
    """Why a metric says nothing: the reason of condition and Event, and a message."""

    reason: str
    message: str


class _Load(Struct, frozen=True):
    """Of the pods that count: measured, not to be measured, not ready yet."""

    measured: dict[str, int]
    missing: list[str]
    unready: list[str]


def body_of(metric: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a MetricSpec that its type names."""
    found: dict[str, Any] = metric.get(_FIELDS.get(metric.get("type") or "", "")) or {}
    return found


def propose(seen: Scaled, number: int) -> Proposal | Fault:
    """What the metric at this place of the spec asks for."""
    metric = seen.spec.metrics[number]
    kind, body = metric["type"], body_of(metric)
    if kind in ("Resource", "ContainerResource"):
        return _resource(seen, kind, body)
    return _elsewhere(seen, kind, body, seen.values.get(number))


# -- what the node measures ---------------------------------------------------------------------


def _resource(seen: Scaled, kind: str, body: Mapping[str, Any]) -> Proposal | Fault:
    resource, container = body["name"], body.get("container") or ""
    load = _grouped(seen, resource, container)
    reason = f"FailedGet{kind}Metric"
    if not load.measured:
        text = f"failed to get {resource} utilization: did not receive metrics for targeted pods"
        return Fault(reason, f"{text} (pods might be unready)")
    target = body["target"]
    if target.get("averageUtilization") is None:
        wanted = quantities.milli(target.get("averageValue") or 0)
        full = dict.fromkeys((pod.name for pod in seen.pods), wanted)
        replicas, average = _sized(seen, load, full, Fraction(1))
        current: dict[str, Any] = {"averageValue": _text(average)}
        name = f"{resource} resource"
    else:
        requests = {pod.name: _requested(pod, resource, container) for pod in seen.pods}
        for pod in seen.pods:
            if pod.name in {*load.measured, *load.missing} and requests[pod.name] is None:
                where = container or next(iter(pod.requests), "")
                text = f"missing request for {resource} in container {where} of Pod {pod.name}"
                return Fault(reason, f"failed to get {resource} utilization: {text}")
        full = {name: amount or 0 for name, amount in requests.items()}
        replicas, average = _sized(seen, load, full, Fraction(target["averageUtilization"], 100))
        total = sum(full[name] for name in load.measured) or 1
        percent = sum(load.measured.values()) * 100 // total
        current = {"averageUtilization": percent, "averageValue": _text(average)}
        name = f"{resource} resource utilization (percentage of request)"
    if container:
        name = f"{resource} container {name.partition(' ')[2]}"
    status = {"name": resource, **({"container": container} if container else {})}
    return Proposal(replicas, name, _status(kind, {**status, "current": current}))


def _grouped(seen: Scaled, resource: str, container: str) -> _Load:
    measured: dict[str, int] = {}
    missing: list[str] = []
    unready: list[str] = []
    for pod in seen.pods:
        if pod.deleting or pod.phase in ("Failed", "Succeeded"):
            continue
        found = _used(pod, resource, container)
        if pod.phase == "Pending":
            unready.append(pod.name)
        elif found is None:
            missing.append(pod.name)
        elif resource == "cpu" and _warming(pod, seen.now):
            unready.append(pod.name)
        else:
            measured[pod.name] = found
    return _Load(measured, missing, unready)


def _used(pod: Loaded, resource: str, container: str) -> int | None:
    if pod.usage is None:
        return None
    containers = pod.usage.containers
    chosen = [containers.get(container)] if container else list(containers.values())
    amounts = [each.get(resource) for each in chosen if each is not None]
    if not amounts or None in amounts:
        return None
    return sum(amount for amount in amounts if amount is not None)


def _requested(pod: Loaded, resource: str, container: str) -> int | None:
    """None when a container that counts asks for nothing."""
    amounts = [
        given.get(resource) for name, given in pod.requests.items() if container in ("", name)
    ]
    if not amounts or None in amounts:
        return None
    return sum(amount for amount in amounts if amount is not None)


def _warming(pod: Loaded, now: datetime) -> bool:
    """What it uses now says nothing about what it will use."""
    if pod.ready is None or pod.started is None or pod.turned is None:
        return True
    if pod.started + _INITIALIZATION > now:
        window = timedelta(seconds=pod.usage.window if pod.usage else 0)
        early = pod.usage is not None and pod.usage.at < pod.turned + window
        return not pod.ready or early
    return not pod.ready and pod.started + _READINESS > pod.turned


def _sized(
    seen: Scaled, load: _Load, full: Mapping[str, int], share: Fraction
) -> tuple[int, Fraction]:
    """The size, and what a pod uses on average. `share` of `full` is what a pod should use."""
    average = Fraction(sum(load.measured.values()), len(load.measured))
    ratio = _ratio(load.measured, full, share)
    waits = bool(load.unready) and ratio > 1
    if not waits and not load.missing:
        size = seen.replicas if _tolerable(seen, ratio) else ceil(ratio * len(load.measured))
        return size, average
    guessed = dict(load.measured)
    for name in load.missing:
        guessed[name] = ceil(full.get(name, 0) * max(Fraction(1), share)) if ratio < 1 else 0
    for name in load.unready if waits else ():
        guessed[name] = 0
    better = _ratio(guessed, full, share)
    turns = (ratio < 1 < better) or (better < 1 < ratio)
    if turns or _tolerable(seen, better):
        return seen.replicas, average
    size = ceil(better * len(guessed))
    wrong = (better < 1 and size > seen.replicas) or (better > 1 and size < seen.replicas)
    return seen.replicas if wrong else size, average


def _ratio(used: Mapping[str, int], full: Mapping[str, int], share: Fraction) -> Fraction:
    wanted = sum(full.get(name, 0) for name in used) * share
    return Fraction(sum(used.values())) / wanted if wanted else Fraction(1)


# -- what is measured elsewhere -----------------------------------------------------------------


def _elsewhere(
    seen: Scaled, kind: str, body: Mapping[str, Any], values: Sequence[int] | None
) -> Proposal | Fault:
    metric, target = body.get("metric") or {}, body.get("target") or {}
    name = metric.get("name") or ""
    if not values:
        return Fault(f"FailedGet{kind}Metric", _unmeasured(kind, name, values is None))
    per_pod = target.get("averageValue") is not None
    wanted = quantities.milli(target.get("averageValue" if per_pod else "value") or 0)
    total = sum(values)
    if kind == "Pods":
        ratio, measured = Fraction(total, len(values) * wanted), len(values)
    elif per_pod:
        ratio, measured = Fraction(total, max(1, seen.replicas) * wanted), seen.replicas
    else:
        ratio, measured = Fraction(total, wanted), sum(pod.ready is True for pod in seen.pods)
    if _tolerable(seen, ratio):
        size = seen.replicas
    else:
        size = ceil(Fraction(total, wanted)) if per_pod else ceil(ratio * measured)
    shown = Fraction(total, len(values) if kind == "Pods" else max(1, seen.replicas))
    current = {"averageValue": _text(shown)} if per_pod else {"value": _text(Fraction(total))}
    about = {"describedObject": body["describedObject"]} if kind == "Object" else {}
    status = _status(kind, {"metric": dict(metric), "current": current, **about})
    return Proposal(size, f"{kind.lower()} metric {name}", status)


def _unmeasured(kind: str, name: str, unserved: bool) -> str:
    group = "external" if kind == "External" else "custom"
    if unserved:
        cause = f"no {group} metrics API ({group}.metrics.k8s.io) registered"
        text = f"unable to get metric {name}: unable to fetch metrics from {group} metrics API"
        return f"{text}: {cause}"
    return f"unable to get metric {name}: no metrics returned from {group} metrics API"


# -- both ---------------------------------------------------------------------------------------


def _tolerable(seen: Scaled, ratio: Fraction) -> bool:
    behavior = seen.spec.behavior
    up, down = (behavior.scaleUp, behavior.scaleDown) if behavior else (None, None)
    return 1 - _tolerance(down) <= ratio <= 1 + _tolerance(up)


def _tolerance(rules: Rules | None) -> Fraction:
    given = rules.tolerance if rules else None
    return TOLERANCE if given is None else quantities.parse(given)


def _text(milli: Fraction) -> str:
    """A quantity of so many thousandths, rounded down."""
    return quantities.format(Fraction(int(milli), 1000))


def _status(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, _FIELDS[kind]: body}
