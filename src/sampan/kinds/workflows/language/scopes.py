"""Scopes: what tags stand for at a place of a template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sampan.kinds.workflows.language import tags
from sampan.kinds.workflows.language.arguments import TIMES, Inputs, compact

Scope = Mapping[str, Any]


def of_inputs(inputs: Inputs) -> Scope:
    """What `inputs.…` tags stand for."""
    listed = inputs.get("parameters") or ()
    scope = {f"inputs.parameters.{each['name']}": each["value"] for each in listed}
    scope["inputs.parameters"] = compact(list(listed))
    return scope


def of_child(
    kind: str, name: str, node: Mapping[str, Any], members: Sequence[Mapping[str, Any]] = ()
) -> Scope:
    """What a step or task that is over tells those after it.

    kind: `steps` or `tasks`; node: for a Retry node, its last attempt; members: of a loop, its
    nodes in order (node is then the TaskGroup, or the StepGroup around them).
    """
    base = f"{kind}.{name}"
    scope = {f"{base}.id": node["id"], f"{base}.status": node["phase"]}
    for field in (*TIMES, "hostNodeName"):
        if node.get(field):
            scope[f"{base}.{field}"] = node[field]
    exit_code = (node.get("outputs") or {}).get("exitCode")
    if exit_code is not None:
        scope[f"{base}.exitCode"] = exit_code
    return scope


def fill(value: Any, scope: Scope) -> Any:
    """A JSON value with its tags replaced. Raises arguments.Missing for one that cannot be."""
    return tags.fill(value, scope.get)
