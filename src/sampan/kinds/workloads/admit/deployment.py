"""Admission of Deployments. Upstream: kubernetes pkg/apis/apps/{v1/defaults.go,validation}."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.kinds.workloads.admit import common
from sampan.kube import templates
from sampan.kube.component import Rules
from sampan.kube.errors import Problem, forbidden, invalid, unsupported
from sampan.kube.keys import Manifest

_TYPES = ("Recreate", "RollingUpdate")
_NUMBERS = ("replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")


def default(manifest: Manifest) -> None:
    spec = manifest.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.get("rollingUpdate") or {}
        strategy["rollingUpdate"] = {"maxUnavailable": "25%", "maxSurge": "25%"} | rolling
    templates.fill(spec.setdefault("template", {}))


def validate(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    spec = manifest["spec"]
    return [
        *common.not_negative(spec, _NUMBERS),
        *templates.selector_problems(spec.get("selector"), spec["template"], "deployment"),
        *templates.problems(spec["template"]),
        *templates.forever_problems(spec["template"], "Deployment"),
        *_strategy(spec["strategy"], "spec.strategy"),
        *_deadline(spec),
        *common.immutable(manifest, old, ("selector",)),
    ]


def _strategy(strategy: dict[str, Any], path: str) -> Iterator[Problem]:
    if strategy["type"] not in _TYPES:
        yield unsupported(f"{path}.type", strategy["type"], _TYPES)
    rolling = strategy.get("rollingUpdate")
    if strategy["type"] == "Recreate" and rolling is not None:
        fault = "may not be specified when strategy `type` is 'Recreate'"
        yield forbidden(f"{path}.rollingUpdate", fault)
    elif strategy["type"] == "RollingUpdate" and rolling:
        yield from _rolling(rolling, f"{path}.rollingUpdate")


def _rolling(rolling: dict[str, Any], path: str) -> Iterator[Problem]:
    surge, unavailable = rolling["maxSurge"], rolling["maxUnavailable"]
    faults = [
        *common.amount(unavailable, f"{path}.maxUnavailable"),
        *common.amount(surge, f"{path}.maxSurge"),
    ]
    yield from faults
    if faults:
        return
    if isinstance(unavailable, str) and int(unavailable[:-1]) > 100:
        yield invalid(f"{path}.maxUnavailable", unavailable, "must not be greater than 100%")
    if {surge, unavailable} <= {0, "0%"}:
        fault = "may not be 0 when `maxSurge` is 0"
        yield invalid(f"{path}.maxUnavailable", unavailable, fault)


def _deadline(spec: dict[str, Any]) -> Iterator[Problem]:
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None and 0 <= deadline <= (spec.get("minReadySeconds") or 0):
        fault = "must be greater than minReadySeconds"
        yield invalid("spec.progressDeadlineSeconds", deadline, fault)


RULES = Rules(default=default, validate=validate, warn=common.warn)
