"""Scopes: what tags stand for at a place of a template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sampan.kinds.workflows.language import tags
from sampan.kinds.workflows.language.arguments import Inputs, Missing, Scope, compact
from sampan.lib import expr

__all__ = ["Scope", "fill", "holds", "of_child", "of_inputs"]

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


def holds(expression: str, scope: Scope) -> bool:
    """The truth value of an expression, `steps.a.status == "Failed"`. Raises arguments.Missing."""
    try:
        value = expr.compile(expression).run(_nested(scope))
    except expr.Mistake as fault:
        raise Missing(f"unable to evaluate expression '{expression}': {fault}") from fault
    if not isinstance(value, bool):
        raise Missing(f"unable to cast expression result '{value}' to bool")
    return value


def _nested(scope: Scope) -> dict[str, Any]:
    """Dotted names as maps within maps; a value gives way to what is below its name."""
    found: dict[str, Any] = {}
    for name in sorted(scope):
        *way, last = name.split(".")
        place = found
        for each in way:
            if not isinstance(place.get(each), dict):
                place[each] = {}
            place = place[each]
        place[last] = scope[name]
    return found
