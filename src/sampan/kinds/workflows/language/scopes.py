"""Scopes: what tags stand for at a place of a template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sampan.kinds.workflows.language import tags
from sampan.kinds.workflows.language.arguments import Inputs, Scope, compact

__all__ = ["Scope", "fill", "of_child", "of_inputs"]

TIMES = ("startedAt", "finishedAt")


def of_inputs(inputs: Inputs, template: Mapping[str, Any] = {}) -> Scope:
    """What `inputs.…` tags stand for, and `outputs.….path`."""
    return dict(_inputs(inputs, template.get("outputs") or {}))


def _inputs(inputs: Inputs, outputs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    parameters = inputs.get("parameters") or []
    for each in parameters:
        yield f"inputs.parameters.{each['name']}", each["value"]
    yield "inputs.parameters", compact(parameters)
    for each in inputs.get("artifacts") or ():
        yield f"inputs.artifacts.{each['name']}", each
        if each.get("path"):
            yield f"inputs.artifacts.{each['name']}.path", each["path"]
    for each in outputs.get("artifacts") or ():
        if each.get("path"):
            yield f"outputs.artifacts.{each['name']}.path", each["path"]
    for each in outputs.get("parameters") or ():
        if path := (each.get("valueFrom") or {}).get("path"):
            yield f"outputs.parameters.{each['name']}.path", path


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
    return tags.fill(value, scope)
