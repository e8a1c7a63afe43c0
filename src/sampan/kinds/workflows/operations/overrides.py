"""`-p NAME=VALUE`: other parameters for a workflow that is run again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sampan.kinds.workflows.operations.refusals import Refused
from sampan.kube.keys import Manifest


def with_parameters(workflow: Manifest, given: Iterable[str]) -> Manifest:
    """The workflow with these parameters instead of those of the same names, the given ones first.
    Raises Refused."""
    found: dict[str, dict[str, str]] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign:
            what = "expected parameter of the form: NAME=VALUE. Received:"
            raise Refused(f"{what} {text}", bad=True)
        found[name] = {"name": name, "value": value}
    if not found:
        return workflow
    new = {**workflow, "spec": _with(workflow["spec"], found)}
    status = workflow.get("status") or {}
    if stored := status.get("storedWorkflowTemplateSpec"):
        new["status"] = {**status, "storedWorkflowTemplateSpec": _with(stored, found)}
    return new


def _with(spec: dict[str, Any], found: dict[str, dict[str, str]]) -> dict[str, Any]:
    arguments = spec.get("arguments") or {}
    kept = [each for each in arguments.get("parameters") or () if each["name"] not in found]
    return {**spec, "arguments": {**arguments, "parameters": [*found.values(), *kept]}}
