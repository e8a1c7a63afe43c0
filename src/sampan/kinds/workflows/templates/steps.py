"""Templates of kind `steps`: groups one after the other, the steps of a group side by side.

Every group is a node of its own. A group waits for all its steps and their hooks, then fails if one
of them did; the first group that fails ends the template, always as Failed. Later groups see
`steps.X.…` of earlier ones. Upstream: argo-workflows workflow/controller/steps.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from sampan.kinds.workflows import naming, nodes
from sampan.kinds.workflows.language import outputs
from sampan.kinds.workflows.language.arguments import Missing
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.templates import daemons, groups, hooks, loops, when
from sampan.kinds.workflows.templates.groups import Member, Source
from sampan.kinds.workflows.templates.hooks import Host
from sampan.kinds.workflows.walk import Broken, Call, Running, TimedOut, TooDeep, Walk

Step = dict[str, Any]
ERRED = "step group deemed errored due to child"
UNRESOLVED = "failed to resolve references"


def execute(walk: Walk, running: Running) -> Node | None:
    call, found = running.call, running.template["steps"]
    steps = walk.node(call.node) or walk.begin(running, "Steps", "Running")
    if groups.failed_fast(walk, running, steps):
        return _fail_fast(walk, running, steps)
    ends = [steps["id"]]
    for index, members in enumerate(found):
        name = naming.group_name(call.node, index)
        group = walk.node(name) or _begin(walk, running, name, ends)
        if not nodes.over(group):
            before = partial(_before, call.node, found, index)
            group = _group(walk, running, group, members, before)
        if not nodes.over(group):
            return walk.by_id(steps["id"])
        ends = groups.ends(walk, group)
        if nodes.broken(group):
            return _end(walk, steps, ends, group)
    return _succeed(walk, running, steps, ends)


def _before(node: str, found: Sequence[list[Step]], until: int) -> Iterator[Source]:
    """The steps of the groups before one."""
    for index in range(until):
        group = naming.group_name(node, index)
        for step in found[index]:
            yield Source(step["name"], naming.child_name(group, step["name"]), group)


def _succeed(walk: Walk, running: Running, steps: Node, ends: list[str]) -> Node:
    template = running.template
    if template.get("outputs"):
        every = partial(_before, running.call.node, template["steps"], len(template["steps"]))
        try:
            told = groups.asked(walk, "steps", template["outputs"], every)()
            given = outputs.of_template(template, {**walk.globals, **running.scope, **told})
        except Missing as missing:
            walk.error(walk.by_id(steps["id"]) or steps, str(missing))
            raise Broken(str(missing)) from missing
        if given is not None:
            steps = walk.put({**(walk.by_id(steps["id"]) or steps), "outputs": given})
    return _end(walk, steps, ends, None)


def _end(walk: Walk, steps: Node, ends: list[str], broken: Node | None) -> Node:
    groups.close(walk, steps, ends)
    daemons.end(walk, steps)
    steps = walk.by_id(steps["id"]) or steps
    if broken is None:
        return walk.turn(steps, "Succeeded")
    return walk.turn(steps, "Failed", broken.get("message", ""))


def _fail_fast(walk: Walk, running: Running, steps: Node) -> Node:
    for index in reversed(range(len(running.template["steps"]))):
        group = walk.node(naming.group_name(running.call.node, index))
        if group is not None:
            if not nodes.over(group):
                group = walk.turn(group, "Failed", groups.FAILED_FAST)
            return _end(walk, steps, groups.ends(walk, group), group)
    return steps


def _begin(walk: Walk, running: Running, name: str, ends: list[str]) -> Node:
    boundary = walk.id(running.call.node)
    call = Call(node=name, who={}, boundary=boundary, home=running.home)
    group = walk.put(nodes.born(walk.fields(call), "StepGroup", "Running", walk.now))
    for end in ends:
        if parent := walk.by_id(end):
            walk.adopt(parent, group["id"])
    return group


def _group(
    walk: Walk,
    running: Running,
    group: Node,
    steps: list[Step],
    before: Callable[[], Iterator[Source]],
) -> Node:
    """Start and look at all steps of a group; its node is over once all of them are."""
    whole = True
    ran: list[tuple[Host, Member]] = []
    for step in steps:
        told = groups.asked(walk, "steps", step, before)
        host = Host(running=running, kind="steps", child=step, told=told)
        name = naming.child_name(group["name"], step["name"])
        try:
            found = groups.members(walk, host, name)
        except (Missing, when.Mistake, loops.Mistake) as fault:
            return _error(walk, group, _why(fault))
        if not found and walk.node(name) is None:
            call = groups.plain(walk, running, step, name)
            walk.adopt(group, walk.skip(call, "Skipped", groups.EMPTY)["id"])
        ran += [(host, member) for member in found]
    for host, member in ran:
        try:
            whole &= _step(walk, group, host, member)
        except (Missing, when.Mistake) as fault:
            return _error(walk, group, _why(fault))
        except TimedOut as fault:
            return walk.turn(walk.by_id(group["id"]) or group, "Failed", str(fault))
        except Broken as fault:
            walk.adopt(group, walk.id(member.node))
            return _error(walk, group, f"{ERRED} {member.node} error: {fault}")
    group = walk.by_id(group["id"]) or group
    if not whole or not _left(walk, group, ran):
        return walk.by_id(group["id"]) or group
    return _assess(walk, walk.by_id(group["id"]) or group, ran)


def _why(fault: Exception) -> str:
    return str(fault) if isinstance(fault, loops.Mistake) else f"{UNRESOLVED}: {fault}"


def _error(walk: Walk, group: Node, message: str) -> Node:
    return walk.error(walk.by_id(group["id"]) or group, message)


def _step(walk: Walk, group: Node, host: Host, member: Member) -> bool:
    """Start or look at a member. False while it could start, were there room."""
    node = walk.node(member.node)
    if nodes.over(node):
        return True
    try:
        node = groups.start(walk, host, member) if node is None else groups.look(walk, host, member)
    except TooDeep:
        node = walk.node(member.node)
    if node is None:
        return False
    walk.adopt(group, node["id"])
    return True


def _left(walk: Walk, group: Node, ran: list[tuple[Host, Member]]) -> bool:
    """Whether all members are over, their hooks and exit handlers too."""
    done = True
    for host, member in ran:
        node = walk.node(member.node)
        if node is None:
            continue
        if hooks.has_any(host.child):
            try:
                done &= hooks.run(walk, host, node)
                done &= not nodes.fulfilled(node) or hooks.leave(walk, host, node)
            except Broken as fault:
                _error(walk, group, str(fault))
        done &= nodes.fulfilled(node)
    return done


def _assess(walk: Walk, group: Node, ran: list[tuple[Host, Member]]) -> Node:
    if nodes.over(group):
        return group
    for host, member in ran:
        node = walk.node(member.node)
        if node is not None and nodes.broken(node) and not groups.continues(host.child, node):
            return walk.turn(group, "Failed", f"child '{node['id']}' failed")
    return walk.turn(group, "Succeeded")
