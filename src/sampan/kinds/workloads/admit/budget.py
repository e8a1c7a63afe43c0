"""Admission of PodDisruptionBudgets. Upstream: kubernetes pkg/apis/policy/validation."""

from __future__ import annotations

from sampan.kinds.workloads.admit import common
from sampan.kube import templates
from sampan.kube.component import Rules
from sampan.kube.errors import Problem, invalid, unsupported
from sampan.kube.keys import Manifest

_POLICIES = ("AlwaysAllow", "IfHealthyBudget")


def validate(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    spec = manifest.get("spec") or {}
    found: list[Problem] = []
    given = [field for field in ("minAvailable", "maxUnavailable") if spec.get(field) is not None]
    if len(given) > 1:
        fault = "minAvailable and maxUnavailable cannot be both set"
        found.append(invalid("spec", {field: spec[field] for field in given}, fault))
    for field in given:
        value = spec[field]
        faults = list(common.amount(value, f"spec.{field}"))
        if not faults and isinstance(value, str) and int(value[:-1]) > 100:
            faults = [invalid(f"spec.{field}", value, "must not be greater than 100%")]
        found += faults
    found += templates.label_selector_problems(spec.get("selector") or {}, "spec.selector")
    policy = spec.get("unhealthyPodEvictionPolicy")
    if policy is not None and policy not in _POLICIES:
        found.append(unsupported("spec.unhealthyPodEvictionPolicy", policy, _POLICIES))
    return found


RULES = Rules(validate=validate)
