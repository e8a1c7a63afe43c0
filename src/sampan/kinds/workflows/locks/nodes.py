"""Locks of nodes: what `execute` asks before a template runs, and tells when a node is over."""

from __future__ import annotations

from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.walk import Running, Walk


def acquire(walk: Walk, running: Running, node: Node | None) -> Node | None:
    """None once all locks of the template are held; else the node, Pending, that waits."""
    return None


def release(walk: Walk, node: Node) -> None:
    """Give back the locks of a node that is over."""
