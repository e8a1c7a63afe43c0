"""Kubernetes Events of nodes: WorkflowNodeRunning, -Succeeded, -Failed, -Error.

A node that ended before anybody saw it run is told of twice, as upstream does. The operator's
setting `nodeEvents` switches them off (`enabled: false`) or lets them be about the node's pod
(`sendAsPod`). Upstream: argo-workflows workflow/controller/operator.go recordNodePhaseChangeEvents,
config/node_events.go.
"""

from __future__ import annotations

from collections.abc import Iterator

from sampan.kinds.workflows import nodes, settings
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.types import NodeEvents, Run
from sampan.kinds.workflows.walk import Walk
from sampan.kube import meta, names
from sampan.kube.plan import Emit, View
from sampan.kube.times import parse


def see(cluster: View) -> NodeEvents:
    """What the operator wants."""
    try:
        given = settings.read(cluster).get("nodeEvents") or {}
    except settings.Mistake:  # which the workflow's execution complains of
        return NodeEvents()
    return NodeEvents(
        enabled=given.get("enabled") is not False, pods=given.get("sendAsPod") is True
    )


def of_nodes(walk: Walk) -> Iterator[Emit]:
    """What this look has to tell."""
    if not walk.workflow.node_events.enabled:
        return
    for id, node in walk.changed.items():
        old, new = (walk.workflow.nodes.get(id) or {}).get("phase"), node["phase"]
        if old == new or (old is None and new != "Running" and new not in nodes.COMPLETED):
            continue
        if new in nodes.COMPLETED and old in (None, "Pending"):
            yield _event(walk.workflow, node, "Running", "")
        yield _event(walk.workflow, node, new, node.get("message") or "")


def _event(run: Run, node: Node, phase: str, message: str) -> Emit:
    text = f"{phase} node {node['name']}" + (f": {message}" if message else "")
    notes = {
        names.ANNOTATION_NODE_TYPE: node["type"],
        names.ANNOTATION_NODE_NAME: node["name"],
        names.ANNOTATION_NODE_ID: node["id"],
        names.ANNOTATION_NODE_START: f"{int(parse(node['startedAt']).timestamp())}000000000",
    }
    kind = "Normal" if phase in ("Running", "Succeeded") else "Warning"
    pod = run.pods.get(node["id"]) if run.node_events.pods else None
    if pod is not None:
        notes[names.ANNOTATION_WORKFLOW_NAME] = run.name
        notes[names.ANNOTATION_WORKFLOW_UID] = meta.uid_of(run.manifest)
    return Emit(kind, f"WorkflowNode{phase}", text, about=pod, annotations=notes)
