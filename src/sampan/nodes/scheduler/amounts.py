"""What a pod asks for and what a node has, as whole numbers: cpu in thousandths, the rest in units.

Pure. Upstream: kubernetes pkg/api/v1/resource PodRequests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kube import demands, katib, placement, quantities
from sampan.kube.keys import Manifest

Amounts = dict[str, int]
_MINUTE_PODS = "pods"
_PORT = "hostPort/"


def requested(pod: Manifest) -> Amounts:
    """The most that a pod uses at one time, overhead and its own slot included."""
    spec = pod["spec"]
    total = demands.peak(spec, _of)
    demands.add(total, {_MINUTE_PODS: 1})
    overhead = spec.get("overhead") or {}
    demands.add(total, {name: amount(name, value) for name, value in overhead.items()})
    for port in placement.host_ports(spec):
        total[f"{_PORT}{port.protocol}/{port.port}/{port.ip}"] = 1
    return total


def is_port(name: str) -> bool:
    """Whether an amount is a port of the machine: a node has one of each, though none is listed."""
    return name.startswith(_PORT)


def ports(amounts: Mapping[str, int]) -> list[placement.HostPort]:
    found = (name.split("/", 3) for name, number in amounts.items() if number and is_port(name))
    return [placement.HostPort(ip, protocol, int(port)) for _, protocol, port, ip in found]


def amount(resource: str, quantity: quantities.Quantity) -> int:
    return quantities.milli(quantity) if resource == "cpu" else quantities.value(quantity)


def allocatable(node: Manifest) -> Amounts:
    status = node.get("status") or {}
    table = status.get("allocatable") or status.get("capacity") or {}
    return {name: amount(name, value) for name, value in table.items()}


def _of(container: Mapping[str, Any]) -> Amounts:
    """Requests; where only a limit is set it counts as the request. What the node carries out
    itself takes nothing of what containers share."""
    if katib.collector_of(container):
        return {}
    resources = container.get("resources") or {}
    table = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return {name: amount(name, value) for name, value in table.items()}
