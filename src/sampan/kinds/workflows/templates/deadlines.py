"""`timeout` and `pendingTimeout` of a template: how long its node may wait to begin.

Once a pod runs, `timeout` is its pod's deadline (`pods`); here it ends a node that is Pending.
Upstream: argo-workflows workflow/controller/operator.go checkTemplateTimeouts.
"""

from __future__ import annotations

from collections import ChainMap

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
    known = ChainMap(dict(running.scope), dict(walk.globals))
    for field in FIELDS:
        value = scopes.fill(running.template.get(field), known)
        if not value:
            continue
        try:
            left = durations.seconds(text(value)) - walk.age(node)
        except durations.Mistake as fault:
            walk.error(node, f"invalid timeout format {fault}")
            raise Broken(f"invalid timeout format {fault}") from fault
        if left < 0:
            if pod := walk.workflow.pods.get(node["id"]):
                walk.actions += ending.end(walk.workflow, pod)
            walk.turn(node, "Failed", SAID)
            raise TimedOut(SAID)
        walk.wait(left + 0.001)  # it is over once more time than that has passed
