"""Admission of HorizontalPodAutoscalers, as autoscaling/v2 has them.

Upstream: kubernetes pkg/apis/autoscaling/{v2/defaults.go,validation}.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.kube import quantities, templates
from sampan.kube.component import Rules
from sampan.kube.errors import Problem, forbidden, invalid, required, unsupported
from sampan.kube.keys import Manifest

_SOURCES = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
_TARGETS = ("Utilization", "Value", "AverageValue")
_SELECTIONS = ("Max", "Min", "Disabled")
_LONGEST_WINDOW, _LONGEST_PERIOD = 3600, 1800
_USUAL = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}
_UP: dict[str, Any] = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
_DOWN: dict[str, Any] = {
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}


def default(manifest: Manifest) -> None:
    spec = manifest.setdefault("spec", {})
    if spec.get("minReplicas") is None:
        spec["minReplicas"] = 1
    if not spec.get("metrics"):
        spec["metrics"] = [{**_USUAL}]
    behavior = spec.get("behavior")
    if behavior:
        for field, usual in (("scaleUp", _UP), ("scaleDown", _DOWN)):
            given = {k: v for k, v in (behavior.get(field) or {}).items() if v is not None}
            behavior[field] = usual | given


def validate(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    spec = manifest["spec"]
    found = [*_target_reference(spec.get("scaleTargetRef") or {}), *_sizes(spec)]
    for index, metric in enumerate(spec["metrics"]):
        found += _metric(metric, f"spec.metrics[{index}]")
    for field in ("scaleUp", "scaleDown"):
        if rules := (spec.get("behavior") or {}).get(field):
            found += _rules(rules, f"spec.behavior.{field}")
    return found


def _target_reference(reference: dict[str, Any]) -> Iterator[Problem]:
    for field in ("kind", "name"):
        if not reference.get(field):
            yield required(f"spec.scaleTargetRef.{field}")
        elif "/" in reference[field]:
            yield invalid(f"spec.scaleTargetRef.{field}", reference[field], "may not contain '/'")


def _sizes(spec: dict[str, Any]) -> Iterator[Problem]:
    low, high = spec["minReplicas"], spec.get("maxReplicas") or 0
    if low < 1:
        yield invalid("spec.minReplicas", low, "must be greater than or equal to 1")
    if high < 1:
        yield invalid("spec.maxReplicas", high, "must be greater than 0")
    if high < low:
        fault = "must be greater than or equal to `minReplicas`"
        yield invalid("spec.maxReplicas", high, fault)


def _metric(metric: dict[str, Any], path: str) -> Iterator[Problem]:
    kind = metric.get("type")
    if not kind:
        yield required(f"{path}.type", "must specify a metric source type")
        return
    if kind not in _SOURCES:
        yield unsupported(f"{path}.type", kind, sorted(_SOURCES))
        return
    for other, field in _SOURCES.items():
        if other != kind and metric.get(field) is not None:
            yield forbidden(f"{path}.{field}", "must populate the given metric source only")
    at, body = f"{path}.{_SOURCES[kind]}", metric.get(_SOURCES[kind])
    if body is None:
        yield required(at, "must populate information for the given metric source")
        return
    if "Resource" in kind:
        if not body.get("name"):
            yield required(f"{at}.name", "must specify a resource name")
        if kind == "ContainerResource" and not body.get("container"):
            yield required(f"{at}.container", "must specify a container")
    else:
        yield from _named(body, kind, at)
    yield from _target(body.get("target") or {}, kind, f"{at}.target")


def _named(body: dict[str, Any], kind: str, path: str) -> Iterator[Problem]:
    metric = body.get("metric") or {}
    name = metric.get("name") or ""
    if not name:
        yield required(f"{path}.metric.name", "must specify a metric name")
    elif name in (".", "..") or "/" in name or "%" in name:
        yield invalid(f"{path}.metric.name", name, "may not be '.' or '..', or contain '/' or '%'")
    if metric.get("selector"):
        yield from templates.label_selector_problems(metric["selector"], f"{path}.metric.selector")
    about = body.get("describedObject") or {}
    for field in ("kind", "name") if kind == "Object" else ():
        if not about.get(field):
            yield required(f"{path}.describedObject.{field}")


def _target(target: dict[str, Any], kind: str, path: str) -> Iterator[Problem]:
    type_ = target.get("type")
    if not type_:
        yield required(f"{path}.type", "must specify a metric target type")
    elif type_ not in _TARGETS:
        yield unsupported(f"{path}.type", type_, sorted(_TARGETS))
    allowed = {
        "Resource": ("averageUtilization", "averageValue"),
        "ContainerResource": ("averageUtilization", "averageValue"),
        "Pods": ("averageValue",),
    }.get(kind, ("value", "averageValue"))
    given = [field for field in allowed if target.get(field) is not None]
    if not given:
        yield required(f"{path}.{allowed[0]}", f"must set one of {', '.join(allowed)}")
    for field in given[1:]:
        yield forbidden(f"{path}.{field}", f"may not set both {given[0]} and {field}")
    for field in given[:1]:
        yield from _positive(target[field], f"{path}.{field}")


def _positive(value: Any, path: str) -> Iterator[Problem]:
    try:
        good = quantities.parse(value) > 0
    except ValueError as wrong:
        yield invalid(path, value, str(wrong))
        return
    if not good:
        yield invalid(path, value, "must be positive")


def _rules(rules: dict[str, Any], path: str) -> Iterator[Problem]:
    window = rules.get("stabilizationWindowSeconds")
    if window is not None and not 0 <= window <= _LONGEST_WINDOW:
        fault = f"must be greater than or equal to 0 and less than or equal to {_LONGEST_WINDOW}"
        yield invalid(f"{path}.stabilizationWindowSeconds", window, fault)
    if (chosen := rules.get("selectPolicy")) not in (None, *_SELECTIONS):
        yield unsupported(f"{path}.selectPolicy", chosen, _SELECTIONS)
    if (tolerance := rules.get("tolerance")) is not None and tolerance not in (0, "0"):
        yield from _positive(tolerance, f"{path}.tolerance")
    if not rules.get("policies"):
        yield required(f"{path}.policies", "must specify at least one Policy")
    for index, policy in enumerate(rules.get("policies") or ()):
        yield from _policy(policy, f"{path}.policies[{index}]")


def _policy(policy: dict[str, Any], path: str) -> Iterator[Problem]:
    if policy.get("type") not in ("Pods", "Percent"):
        yield unsupported(f"{path}.type", policy.get("type"), ("Percent", "Pods"))
    if (policy.get("value") or 0) <= 0:
        yield invalid(f"{path}.value", policy.get("value"), "must be greater than zero")
    if not 0 < (policy.get("periodSeconds") or 0) <= _LONGEST_PERIOD:
        fault = f"must be greater than zero and less than or equal to {_LONGEST_PERIOD}"
        yield invalid(f"{path}.periodSeconds", policy.get("periodSeconds"), fault)


RULES = Rules(default=default, validate=validate)
