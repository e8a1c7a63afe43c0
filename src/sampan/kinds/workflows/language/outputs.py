"""Outputs: what a node gives on, read from its template, its children, or its executor.

`of_template` is for steps and dags, `reported` for what the executor of a pod says in a
WorkflowTaskResult, `wants_result` tells whether anybody asks for a pod's standard output.
Upstream: argo-workflows workflow/controller/operator.go getTemplateOutputsFromScope,
hasOutputResultRef; workflow/controller/taskresult.go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from sampan.kinds.workflows.language import expressions, passing
from sampan.kinds.workflows.language.arguments import Scope, text
from sampan.kinds.workflows.language.faults import Missing

Template = Mapping[str, Any]
Outputs = dict[str, Any]

_RESULT = re.compile(
    r"""(?:steps|tasks)(?:\.(?P<plain>[-a-zA-Z0-9_]+)|\[\\?['"](?P<quoted>[^'"\\]+)\\?['"]\])"""
    r"""\.outputs\.result"""
)
_BRACKETS = re.compile(r"(?:\([^()]*\)|\[[^\[\]]*\])+$")
"""Behind the name of a node: its place in a loop, its attempt, its group."""


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


def reported(node: dict[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """The node with what its WorkflowTaskResult says."""
    new = dict(node)
    said = {key: value for key, value in (result.get("outputs") or {}).items() if value is not None}
    if said:
        kept = (node.get("outputs") or {}).get("exitCode")
        new["outputs"] = said if "exitCode" in said or kept is None else {**said, "exitCode": kept}
    if re.fullmatch(r"\d+/\d+", result.get("progress") or ""):
        new["progress"] = result["progress"]
    return new if new != node else node


def wants_result(node_name: str, parent: Template | None) -> bool:
    """Whether the template around a node speaks of the node's `outputs.result`."""
    return parent is not None and child_of(node_name) in _asked(_Same(parent))


def child_of(node_name: str) -> str:
    """The step or task that a node belongs to: `wf[0].a(1:x)(2)` -> "a"."""
    return _BRACKETS.sub("", node_name).rpartition(".")[2]


class _Same:
    """A template as a key: the very same object."""

    def __init__(self, template: Template) -> None:
        self.template = template

    def __hash__(self) -> int:
        return id(self.template)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.template is other.template


@lru_cache(maxsize=32)
def _asked(same: _Same) -> frozenset[str]:
    written = json.dumps(same.template, ensure_ascii=False)
    return frozenset(each["plain"] or each["quoted"] for each in _RESULT.finditer(written))
