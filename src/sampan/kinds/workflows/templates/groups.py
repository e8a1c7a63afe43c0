"""What steps and dag have in common: calling a child, where a node's graph ends, failFast."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping
from typing import Any

from sampan.kinds.workflows import nodes
from sampan.kinds.workflows.language import arguments, tags
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.walk import Call, Running, Walk

FAILED_FAST = "template has failed or errored children and failFast enabled"

Child = Mapping[str, Any]


def look(walk: Walk, node_name: str) -> Node | None:
    """The child's node if looking at it is enough: it is over, or its pod says what it does."""
    node = walk.node(node_name)
    return node if node is not None and (nodes.over(node) or node["type"] == "Pod") else None


def call(
    walk: Walk, running: Running, child: Child, node_name: str, scope: Mapping[str, str]
) -> Node | None:
    """Run a step or a task. `scope` is what its siblings told."""
    known = ChainMap(dict(scope), running.scope, walk.globals)
    given = tags.fill(child.get("arguments"), known.get)
    return walk.run(
        Call(
            node=node_name,
            display=child["name"],
            template=child["template"],
            arguments=arguments.given(given),
            boundary=walk.id(running.call.node),
            limit=running.template.get("parallelism"),
            depth=running.call.depth + 1,
        )
    )


def ends(walk: Walk, node: Node) -> list[str]:
    """The ids of the nodes in which a node's graph ends: what comes next hangs below these."""
    if node["type"] == "StepGroup":
        below = [walk.by_id(each) for each in node.get("children") or ()]
        found = [end for child in below if child for end in ends(walk, child)]
        return list(dict.fromkeys(found)) or [node["id"]]
    return list(node.get("outboundNodes") or [node["id"]])


def close(walk: Walk, node: Node, outbound: Iterable[str]) -> None:
    """Note in a steps or dag node where its graph ends."""
    now = walk.by_id(node["id"]) or node
    found = [end for end in dict.fromkeys(outbound) if end != node["id"]]
    if found and now.get("outboundNodes") != found:
        walk.put({**now, "outboundNodes": found})
