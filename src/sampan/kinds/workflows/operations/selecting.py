"""`nodeFieldSelector`: `displayName=a,phase!=Failed` over the nodes of a workflow.

Fields: displayName, templateName, phase, name, id, templateRef.name, templateRef.template,
inputs.parameters.<name>.value. Upstream: argo-workflows workflow/util/util.go SelectorMatchesNode.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.operations.refusals import Refused
from sampan.kube import selectors
from sampan.kube.errors import ApiStatus


def parsed(selector: str) -> Callable[[Node], bool]:
    """Whether a node matches. Raises Refused."""
    try:
        terms = selectors.parse_fields(selector)
    except ApiStatus as fault:
        raise Refused(fault.message, bad=True) from fault

    def matches(node: Node) -> bool:
        known = fields(node)
        return all((known.get(name, "") == value) is (sign == "=") for name, sign, value in terms)

    return matches


def fields(node: Node) -> Mapping[str, Any]:
    """What a selector may ask about."""
    reference = node.get("templateRef") or {}
    found = {
        "displayName": node.get("displayName") or "",
        "templateName": reference.get("template") or node.get("templateName") or "",
        "phase": node["phase"],
        "name": node["name"],
        "id": node["id"],
    }
    if reference:
        found |= {f"templateRef.{key}": reference.get(key) or "" for key in ("name", "template")}
    for each in (node.get("inputs") or {}).get("parameters") or ():
        found[f"inputs.parameters.{each['name']}.value"] = each.get("value") or ""
    return found
