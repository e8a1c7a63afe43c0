"""Outputs of suspend nodes that somebody supplies (`valueFrom.supplied`).

An output is open until it has a value; when the node ends, what is open takes its default.
Upstream: argo-workflows workflow/util/util.go updateSuspendedNode, ResumeWorkflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kinds.workflows.language.arguments import text
from sampan.kinds.workflows.nodes import Node


class Absent(Exception):
    """An output that nobody supplied and that has no default, or that the node does not have."""


def with_defaults(node: Node) -> Node:
    """The node with its outputs set: what nobody supplied takes its default. Raises Absent."""
    listed = (node.get("outputs") or {}).get("parameters") or []
    return _with(node, [_default(each) if _is_open(each) else each for each in listed])


def with_values(node: Node, values: Mapping[str, str]) -> Node:
    """The node with some of its outputs set by somebody. Raises Absent."""
    if values and not node.get("outputs"):
        why = "node is not expecting any raw parameters"
        raise Absent(f"cannot set output parameters because {why}")
    listed = (node.get("outputs") or {}).get("parameters") or []
    known = {each["name"]: each for each in listed}
    for name in values:
        if name not in known:
            raise Absent(f"node is not expecting output parameter '{name}'")
        if not _is_open(known[name]):
            why = "it does not use valueFrom.raw or it was already set"
            raise Absent(f"cannot set output parameter '{name}' because {why}")
    return _with(node, [_set(e, values[e["name"]]) if e["name"] in values else e for e in listed])


def _is_open(parameter: Mapping[str, Any]) -> bool:
    return (parameter.get("valueFrom") or {}).get("supplied") is not None


def _default(parameter: Mapping[str, Any]) -> Mapping[str, Any]:
    default = parameter["valueFrom"].get("default")
    if default is None:
        why = "has not been set and does not have a default value"
        raise Absent(f"raw output parameter '{parameter['name']}' {why}")
    return _set(parameter, text(default))


def _set(parameter: Mapping[str, Any], value: str) -> Mapping[str, Any]:
    kept = {key: each for key, each in parameter.items() if key != "valueFrom"}
    return {**kept, "value": value}


def _with(node: Node, parameters: list[Mapping[str, Any]]) -> Node:
    if parameters == ((node.get("outputs") or {}).get("parameters") or []):
        return node
    return {**node, "outputs": {**node["outputs"], "parameters": parameters}}
