"""Templates of kind `steps`: groups one after the other, the steps of a group side by side.

Every group is a node of its own. A group waits for all its steps, then fails if one of them did;
the first group that fails ends the template, always as Failed. Later groups see `steps.X.…` of
earlier ones. Upstream: argo-workflows workflow/controller/steps.go.
"""

from __future__ import annotations

from typing import Any

from sampan.kinds.workflows import naming, nodes
from sampan.kinds.workflows.language import scopes
from sampan.kinds.workflows.language.scopes import Scope
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.templates import groups
from sampan.kinds.workflows.walk import Broken, Call, Running, TooDeep, Walk

Step = dict[str, Any]
ERRED = "step group deemed errored due to child"


def execute(walk: Walk, running: Running) -> Node | None:
    call = running.call
    steps = walk.node(call.node) or walk.begin(running, "Steps", "Running")
    scope: dict[str, Any] = {}
    ends = [steps["id"]]
    for index, members in enumerate(running.template["steps"]):
        name = naming.group_name(call.node, index)
        group = walk.node(name) or _begin(walk, steps, name, index, ends)
        if not nodes.over(group):
            group = _run(walk, running, group, members, scope)
        if not nodes.over(group):
            return walk.by_id(steps["id"])
        ends = groups.ends(walk, group)
        if nodes.broken(group):
            return _end(walk, steps, ends, group)
        for step in members:
            done = walk.node(naming.child_name(name, step["name"]))
            scope |= scopes.of_child("steps", step["name"], done) if done else {}
    return _end(walk, steps, ends, None)


def _end(walk: Walk, steps: Node, ends: list[str], broken: Node | None) -> Node:
    groups.close(walk, steps, ends)
    steps = walk.by_id(steps["id"]) or steps
    if broken is None:
        return walk.turn(steps, "Succeeded")
    return walk.turn(steps, "Failed", broken.get("message", ""))


def _begin(walk: Walk, steps: Node, name: str, index: int, ends: list[str]) -> Node:
    call = Call(node=name, who={}, boundary=steps["id"])
    group = walk.put(nodes.born(walk.fields(call), "StepGroup", "Running", walk.now))
    for end in ends:
        if parent := walk.by_id(end):
            walk.adopt(parent, group["id"])
    return group


def _run(walk: Walk, running: Running, group: Node, members: list[Step], scope: Scope) -> Node:
    """Start and look at all steps of a group; its node is over once all of them are."""
    called = [(step, naming.child_name(group["name"], step["name"])) for step in members]
    known = [walk.node(name) for _, name in called]
    hold = bool(running.template.get("failFast")) and any(map(nodes.broken, known))
    children: list[Node] = []
    held = waits = False
    for (step, name), before in zip(called, known, strict=True):
        if before is None and hold:
            held = True
            continue
        try:
            child = groups.call(walk, running, step, name, scope)
        except TooDeep:
            child = walk.node(name)
        except Broken as fault:
            walk.adopt(group, walk.id(name))
            return walk.error(walk.by_id(group["id"]) or group, f"{ERRED} {name} error: {fault}")
        waits = waits or not nodes.over(child)
        if child is not None:
            children.append(child)
    new = {child["id"] for child in children} - set(group.get("children") or ())
    group = walk.adopt(group, *(child["id"] for child in children if child["id"] in new))
    if waits:
        return group
    failed = next((child["id"] for child in children if nodes.broken(child)), None)
    if failed is None:
        return walk.turn(group, "Succeeded")
    return walk.turn(group, "Failed", groups.FAILED_FAST if held else f"child '{failed}' failed")
