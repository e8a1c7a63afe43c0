"""The quality of service class of a pod. Upstream: kubernetes pkg/apis/core/helper/qos."""

from __future__ import annotations

from sampan.kube import quantities
from sampan.kube.keys import Manifest

_COUNTED = ("cpu", "memory")


def qos_class(pod: Manifest) -> str:
    """Guaranteed when each container limits cpu and memory to what it requests, BestEffort when
    none says anything, else Burstable."""
    spec = pod["spec"]
    containers = (*spec["containers"], *(spec.get("initContainers") or ()))
    if spec.get("resources"):  # of the pod as a whole: then only those count
        containers = (spec,)
    anything, guaranteed = False, True
    for container in containers:
        resources = container.get("resources") or {}
        limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
        anything = anything or any(_set(table, name) for table in (limits, requests)
                                   for name in _COUNTED)  # fmt: skip
        for name in _COUNTED:
            limit = limits.get(name)
            same = limit is not None and (
                name not in requests or quantities.parse(requests[name]) == quantities.parse(limit)
            )
            guaranteed = guaranteed and same
    if not anything:
        return "BestEffort"
    return "Guaranteed" if guaranteed else "Burstable"


def _set(table: dict[str, str], name: str) -> bool:
    return name in table and quantities.parse(table[name]) != 0
