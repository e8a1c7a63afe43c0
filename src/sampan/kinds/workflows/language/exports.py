"""Global outputs: what a node's outputs with a `globalName` add to those of the workflow.

Later ones of the same name replace earlier ones.
Upstream: argo-workflows workflow/controller/operator.go addParamToGlobalScope,
addArtifactToGlobalScope.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Outputs = Mapping[str, Any]


def has_any(outputs: Outputs | None) -> bool:
    return bool(outputs) and any(
        each.get("globalName")
        for field in ("parameters", "artifacts")
        for each in (outputs or {}).get(field) or ()
    )


def added(known: Outputs, outputs: Outputs) -> dict[str, Any]:
    """The workflow's outputs, with what a node exports."""
    found = dict(known)
    for each in outputs.get("parameters") or ():
        if each.get("globalName"):
            entry = {"name": each["globalName"], "value": each.get("value")}
            found["parameters"] = _replaced(found.get("parameters") or [], entry)
    for each in outputs.get("artifacts") or ():
        if each.get("globalName"):
            entry = {k: v for k, v in each.items() if k not in ("globalName", "path")}
            entry["name"] = each["globalName"]
            found["artifacts"] = _replaced(found.get("artifacts") or [], entry)
    return found


def _replaced(listed: list[Any], entry: Mapping[str, Any]) -> list[Any]:
    if all(each["name"] != entry["name"] for each in listed):
        return [*listed, entry]
    return [entry if each["name"] == entry["name"] else each for each in listed]
