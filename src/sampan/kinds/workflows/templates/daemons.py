"""Daemons: pods that serve the rest of their template, and end with it.

A daemon counts as fulfilled once its pod is ready; when the steps or dag around it is over, its pod
is ended and its node has succeeded. Upstream: argo-workflows workflow/controller/exec_control.go
killDaemonedChildren.
"""

from __future__ import annotations

from sampan.kinds.workflows import nodes
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.pods import ending
from sampan.kinds.workflows.walk import Walk


def end(walk: Walk, boundary: Node) -> None:
    """End the daemons of a steps or dag node."""
    for id in list(walk.daemons):
        node = walk.by_id(id)
        if node is not None and node.get("boundaryID") == boundary["id"]:
            _end(walk, node)


def end_all(walk: Walk) -> None:
    """End what daemons there are: the workflow is over."""
    for id in list(walk.daemons):
        if node := walk.by_id(id):
            _end(walk, node)


def _end(walk: Walk, node: Node) -> None:
    walk.daemons.discard(node["id"])
    if not nodes.is_daemon(node):
        return
    if pod := walk.workflow.pods.get(node["id"]):
        walk.actions += ending.end(walk.workflow, pod)
    plain = {key: value for key, value in node.items() if key != "daemoned"}
    if nodes.over(plain):
        walk.put(plain)
    else:
        walk.put(nodes.turned(plain, "Succeeded", walk.now, ""))
