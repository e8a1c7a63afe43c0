"""HorizontalPodAutoscaler of autoscaling/v1 and v2: v1 has one number, the rest is annotations.

What v1 has no field for (other metrics, behavior, conditions, current metrics) travels in four
annotations, as JSON in v1's own older words; an annotation that cannot be read is left as it is.
Upstream: kubernetes pkg/apis/autoscaling/v1/conversion.go, pkg/apis/autoscaling/annotations.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from sampan.kube.keys import Manifest

_PREFIX = "autoscaling.alpha.kubernetes.io/"
_METRICS, _BEHAVIOR = f"{_PREFIX}metrics", f"{_PREFIX}behavior"
_CONDITIONS, _CURRENT = f"{_PREFIX}conditions", f"{_PREFIX}current-metrics"
_OURS = (_METRICS, _BEHAVIOR, _CONDITIONS, _CURRENT)
_CPU_TARGET, _CPU_CURRENT = "targetCPUUtilizationPercentage", "currentCPUUtilizationPercentage"
_SOURCES = {  # type of a metric -> where its body is
    "Resource": "resource", "ContainerResource": "containerResource", "Pods": "pods",
    "Object": "object", "External": "external",
}  # fmt: skip
_SPEC_NAMES = {  # of a value in v2 -> in v1, less the prefix `target` or `current`
    "averageUtilization": "AverageUtilization", "averageValue": "AverageValue", "value": "Value",
}  # fmt: skip
_TYPES = {"averageUtilization": "Utilization", "averageValue": "AverageValue", "value": "Value"}

Translate = Callable[[Mapping[str, Any]], dict[str, Any]]


def from_v2(hpa: Manifest) -> Manifest:
    spec, status = dict(hpa.get("spec") or {}), dict(hpa.get("status") or {})
    told: dict[str, Any] = {}
    metrics = spec.pop("metrics", None) or []
    cpu = next((each for each in metrics if _cpu(each, "target") is not None), None)
    if cpu is not None:
        spec[_CPU_TARGET] = _cpu(cpu, "target")
    told[_METRICS] = [_to_old(each, "target") for each in metrics if each is not cpu]
    told[_BEHAVIOR] = spec.pop("behavior", None)
    current = status.pop("currentMetrics", None) or []
    used = next((each for each in current if each and _cpu(each, "current") is not None), None)
    if used is not None:
        status[_CPU_CURRENT] = _cpu(used, "current")
    told[_CURRENT] = [_to_old(each, "current") for each in current if each and each is not used]
    told[_CONDITIONS] = status.pop("conditions", None)
    status = {"currentReplicas": 0, "desiredReplicas": 0, **status}  # v1 always writes both
    annotations = {name: orjson.dumps(value).decode() for name, value in told.items() if value}
    return _made("autoscaling/v1", hpa, spec, status, annotations)


def to_v2(hpa: Manifest) -> Manifest:
    spec, status = dict(hpa.get("spec") or {}), dict(hpa.get("status") or {})
    told = _read(hpa["metadata"].get("annotations") or {})
    metrics = [_to_new(each, "target") for each in told.get(_METRICS) or ()]
    percentage = spec.pop(_CPU_TARGET, None)
    if percentage is not None:
        metrics.append(_cpu_metric("target", percentage, type="Utilization"))
    if metrics:
        spec["metrics"] = metrics
    if told.get(_BEHAVIOR):
        spec["behavior"] = told[_BEHAVIOR]
    current = [_to_new(each, "current") for each in told.get(_CURRENT) or ()]
    used = status.pop(_CPU_CURRENT, None)
    if used is not None:
        current.append(_cpu_metric("current", used))
    if current:
        status["currentMetrics"] = current
    if told.get(_CONDITIONS):
        status["conditions"] = told[_CONDITIONS]
    if not status.get("currentReplicas"):
        status.pop("currentReplicas", None)
    made = _made("autoscaling/v2", hpa, spec, status, {})
    meta = made["metadata"]
    kept = {name: value for name, value in meta.get("annotations", {}).items() if name not in told}
    if kept:
        meta["annotations"] = kept
    else:
        meta.pop("annotations", None)
    return made


def _made(
    api_version: str, hpa: Manifest, spec: Manifest, status: Manifest, more: dict[str, str]
) -> Manifest:
    meta = dict(hpa["metadata"])
    if more:
        meta["annotations"] = {**(meta.get("annotations") or {}), **more}
    made = {**hpa, "apiVersion": api_version, "metadata": meta}
    if "spec" in hpa:
        made["spec"] = spec
    if "status" in hpa:
        made["status"] = status
    return made


def _read(annotations: Mapping[str, Any]) -> dict[str, Any]:
    """Our annotations that can be read."""
    found = {}
    for name in _OURS:
        try:
            value = orjson.loads(annotations[name])
            wanted = dict if name == _BEHAVIOR else list
            if isinstance(value, wanted) and (wanted is dict or _all_dicts(value)):
                found[name] = value
        except (KeyError, TypeError, orjson.JSONDecodeError):
            continue
    return found


def _all_dicts(values: Iterable[Any]) -> bool:
    return all(isinstance(value, dict) for value in values)


def _cpu(metric: Mapping[str, Any], side: str) -> int | None:
    """The one value that v1 has a field for."""
    resource = metric.get("resource") or {}
    if metric.get("type") != "Resource" or resource.get("name") != "cpu":
        return None
    value: int | None = (resource.get(side) or {}).get("averageUtilization")
    return value


def _cpu_metric(side: str, percentage: int, **more: str) -> dict[str, Any]:
    body = {"name": "cpu", side: {**more, "averageUtilization": percentage}}
    return {"type": "Resource", "resource": body}


def _to_old(metric: Mapping[str, Any], side: str) -> dict[str, Any]:
    """A metric as v1 writes it: values beside each other, the metric's name and selector apart."""
    field = _SOURCES.get(metric["type"], "")
    body = dict(metric.get(field) or {})
    values = body.pop(side, None) or {}
    called = body.pop("metric", None) or {}
    old: dict[str, Any] = {}
    if "describedObject" in body:
        old["target"] = body.pop("describedObject")
    old |= body
    if called:
        old["metricName"] = called.get("name", "")
        if called.get("selector"):
            old["metricSelector" if field == "external" else "selector"] = called["selector"]
    for name, shown in _SPEC_NAMES.items():
        if values.get(name) is not None:
            old[_old_name(field, side, shown)] = values[name]
    return {"type": metric["type"], field: old}


def _old_name(field: str, side: str, shown: str) -> str:
    if field == "object" and shown == "AverageValue":
        return "averageValue"
    return side + shown


def _to_new(metric: Mapping[str, Any], side: str) -> dict[str, Any]:
    field = _SOURCES.get(metric.get("type") or "", "")
    body = metric.get(field)
    if not isinstance(body, dict):
        return dict(metric)
    new, values = dict(body), {}
    for name, shown in _SPEC_NAMES.items():
        value = new.pop(_old_name(field, side, shown), None)
        if value is not None:
            values[name] = value
    if field == "object" and "target" in new:
        new["describedObject"] = new.pop("target")
    selector = new.pop("metricSelector" if field == "external" else "selector", None)
    if "metricName" in new:
        new["metric"] = {"name": new.pop("metricName")}
        if selector:
            new["metric"]["selector"] = selector
    if side == "target" and values:
        values = {"type": _TYPES[next(iter(values))], **values}
    return {"type": metric["type"], field: {**new, side: values}}
