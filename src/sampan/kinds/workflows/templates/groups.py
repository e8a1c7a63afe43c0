"""What steps and dag have in common: calling a child, where a node's graph ends, failFast."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import structs

from sampan.kinds.workflows.language import scopes
from sampan.kinds.workflows.language.scopes import Scope
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.walk import Call, Running, Walk

FAILED_FAST = "template has failed or errored children and failFast enabled"

Child = Mapping[str, Any]


def call(walk: Walk, running: Running, child: Child, node_name: str, scope: Scope) -> Node | None:
    """Run a step or a task. `scope` is what its siblings told."""
    known = ChainMap(dict(scope), dict(running.scope), dict(walk.globals))
    plainly = plain(walk, running, child, node_name)
    given = scopes.fill(child.get("arguments") or {}, known)
    return walk.run(structs.replace(plainly, arguments=given))


def plain(walk: Walk, running: Running, child: Child, node_name: str) -> Call:
    """The call of a step or a task, without its arguments."""
    return Call(
        node=node_name,
        who=child,
        boundary=walk.id(running.call.node),
        around=running,
        depth=running.call.depth + 1,
        home=running.home,
        exit=running.call.exit,
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
