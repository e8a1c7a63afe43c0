"""Templates of kind `dag`: tasks that start when those before them are over.

A task starts when all tasks that its condition names are over and the condition holds; else it is
Omitted. With failFast (the default) a failure keeps every task from starting that does not wait
for just that failure. The dag ends when nothing runs: with the worst phase among its targets,
where an omitted task has the phase of what broke it.
Upstream: argo-workflows workflow/controller/dag.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sampan.kinds.workflows import naming, nodes
from sampan.kinds.workflows.language import scopes
from sampan.kinds.workflows.language.scopes import Scope
from sampan.kinds.workflows.nodes import Node, Phase
from sampan.kinds.workflows.templates import depends, groups
from sampan.kinds.workflows.walk import Broken, Running, Walk

OMITTED = "omitted: depends condition not met"

Task = Mapping[str, Any]


class Tasks:
    """The tasks of a dag in an order in which each comes after those that it waits for."""

    def __init__(self, dag: Mapping[str, Any]) -> None:
        listed: list[Task] = dag["tasks"]
        self.tasks = {task["name"]: task for task in listed}
        self.conditions = {task["name"]: depends.of(task) for task in listed}
        self.waits_for = {
            name: [each for each in depends.words(text) if each in self.tasks]
            for name, text in self.conditions.items()
        }
        self.order = list(_sorted(self.waits_for))
        waited = {each for found in self.waits_for.values() for each in found}
        self.targets = str(dag.get("target") or "").split() or [
            name for name in self.tasks if name not in waited
        ]
        self.needed = self._needed()

    def _needed(self) -> set[str]:
        """The targets and all that they wait for: nothing else is run."""
        found: set[str] = set()
        queue = [name for name in self.targets if name in self.tasks]
        while queue:
            name = queue.pop()
            if name not in found:
                found.add(name)
                queue += self.waits_for[name]
        return found

    def before(self, name: str) -> set[str]:
        """All tasks that this one waits for, directly or not."""
        found: set[str] = set()
        queue = list(self.waits_for[name])
        while queue:
            each = queue.pop()
            if each not in found:
                found.add(each)
                queue += self.waits_for[each]
        return found


def _sorted(waits_for: Mapping[str, list[str]]) -> Iterator[str]:
    """Depth first without recursion; a cycle (refused at admission) is cut, not followed."""
    done: set[str] = set()
    for root in waits_for:
        stack = [(root, iter(waits_for[root]))]
        entered = {root}
        while stack:
            name, rest = stack[-1]
            following = next((each for each in rest if each not in done | entered), None)
            if following is not None:
                entered.add(following)
                stack.append((following, iter(waits_for[following])))
                continue
            stack.pop()
            if name not in done:
                done.add(name)
                yield name


def execute(walk: Walk, running: Running) -> Node | None:
    call = running.call
    dag = walk.node(call.node) or walk.begin(running, "DAG", "Running")
    tasks = Tasks(running.template["dag"])
    found: dict[str, Node | None] = {
        name: walk.node(naming.child_name(call.node, name)) for name in tasks.order
    }
    look = _Look(tasks, found, running.template["dag"].get("failFast") is not False)
    for name in tasks.order:
        if name in tasks.needed:
            found[name] = _task(walk, running, look, name)
    dag = walk.by_id(dag["id"]) or dag
    if look.limited or any(node and not nodes.over(node) for node in found.values()):
        return dag
    last = [node for name in tasks.targets if (node := found.get(name))]
    groups.close(walk, dag, (end for node in last for end in groups.ends(walk, node)))
    return walk.turn(walk.by_id(dag["id"]) or dag, _assess(tasks, found))


class _Look:
    """What is known of all tasks while they are looked at, one after the other."""

    def __init__(self, tasks: Tasks, found: dict[str, Node | None], fail_fast: bool) -> None:
        self.tasks, self.found, self.fail_fast = tasks, found, fail_fast
        self.broken = {name for name, node in found.items() if nodes.broken(node)}
        self.limited = False  # a task could start, were there room for its pod

    def held(self, name: str) -> bool:
        """Whether a failure elsewhere keeps this task from starting."""
        return self.fail_fast and not self.broken <= set(self.tasks.waits_for[name])


def _task(walk: Walk, running: Running, look: _Look, name: str) -> Node | None:
    """Look at a task's node, or make it when its time has come."""
    node_name = naming.child_name(running.call.node, name)
    if nodes.over(known := walk.node(node_name)):
        return known
    task, parents = look.tasks.tasks[name], look.tasks.waits_for[name]
    if look.found[name] is None:
        waited = {each: look.found[each] for each in parents}
        phases = {each: node["phase"] for each, node in waited.items() if node and nodes.over(node)}
        if len(phases) < len(waited):
            return None
        if parents and not depends.met(look.tasks.conditions[name], phases):
            return _hang(walk, running, look, name, _omit(walk, running, task, node_name))
        if look.held(name):
            return None
    scope = _scope(running, look, name, task)
    try:
        node = groups.call(walk, running, task, node_name, scope)
    except Broken as fault:
        node = walk.fail(groups.plain(walk, running, task, node_name), str(fault))
    look.limited = look.limited or node is None
    if node is not None and look.found[name] is None:
        _hang(walk, running, look, name, node)
    return node


def _scope(running: Running, look: _Look, name: str, task: Task) -> Scope:
    """What the tasks before this one tell it, if it asks at all."""
    scope: dict[str, Any] = {}
    if task.get("arguments"):
        for each in look.tasks.before(name):
            if node := look.found[each]:
                scope |= scopes.of_child("tasks", each, node)
    return scope


def _omit(walk: Walk, running: Running, task: Task, node_name: str) -> Node:
    return walk.skip(groups.plain(walk, running, task, node_name), "Omitted", OMITTED)


def _hang(walk: Walk, running: Running, look: _Look, name: str, node: Node) -> Node:
    """Put a new task's node below the nodes in which those before it end."""
    before = [look.found[each] for each in look.tasks.waits_for[name]]
    ends = [end for each in before if each for end in groups.ends(walk, each)]
    for end in ends or [walk.id(running.call.node)]:
        if parent := walk.by_id(end):
            walk.adopt(parent, node["id"])
    return node


def _assess(tasks: Tasks, found: Mapping[str, Node | None]) -> Phase:
    """The phase of a dag in which nothing runs."""
    worst: dict[str, Phase] = {}
    for name in tasks.order:
        node = found[name]
        if node is not None and node["phase"] != "Omitted":
            worst[name] = node["phase"] if nodes.broken(node) else "Succeeded"
        else:
            worst[name] = _worst([worst.get(each, "Succeeded") for each in tasks.waits_for[name]])
    return _worst([worst[name] for name in tasks.targets if name in worst])


def _worst(phases: list[Phase]) -> Phase:
    return next((phase for phase in phases if phase in nodes.BROKEN), "Succeeded")
