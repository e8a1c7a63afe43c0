"""Whether a pod fits a node, and which of those that fit is best. Pure.

Required node affinity, nodeSelector, taints, readiness and amounts are looked at; affinity between
pods and spreading are not: on one machine they have nothing to choose from.
Upstream: kubernetes pkg/scheduler/framework/plugins/{noderesources,nodeaffinity,tainttoleration}.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from sampan.kube import meta, names, placement
from sampan.kube.keys import Manifest
from sampan.nodes.scheduler.amounts import Amounts, is_port, ports

_HARD = ("NoSchedule", "NoExecute")


class NodeSeen(Struct, frozen=True, kw_only=True):
    """A node and what its pods use already."""

    name: str
    labels: Mapping[str, str] = {}
    taints: Sequence[Mapping[str, str]] = ()
    unschedulable: bool = False
    ready: bool = True
    has: Mapping[str, int] = {}
    used: Mapping[str, int] = {}


class Choice(Struct, frozen=True):
    """A node's name, or "" and the reason."""

    node: str = ""
    message: str = ""


def decide(pod: Manifest, wants: Amounts, nodes: Sequence[NodeSeen]) -> Choice:
    """The node with the most cpu left (relative to what it has) among those that fit."""
    if not nodes:
        return Choice(message="no nodes available to schedule pods")
    faults: Counter[str] = Counter()
    fitting: list[NodeSeen] = []
    for node in nodes:
        found = obstacles(pod, wants, node)
        faults.update(found)
        if not found:
            fitting.append(node)
    if fitting:
        best = min(fitting, key=lambda node: (_load(node, wants), node.name))
        return Choice(node=best.name)
    return Choice(message=unavailable(len(nodes), faults))


def beyond(pod: Manifest, wants: Amounts, nodes: Sequence[NodeSeen]) -> Amounts:
    """What no node has as much of as the pod wants, with the most that one has; {} unless the pod
    is content with that."""
    said = meta.annotations_of(pod).get(names.ANNOTATION_RESOURCES)
    if said != names.AS_AVAILABLE or not nodes:
        return {}
    most = {name: max(node.has.get(name, 0) for node in nodes) for name in wants}
    return {name: n for name, n in most.items() if n < wants[name] and not is_port(name)}


def unavailable(nodes: int, faults: Mapping[str, int]) -> str:
    """`0/1 nodes are available: 1 Insufficient cpu.`"""
    said = ", ".join(sorted(f"{count} {fault}" for fault, count in faults.items()))
    return f"0/{nodes} nodes are available: {said}."


def obstacles(pod: Manifest, wants: Amounts, node: NodeSeen) -> list[str]:
    """Why the pod does not fit; empty when it does. A node that is wrong is not measured."""
    spec = pod["spec"]
    if not node.ready:
        return ["node(s) were not ready"]
    tolerations = spec.get("tolerations") or ()
    if node.unschedulable and not placement.tolerated(_CORDONED, tolerations):
        return ["node(s) were unschedulable"]
    for taint in node.taints:
        if taint.get("effect") in _HARD and not placement.tolerated(taint, tolerations):
            return [f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"]
    if not placement.selected(spec, node.name, node.labels):
        return ["node(s) didn't match Pod's node affinity/selector"]
    return _lacking(wants, node)


_CORDONED = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def _lacking(wants: Amounts, node: NodeSeen) -> list[str]:
    found = []
    asked = ports(wants)
    if asked and any(one.clashes(other) for one in asked for other in ports(node.used)):
        found.append("node(s) didn't have free ports for the requested pod ports")
    for name, number in wants.items():
        if number and not is_port(name) and number > node.has.get(name, 0) - node.used.get(name, 0):
            found.append("Too many pods" if name == "pods" else f"Insufficient {name}")
    return found


def _load(node: NodeSeen, wants: Amounts) -> float:
    cpu = node.has.get("cpu", 0) or 1
    return (node.used.get("cpu", 0) + wants.get("cpu", 0)) / cpu
