"""Templates of kind `dag`: tasks that start when those before them are over.

A task starts when all tasks that its condition names are over, hooks included, and the condition
holds; else it is Omitted. The dag ends when nothing runs: each target has the phase of its branch
(`_branches`), and the first that broke gives the dag its phase. failFast (the default) only says
that this may happen before all targets exist. Upstream: argo-workflows workflow/controller/dag.go.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from functools import partial

from sampan.kinds.workflows import naming, nodes
from sampan.kinds.workflows.language import outputs
from sampan.kinds.workflows.language.arguments import Missing
from sampan.kinds.workflows.nodes import Node, Phase
from sampan.kinds.workflows.templates import daemons, depends, groups, hooks, loops, when
from sampan.kinds.workflows.templates.groups import Member, Source
from sampan.kinds.workflows.templates.hooks import Host
from sampan.kinds.workflows.templates.tasks import Task, Tasks, tasks_of
from sampan.kinds.workflows.walk import Broken, Running, TimedOut, TooDeep, Walk

_WORDS = {phase: word for word, phase in depends.RESULTS.items()}
OMITTED = "omitted: depends condition not met"


def execute(walk: Walk, running: Running) -> Node | None:
    dag = walk.node(running.call.node) or walk.begin(running, "DAG", "Running")
    look = _Look(walk, running, dag, tasks_of(running.template["dag"]))
    for name in look.tasks.order:
        look.task(name)
    dag = walk.adopt(dag, *look.first)
    if groups.failed_fast(walk, running, dag):
        look.close()
        return _end(walk, running, dag, "Failed", groups.FAILED_FAST)
    phase = look.phase()
    if phase is None:
        return dag
    if phase == "Succeeded":
        _give(walk, running, look)
    return _end(walk, running, dag, phase)


def _give(walk: Walk, running: Running, look: _Look) -> None:
    """The outputs of a dag that succeeded. Raises Broken."""
    template, dag = running.template, look.dag
    if not template.get("outputs"):
        return
    try:
        known = groups.asked(walk, running, "tasks", template["outputs"], look.sources)
        given = outputs.of_template(template, known())
    except Missing as missing:
        walk.error(walk.by_id(dag["id"]) or dag, str(missing))
        raise Broken(str(missing)) from missing
    if given is not None:
        walk.put({**(walk.by_id(dag["id"]) or dag), "outputs": given})


def _end(walk: Walk, running: Running, dag: Node, phase: Phase, message: str = "") -> Node:
    names = tasks_of(running.template["dag"]).targets
    last = [walk.node(naming.child_name(running.call.node, name)) for name in names]
    groups.close(walk, dag, (end for node in last if node for end in groups.ends(walk, node)))
    daemons.end(walk, dag)
    return walk.turn(walk.by_id(dag["id"]) or dag, phase, message)


class _Look:
    """All tasks of a dag, looked at one after the other, those that are waited for first."""

    def __init__(self, walk: Walk, running: Running, dag: Node, tasks: Tasks) -> None:
        self.walk, self.running, self.dag, self.tasks = walk, running, dag, tasks
        self.ids = tasks.ids(walk.workflow.name, running.call.node)
        self.first: list[str] = []  # ids of new nodes right below the dag's
        self.resting = True  # nothing runs
        self.done: dict[str, bool] = {}  # whether a task's hooks are over, for tasks that are

    def task(self, name: str) -> None:
        """Look at a task, or start it when its time has come."""
        node, task = self.node(name), self.tasks.tasks[name]
        if node is None:
            if self.walk.is_full:
                self.resting = False
                return
            if not self._ready(name):
                return
        elif not hooks.has_any(task):
            if nodes.over(node):
                self.done[name] = True
                return
            if nodes.settled(node):
                self.resting = False
                return
        before = partial(self._before, name)
        known = groups.asked(self.walk, self.running, "tasks", task, before)
        host = Host(running=self.running, kind="tasks", child=task, known=known)
        try:
            members = self._members(host, name, node)
            whole = not [one for one in members if not self._member(host, name, one)]
            self._group(name, members, whole)
            self.done[name] = self._left(host, name, members)
        except (Missing, when.Mistake, loops.Mistake) as fault:
            self._fail(name, str(fault))
        self.resting &= self.done.get(name, True) and not _runs(self.node(name))

    def close(self) -> None:
        """Fail the loops of which members were never begun."""
        for name in self.tasks.order:
            node = self.node(name)
            if node is not None and node["type"] == "TaskGroup" and not nodes.over(node):
                self.walk.turn(node, "Failed", groups.FAILED_FAST)

    def node(self, name: str) -> Node | None:
        return self.walk.by_id(self.ids[name])

    def name(self, task: str) -> str:
        return naming.child_name(self.running.call.node, task)

    # -- whether it may start -------------------------------------------------------------------
    def _ready(self, name: str) -> bool:
        """Whether a task without a node may begin. One that never may is Omitted here."""
        test, waits_for = self.tasks.tests[name], self.tasks.waits_for[name]
        for each in waits_for:
            if not self.done.get(each) and not self._is_done(each):
                return False
        if test is None or test({each: self._holding(each) for each in waits_for}):
            return True
        call = groups.plain(self.walk, self.running, self.tasks.tasks[name], self.name(name))
        self._hang(name, self.walk.skip(call, "Omitted", OMITTED))
        return False

    def _is_done(self, name: str) -> bool:
        """Whether a task, and all its hooks, are fulfilled."""
        node = self.node(name)
        if node is None or not nodes.fulfilled(node):
            return False
        below = (self.walk.by_id(each) for each in node.get("children") or ())
        return all(nodes.fulfilled(each) for each in below if each and nodes.is_hook(each))

    def _holding(self, name: str) -> set[str]:
        """The words of a condition that hold for a task that is fulfilled."""
        node = self.node(name) or {}
        found = {_WORDS[node["phase"]]} if node.get("phase") in _WORDS else set()
        if nodes.is_daemon(node) and node["phase"] != "Pending":
            found.add("Daemoned")
        if node.get("type") == "TaskGroup" and node.get("children"):
            phases = {(self.walk.by_id(each) or {}).get("phase") for each in node["children"]}
            found |= {"AnySucceeded"} if "Succeeded" in phases else set()
            found |= {"AllFailed"} if phases == {"Failed"} else set()
        return found

    # -- its nodes --------------------------------------------------------------------------------
    def _members(self, host: Host, name: str, node: Node | None) -> tuple[Member, ...]:
        """The nodes of the task. A loop has a group around them, or nothing to do at all."""
        if node is not None and nodes.over(node) and node["type"] != "TaskGroup":
            return (Member(self.name(name)),)
        found = tuple(groups.members(self.walk, host, self.name(name)))
        if node is not None or not loops.is_loop(host.child):
            return found
        call = groups.plain(self.walk, self.running, host.child, self.name(name))
        if not found:
            self._hang(name, self.walk.skip(call, "Skipped", groups.EMPTY))
        else:
            fields = self.walk.fields(call)
            group = nodes.born(fields, "TaskGroup", "Running", self.walk.now)
            self._hang(name, self.walk.put(group))
        return found

    def _member(self, host: Host, name: str, member: Member) -> bool:
        """Start or look at a member. False while it could start, were there room."""
        walk, node = self.walk, self.walk.node(member.node)
        if node is not None and nodes.settled(node):
            return True
        if node is None and walk.is_full:
            return False
        fresh = node is None
        try:
            node = (groups.start if fresh else groups.look)(walk, host, member)
        except when.Mistake as fault:
            node = walk.fail(groups.plain(walk, self.running, host.child, member.node), str(fault))
        except (TooDeep, TimedOut):
            node = walk.node(member.node)
        except Broken as fault:
            node = walk.node(member.node)
            if node is not None:
                node = walk.put({**node, "message": f"task '{member.node}' errored: {fault}"})
        if node is None:
            return False
        if fresh:
            self._hang(name, node)
        return True

    def _hang(self, name: str, node: Node) -> None:
        """Put a new node below the group of its loop, or where those before it end."""
        group = self.node(name)
        if group is not None and group["type"] == "TaskGroup" and group["id"] != node["id"]:
            self.walk.adopt(group, node["id"])
            return
        before = [self.node(each) for each in self.tasks.waits_for[name]]
        ends = [end for each in before if each for end in groups.ends(self.walk, each)]
        if not ends:
            self.first.append(node["id"])
        for end in ends:
            if parent := self.walk.by_id(end):
                self.walk.adopt(parent, node["id"])

    def _group(self, name: str, members: tuple[Member, ...], whole: bool) -> None:
        """The phase of a loop: that of the last member that broke."""
        group = self.node(name)
        if group is None or group["type"] != "TaskGroup" or nodes.over(group) or not whole:
            return
        phase: Phase = "Succeeded"
        for member in members:
            node = self.walk.node(member.node)
            if node is None or not nodes.fulfilled(node):
                return
            if nodes.broken(node):
                phase = node["phase"]
        self.walk.turn(group, phase)

    def _fail(self, name: str, message: str) -> None:
        """A task whose text cannot be filled or understood."""
        node = self.node(name)
        if node is not None:
            self.walk.error(node, message)
            return
        call = groups.plain(self.walk, self.running, self.tasks.tasks[name], self.name(name))
        self._hang(name, self.walk.skip(call, "Error", message))

    def _left(self, host: Host, name: str, members: tuple[Member, ...]) -> bool:
        """Run what is due of the task's hooks. Whether it and all of them are over."""
        node = self.node(name)
        if node is None:
            return False
        done = nodes.fulfilled(node)
        if not hooks.has_any(host.child):
            return done
        try:
            done &= hooks.run(self.walk, host, node)
            for member in members:
                turn = self.walk.node(member.node)
                if turn is not None and nodes.fulfilled(turn):
                    done &= hooks.leave(self.walk, host.turn(member.item), turn)
        except (Broken, Missing) as fault:
            self.walk.error(self.node(name) or node, str(fault))
        return done

    # -- what it knows ----------------------------------------------------------------------------
    def _before(self, name: str) -> Iterator[Source]:
        for each in self.tasks.before(name):
            yield Source(each, self.name(each))

    def sources(self) -> Iterator[Source]:
        for each in self.tasks.tasks:
            yield Source(each, self.name(each))

    # -- the end ----------------------------------------------------------------------------------
    def phase(self) -> Phase | None:
        """The phase of the dag; None while it goes on."""
        if self.walk.stopping and not self.running.call.exit and self.resting:
            return "Failed"
        if not self.resting:
            return None
        phases = None if self.walk.is_full else self._branches()
        if phases is None:
            return None
        fail_fast = self.running.template["dag"].get("failFast") is not False
        result: Phase | None = "Succeeded"
        for name in self.tasks.targets:
            phase = phases.get(self.ids[name])
            if phase is None:
                result = None
                if not fail_fast:
                    return None
            elif phase in nodes.BROKEN and not _continues(self.tasks.tasks[name], phase):
                if fail_fast:
                    return phase
                result = phase
        return result

    def _branches(self) -> Mapping[str, Phase] | None:
        """The phase of each target's branch: that of the last node on the way to it which ran.

        None while something runs. A target that was left out has that of what came before it, a
        failure first. Breadth first over the whole graph; asked when nothing runs any more.
        """
        targets = {self.ids[name] for name in self.tasks.targets}
        found: dict[str, Phase] = {}
        queue = deque[tuple[str, Phase]]()
        queue.extend((each, "Succeeded") for each in self._children(self.dag))
        seen = set(queue)
        while queue:
            id, phase = queue.popleft()
            node = self.walk.by_id(id)
            if node is None or not nodes.fulfilled(node):
                return None
            phase = node["phase"] if node["phase"] in nodes.COMPLETED else phase
            if id in targets and found.get(id) not in nodes.BROKEN:
                found[id] = phase
            for each in self._children(node):
                if (each, phase) not in seen:
                    seen.add((each, phase))
                    queue.append((each, phase))
        return found

    def _children(self, node: Node) -> list[str]:
        """What comes below a node. Of a Retry node not its attempts, but what is below them."""
        node = self.walk.by_id(node["id"]) or node
        children: list[str] = list(node.get("children") or ())
        if node["type"] != "Retry":
            return children
        found: list[str] = []
        for each in reversed(children):
            child = self.walk.by_id(each)
            if child is not None:
                found += (child.get("children") or []) if nodes.is_attempt(child) else [each]
        return found


def _runs(node: Node | None) -> bool:
    return node is not None and not nodes.fulfilled(node)


def _continues(task: Task, phase: Phase) -> bool:
    return groups.continues(task, {"phase": phase})
