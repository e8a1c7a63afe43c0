"""`progress`, such as `2/5`: how much of what was begun has succeeded.

A pod counts for one, or for what it says itself; so do containers of a set, suspended nodes, http
and plugin nodes. Steps, dags, groups and retries have the sum of what is in them, the workflow that
of all. Upstream: argo-workflows workflow/progress/updater.go (whose sums also count what comes
behind a node).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from sampan.kinds.workflows import nodes
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.walk import Walk

COUNTED = ("Pod", "HTTP", "Plugin", "Container", "Suspend")
_SUMS = ("Steps", "DAG", "Retry", "TaskGroup", "StepGroup")
"""In an order in which the parts come first, within one boundary."""
_READABLE = re.compile(r"[0-9]{1,9}/[0-9]{1,9}")
_UNKNOWN = (0, 1)
_NOTHING = (0, 0)

Part = tuple[int, int]


def update(walk: Walk) -> str:
    """Put the sums into the nodes, and answer with that of the workflow."""
    known = {**walk.workflow.nodes, **walk.changed}
    own: dict[str, Part] = {}
    direct: dict[str, Part] = {}  # by boundary
    sums: list[Node] = []
    for id, node in known.items():
        if node["type"] in COUNTED:
            part = own[id] = _own(walk, node)
            boundary = node.get("boundaryID", "")
            direct[boundary] = _plus(direct.get(boundary, _NOTHING), part)
        elif node["type"] in _SUMS:
            sums.append(node)
    whole = _NOTHING
    for part in direct.values():
        whole = _plus(whole, part)
    found = _sums(sums, own, direct)
    for node in sums:
        said = "{}/{}".format(*found[node["id"]])
        if node.get("progress") != said:
            walk.put({**node, "progress": said})
    return "{}/{}".format(*whole)


def _own(walk: Walk, node: Node) -> Part:
    said = node.get("progress")
    if said is None:
        said = "1/1" if node["phase"] == "Succeeded" else "0/1"
        walk.put({**node, "progress": said})
    part = _read(said)
    if part[0] != part[1] and node["phase"] in nodes.GOOD:
        part = (part[1], part[1])
        walk.put({**node, "progress": "{}/{}".format(*part)})
    return part


@lru_cache(maxsize=4096)
def _read(text: str) -> Part:
    """What makes no sense has not begun: anybody may write it."""
    if not _READABLE.fullmatch(text):
        return _UNKNOWN
    part, _, whole = text.partition("/")
    return int(part), int(whole)


def _plus(left: Part, right: Part) -> Part:
    return left[0] + right[0], left[1] + right[1]


def _sums(sums: list[Node], own: Mapping[str, Part], direct: Mapping[str, Part]) -> dict[str, Part]:
    """The sum of each node. Boundaries first, the innermost before those around them."""
    boundaries = {node["id"]: node for node in sums if node["type"] in ("Steps", "DAG")}
    found: dict[str, Part] = {id: direct.get(id, _NOTHING) for id in boundaries}
    for id in sorted(boundaries, key=lambda id: -_depth(boundaries, id)):
        around = boundaries[id].get("boundaryID", "")
        if around in found:
            found[around] = _plus(found[around], found[id])
    for type in _SUMS[2:]:
        for node in sums:
            if node["type"] == type:
                total = _NOTHING
                for each in node.get("children") or ():
                    total = _plus(total, own.get(each) or found.get(each, _NOTHING))
                found[node["id"]] = total
    return found


def _depth(boundaries: Mapping[str, Node], id: str) -> int:
    depth = 0
    while id in boundaries and depth < len(boundaries):  # they may name each other in a circle
        depth, id = depth + 1, boundaries[id].get("boundaryID", "")
    return depth
