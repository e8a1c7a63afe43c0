"""`progress`, such as `2/5`: how many of the pods that were made have succeeded. A pod may say
itself how far it is.

Written into the pods' nodes by `nodes`; summed up here for steps, groups, dags and the workflow.
Upstream: argo-workflows workflow/progress/updater.go (which also counts, in a group of steps, all
groups behind it).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.walk import Walk

_SUMS = ("Steps", "DAG", "StepGroup")


def update(walk: Walk) -> str:
    """Put the sums into the nodes, and answer with that of the workflow."""
    nodes = {**walk.workflow.nodes, **walk.changed}
    done, made = defaultdict[str, int](int), defaultdict[str, int](int)
    for node in nodes.values():
        if node["type"] != "Pod":
            continue
        part, _, whole = (node.get("progress") or "0/1").partition("/")
        for id in _around(nodes, node):
            made[id] += int(whole)
            done[id] += int(part)
    for node in _sorted(nodes.values()):
        id = node["id"]
        if node["type"] == "StepGroup":
            members = node.get("children") or ()
            made[id] = sum(made[each] for each in members)
            done[id] = sum(done[each] for each in members)
        said = f"{done[id]}/{made[id]}"
        if node.get("progress") != said:
            walk.put({**node, "progress": said})
    return f"{done['']}/{made['']}"


def _around(nodes: Mapping[str, Node], node: Node) -> Iterable[str]:
    """The node itself, the nodes around it, and "" for the workflow."""
    seen = node
    yield node["id"]
    while boundary := seen.get("boundaryID"):
        yield boundary
        seen = nodes.get(boundary) or {}
    yield ""


def _sorted(nodes: Iterable[Node]) -> list[Node]:
    """Sums of boundaries before groups, which add up what their members have."""
    found = [node for node in nodes if node["type"] in _SUMS]
    return sorted(found, key=lambda node: node["type"] == "StepGroup")
