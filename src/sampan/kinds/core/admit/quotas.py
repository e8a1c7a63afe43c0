"""ResourceQuota: what may be limited, and for which pods.

What is used is counted where writes are admitted (`sampan.apiserver.quotas`), not here.
Upstream: kubernetes pkg/apis/core/validation ValidateResourceQuota, pkg/apis/core/helper.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sampan.kube import names, quantities
from sampan.kube.component import Rules
from sampan.kube.errors import Problem, invalid, required
from sampan.kube.formats import label_key
from sampan.kube.keys import Manifest

_COUNTS = frozenset(
    {
        "pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps",
        "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
    }
)  # fmt: skip
_PREFIXES = ("", "requests.", "limits.")
_OF_PODS = frozenset(f"{prefix}{name}" for prefix in _PREFIXES for name in ("cpu", "memory"))
_STANDARD = (
    _COUNTS
    | _OF_PODS
    | {f"{prefix}ephemeral-storage" for prefix in _PREFIXES}
    | {"requests.storage"}
)
_OF_CLASSES = tuple(
    f".storageclass.storage.k8s.io/{name}"
    for name in ("requests.storage", "persistentvolumeclaims")
)
_HUGE = ("hugepages-", "requests.hugepages-")
_SCOPES = ("Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass",
           "CrossNamespacePodAffinity")  # fmt: skip
_OPPOSITES = ({"Terminating", "NotTerminating"}, {"BestEffort", "NotBestEffort"})
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def default_quota(manifest: Manifest) -> None:
    manifest.setdefault("spec", {})


def validate_quota(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    spec = manifest["spec"]
    found = [
        problem
        for name, amount in (spec.get("hard") or {}).items()
        for problem in _limit(name, amount, f"spec.hard[{name}]")
    ]
    found += _scopes(spec)
    found += _selector(spec)
    if old is not None:
        found += [
            invalid(f"spec.{field}", spec.get(field) or [], "field is immutable")
            for field in ("scopes", "scopeSelector")
            if (spec.get(field) or None) != ((old.get("spec") or {}).get(field) or None)
        ]
    return found


def warn_quota(manifest: Manifest) -> list[str]:
    """Limits that are kept, but that nothing here is ever counted for."""
    return [
        f"spec.hard[{name}]: nothing is counted for this name"
        for name in manifest["spec"].get("hard") or ()
        if name not in _STANDARD
        and not name.startswith((*_HUGE, "count/", "requests."))
        and not name.endswith(_OF_CLASSES)
    ]


def _limit(name: str, amount: Any, path: str) -> Iterator[Problem]:
    if fault := label_key(name):
        yield invalid(path, name, fault)
    elif "/" not in name and name not in _STANDARD and not name.startswith(_HUGE):
        yield invalid(path, name, "must be a standard resource for quota")
    try:
        number = quantities.parse(amount)
    except ValueError as error:
        yield invalid(path, amount, str(error))
        return
    if number < 0:
        yield invalid(path, amount, "must be greater than or equal to 0")
    if (name in _COUNTS or name.startswith("count/")) and number.denominator != 1:
        yield invalid(path, amount, "must be an integer")


def _scopes(spec: Mapping[str, Any]) -> Iterator[Problem]:
    scopes = spec.get("scopes") or ()
    for scope in scopes:
        if scope not in _SCOPES:
            yield invalid("spec.scopes", scope, "unsupported scope")
        if any(not _counts_within(scope, name) for name in spec.get("hard") or ()):
            yield invalid("spec.scopes", list(scopes), "unsupported scope applied to resource")
    for pair in _OPPOSITES:
        if pair <= set(scopes):
            yield invalid("spec.scopes", list(scopes), "conflicting scopes")


def _selector(spec: Mapping[str, Any]) -> Iterator[Problem]:
    terms = (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    path = "spec.scopeSelector.matchExpressions"
    for term in terms:
        yield from _term(term, path)
        if any(not _counts_within(term.get("scopeName"), name) for name in spec.get("hard") or ()):
            yield invalid(path, list(terms), "unsupported scope applied to resource")
    if any(pair <= {term.get("scopeName") for term in terms} for pair in _OPPOSITES):
        yield invalid(path, list(terms), "conflicting scopes")


def _term(term: Mapping[str, Any], path: str) -> Iterator[Problem]:
    scope, operator = term.get("scopeName") or "", term.get("operator") or ""
    values = term.get("values") or ()
    if not scope:
        yield required(f"{path}.scopeName", "must specify a scope name")
    elif scope not in _SCOPES:
        yield invalid(f"{path}.scopeName", scope, "unsupported scope")
    if operator not in _OPERATORS:
        yield invalid(f"{path}.operator", operator, "not a valid selector operator")
    elif scope in _SCOPES and scope != "PriorityClass" and operator != "Exists":
        every = ", ".join(
            f"ResourceQuotaScope{each}" for each in _SCOPES if each != "PriorityClass"
        )
        fault = f"must be 'Exist' when scope is any of {every}"
        yield invalid(f"{path}.operator", operator, fault)
    elif operator in ("In", "NotIn") and not values:
        fault = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
        yield required(f"{path}.values", fault)
    elif operator in ("Exists", "DoesNotExist") and values:
        fault = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
        yield invalid(f"{path}.values", list(values), fault)


def _counts_within(scope: str | None, name: str) -> bool:
    """Whether a scope means anything for what is limited. Names of others are not judged."""
    if scope not in _SCOPES or name not in _STANDARD:
        return True
    return name == "pods" or (scope != "BestEffort" and name in _OF_PODS)


QUOTA_RULES: Mapping[str, Rules] = {
    names.RESOURCE_QUOTA: Rules(default=default_quota, validate=validate_quota, warn=warn_quota)
}
