"""Pods that this node does not take, though somebody has bound them to it: a host port is taken.

Such a pod is Failed for ever, with upstream's reason, and its maker makes another one. What the
scheduler has chosen never gets here. Upstream: kubernetes pkg/kubelet/lifecycle/predicate.go.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from sampan.kube import meta, placement
from sampan.kube.errors import ApiStatus
from sampan.kube.keys import Manifest, key_of
from sampan.nodes.context import Context
from sampan.nodes.scheduler.ledger import TERMINAL

log = logging.getLogger(__name__)

REASON = "NodePorts"
_FAULT = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"


def judge(pod: Manifest, others: Iterable[Manifest]) -> str:
    """Why the node does not take the pod; "" when it does. `others` are those that it has."""
    wanted = placement.host_ports(pod["spec"])
    if not wanted or (pod.get("status") or {}).get("startTime") or meta.deleting(pod):
        return ""
    for other in others:
        if (other.get("status") or {}).get("phase") not in TERMINAL:
            held = placement.host_ports(other["spec"])
            if any(one.clashes(two) for one in wanted for two in held):
                return _FAULT
    return ""


async def write(context: Context, pod: Manifest, fault: str) -> None:
    """Say so in the pod's status."""
    message = f"Pod was rejected: {fault}"
    context.emit(pod, "Warning", REASON, fault)
    status = {"phase": "Failed", "reason": REASON, "message": message}
    patch = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status}
    try:
        await context.cluster.patch(key_of(pod), patch, subresource="status")
    except ApiStatus as error:
        log.debug("refusal of %s not written: %s", key_of(pod), error.message)
