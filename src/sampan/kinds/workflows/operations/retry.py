"""Retry: the same workflow goes on where it failed.

Pods that failed, and all below them, are forgotten; the steps, dags, groups and Retry nodes around
them run again; exit handlers are forgotten. With restartSuccessful and a selector, selected nodes
are run again too, whatever became of them. Upstream: argo-workflows workflow/util/util.go
FormulateRetryWorkflow, resetPath.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from msgspec import Struct

from sampan.kinds.workflows import naming, nodes
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.operations import selecting
from sampan.kinds.workflows.operations.overrides import with_parameters
from sampan.kinds.workflows.operations.refusals import Refused
from sampan.kube import names, patches
from sampan.kube.conditions import without_condition
from sampan.kube.keys import Manifest

_EXECUTED = ("Pod", "Container", "HTTP", "Plugin")
_GROUPS = ("DAG", "TaskGroup", "StepGroup", "Steps")
_LABELS = (names.LABEL_WORKFLOW_COMPLETED, names.WORKFLOWS_PREFIX + "workflow-archiving-status")


class Retry(Struct, frozen=True, kw_only=True):
    """The patch of the workflow, and the names of pods to be deleted before it is written."""

    patch: dict[str, Any]
    pods: tuple[str, ...]


def retry(
    workflow: Manifest,
    now: str,
    *,
    restart_successful: bool = False,
    selector: str = "",
    parameters: Iterable[str] = (),
) -> Retry:
    """How a workflow that is over goes on. Raises Refused."""
    status = workflow.get("status") or {}
    phase = status.get("phase") or ""
    if phase == "Succeeded" and not (restart_successful and selector):
        what = "To retry a succeeded workflow, set the options restartSuccessful and"
        raise Refused(f"{what} nodeFieldSelector", bad=True)
    if phase not in nodes.COMPLETED:
        raise Refused(f"Cannot retry a workflow in phase {phase}", bad=True)
    given = list(parameters)
    chosen = selecting.parsed(selector) if restart_successful and selector else _none
    tree = _Tree(workflow["metadata"]["name"], status.get("nodes") or {})
    tree.choose(chosen)
    if given:
        tree.open_groups()
    new = with_parameters(_begun(workflow, tree.nodes(now), now), given)
    return Retry(patch=patches.diff(workflow, new), pods=tuple(tree.pods()))


def _is(id: str, node: Node) -> bool:
    return bool(node["id"] == id)


def _none(node: Node) -> bool:
    return False


def _begun(workflow: Manifest, kept: Mapping[str, Node], now: str) -> Manifest:
    """The workflow as if it had just begun, with these nodes."""
    about, spec, status = workflow["metadata"], {**workflow["spec"]}, {**workflow["status"]}
    labels = {k: v for k, v in (about.get("labels") or {}).items() if k not in _LABELS}
    spec.pop("shutdown", None)
    if spec.get("activeDeadlineSeconds") == 0:
        del spec["activeDeadlineSeconds"]
    for field in ("phase", "message", "finishedAt", "persistentVolumeClaims"):
        status.pop(field, None)
    if stored := status.get("storedWorkflowTemplateSpec"):
        whole = {key: value for key, value in stored.items() if key != "shutdown"}
        status["storedWorkflowTemplateSpec"] = whole
    others = without_condition(status.get("conditions"), "Completed")
    status["conditions"] = [*others, {"type": "Completed", "status": "False"}]
    status |= {"startedAt": now, "nodes": dict(kept)}
    return {**workflow, "metadata": {**about, "labels": labels}, "spec": spec, "status": status}


class _Tree:
    """The nodes of a workflow, with one parent each, and what becomes of them."""

    def __init__(self, name: str, known: Mapping[str, Node]) -> None:
        self._root = name
        self._known = known
        self._parents: dict[str, str] = {}
        for id in sorted(known):
            for child in known[id].get("children") or ():
                self._parents[child] = id
        self._reset: set[str] = set()
        self._gone: set[str] = set()

    # -- which --------------------------------------------------------------------------------
    def choose(self, chosen: Callable[[Node], bool]) -> None:
        """Find what is run again: what was chosen and what failed, from the top down."""
        picked = {id for id, node in self._known.items() if chosen(node)}
        failed = {
            id
            for id, node in self._known.items()
            if nodes.broken(node) and node["type"] in _EXECUTED and not self._redeemed(node, picked)
        }
        for id in self._sorted():
            if id in picked | failed and id not in self._gone:
                self._start_at(id)

    def _redeemed(self, node: Node, picked: set[str]) -> bool:
        """Whether something that stays succeeded below a node, or below its Retry node."""
        if nodes.is_attempt(node):
            node = self._known.get(self._parents.get(node["id"], ""), node)
        return any(
            self._known[each]["phase"] == "Succeeded" and each not in picked
            for each in self._below(node["id"])
        )

    def _sorted(self) -> list[str]:
        """Breadth first from the root; exit handlers of the workflow are not reached."""
        if self._root not in self._known:
            raise Refused("couldn't find root node")
        return [self._root, *self._below(self._root)]

    def _below(self, id: str) -> list[str]:
        found: dict[str, None] = {}
        queue = deque(self._known[id].get("children") or ())
        while queue:
            each = queue.popleft()
            if each not in found and each in self._known:
                found[each] = None
                queue.extend(self._known[each].get("children") or ())
        return list(found)

    def _start_at(self, id: str) -> None:
        """Forget a node and all below it; what is around it runs again."""
        self._gone |= {id, *self._below(id)}
        at: str | None = id
        while at is not None:
            node = self._known[at]
            if node["type"] in _GROUPS:
                self._reset.add(at)
                at = self._up_boundaries(at)
                continue
            if node["type"] == "Retry" and nodes.broken(node):
                self._reset.add(at)
            elif node["type"] == "Container":
                at = self._until(at, lambda each: each["type"] == "Pod")
                self._gone |= {at, *self._below(at)}
                continue
            at = self._parents.get(at)

    def _up_boundaries(self, id: str) -> str | None:
        """From a group outwards, boundary by boundary; what is left above the outermost."""
        while True:
            parent = self._parents.get(id)
            if parent is not None and self._known[parent]["type"] == "Retry":
                self._reset.add(parent)
                id, parent = parent, self._parents.get(parent)
            if parent is not None and self._known[parent]["type"] in ("StepGroup", "TaskGroup"):
                self._reset.add(parent)
            boundary = self._known[id].get("boundaryID") or ""
            if not boundary:
                return parent
            id = self._until(id, partial(_is, boundary))

    def _until(self, id: str, matches: Callable[[Node], bool]) -> str:
        """The first node from here upwards that matches; it runs again."""
        at: str | None = id
        while at is not None and not matches(self._known[at]):
            at = self._parents.get(at)
        if at is None:
            raise Refused("was seeking node but ran out of nodes to explore")
        self._reset.add(at)
        return at

    def open_groups(self) -> None:
        """Other parameters may make other loops: forget the members of groups that run again."""
        for id in self._reset - self._gone:
            if self._known[id]["type"] in ("TaskGroup", "StepGroup"):
                self._gone |= set(self._below(id))

    # -- what becomes of them ----------------------------------------------------------------------
    def _is_exit(self, node: Node) -> bool:
        return bool(node["name"].startswith(f"{self._root}.onExit"))

    def nodes(self, now: str) -> dict[str, Node]:
        gone = self._gone | {id for id, node in self._known.items() if self._is_exit(node)}
        found: dict[str, Node] = {}
        for id, node in self._known.items():
            if id in gone:
                continue
            new = nodes.reset(node, now) if id in self._reset else node
            for field in ("children", "outboundNodes"):
                if any(each in gone for each in node.get(field) or ()):
                    left = [each for each in node[field] if each not in gone]
                    new = {key: value for key, value in new.items() if key != field}
                    new |= {field: left} if left else {}
            found[id] = new
        return found

    def pods(self) -> list[str]:
        """The names of the pods that go."""
        return [
            naming.pod_of(self._root, node)
            for id, node in self._known.items()
            if node["type"] == "Pod" and (id in self._gone or self._is_exit(node))
        ]
