"""What one object counts for, by the names that a quota may limit. Pure.

Every object counts as `count/<resource>.<group>`; some kinds have older names besides, and pods,
claims and services count for what they ask for.
Upstream: k8s.io/kubernetes pkg/quota/v1/evaluator/core, k8s.io/apiserver pkg/quota/v1/generic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from sampan.kube import demands, names, quantities
from sampan.kube.keys import Manifest

Usage = dict[str, Fraction]

ONE = Fraction(1)
REQUESTS, LIMITS, HUGE_PAGES = "requests.", "limits.", "hugepages-"
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_ALIASES = frozenset(
    {
        "configmaps", "secrets", "services", "resourcequotas", "replicationcontrollers",
        "persistentvolumeclaims",
    }
)  # fmt: skip
_CLASS_SUFFIX = ".storageclass.storage.k8s.io/"
_ASKED = frozenset({"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu",
                    "limits.memory"})  # fmt: skip


def usage(label: str, manifest: Manifest) -> Usage:
    """What the object counts for. `label` is its resource as `<plural>.<group>`."""
    counted = {f"count/{label}": ONE}
    if label in _ALIASES:
        counted[label] = ONE
    special = _SPECIAL.get(label)
    if special is not None:
        demands.add(counted, special(manifest))
    return counted


def is_special(label: str) -> bool:
    """Whether objects of the resource count for more than themselves."""
    return label in _SPECIAL


def charged_on_update(label: str) -> bool:
    """Whether an update may count for more than before: a claim that grows, a service that gets
    ports. What a pod asks for cannot change."""
    return label in ("services", "persistentvolumeclaims")


def unasked(limited: Iterable[str], pod: Manifest) -> str:
    """What containers must say, because a quota limits it: the end of a message, "" when all is
    said."""
    wanted = sorted(_ASKED.intersection(limited))
    spec = pod["spec"]
    missing: dict[str, list[str]] = {}
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        for name in wanted:
            if not (_says(container, name) or _says(spec, name)):
                missing.setdefault(name, []).append(container.get("name", ""))
    if not missing:
        return ""
    parts = (f"{name} for: {','.join(sorted(set(who)))}" for name, who in missing.items())
    return f"must specify {'; '.join(parts)}"


def _says(part: Mapping[str, Any], name: str) -> bool:
    """Whether a container, or the spec as a whole, says what a limit of this name counts."""
    table = "limits" if name.startswith(LIMITS) else "requests"
    plain = name.removeprefix(LIMITS).removeprefix(REQUESTS)
    return plain in ((part.get("resources") or {}).get(table) or {})


def lives(pod: Manifest) -> bool:
    """Whether a pod still uses anything: it has not ended, nor has its node let go of it."""
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return False
    meta = pod["metadata"]
    return not (meta.get("deletionTimestamp") and meta.get("deletionGracePeriodSeconds") == 0)


def _pod(pod: Manifest) -> Usage:
    if not lives(pod):
        return {}
    counted = {"pods": ONE}
    for name, number in demands.requests(pod["spec"]).items():
        if name in _COMPUTE or name.startswith(HUGE_PAGES):
            counted[name] = number
        if name in _COMPUTE or name.startswith(HUGE_PAGES) or "/" in name:
            counted[REQUESTS + name] = number
    for name, number in demands.limits(pod["spec"]).items():
        if name in _COMPUTE:
            counted[LIMITS + name] = number
    return counted


def _service(service: Manifest) -> Usage:
    """Node ports are not given out yet when a service is admitted: what it intends counts."""
    spec = service["spec"]
    ports = spec.get("ports") or ()
    kind = spec.get("type")
    if kind == "NodePort":
        return {"services.nodeports": Fraction(len(ports))}
    if kind != "LoadBalancer":
        return {}
    if spec.get("allocateLoadBalancerNodePorts") is False:
        ports = [port for port in ports if port.get("nodePort")]
    return {"services.loadbalancers": ONE, "services.nodeports": Fraction(len(ports))}


def _claim(claim: Manifest) -> Usage:
    """What is asked for, or what a bound claim has, if that is more."""
    spec = claim["spec"]
    asked = _storage((spec.get("resources") or {}).get("requests"))
    allocated = _storage((claim.get("status") or {}).get("allocatedResources"))
    size = max(asked, allocated)
    counted = {"requests.storage": size}
    annotations = claim["metadata"].get("annotations") or {}
    name = annotations.get(names.ANNOTATION_OLD_CLASS) or spec.get("storageClassName")
    if name:
        counted[f"{name}{_CLASS_SUFFIX}requests.storage"] = size
        counted[f"{name}{_CLASS_SUFFIX}persistentvolumeclaims"] = ONE
    return counted


def _storage(table: Mapping[str, Any] | None) -> Fraction:
    """What cannot be read counts as nothing: nobody validates what a status says."""
    try:
        return quantities.parse((table or {}).get("storage", 0))
    except ValueError:
        return Fraction(0)


_SPECIAL: Mapping[str, Callable[[Manifest], Usage]] = {
    "pods": _pod,
    "services": _service,
    "persistentvolumeclaims": _claim,
}
