"""What a pod asks for and what a node has, as whole numbers: cpu in thousandths, the rest in units.

Pure. Upstream: kubernetes pkg/api/v1/resource PodRequests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kube import quantities
from sampan.kube.keys import Manifest

Amounts = dict[str, int]
_MINUTE_PODS = "pods"


def requested(pod: Manifest) -> Amounts:
    """The most that a pod uses at one time, overhead and its own slot included."""
    spec = pod["spec"]
    total: Amounts = {_MINUTE_PODS: 1}
    for container in spec["containers"]:
        _add(total, _of(container))
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in spec.get("initContainers") or ():
        if container.get("restartPolicy") == "Always":
            _add(sidecars, _of(container))
            _raise(peak, sidecars)
        else:
            _raise(peak, _sum(sidecars, _of(container)))
    _add(total, sidecars)
    _raise(total, peak)
    # What the pod asks for as a whole counts instead of the sum (upstream: KEP-2837).
    total.update(_of(spec))
    _add(total, {name: amount(name, value) for name, value in (spec.get("overhead") or {}).items()})
    return total


def amount(resource: str, quantity: quantities.Quantity) -> int:
    return quantities.milli(quantity) if resource == "cpu" else quantities.value(quantity)


def allocatable(node: Manifest) -> Amounts:
    status = node.get("status") or {}
    table = status.get("allocatable") or status.get("capacity") or {}
    return {name: amount(name, value) for name, value in table.items()}


def _of(container: Mapping[str, Any]) -> Amounts:
    """Requests; where only a limit is set it counts as the request."""
    resources = container.get("resources") or {}
    table = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return {name: amount(name, value) for name, value in table.items()}


def _add(total: Amounts, more: Amounts) -> None:
    for name, number in more.items():
        total[name] = total.get(name, 0) + number


def _sum(one: Amounts, other: Amounts) -> Amounts:
    total = dict(one)
    _add(total, other)
    return total


def _raise(total: Amounts, floor: Amounts) -> None:
    for name, number in floor.items():
        total[name] = max(total.get(name, 0), number)
