"""Suspend and resume, stop and terminate, and what somebody sets in a suspended node.

Upstream: argo-workflows workflow/util/util.go SuspendWorkflow, ResumeWorkflow, updateSuspendedNode,
patchShutdownStrategy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kinds.workflows import nodes, supplied
from sampan.kinds.workflows.language import exports
from sampan.kinds.workflows.nodes import Node, Phase
from sampan.kinds.workflows.operations import selecting
from sampan.kinds.workflows.operations.refusals import Refused
from sampan.kube import names
from sampan.kube.keys import Manifest

Patch = dict[str, Any]


def suspend(workflow: Manifest) -> Patch | None:
    """No step begins any more until the workflow is resumed. Raises Refused."""
    if _is_over(workflow):
        raise Refused("cannot suspend completed workflows", bad=True)
    if (workflow["spec"].get("suspend")) is True:
        return None
    return {"spec": {"suspend": True}}


def resume(workflow: Manifest, now: str, selector: str = "", by: str = "") -> Patch | None:
    """Go on after a suspension: of the workflow and all suspended nodes, or of the nodes selected.

    by: who does it, for the message. Raises Refused.
    """
    said = f"Resumed by: {by}" if by else ""
    if selector:
        return set_outputs(workflow, now, selector, phase="Succeeded", message=said)
    changed: dict[str, Node] = {}
    for node in _suspended(workflow):
        message = "; ".join(each for each in (node.get("message"), said) if each)
        changed[node["id"]] = nodes.turned(_defaulted(node), "Succeeded", now, message)
    patch: Patch = {}
    if workflow["spec"].get("suspend") is True:
        patch["spec"] = {"suspend": None}
    if changed:
        patch["status"] = {"nodes": changed}
    return patch or None


def stop(workflow: Manifest, now: str, selector: str = "", message: str = "") -> Patch | None:
    """End all but exit handlers, or fail the suspended nodes selected. Raises Refused."""
    if selector:
        return set_outputs(workflow, now, selector, phase="Failed", message=message)
    return _shut(workflow, "Stop")


def terminate(workflow: Manifest) -> Patch:
    """End everything. Raises Refused."""
    return _shut(workflow, "Terminate")


def set_outputs(
    workflow: Manifest,
    now: str,
    selector: str,
    *,
    phase: Phase | None = None,
    message: str = "",
    values: Mapping[str, str] = {},
) -> Patch:
    """Set phase, message or supplied outputs of the suspended nodes selected. Raises Refused."""
    if not selector:
        what = "'set' currently only targets suspend nodes"
        raise Refused(f"{what}, use a node field selector to target them", bad=True)
    matches = selecting.parsed(selector)
    found = [node for node in _suspended(workflow) if matches(node)]
    if not found or not (phase or message or values):
        what = "currently, set only targets suspend nodes: no suspend nodes matching"
        raise Refused(f"{what} nodeFieldSelector: {selector}", bad=True)
    outputs: Mapping[str, Any] = (workflow.get("status") or {}).get("outputs") or {}
    changed: dict[str, Node] = {}
    for node in found:
        try:
            new = supplied.with_values(node, values)
        except supplied.Absent as fault:
            raise Refused(str(fault), bad=True) from fault
        if values and exports.has_any(new.get("outputs")):
            outputs = exports.added(outputs, new["outputs"])
        changed[node["id"]] = nodes.turned(new, phase or node["phase"], now, message or None)
    status: Patch = {"nodes": changed}
    return {"status": {**status, "outputs": outputs} if outputs else status}


def _shut(workflow: Manifest, strategy: str) -> Patch:
    about = workflow["metadata"]
    if ((workflow.get("status") or {}).get("phase") or "") in nodes.COMPLETED:
        named = f'workflow: "{about["name"]}", namespace: "{about.get("namespace") or ""}"'
        raise Refused(f"cannot shutdown a completed workflow: {named}", bad=True)
    return {"spec": {"shutdown": strategy}}


def _defaulted(node: Node) -> Node:
    try:
        return supplied.with_defaults(node)
    except supplied.Absent as fault:
        raise Refused(str(fault)) from fault


def _suspended(workflow: Manifest) -> list[Node]:
    every = ((workflow.get("status") or {}).get("nodes") or {}).values()
    return [node for node in every if node["type"] == "Suspend" and node["phase"] == "Running"]


def _is_over(workflow: Manifest) -> bool:
    labels = workflow["metadata"].get("labels") or {}
    return bool(labels.get(names.LABEL_WORKFLOW_COMPLETED) == "true")
