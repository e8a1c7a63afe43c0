"""Scopes: what tags stand for at a place of a template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sampan.kinds.workflows.language import aggregate, expressions, passing, tags
from sampan.kinds.workflows.language.arguments import Inputs, Scope, compact, text
from sampan.kinds.workflows.language.faults import Missing

__all__ = ["Scope", "fill", "holds", "of_child", "of_inputs"]

_NEVER_RAN = ("Skipped", "Omitted")


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
    kind: str,
    name: str,
    node: Mapping[str, Any],
    members: Sequence[Mapping[str, Any]] = (),
    declared: Mapping[str, Any] | None = None,
) -> Scope:
    """What a step or task that is over tells those after it. Raises Missing.

    kind: `steps` or `tasks`; node: for a Retry node, its last attempt; members: of a loop, its
    nodes in order (node is then the TaskGroup, or the StepGroup around them); declared: the
    `outputs` of the template of a node that was not run.
    """
    base = f"{kind}.{name}"
    scope: dict[str, Any] = {f"{base}.id": node["id"], f"{base}.status": node["phase"]}
    for field in ("startedAt", "finishedAt", "hostNodeName"):
        if node.get(field):
            scope[f"{base}.{field}"] = node[field]
    if node.get("podIP"):
        scope[f"{base}.ip"] = node["podIP"]
    scope |= dict(_outputs(base, node.get("outputs") or {}))
    if declared and node["phase"] in _NEVER_RAN and not node.get("outputs"):
        scope |= dict(_undelivered(base, declared, artifacts=kind == "steps"))
    return scope | dict(aggregate.of_members(base, members))


def _outputs(base: str, outputs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if outputs.get("result") is not None:
        yield f"{base}.outputs.result", outputs["result"]
    if outputs.get("exitCode") is not None:
        yield f"{base}.exitCode", outputs["exitCode"]
    for each in outputs.get("parameters") or ():
        if each.get("value") is not None:
            yield f"{base}.outputs.parameters.{each['name']}", text(each["value"])
    for each in outputs.get("artifacts") or ():
        yield f"{base}.outputs.artifacts.{each['name']}", each


def _undelivered(
    base: str, declared: Mapping[str, Any], *, artifacts: bool
) -> Iterator[tuple[str, Any]]:
    """The outputs of a template that was not run: their defaults, None for those without."""
    for each in declared.get("parameters") or ():
        default = (each.get("valueFrom") or {}).get("default")
        value = None if default is None else text(default)
        yield f"{base}.outputs.parameters.{each['name']}", value
    if artifacts:
        for each in declared.get("artifacts") or ():
            yield f"{base}.outputs.artifacts.{each['name']}", {"name": each["name"]}


def fill(value: Any, scope: Scope) -> Any:
    """A JSON value with its tags replaced; those of siblings have to be known. Raises Missing."""
    return tags.fill(value, scope, passing.STRICT)


def holds(expression: str, scope: Scope) -> bool:
    """The truth value of an expression, `steps.a.status == "Failed"`. Raises Missing."""
    try:
        value = expressions.evaluate(expression, scope)
    except Missing as missing:
        raise Missing(f"unable to evaluate expression '{expression}': {missing}") from missing
    if not isinstance(value, bool):
        raise Missing(f"unable to cast expression result '{value}' to bool")
    return value
