"""Nodes of a workflow: their phases, and everything that can change one.

A node is the JSON object under `status.nodes`, as upstream writes it; it is never changed, only
replaced. Rule 1: whatever sets a phase is a function of this file, and goes through `TRANSITIONS`.

    Pending ─> Running ─> Succeeded | Failed | Error
       └─────────────────────^
    born finished: Skipped, Omitted, Failed, Error

Upstream: argo-workflows pkg/apis/workflow/v1alpha1 NodeStatus, workflow/controller/operator.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

Phase = Literal["Pending", "Running", "Succeeded", "Skipped", "Failed", "Error", "Omitted"]
NodeType = Literal[
    "Pod", "Container", "Steps", "StepGroup", "DAG", "TaskGroup", "Retry", "Skipped", "Suspend",
    "HTTP", "Plugin",
]  # fmt: skip
Node = dict[str, Any]

PHASES: tuple[Phase, ...] = get_args(Phase)
OVER: frozenset[str] = frozenset({"Succeeded", "Skipped", "Failed", "Error", "Omitted"})
BROKEN: frozenset[str] = frozenset({"Failed", "Error"})
GOOD: frozenset[str] = frozenset({"Succeeded", "Skipped", "Omitted"})
COMPLETED: frozenset[str] = frozenset({"Succeeded", "Failed", "Error"})
"""Phases of what ran to its end."""
COUNTED = ("Pod", "Steps", "DAG")
"""Types of nodes that the parallelism of a template counts."""
GROUPS = ("StepGroup", "TaskGroup")
"""Types of nodes that are nothing but their members."""

TRANSITIONS: Mapping[Phase | None, frozenset[Phase]] = {
    None: frozenset(PHASES) - {"Succeeded"},
    "Pending": frozenset({"Pending", "Running", "Succeeded", "Failed", "Error"}),
    "Running": frozenset({"Running", "Succeeded", "Failed", "Error"}),
    "Succeeded": frozenset(),
    "Skipped": frozenset(),
    "Failed": frozenset(),
    "Error": frozenset(),
    "Omitted": frozenset(),
}
"""From a phase (None: no node yet) to the phases that may follow. What is over stays over."""


_TYPES: Mapping[str, NodeType] = {
    "steps": "Steps", "dag": "DAG", "suspend": "Suspend", "http": "HTTP", "plugin": "Plugin",
}  # fmt: skip


def type_of(template: Mapping[str, Any]) -> NodeType:
    """The type of the node of a template that is not retried."""
    return next((type for kind, type in _TYPES.items() if template.get(kind) is not None), "Pod")


def over(node: Node | None) -> bool:
    return node is not None and node["phase"] in OVER


def is_daemon(node: Node | None) -> bool:
    return node is not None and bool(node.get("daemoned"))


def fulfilled(node: Node | None) -> bool:
    """Whether those after it may go on: it is over, or a daemon that runs."""
    return over(node) or (node is not None and is_daemon(node) and node["phase"] != "Pending")


def is_hook(node: Node) -> bool:
    return bool((node.get("nodeFlag") or {}).get("hooked"))


def is_attempt(node: Node) -> bool:
    return bool((node.get("nodeFlag") or {}).get("retried"))


def attempts(node: Node, by_id: Callable[[str], Node | None]) -> list[Node]:
    """The attempts of a Retry node, in order, without its hooks."""
    found = (by_id(each) for each in node.get("children") or ())
    return [child for child in found if child is not None and is_attempt(child)]


def last_attempt(node: Node, by_id: Callable[[str], Node | None]) -> Node | None:
    """The last attempt of a Retry node; None for any other."""
    found = attempts(node, by_id) if node["type"] == "Retry" else []
    return found[-1] if found else None


def broken(node: Node | None) -> bool:
    return node is not None and node["phase"] in BROKEN


def active(node: Node) -> bool:
    """Whether it is a pod that was asked for and has not ended."""
    return node["type"] == "Pod" and node["phase"] not in OVER and not waiting(node)


def settled(node: Node) -> bool:
    """Whether there is nothing to decide about it until its pod says something new."""
    if node["phase"] in OVER:
        return True
    return node["phase"] == "Running" and node["type"] == "Pod" and "daemoned" not in node


def waiting(node: Node) -> bool:
    """Whether it waits for a lock."""
    return bool((node.get("synchronizationStatus") or {}).get("waiting"))


def born(fields: Node, type: NodeType, phase: Phase, now: str, message: str = "") -> Node:
    """A new node. `fields` has id, name, displayName and whatever else is known."""
    _check(None, phase)
    node = {**fields, "type": type, "phase": phase, "startedAt": now, "finishedAt": None}
    if message:
        node["message"] = message
    if phase in OVER:
        node["finishedAt"] = now
    if type == "Pod":
        node["progress"] = "0/1"
    return node


def turned(node: Node, phase: Phase, now: str, message: str | None = None) -> Node:
    """The node in another phase, or in the same one with another message.

    message: None keeps the present one, "" removes it. Answers `node` itself if nothing changes.
    """
    message = node.get("message", "") if message is None else message
    if (node["phase"], node.get("message", "")) == (phase, message):
        return node
    _check(node["phase"], phase)
    new = {**node, "phase": phase}
    new.pop("message", None)
    if message:
        new["message"] = message
    if phase in OVER:
        new["finishedAt"] = new.get("finishedAt") or now
        if phase == "Succeeded" and node["type"] == "Pod":
            whole = (node.get("progress") or "0/1").partition("/")[2]
            new["progress"] = f"{whole}/{whole}"
    return new


def _check(before: Phase | None, after: Phase) -> None:
    if after not in TRANSITIONS[before]:
        raise AssertionError(f"a node cannot go from {before} to {after}")


def with_children(node: Node, *ids: str) -> Node:
    """The node with these children behind those that it has."""
    old = node.get("children") or []
    known = set(old) if len(ids) > 1 else old
    new = [each for each in dict.fromkeys(ids) if each not in known]
    return {**node, "children": [*old, *new]} if new else node


# -- a node of a workflow that is run again: the only ways back from a phase that is over ----------
def reset(node: Node, now: str) -> Node:
    """The node as if it had just begun; what was skipped stays so."""
    new = {key: value for key, value in node.items() if key not in ("message", "finishedAt")}
    new |= {"phase": "Running", "startedAt": now, "finishedAt": None}
    if node["phase"] == "Skipped":
        new["phase"], new["finishedAt"] = "Skipped", now
    outputs = new.get("outputs") or {}
    if node["type"] == "Suspend" and outputs.get("parameters"):
        asked = [{"name": p["name"], "valueFrom": {"supplied": {}}} for p in outputs["parameters"]]
        new["outputs"] = {**outputs, "parameters": asked}
    elif node["type"] != "Suspend":
        new.pop("outputs", None)
    return new


def replaced(node: Node, now: str, message: str) -> Node:
    """The node of a pod that another workflow ran: Skipped, with that one's outputs."""
    new = {**node, "type": "Skipped", "phase": "Skipped", "message": message}
    return new | {"startedAt": now, "finishedAt": now}
