"""Outputs of steps and dag templates: what the nodes in them give on.

Upstream: argo-workflows workflow/controller/operator.go getTemplateOutputsFromScope.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sampan.kinds.workflows.language import expressions, passing
from sampan.kinds.workflows.language.arguments import Scope, text
from sampan.kinds.workflows.language.faults import Missing

Template = Mapping[str, Any]
Outputs = dict[str, Any]


def of_template(template: Template, scope: Scope) -> Outputs | None:
    """`outputs` of the template's node; None when it declares none. Raises Missing."""
    declared = template.get("outputs") or {}
    found: Outputs = {}
    if declared.get("parameters"):
        found["parameters"] = [_parameter(each, scope) for each in declared["parameters"]]
    if declared.get("artifacts"):
        found["artifacts"] = list(_artifacts(declared["artifacts"], scope))
    return {field: listed for field, listed in found.items() if listed} or None


def _parameter(parameter: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    source = parameter.get("valueFrom")
    if source is None:
        raise Missing("output parameters must have a valueFrom specified")
    default = None if source.get("default") is None else text(source["default"])
    try:
        value = _value(parameter, source, scope)
    except Missing:
        if default is None:
            raise
        value = default
    rest = {key: each for key, each in parameter.items() if key != "valueFrom" and each is not None}
    return {**rest, "value": value}


def _value(parameter: Mapping[str, Any], source: Mapping[str, Any], scope: Scope) -> str:
    if expression := source.get("expression"):
        value = expressions.evaluate(expression, scope)
        if value is None:
            raise Missing(f'failed to evaluate expression "{expression}"')
        return expressions.printed(value)
    if not source.get("parameter"):
        return ""
    value = passing.resolved(source["parameter"], scope)
    if value is None:
        why = "is an absent optional (skipped/omitted node output with no default)"
        raise Missing(f'output parameter "{parameter["name"]}": "{source["parameter"]}" {why}')
    return expressions.printed(value)


def _artifacts(declared: list[Any], scope: Scope) -> Iterator[dict[str, Any]]:
    for artifact in declared:
        if not artifact.get("from") and not artifact.get("fromExpression"):
            continue
        try:
            found = passing.artifact(artifact, scope)
        except Missing as missing:
            if artifact.get("optional") and isinstance(missing, passing.Unresolved):
                continue
            raise Missing(f"unable to resolve outputs from scope: {missing}") from missing
        yield {**found, "name": artifact["name"]}
