"""Templates of kind `containerSet`: several containers in one pod, each with a node of its own.

The pod's node comes first, then one for each container: below those that it depends on, or below
the pod's. Who waits for whom is seen to in the pod. What the containers' states mean for their
nodes is `observe`. Upstream: argo-workflows workflow/controller/container_set_template.go,
operator.go assessNodeStatus.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from sampan.kinds.workflows import naming, nodes
from sampan.kinds.workflows.nodes import Node, Phase
from sampan.kinds.workflows.templates import container
from sampan.kinds.workflows.types import Template
from sampan.kinds.workflows.walk import Running, Walk
from sampan.kube.keys import Manifest

_EXECUTOR_FAULT = 64
"""The exit code by which upstream's emissary says that it is to blame, not the program."""


def execute(walk: Walk, running: Running) -> Node | None:
    node = container.start(walk, running, _mains)
    if node is None or nodes.over(node):
        return node
    for each in running.template["containerSet"]["containers"]:
        name = naming.child_name(node["name"], each["name"])
        fields = walk.fields(replace(running.call, node=name, boundary=node["id"]))
        walk.put(nodes.born(fields, "Container", "Pending", walk.now))
    for each in running.template["containerSet"]["containers"]:
        child = walk.id(naming.child_name(node["name"], each["name"]))
        above = [naming.child_name(node["name"], name) for name in each.get("dependencies") or ()]
        for name in above or [node["name"]]:
            if (parent := walk.node(name)) is not None:
                walk.adopt(parent, child)
    return walk.by_id(node["id"])


def _mains(template: Template) -> list[dict[str, Any]]:
    group = template["containerSet"]
    shared = group.get("volumeMounts") or []
    return [
        {key: value for key, value in each.items() if key != "dependencies"}
        | {"volumeMounts": [*(each.get("volumeMounts") or ()), *shared]}
        for each in group["containers"]
    ]


def observe(walk: Walk, node: Node, pod: Manifest) -> None:
    """Give the containers' nodes the phases that their states mean."""
    status = pod.get("status") or {}
    for each in status.get("containerStatuses") or ():
        child = walk.node(naming.child_name(node["name"], each["name"]))
        if child is not None and child["type"] == "Container" and not nodes.over(child):
            phase, message = _assess(each, status.get("phase") or "")
            walk.turn(child, phase, message)


def _assess(status: Manifest, pod_phase: str) -> tuple[Phase, str]:
    state = status.get("state") or {}
    if (ended := state.get("terminated")) is not None:
        code = int(ended.get("exitCode") or 0)
        if code == 0:
            return "Succeeded", ""
        said = f"{status['name']}: {ended.get('reason') or ''} (exit code {code}): "
        said += ended.get("message") or ""
        return ("Error" if code == _EXECUTOR_FAULT else "Failed"), said
    if pod_phase == "Failed":
        return "Failed", "Pod Failed whilst container running"
    return ("Running" if "running" in state else "Pending"), ""
