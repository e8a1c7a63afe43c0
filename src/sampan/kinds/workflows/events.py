"""Kubernetes Events of nodes: WorkflowNodeRunning, -Succeeded, -Failed, -Error.

A node that ended before anybody saw it run is told of twice, as upstream does. Upstream:
argo-workflows workflow/controller/operator.go recordNodePhaseChangeEvents.
"""

from __future__ import annotations

from collections.abc import Iterator

from sampan.kinds.workflows import nodes
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.walk import Walk
from sampan.kube import names
from sampan.kube.plan import Emit
from sampan.kube.times import parse


def of_nodes(walk: Walk) -> Iterator[Emit]:
    """What this look has to tell."""
    for id, node in walk.changed.items():
        old, new = (walk.workflow.nodes.get(id) or {}).get("phase"), node["phase"]
        if old == new or (old is None and new != "Running" and new not in nodes.COMPLETED):
            continue
        if new in nodes.COMPLETED and old in (None, "Pending"):
            yield _event(node, "Running", "")
        yield _event(node, new, node.get("message") or "")


def _event(node: Node, phase: str, message: str) -> Emit:
    text = f"{phase} node {node['name']}" + (f": {message}" if message else "")
    notes = {
        names.ANNOTATION_NODE_TYPE: node["type"],
        names.ANNOTATION_NODE_NAME: node["name"],
        names.ANNOTATION_NODE_ID: node["id"],
        names.ANNOTATION_NODE_START: f"{int(parse(node['startedAt']).timestamp())}000000000",
    }
    kind = "Normal" if phase in ("Running", "Succeeded") else "Warning"
    return Emit(kind, f"WorkflowNode{phase}", text, annotations=notes)
