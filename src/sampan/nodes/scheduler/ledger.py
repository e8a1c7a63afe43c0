"""What is used on each node, counted as pods come and go: no pod is ever looked at twice.

A pod counts from the moment that it was chosen for a node (`assume`) until it is over or gone.
"""

from __future__ import annotations

from msgspec.structs import replace

from sampan.kube.keys import Manifest
from sampan.nodes.scheduler.amounts import Amounts, allocatable, requested
from sampan.nodes.scheduler.fit import NodeSeen

TERMINAL = ("Succeeded", "Failed")


class Ledger:
    def __init__(self) -> None:
        self._nodes: dict[str, NodeSeen] = {}
        self._used: dict[str, Amounts] = {}
        self._placed: dict[str, tuple[str, Amounts]] = {}

    def nodes(self) -> list[NodeSeen]:
        """All nodes, with what is used now."""
        return [replace(node, used=self._used.get(name, {})) for name, node in self._nodes.items()]

    def node_changed(self, node: Manifest) -> bool:
        """Whether anything that matters is different."""
        seen = see_node(node)
        changed = self._nodes.get(seen.name) != seen
        self._nodes[seen.name] = seen
        return changed

    def node_gone(self, name: str) -> None:
        self._nodes.pop(name, None)

    def pod_changed(self, pod: Manifest) -> bool:
        """Take note of a pod that is bound; whether that has freed something."""
        uid, node = pod["metadata"]["uid"], pod["spec"].get("nodeName")
        if (pod.get("status") or {}).get("phase") in TERMINAL:
            return self.release(uid)
        if node and uid not in self._placed:
            self.assume(uid, node, requested(pod))
        return False

    def assume(self, uid: str, node: str, wants: Amounts) -> None:
        """Count a pod as being on the node."""
        self._placed[uid] = (node, wants)
        used = self._used.setdefault(node, {})
        for name, number in wants.items():
            used[name] = used.get(name, 0) + number

    def release(self, uid: str) -> bool:
        """Whether the pod was counted."""
        placed = self._placed.pop(uid, None)
        if placed is None:
            return False
        node, wants = placed
        used = self._used[node]
        for name, number in wants.items():
            used[name] -= number
        return True


def see_node(node: Manifest) -> NodeSeen:
    meta, spec = node["metadata"], node.get("spec") or {}
    conditions = (node.get("status") or {}).get("conditions") or ()
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return NodeSeen(
        name=meta["name"],
        labels=meta.get("labels") or {},
        taints=spec.get("taints") or (),
        unschedulable=bool(spec.get("unschedulable")),
        ready=ready,
        has=allocatable(node),
    )
