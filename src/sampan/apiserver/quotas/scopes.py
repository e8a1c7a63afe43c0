"""Scopes: which pods a quota is about. Pure.

A quota with scopes counts nothing but pods, and of these the ones that meet all its scopes.
Upstream: k8s.io/kubernetes pkg/quota/v1/evaluator/core/pods.go podMatchesScopeFunc.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sampan.kube.keys import Manifest

Requirement = Mapping[str, Any]


def requirements(spec: Mapping[str, Any]) -> tuple[Requirement, ...]:
    """All scopes of a quota's spec, in the form of the scopeSelector."""
    plain = [{"scopeName": scope, "operator": "Exists"} for scope in spec.get("scopes") or ()]
    return (*plain, *((spec.get("scopeSelector") or {}).get("matchExpressions") or ()))


def meets(pod: Manifest, requirement: Requirement) -> bool:
    """Whether a pod is of the scope."""
    spec = pod["spec"]
    match requirement.get("scopeName"):
        case "Terminating":
            return _is_terminating(spec)
        case "NotTerminating":
            return not _is_terminating(spec)
        case "BestEffort":
            return _is_best_effort(spec)
        case "NotBestEffort":
            return not _is_best_effort(spec)
        case "PriorityClass":
            return _of_priority(spec.get("priorityClassName") or "", requirement)
        case "CrossNamespacePodAffinity":
            return any(map(_crosses, _affinity_terms(spec)))
    return False


def _is_terminating(spec: Mapping[str, Any]) -> bool:
    return spec.get("activeDeadlineSeconds") is not None


def _is_best_effort(spec: Mapping[str, Any]) -> bool:
    return not any(
        ((container.get("resources") or {}).get(table) or {}).get(name, "0") not in (0, "0")
        for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ()))
        for table in ("requests", "limits")
        for name in ("cpu", "memory")
    )


def _of_priority(name: str, requirement: Requirement) -> bool:
    match requirement.get("operator"):
        case "In":
            return bool(name) and name in (requirement.get("values") or ())
        case "NotIn":
            return name not in (requirement.get("values") or ())
        case "Exists":
            return bool(name)
        case "DoesNotExist":
            return not name
    return False


def _affinity_terms(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    affinity = spec.get("affinity") or {}
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(kind) or {}
        yield from rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        for weighted in rules.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
            yield weighted.get("podAffinityTerm") or {}


def _crosses(term: Mapping[str, Any]) -> bool:
    return bool(term.get("namespaces")) or term.get("namespaceSelector") is not None
