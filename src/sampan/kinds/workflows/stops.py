"""What ends nodes from outside: a shutdown of the workflow, its deadline.

    shutdown Stop        all but exit handlers       Terminate   all
    deadline             all but exit handlers

Upstream: argo-workflows workflow/controller/exec_control.go,
failNodesWithoutCreatedPodsAfterDeadlineOrShutdown.
"""

from __future__ import annotations

from sampan.kinds.workflows import nodes
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.pods import ending
from sampan.kinds.workflows.walk import LATE, Walk

_WAITS = ("Suspend", "HTTP", "Plugin")
"""Types of nodes that run without a pod of their own."""


def apply(walk: Walk) -> None:
    """End what may not go on; ask to be called at the deadline."""
    if walk.deadline is not None and not walk.late:
        walk.wait((walk.deadline - walk.workflow.now).total_seconds())
    if not walk.stopping and not walk.late:
        return
    for id in list(walk.workflow.nodes):
        node = walk.by_id(id)
        if node is None or nodes.fulfilled(node):
            continue
        exit = _is_exit(walk, node)
        if not walk.may_run(exit=exit):
            _shut(walk, node)
        elif walk.late and not exit:
            _expire(walk, node)


def _is_exit(walk: Walk, node: Node | None) -> bool:
    """Whether a node is part of an exit handler."""
    while node is not None:
        if node["name"].endswith(".onExit"):
            return True
        node = walk.by_id(node.get("boundaryID") or "")
    return False


def _shut(walk: Walk, node: Node) -> None:
    strategy = walk.workflow.spec.shutdown
    stopped = f"Stopped with strategy '{strategy}'"
    if node["type"] == "Pod" and not nodes.waiting(node):
        _end(walk, node, f"workflow shutdown with strategy:  {strategy}")
    elif node["type"] in _WAITS or nodes.waiting(node):
        walk.turn(node, "Failed", stopped)
    elif node["type"] == "Retry" and node.get("children"):
        below = (walk.by_id(each) for each in node["children"])
        if all(nodes.fulfilled(each) for each in below):
            walk.turn(node, "Failed", stopped)


def _expire(walk: Walk, node: Node) -> None:
    if node["type"] == "Pod" and not nodes.waiting(node):
        _end(walk, node, LATE)
    elif node["phase"] == "Pending" or node["type"] == "Suspend":
        walk.turn(node, "Failed", LATE)


def _end(walk: Walk, node: Node, said: str) -> None:
    """Fail the node of a pod, and its containers' nodes, and end the pod."""
    if pod := walk.workflow.pods.get(node["id"]):
        walk.actions += ending.end(walk.workflow, pod)
    _fail(walk, node, said)


def _fail(walk: Walk, node: Node, said: str) -> None:
    walk.turn(node, "Failed", said)
    for each in node.get("children") or ():
        child = walk.by_id(each)
        if child is not None and child["type"] == "Container" and not nodes.over(child):
            _fail(walk, child, said)
