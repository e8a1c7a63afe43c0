"""Admission of DaemonSets. Upstream: kubernetes pkg/apis/apps/{v1/defaults.go,validation}."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.kinds.workloads.admit import common
from sampan.kube import names, templates
from sampan.kube.component import Rules
from sampan.kube.errors import Problem, invalid, required, unsupported
from sampan.kube.keys import Manifest

_TYPES = ("RollingUpdate", "OnDelete")


def default(manifest: Manifest) -> None:
    spec = manifest.setdefault("spec", {})
    spec.setdefault("revisionHistoryLimit", 10)
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.get("rollingUpdate") or {}
        strategy["rollingUpdate"] = {"maxUnavailable": 1, "maxSurge": 0} | rolling
    templates.fill(spec.setdefault("template", {}))


def prepare(manifest: Manifest, old: Manifest | None) -> None:
    """Count the templates, as pods made from them say by a label of former days."""
    notes = (old or {}).get("metadata", {}).get("annotations") or {}
    text = notes.get(names.ANNOTATION_TEMPLATE_GENERATION) or "0"
    number = int(text) if text.isdecimal() and len(text) < 19 else 0
    if old is None or old["spec"].get("template") != manifest["spec"]["template"]:
        number += 1
    about = manifest["metadata"]
    about["annotations"] = {
        **(about.get("annotations") or {}),
        names.ANNOTATION_TEMPLATE_GENERATION: str(max(1, number)),
    }


def validate(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    spec = manifest["spec"]
    return [
        *common.not_negative(spec, ("minReadySeconds", "revisionHistoryLimit")),
        *templates.selector_problems(spec.get("selector"), spec["template"], "daemonset"),
        *templates.problems(spec["template"]),
        *templates.forever_problems(spec["template"], "DaemonSet"),
        *_strategy(spec["updateStrategy"], "spec.updateStrategy"),
        *common.immutable(manifest, old, ("selector",)),
    ]


def _strategy(strategy: dict[str, Any], path: str) -> Iterator[Problem]:
    if strategy["type"] not in _TYPES:
        yield unsupported(f"{path}.type", strategy["type"], _TYPES)
    if strategy["type"] != "RollingUpdate":
        return
    rolling, path = strategy["rollingUpdate"], f"{path}.rollingUpdate"
    unavailable, surge = rolling["maxUnavailable"], rolling["maxSurge"]
    faults = [
        *common.amount(unavailable, f"{path}.maxUnavailable"),
        *common.amount(surge, f"{path}.maxSurge"),
    ]
    yield from faults
    if faults:
        return
    for field, value in (("maxUnavailable", unavailable), ("maxSurge", surge)):
        if isinstance(value, str) and int(value[:-1]) > 100:
            yield invalid(f"{path}.{field}", value, "must not be greater than 100%")
    zero = (0, "0%")
    if unavailable in zero and surge in zero:
        yield required(f"{path}.maxUnavailable", "cannot be 0 when maxSurge is 0")
    if unavailable not in zero and surge not in zero:
        fault = "may not be set when maxUnavailable is non-zero"
        yield invalid(f"{path}.maxSurge", surge, fault)


RULES = Rules(default=default, prepare=prepare, validate=validate, warn=common.warn)
