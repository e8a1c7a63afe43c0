"""One walk over a workflow's templates: what is known, what was decided on the way.

`decide` makes a Walk, lets the entry template run, and reads off the changed nodes and the actions.
The kinds of templates (container, steps, dag, …) are functions `(walk, running) -> Node | None`;
they reach their children through `walk.run`, so none of them knows the others. None means: not
yet, a limit is reached. What happens between a call and its kind stands in `execute`.
This is the only mutable object of the package, and it lives for one call.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from sampan.kinds.workflows import naming, nodes
from sampan.kinds.workflows.language import exports, scopes, variables
from sampan.kinds.workflows.language.arguments import Arguments, Inputs
from sampan.kinds.workflows.language.scopes import Scope
from sampan.kinds.workflows.locks import requests
from sampan.kinds.workflows.locks.requests import Lock
from sampan.kinds.workflows.nodes import Node, NodeType, Phase
from sampan.kinds.workflows.resolve.book import Book
from sampan.kinds.workflows.types import Run, Template
from sampan.kube.plan import Action
from sampan.kube.times import parse, rfc3339

MOST_MADE = 200
"""Nodes that one look makes before it lets others have their turn, and is asked again."""
MOST_PENDING = 1000
"""Pods that wait to run. More of them help nobody, and each is looked at again and again."""
POD_GRACE = 10.0
"""Seconds in which a pod that was just made may be unseen."""
TOO_DEEP = (
    "Maximum recursion depth exceeded. See"
    " https://argo-workflows.readthedocs.io/en/release-4.1/scaling/#maximum-recursion-depth"
)
LATE = "Step exceeded its deadline"
_SEPARATOR = re.compile(r"^(\[\d+\])?\.")
"""Between the name of a boundary and the display name of a node within it."""


class Broken(Exception):
    """A call whose template could not be run; its node is in error already. The text says why."""


class TooDeep(Broken):
    """Templates call each other too often."""


class TimedOut(Broken):
    """The node waited longer than its template allows."""


class Call(Struct, frozen=True, kw_only=True):
    """A template to be run as a node.

    who: what names the template (a step, a task, a hook): `template`, `templateRef` or `inline`.
    arguments: what it gives, with its tags filled. boundary: the id of the steps or dag node
    around it, around: that node's own call. home: where `template: x` is looked up, as in
    `templateScope`; "" is the workflow. deadline: until when a pod may run, seconds since 1970;
    avoid: the nodes of the cluster that its pod had better not run on.
    """

    node: str
    who: Mapping[str, Any]
    arguments: Arguments = {}
    boundary: str = ""
    around: Running | None = None
    depth: int = 0
    home: str = ""
    flags: Mapping[str, bool] = {}
    exit: bool = False
    retries: Scope = {}
    deadline: float | None = None
    avoid: tuple[str, ...] = ()

    @property
    def template(self) -> str:
        """The name of the template, as pods and nodes show it."""
        return self.who.get("template") or (self.who.get("templateRef") or {}).get("template") or ""


class Running(Struct, frozen=True, kw_only=True):
    """A call with its template resolved and its inputs known.

    home: where the template came from, and where the templates that it names are looked up.
    local: what tags stand for at this node alone (`node.name`, `pod.name`, `steps.name`, …).
    display: how the node is to be called, if the template says so.
    """

    call: Call
    template: Template
    inputs: Inputs = {}
    home: str = ""
    local: Scope = {}
    display: str = ""

    @property
    def scope(self) -> Scope:
        """What tags in the template stand for, the workflow's own apart."""
        return {**self.local, **scopes.of_inputs(self.inputs, self.template)}


Runner = Callable[["Walk", Call], Node | None]
Kind = Callable[["Walk", Running], Node | None]


