"""Pods that this node does not take, though somebody has bound them to it: a host port is taken,
or the whole node is not enough.

Such a pod is Failed for ever, with upstream's reason, and its maker makes another one. What the
scheduler has chosen never gets here. Pods that somebody has bound may ask for more together than
the node has: only each alone is judged, so that many pods cost no more than few.
Upstream: kubernetes pkg/kubelet/lifecycle/predicate.go.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from math import ceil
from typing import Any

from msgspec import Struct

from sampan.kube import demands, katib, meta, names, placement, quantities
from sampan.kube.errors import ApiStatus
from sampan.kube.keys import Manifest, key_of
from sampan.nodes.context import Context
from sampan.nodes.scheduler.ledger import TERMINAL

log = logging.getLogger(__name__)

_PORTS = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"


class Fault(Struct, frozen=True):
    """Why the node does not take a pod."""

    reason: str
    text: str


def judge(
    pod: Manifest, others: Iterable[Manifest], allocatable: Mapping[str, str]
) -> Fault | None:
    """What is wrong with the pod. `others` are those that the node has."""
    if (pod.get("status") or {}).get("startTime") or meta.deleting(pod):
        return None
    if meta.annotations_of(pod).get(names.ANNOTATION_RESOURCES) == names.AS_AVAILABLE:
        return _clash(pod["spec"], others)
    return _excess(pod["spec"], allocatable) or _clash(pod["spec"], others)


def _excess(spec: Mapping[str, Any], allocatable: Mapping[str, str]) -> Fault | None:
    theirs = [each for each in spec["containers"] if not katib.collector_of(each)]
    for name, wanted in demands.requests({**spec, "containers": theirs}).items():
        if name not in allocatable:
            continue  # upstream leaves what it does not count to who bound the pod
        has = quantities.parse(allocatable[name])
        if wanted > has:
            unit = 1000 if name == "cpu" else 1
            text = f"Node didn't have enough resource: {name}, requested: {ceil(wanted * unit)}"
            return Fault(f"OutOf{name}", f"{text}, used: 0, capacity: {int(has * unit)}")
    return None


def _clash(spec: Mapping[str, Any], others: Iterable[Manifest]) -> Fault | None:
    wanted = placement.host_ports(spec)
    if not wanted:
        return None
    for other in others:
        if (other.get("status") or {}).get("phase") not in TERMINAL:
            held = placement.host_ports(other["spec"])
            if any(one.clashes(two) for one in wanted for two in held):
                return Fault("NodePorts", _PORTS)
    return None


async def write(context: Context, pod: Manifest, fault: Fault) -> None:
    """Say so in the pod's status."""
    message = f"Pod was rejected: {fault.text}"
    context.emit(pod, "Warning", fault.reason, fault.text)
    about, status = pod["metadata"], {"phase": "Failed", "reason": fault.reason, "message": message}
    if "generation" in about:
        status["observedGeneration"] = about["generation"]
    patch = {"metadata": {"uid": about["uid"]}, "status": status}
    try:
        await context.cluster.patch(key_of(pod), patch, subresource="status")
    except ApiStatus as error:
        log.debug("refusal of %s not written: %s", key_of(pod), error.message)
