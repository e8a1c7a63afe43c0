"""One walk over a workflow's templates: what is known, what was decided on the way.

`decide` makes a Walk, lets the entry template run, and reads off the changed nodes and the actions.
The kinds of templates (container, script, steps, dag) are functions `(walk, call) -> Node | None`;
they reach their children through `walk.run`, so none of them knows the others. None means: not
yet, a limit is reached. This is the only mutable object of the package, and it lives for one call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from sampan.kinds.workflows import naming, nodes
from sampan.kinds.workflows.language import arguments
from sampan.kinds.workflows.language.arguments import Missing, Parameters, Scope
from sampan.kinds.workflows.nodes import Node, NodeType, Phase
from sampan.kinds.workflows.types import Run, Template
from sampan.kube.plan import Action
from sampan.kube.times import parse, rfc3339

DEEPEST = 100
"""Templates within templates, as upstream."""
POD_GRACE = 10.0
"""Seconds in which a pod that was just made may be unseen."""


class Call(Struct, frozen=True, kw_only=True):
    """A template to be run as a node. `boundary` is the id of the steps or dag node around it."""

    node: str
    display: str
    template: str
    arguments: Mapping[str, str] = {}
    boundary: str = ""
    limit: int | None = None
    depth: int = 0
    scope: Scope = {}


class Running(Struct, frozen=True, kw_only=True):
    """A call with its template resolved and its parameters known."""

    call: Call
    template: Template
    parameters: Parameters

    @property
    def scope(self) -> Scope:
        """What tags in the template stand for, the workflow's own apart."""
        return {**self.call.scope, **arguments.inputs(self.parameters)}


Kind = Callable[["Walk", Running], Node | None]


class Walk:
    def __init__(self, run: Run, kinds: Mapping[str, Kind]) -> None:
        self.workflow = run
        self.now = rfc3339(run.now)
        self.globals = arguments.workflow(run.manifest)
        self.templates: dict[str, Template] = {t.get("name", ""): t for t in run.spec.templates}
        self.actions: list[Action] = []
        self.changed: dict[str, Node] = {}
        self.again_in: float | None = None
        self.halted = ""  # why no pod may start any more: a shutdown, a deadline
        self.running = Counter[str]()  # pods that are not over, by boundary; "" counts all
        self._kinds = kinds

    # -- nodes ------------------------------------------------------------------------------------
    def id(self, node_name: str) -> str:
        return naming.node_id(self.workflow.name, node_name)

    def node(self, node_name: str) -> Node | None:
        return self.by_id(self.id(node_name))

    def by_id(self, id: str) -> Node | None:
        return self.changed.get(id) or self.workflow.nodes.get(id)

    def put(self, node: Node) -> Node:
        """Take in a node; one that says nothing new is no change."""
        id = node["id"]
        before = self.by_id(id)
        if before is node:
            return node
        if node["type"] == "Pod":
            self._count(node, nodes.active(node) - bool(before and nodes.active(before)))
        self.changed[id] = node
        return node

    def turn(self, node: Node, phase: Phase, message: str | None = None) -> Node:
        return self.put(nodes.turned(node, phase, self.now, message))

    def adopt(self, parent: Node, *children: str) -> Node:
        """The parent, with these ids among its children. It may have changed since it was read."""
        return self.put(nodes.with_children(self.by_id(parent["id"]) or parent, *children))

    def _count(self, node: Node, step: int) -> None:
        self.running[""] += step
        self.running[node.get("boundaryID", "") or "/"] += step

    def tally(self) -> None:
        """Count the pods that run, once, before the walk."""
        for node in self.workflow.nodes.values():
            if node["type"] == "Pod" and nodes.active(node):
                self._count(node, 1)

    def wait(self, seconds: float) -> None:
        """Ask to be called again, at the latest after so many seconds."""
        self.again_in = seconds if self.again_in is None else min(self.again_in, seconds)

    def age(self, node: Node) -> float:
        return (self.workflow.now - parse(node["startedAt"])).total_seconds()

    # -- running ----------------------------------------------------------------------------------
    def run(self, call: Call) -> Node | None:
        """The call's node after this look at it; None while a limit keeps it from starting."""
        node = self.node(call.node)
        if node is not None and (nodes.over(node) or node["type"] == "Pod"):
            return node
        template = self.templates.get(call.template)
        if template is None:
            return self.fail(call, f"template '{call.template}' not found")
        if call.depth > DEEPEST:
            return self.fail(call, "Maximum recursion depth exceeded")
        try:
            parameters = _parameters(node, template, call.arguments)
        except Missing as missing:
            return self.fail(call, str(missing))
        kind = next(
            (self._kinds[key] for key in self._kinds if template.get(key) is not None), None
        )
        if kind is None:
            return self.fail(call, f"template '{call.template}' is of no supported type")
        return kind(self, Running(call=call, template=template, parameters=parameters))

    def has_room(self, call: Call) -> bool:
        """Whether one more pod may run, under the workflow's and the boundary's parallelism."""
        most = self.workflow.spec.parallelism
        if most is not None and self.running[""] >= most:
            return False
        return call.limit is None or self.running[call.boundary] < call.limit

    def begin(self, running: Running, type: NodeType, phase: Phase, message: str = "") -> Node:
        """The call's node, made now."""
        fields = self.fields(running.call)
        if running.parameters:
            fields["inputs"] = {"parameters": running.parameters}
        return self.put(nodes.born(fields, type, phase, self.now, message))

    def fail(self, call: Call, message: str) -> Node:
        """The call's node, in error: it could not be run at all."""
        node = self.node(call.node)
        if node is not None:
            return self.turn(node, "Error", message)
        return self.put(nodes.born(self.fields(call), "Skipped", "Error", self.now, message))

    def fields(self, call: Call) -> Node:
        """What a new node says about itself."""
        fields: dict[str, Any] = {
            "id": self.id(call.node),
            "name": call.node,
            "displayName": call.display,
        }
        if call.template:
            fields["templateName"] = call.template
        fields["templateScope"] = f"local/{self.workflow.name}"
        if call.boundary:
            fields["boundaryID"] = call.boundary
        return fields


def _parameters(node: Node | None, template: Template, values: Mapping[str, str]) -> Parameters:
    """As the node began with them, or as they are given now."""
    if node is not None:
        return list((node.get("inputs") or {}).get("parameters") or ())
    return arguments.resolve(template, values)
