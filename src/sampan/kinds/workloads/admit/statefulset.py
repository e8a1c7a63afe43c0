"""Admission of StatefulSets. Upstream: kubernetes pkg/apis/apps/{v1/defaults.go,validation}."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.kinds.workloads.admit import common
from sampan.kube import formats, quantities, templates
from sampan.kube.component import Rules
from sampan.kube.errors import Problem, duplicate, forbidden, invalid, required, unsupported
from sampan.kube.keys import Manifest

_POLICIES = ("OrderedReady", "Parallel")
_STRATEGIES = ("OnDelete", "RollingUpdate")
_RETENTIONS = ("Delete", "Retain")
_MUTABLE = {
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
}
_IMMUTABLE = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template',"
    " 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and"
    " 'minReadySeconds' are forbidden"
)


def default(manifest: Manifest) -> None:
    spec = manifest.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    spec.setdefault("podManagementPolicy", "OrderedReady")
    spec.setdefault("revisionHistoryLimit", 10)
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        strategy["rollingUpdate"] = {"partition": 0} | (strategy.get("rollingUpdate") or {})
    retention = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    keeps = {"whenDeleted": "Retain", "whenScaled": "Retain"}
    spec["persistentVolumeClaimRetentionPolicy"] = keeps | retention
    for claim in spec.get("volumeClaimTemplates") or ():
        claim.setdefault("apiVersion", "v1")
        claim.setdefault("kind", "PersistentVolumeClaim")
        claim.setdefault("metadata", {})
        claim.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
        claim.setdefault("status", {}).setdefault("phase", "Pending")
    templates.fill(spec.setdefault("template", {}))


def validate(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    spec = manifest["spec"]
    return [
        *common.not_negative(spec, ("replicas", "minReadySeconds", "revisionHistoryLimit")),
        *_choices(spec),
        *templates.selector_problems(spec.get("selector"), spec["template"], "statefulset"),
        *templates.problems(_with_claims(spec)),
        *templates.forever_problems(spec["template"], "StatefulSet"),
        *_claims(spec.get("volumeClaimTemplates") or (), "spec.volumeClaimTemplates"),
        *_changes(manifest, old),
    ]


def _choices(spec: dict[str, Any]) -> Iterator[Problem]:
    if (policy := spec["podManagementPolicy"]) not in _POLICIES:
        yield unsupported("spec.podManagementPolicy", policy, _POLICIES)
    strategy = spec["updateStrategy"]
    rolling, path = strategy.get("rollingUpdate"), "spec.updateStrategy.rollingUpdate"
    if strategy["type"] not in _STRATEGIES:
        yield unsupported("spec.updateStrategy.type", strategy["type"], _STRATEGIES)
    elif strategy["type"] == "OnDelete" and rolling is not None:
        yield forbidden(path, "only allowed for updateStrategy 'RollingUpdate'")
    elif rolling:
        yield from common.not_negative(rolling, ("partition",), path)
        yield from _unavailable(rolling.get("maxUnavailable"), f"{path}.maxUnavailable")
    retention = spec["persistentVolumeClaimRetentionPolicy"]
    for field in ("whenDeleted", "whenScaled"):
        if retention[field] not in _RETENTIONS:
            at = f"spec.persistentVolumeClaimRetentionPolicy.{field}"
            yield unsupported(at, retention[field], _RETENTIONS)
    yield from common.not_negative(spec.get("ordinals") or {}, ("start",), "spec.ordinals")
    if (service := spec.get("serviceName")) and (fault := formats.dns_subdomain(service)):
        yield invalid("spec.serviceName", service, fault)


def _unavailable(value: int | str | None, path: str) -> Iterator[Problem]:
    if value is None:
        return
    faults = list(common.amount(value, path))
    yield from faults
    if not faults and value in (0, "0%"):
        yield invalid(path, value, "cannot be 0")
    elif not faults and isinstance(value, str) and int(value[:-1]) > 100:
        yield invalid(path, value, "must not be greater than 100%")


def _with_claims(spec: dict[str, Any]) -> dict[str, Any]:
    """The template with a volume for each claim template, as its containers may mount them."""
    named = [
        (each.get("metadata") or {}).get("name") for each in spec.get("volumeClaimTemplates") or ()
    ]
    pod = spec["template"]["spec"]
    own = [each for each in pod.get("volumes") or () if each.get("name") not in named]
    extra = [{"name": name, "emptyDir": {}} for name in dict.fromkeys(named) if name]
    return {**spec["template"], "spec": {**pod, "volumes": [*own, *extra]}}


def _claims(claims: Any, path: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, claim in enumerate(claims):
        at, name, spec = f"{path}[{index}]", claim["metadata"].get("name") or "", claim["spec"]
        if not name:
            yield required(f"{at}.metadata.name")
        elif fault := formats.dns_label(name):
            yield invalid(f"{at}.metadata.name", name, fault)
        elif name in seen:
            yield duplicate(f"{at}.metadata.name", name)
        seen.add(name)
        if not spec.get("accessModes"):
            yield required(f"{at}.spec.accessModes", "at least 1 access mode is required")
        yield from _storage(spec, f"{at}.spec.resources[storage]")


def _storage(spec: dict[str, Any], path: str) -> Iterator[Problem]:
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if size is None:
        yield required(path)
        return
    try:
        if quantities.parse(size) <= 0:
            yield invalid(path, str(size), "must be greater than zero")
    except ValueError as wrong:
        yield invalid(path, str(size), str(wrong))


def _changes(manifest: Manifest, old: Manifest | None) -> Iterator[Problem]:
    if old is None:
        return
    new, before = manifest["spec"], old["spec"]
    if any(
        new.get(field) != before.get(field) for field in {*new, *before} if field not in _MUTABLE
    ):
        yield forbidden("spec", _IMMUTABLE)


RULES = Rules(default=default, validate=validate, warn=common.warn)
