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
from sampan.kinds.workflows.nodes import Node, Phase
from sampan.kinds.workflows.templates import daemons, groups, hooks, loops, when
from sampan.kinds.workflows.templates.groups import Member, Source
from sampan.kinds.workflows.templates.hooks import Host
from sampan.kinds.workflows.walk import Broken, Call, Running, TimedOut, TooDeep, Walk

Step = dict[str, Any]
Word = tuple[Phase | None, str]
ERRED = "step group deemed errored due to child"
UNRESOLVED = "failed to resolve references"


def execute(walk: Walk, running: Running) -> Node | None:
    call, found = running.call, running.template["steps"]
    steps = walk.node(call.node) or walk.begin(running, "Steps", "Running")
    ends = [steps["id"]]
    for index, members in enumerate(found):
        name = naming.group_name(call.node, index)
        group = walk.node(name) or _begin(walk, running, name, ends)
        if not nodes.over(group):
            before = partial(_before, call.node, found, index)
            group = _Look(walk, running, group).steps(members, before)
        if not nodes.over(group) and not groups.failed_fast(walk, running, steps):
            return walk.by_id(steps["id"])
        if not nodes.over(group):
            group = walk.turn(group, "Failed", groups.FAILED_FAST)
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
            known = groups.asked(walk, running, "steps", template["outputs"], every)
            given = outputs.of_template(template, known())
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


def _begin(walk: Walk, running: Running, name: str, ends: list[str]) -> Node:
    boundary = walk.id(running.call.node)
    call = Call(node=name, who={}, boundary=boundary, home=running.home)
    group = walk.put(nodes.born(walk.fields(call), "StepGroup", "Running", walk.now))
    for end in ends:
        if parent := walk.by_id(end):
            walk.adopt(parent, group["id"])
    return group


class _Look:
    """The steps of one group, looked at side by side."""

    def __init__(self, walk: Walk, running: Running, group: Node) -> None:
        self.walk, self.running, self.group = walk, running, group
        self.ran: list[tuple[Step, Host | None, Member]] = []  # no host: nothing to be done
        self.whole = True  # nothing waits for room
        self.children = set(group.get("children") or ())
        self.fresh: list[str] = []  # ids of new children

    def steps(self, steps: list[Step], before: Callable[[], Iterator[Source]]) -> Node:
        """The group after this look: over once all its steps and their hooks are."""
        phase, message = self._tried(steps, before)
        group = self.walk.adopt(self.group, *self.fresh)
        if phase is None:
            phase, message = self._left()
            group = self.walk.by_id(group["id"]) or group
        if phase is None or nodes.over(group):
            return group
        return self.walk.turn(group, phase, message)

    def _tried(self, steps: list[Step], before: Callable[[], Iterator[Source]]) -> Word:
        """Start or look at all members; the phase and message of the group if that broke it."""
        try:
            for step in steps:
                self._expand(step, before)
            for _, host, member in self.ran:
                if host is not None:
                    self._step(host, member)
        except TimedOut as fault:
            return "Failed", str(fault)
        except (loops.Mistake, Broken) as fault:
            return "Error", str(fault)
        except (Missing, when.Mistake) as fault:
            return "Error", f"{UNRESOLVED}: {fault}"
        return None, ""

    def _expand(self, step: Step, before: Callable[[], Iterator[Source]]) -> None:
        """Find the members of a step. One that loops over nothing is skipped."""
        name = naming.child_name(self.group["name"], step["name"])
        node = self.walk.node(name)
        if node is not None and nodes.settled(node) and not hooks.has_any(step):
            self.ran.append((step, None, Member(name)))
            return
        known = groups.asked(self.walk, self.running, "steps", step, before)
        host = Host(running=self.running, kind="steps", child=step, known=known)
        found = groups.members(self.walk, host, name)
        if not found and node is None:
            call = groups.plain(self.walk, self.running, step, name)
            self.fresh.append(self.walk.skip(call, "Skipped", groups.EMPTY)["id"])
        self.ran += ((step, host, member) for member in found)

    def _step(self, host: Host, member: Member) -> None:
        """Start or look at a member. Raises Broken, Missing, when.Mistake."""
        node = self.walk.node(member.node)
        if node is not None and nodes.settled(node):
            return
        if node is None and self.walk.is_full:
            self.whole = False
            return
        try:
            look = groups.start if node is None else groups.look
            node = look(self.walk, host, member)
        except TooDeep:
            node = self.walk.node(member.node)
        except Broken as fault:
            self._join(self.walk.id(member.node))
            if isinstance(fault, TimedOut):
                raise
            raise Broken(f"{ERRED} {member.node} error: {fault}") from fault
        if node is None:
            self.whole = False
        else:
            self._join(node["id"])

    def _join(self, id: str) -> None:
        if id not in self.children:
            self.fresh.append(id)

    def _left(self) -> Word:
        """Run the hooks that are due; the phase and message of the group once all is over."""
        done = True
        try:
            for _, host, member in self.ran:
                if node := self.walk.node(member.node):
                    turn = host.turn(member.item) if host else None
                    done &= self._hooked(turn, node) and nodes.fulfilled(node)
        except (Broken, Missing) as fault:
            return "Error", str(fault)
        if not done or not self.whole:
            return None, ""
        boundary = self.walk.by_id(self.walk.id(self.running.call.node))
        if boundary is not None and groups.failed_fast(self.walk, self.running, boundary):
            return "Failed", groups.FAILED_FAST
        for step, _, member in self.ran:
            node = self.walk.node(member.node)
            if node is not None and nodes.broken(node) and not groups.continues(step, node):
                return "Failed", f"child '{node['id']}' failed"
        return "Succeeded", ""

    def _hooked(self, host: Host | None, node: Node) -> bool:
        """Run the hooks of a member that are due. Whether all that were begun are over."""
        if host is None or not hooks.has_any(host.child):
            return True
        done = hooks.run(self.walk, host, node)
        return (not nodes.fulfilled(node) or hooks.leave(self.walk, host, node)) and done
