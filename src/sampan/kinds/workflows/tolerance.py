"""A status that somebody else wrote, as this controller's own would be.

A workflow may be created with a status: taken over from another cluster, restored, or made up. Of
a node its schema wants no more than id, name and type; what else is missing is what Go's zero
values would be upstream: no phase is one that is still to come. A status of our own is returned as
it is, and finding that out is all that the rest of them cost.
Upstream: argo-workflows pkg/apis/workflow/v1alpha1 WorkflowStatus, NodeStatus.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kinds.workflows.nodes import COMPLETED, OVER, PHASES, Node
from sampan.kube.keys import Manifest

_PHASES = frozenset(PHASES)


def status_of(manifest: Manifest) -> Mapping[str, Any]:
    """The status of a workflow, with all that is read without asking whether it is there."""
    status = manifest.get("status") or {}
    nodes: Mapping[str, Node] = status.get("nodes") or {}
    partial = [id for id, node in nodes.items() if _is_partial(node)]
    ended = status.get("phase") not in COMPLETED or status.get("finishedAt")
    if not partial and ended:
        return status
    began = status.get("startedAt") or manifest["metadata"].get("creationTimestamp")
    if not began:
        return status  # nothing that is stored lacks the time of its creation
    whole = {id: _whole(id, nodes[id], began) for id in partial}
    known = {**status, "nodes": {**nodes, **whole}}
    return known if ended else {**known, "finishedAt": began}


def _is_partial(node: Node) -> bool:
    phase = node.get("phase")
    return (
        phase not in _PHASES
        or not node.get("startedAt")
        or "displayName" not in node
        or (phase in OVER and not node.get("finishedAt"))
    )


def _whole(id: str, node: Node, began: str) -> Node:
    phase = node.get("phase") if node.get("phase") in _PHASES else "Pending"
    started = node.get("startedAt") or began
    ended = node.get("finishedAt") or (started if phase in OVER else None)
    display = node.get("displayName") or node.get("name") or id
    return {**node, "id": id, "displayName": display, "phase": phase,
            "startedAt": started, "finishedAt": ended}  # fmt: skip
