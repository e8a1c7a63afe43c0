"""`timeout` and `pendingTimeout` of a template, and what deadlines leave for a pod to run.

Both end a node that is Pending for too long. A pod that runs is ended by the node it is on: its
activeDeadlineSeconds is the least of its own, `timeout`, and what the workflow's deadline leaves.
Upstream: argo-workflows workflow/controller/operator.go checkTemplateTimeouts, workflowpod.go.
"""

from __future__ import annotations

from collections import ChainMap
from typing import Any

from sampan.kinds.workflows import durations
from sampan.kinds.workflows.language import scopes
from sampan.kinds.workflows.language.arguments import text
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.pods import ending
from sampan.kinds.workflows.types import Template
from sampan.kinds.workflows.walk import Broken, Running, TimedOut, Walk

FIELDS = ("timeout", "pendingTimeout")
SAID = "timeout"


def has_any(template: Template) -> bool:
    return any(template.get(field) for field in FIELDS)


def check(walk: Walk, running: Running, node: Node) -> None:
    """End a node that waited too long, and its pod. Raises TimedOut; Broken for a bad duration."""
    if node["phase"] != "Pending" or not has_any(running.template):
        return
    for field in FIELDS:
        try:
            seconds = _seconds(walk, running, field)
        except durations.Mistake as fault:
            walk.error(node, str(fault))
            raise Broken(str(fault)) from fault
        if seconds is None:
            continue
        left = seconds - walk.age(node)
        if left < 0:
            if pod := walk.workflow.pods.get(node["id"]):
                walk.actions += ending.end(walk.workflow, pod)
            walk.turn(node, "Failed", SAID)
            raise TimedOut(SAID)
        walk.wait(left + 0.001)  # it is over once more time than that has passed


def _seconds(walk: Walk, running: Running, field: str) -> float | None:
    """A duration of the template. Raises durations.Mistake."""
    value = running.template.get(field)
    if not value:
        return None
    filled = scopes.fill(value, ChainMap(dict(running.scope), dict(walk.globals)))
    try:
        return durations.seconds(text(filled)) if filled else None
    except durations.Mistake as fault:
        raise durations.Mistake(f"invalid timeout format {fault}") from fault


def limit(walk: Walk, running: Running, spec: dict[str, Any]) -> None:
    """Give a pod that is to be made the time that is left. Raises durations.Mistake."""
    call = running.call
    left: list[float] = []
    if (own := spec.get("activeDeadlineSeconds")) is not None:
        left.append(float(own))
    if (seconds := _seconds(walk, running, "timeout")) is not None:
        node = walk.node(call.node)
        left.append(seconds - (walk.age(node) if node else 0))
    if walk.deadline is not None and not call.exit:
        left.append((walk.deadline - walk.workflow.now).total_seconds())
    elif (whole := walk.workflow.spec.activeDeadlineSeconds) is not None and not call.exit:
        left.append(float(whole))
    if call.deadline is not None:
        left.append(call.deadline - walk.workflow.now.timestamp())
    if left:
        spec["activeDeadlineSeconds"] = max(1, int(min(left)))
