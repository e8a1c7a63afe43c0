"""Outputs of suspend nodes that somebody supplies (`valueFrom.supplied`)."""

from __future__ import annotations

from collections.abc import Mapping

from sampan.kinds.workflows.language.arguments import text
from sampan.kinds.workflows.nodes import Node


class Absent(Exception):
    """An output that nobody supplied and that has no default, or that the node does not have."""


def with_defaults(node: Node) -> Node:
    """The node with its outputs set: what nobody supplied takes its default. Raises Absent."""
    listed = (node.get("outputs") or {}).get("parameters")
    if not listed:
        return node
    found = []
    for each in listed:
        source = each.get("valueFrom")
        if source is None:
            found.append(each)
            continue
        if source.get("default") is None:
            raise Absent(f"raw output parameter '{each['name']}' has not been set and does not have a default value")
        plain = {key: value for key, value in each.items() if key != "valueFrom"}
        found.append({**plain, "value": text(source["default"])})
    return {**node, "outputs": {**node["outputs"], "parameters": found}}


def with_values(node: Node, values: Mapping[str, str]) -> Node:
    """The node with some of its outputs set by somebody. Raises Absent."""
    listed = (node.get("outputs") or {}).get("parameters")
    if not listed:
        raise Absent(
            f"cannot set output parameters because node '{node['displayName']}' is not expecting any raw parameters"
        )
    left, found = dict(values), []
    for each in listed:
        if each["name"] not in left:
            found.append(each)
            continue
        if each.get("valueFrom") is None or each["valueFrom"].get("supplied") is None:
            raise Absent(
                f"cannot set output parameter '{each['name']}' because it does not use valueFrom.raw or it was already set"
            )
        plain = {key: value for key, value in each.items() if key != "valueFrom"}
        found.append({**plain, "value": left.pop(each["name"])})
    return {**node, "outputs": {**node["outputs"], "parameters": found}}
