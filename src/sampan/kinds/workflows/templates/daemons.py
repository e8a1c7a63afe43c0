"""Daemons: pods that serve the rest of their template, and end with it.

A daemon counts as fulfilled once its pod is ready; when the steps or dag around it is over, its pod
is ended and its node has succeeded. Upstream: argo-workflows workflow/controller/exec_control.go
killDaemonedChildren.
"""

from __future__ import annotations

from sampan.kinds.workflows import nodes
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.pods import ending
from sampan.kinds.workflows.resolve.book import Unknown
from sampan.kinds.workflows.walk import Walk
from sampan.kube.keys import Manifest


def observe(walk: Walk, seen: Node, before: Node, pod: Manifest) -> Node:
    """The node of a pod that has been looked at, if its template is a daemon; else as it is."""
    if (seen is before and not nodes.is_daemon(seen)) or not _is_daemon(walk, before):
        return seen
    status = pod.get("status") or {}
    if nodes.over(seen):
        plain = {key: value for key, value in seen.items() if key != "daemoned"}
        return {**plain, "phase": "Failed"} if seen["phase"] == "Succeeded" else plain
    if seen["phase"] != "Running":
        return seen
    states = status.get("containerStatuses") or ()
    if not nodes.is_daemon(seen) and not all(each.get("ready") for each in states):
        return before
    address = status.get("podIP") or ""
    if nodes.is_daemon(seen) and seen.get("podIP", "") == address:
        return seen
    return {**seen, "daemoned": True, **({"podIP": address} if address else {})}


def _is_daemon(walk: Walk, node: Node) -> bool:
    """Whether a node's template is a daemon. One that is written in place is looked up nowhere."""
    if nodes.is_daemon(node):
        return True
    who = {"template": node.get("templateName"), "templateRef": node.get("templateRef")}
    try:
        home = node.get("templateScope") or ""
        found = walk.book.find(who, "" if home.startswith("local/") else home)
    except Unknown:
        return False
    return found.template.get("daemon") is True


def gone(walk: Walk, node: Node) -> None:
    """The pod of a node is no more."""
    plain = {key: value for key, value in node.items() if key != "daemoned"}
    walk.put(nodes.turned(plain, "Error", walk.now, "pod deleted"))


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