class Walk:
    def __init__(self, run: Run, runner: Runner, known: Scope) -> None:
        self.workflow = run
        self.now = rfc3339(run.now)
        self.globals = dict(known)
        self.outputs: Mapping[str, Any] = run.status.get("outputs") or {}  # of the workflow
        self.book = Book(run)
        self.results: dict[
            str, frozenset[str]
        ] = {}  # steps whose results are asked for, by boundary
        self.memos: dict[str, Mapping[str, Any]] = {}  # what to note of new nodes, by their names
        self.remembered: dict[tuple[str, str], str] = {}  # put into caches: by name and key
        self.wants = self._wants()  # the locks that the workflow and its nodes want or hold
        self.actions: list[Action] = []
        self.done: list[Action] = []  # notes on pods that are over: nobody waits for these
        self.changed: dict[str, Node] = {}
        self.tasks: dict[str, Template] = {}  # what the agent has to do, by node id
        self.spent: dict[str, int] = {}  # resourcesDuration of the workflow
        self.metrics_error = ""  # why a metric could not be measured
        self.ended: list[str] = []  # ids of the nodes that this look ended
        self.made = 0  # nodes that this look made
        self.exhausted = False  # templates called each other too often
        self.was_exhausted = False  # in an earlier look
        self.again_in: float | None = None
        self.deadline = _deadline(run)  # of the whole workflow
        self.daemons: set[str] = set()  # ids of the nodes that are daemons
        self.pending = 0  # pods that do not run yet
        self.pods = Counter[str]()  # pods that are not over, by boundary; "" counts all
        self.active = Counter[str]()  # pods, steps and dags that are not over, by boundary
        self.going = Counter[str]()  # nodes that others wait for, by boundary
        self.broken = Counter[str]()  # nodes that failed, by boundary
        self._runner = runner
        own = not run.manifest["spec"].get("workflowTemplateRef")
        self._scope = f"local/{run.name if own else ''}"  # as upstream: a joined spec has no name

    # -- nodes ------------------------------------------------------------------------------------
    def id(self, node_name: str) -> str:
        return naming.node_id(self.workflow.name, node_name)

    def node(self, node_name: str) -> Node | None:
        return self.by_id(self.id(node_name))

    def by_id(self, id: str) -> Node | None:
        return self.changed.get(id) or self.workflow.nodes.get(id)

    def _wants(self) -> dict[str, Sequence[Lock]]:
        noted, known = requests.read(self.workflow.manifest), self.workflow.nodes
        return {id: locks for id, locks in noted.items() if not id or not nodes.over(known.get(id))}

    def put(self, node: Node) -> Node:
        """Take in a node; one that says nothing new is no change."""
        id = node["id"]
        before = self.by_id(id)
        if before is node:
            return node
        if before is None:
            self.made += 1
        else:
            self._count(before, -1)
        self._count(node, 1)
        if nodes.over(node) and not nodes.over(before):
            self.ended.append(id)
            self._export(node)
        self.changed[id] = node
        return node

    def _export(self, node: Node) -> None:
        """Let all know what a node that is over gives to all."""
        if exports.has_any(node.get("outputs")):
            self.outputs = exports.added(self.outputs, node["outputs"])
            self.globals |= variables.of_outputs({"outputs": self.outputs})

    def turn(self, node: Node, phase: Phase, message: str | None = None) -> Node:
        return self.put(nodes.turned(node, phase, self.now, message))

    def adopt(self, parent: Node, *children: str) -> Node:
        """The parent, with these ids among its children. It may have changed since it was read."""
        return self.put(nodes.with_children(self.by_id(parent["id"]) or parent, *children))

    # -- stops ------------------------------------------------------------------------------------
    @property
    def stopping(self) -> bool:
        """Whether the workflow is being shut down."""
        return bool(self.workflow.spec.shutdown)

    @property
    def late(self) -> bool:
        """Whether the deadline of the workflow is over."""
        return self.deadline is not None and self.workflow.now >= self.deadline

    def may_run(self, *, exit: bool) -> bool:
        """Whether a shutdown lets something run that is, or is not, part of an exit handler."""
        return not self.stopping or (exit and self.workflow.spec.shutdown == "Stop")

    def barred(self, *, exit: bool) -> str:
        """Why no pod may begin any more: a shutdown, the deadline; "" when it may."""
        if not self.may_run(exit=exit):
            return f"workflow shutdown with strategy: {self.workflow.spec.shutdown}"
        return LATE if self.late and not exit else ""

    # -- counts -----------------------------------------------------------------------------------
    def _count(self, node: Node, step: int) -> None:
        if nodes.is_daemon(node):
            self.daemons.add(node["id"])
        if node["type"] in nodes.GROUPS:
            return
        boundary = node.get("boundaryID", "") or "/"
        if not nodes.fulfilled(node):
            self.going[boundary] += step
        if nodes.broken(node):
            self.broken[boundary] += 0 if nodes.is_attempt(node) else step
        elif not nodes.over(node) and node["type"] in nodes.COUNTED:
            self.active[boundary] += step
            if nodes.active(node):
                self.pending += step * (node["phase"] == "Pending")
                self.pods[""] += step
                self.pods[boundary] += step

    def tally(self) -> None:
        """Count what runs and what failed, once, before the walk."""
        for node in self.workflow.nodes.values():
            self.was_exhausted |= node.get("message") == TOO_DEEP
            if node["phase"] not in nodes.GOOD or "daemoned" in node:
                self._count(node, 1)

    @property
    def is_full(self) -> bool:
        """Whether so many nodes were made that the others have to wait for the next look, or so
        many pods wait to run that more have to wait for these."""
        if self.made >= MOST_MADE:
            self.wait(0.0)
            return True
        return self.pending >= MOST_PENDING

    def wait(self, seconds: float) -> None:
        """Ask to be called again, at the latest after so many seconds."""
        self.again_in = seconds if self.again_in is None else min(self.again_in, seconds)

    def age(self, node: Node) -> float:
        return (self.workflow.now - parse(node["startedAt"])).total_seconds()

    # -- running ----------------------------------------------------------------------------------
    def run(self, call: Call) -> Node | None:
        """The call's node after this look at it; None while a limit keeps it from starting.

        Raises Broken when the template could not be run at all; its node says so already.
        """
        return self._runner(self, call)

    def begin(self, running: Running, type: NodeType, phase: Phase, message: str = "") -> Node:
        """The call's node, made now."""
        fields = self.fields(running.call)
        if running.display:
            fields["displayName"] = running.display
        if running.inputs:
            fields["inputs"] = running.inputs
        if memo := self.memos.get(running.call.node):
            fields["memoizationStatus"] = dict(memo)
        node = nodes.born(fields, type, phase, self.now, message)
        if (waited := self.node(running.call.node)) is not None:
            node["startedAt"] = waited["startedAt"]
        return self.put(node)

    def skip(self, call: Call, phase: Phase, message: str) -> Node:
        """The node of a call whose template is not run."""
        return self.put(nodes.born(self.fields(call), "Skipped", phase, self.now, message))

    def fail(self, call: Call, message: str) -> Node:
        """The call's node, in error: it could not be run."""
        node = self.node(call.node)
        return self.skip(call, "Error", message) if node is None else self.error(node, message)

    def error(self, node: Node, message: str) -> Node:
        return node if nodes.over(node) else self.turn(node, "Error", message)

    def fields(self, call: Call) -> Node:
        """What a new node says about itself."""
        fields: dict[str, Any] = {
            "id": self.id(call.node),
            "name": call.node,
            "displayName": self._display(call),
        }
        if call.who.get("template"):
            fields["templateName"] = call.who["template"]
        if call.who.get("templateRef"):
            fields["templateRef"] = call.who["templateRef"]
        fields["templateScope"] = call.home or self._scope
        if call.boundary:
            fields["boundaryID"] = call.boundary
        if call.flags:
            fields["nodeFlag"] = dict(call.flags)
        return fields

    def _display(self, call: Call) -> str:
        boundary = self.by_id(call.boundary)
        if boundary is None:
            return call.node
        return _SEPARATOR.sub("", call.node.removeprefix(boundary["name"]))


def _deadline(run: Run) -> datetime | None:
    seconds, began = run.spec.activeDeadlineSeconds, run.status.get("startedAt")
    if seconds is None or not began:
        return None
    return parse(began) + timedelta(seconds=seconds)
