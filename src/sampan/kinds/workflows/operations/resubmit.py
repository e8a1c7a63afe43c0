"""Resubmit: a new workflow like one that is over; memoized, it keeps what succeeded.

A memoized one gets its name here, for its nodes are named after it: pods that succeeded become
Skipped, `original pod: <id>`; pods that failed are left out, so that they run. Upstream:
argo-workflows workflow/util/util.go FormulateResubmitWorkflow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sampan.kinds.workflows import naming, nodes
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.operations.overrides import with_parameters
from sampan.kinds.workflows.operations.refusals import Refused
from sampan.kube import names
from sampan.kube.keys import Manifest

_OWN = (
    names.LABEL_WORKFLOW_PHASE, names.LABEL_WORKFLOW_COMPLETED,
    names.WORKFLOWS_PREFIX + "creator", names.WORKFLOWS_PREFIX + "creator-email",
    names.WORKFLOWS_PREFIX + "creator-preferred-username",
    names.WORKFLOWS_PREFIX + "workflow-archiving-status",
)  # fmt: skip
"""Labels that belong to one workflow alone."""
PREVIOUS = names.WORKFLOWS_PREFIX + "resubmitted-from-workflow"


def resubmit(
    workflow: Manifest,
    now: str,
    suffix: str,
    *,
    memoized: bool = False,
    parameters: Iterable[str] = (),
) -> Manifest:
    """The new workflow. suffix: five random letters, for a memoized one. Raises Refused."""
    about = workflow["metadata"]
    phase = (workflow.get("status") or {}).get("phase")
    if memoized and phase not in nodes.BROKEN:
        raise Refused("workflow must be Failed/Error to resubmit in memoized mode", bad=True)
    labels = {k: v for k, v in (about.get("labels") or {}).items() if k not in _OWN}
    prefix = about.get("generateName") or f"{about['name']}-"
    fields: dict[str, Any] = {
        "generateName": prefix,
        "namespace": about.get("namespace"),
        "labels": {**labels, PREVIOUS: about["name"]},
        "annotations": about.get("annotations"),
        "ownerReferences": about.get("ownerReferences"),
    }
    spec = {key: value for key, value in workflow["spec"].items() if key != "shutdown"}
    if spec.get("activeDeadlineSeconds") == 0:
        del spec["activeDeadlineSeconds"]
    new: Manifest = {
        "apiVersion": workflow["apiVersion"],
        "kind": workflow["kind"],
        "metadata": {key: value for key, value in fields.items() if value},
        "spec": spec,
    }
    if memoized:
        name = f"{prefix}{suffix}"
        new["metadata"]["name"] = name
        new["status"] = _status(workflow, name, now)
    return with_parameters(new, parameters)


def _status(workflow: Manifest, name: str, now: str) -> dict[str, Any]:
    old = workflow["status"]
    known: Mapping[str, Node] = old.get("nodes") or {}
    made = _Made(workflow["metadata"]["name"], name, known, now)
    status: dict[str, Any] = {
        "nodes": {each["id"]: each for each in made.nodes()},
        "conditions": [{"type": "Completed", "status": "False"}],
    }
    if old.get("storedTemplates"):
        status["storedTemplates"] = old["storedTemplates"]
    return status


class _Made:
    """The nodes of the new workflow, made from those of the old one."""

    def __init__(self, old: str, new: str, known: Mapping[str, Node], now: str) -> None:
        self._old, self._new, self._known, self._now = old, new, known, now
        self._gone = {id for id, node in known.items() if self._goes(node)}

    def nodes(self) -> list[Node]:
        return [self._node(node) for id, node in self._known.items() if id not in self._gone]

    def _goes(self, node: Node) -> bool:
        if node["name"].startswith(f"{self._old}.onExit"):
            return True
        if node["type"] == "Pod":
            return not nodes.over(node) or nodes.broken(node)
        return node["type"] == "Skipped" and not self._leads_to_success(node)

    def _leads_to_success(self, node: Node) -> bool:
        """Whether something below a node succeeded."""
        seen: set[str] = set()
        queue = list(node.get("children") or ())
        while queue:
            child = self._known.get(id := queue.pop())
            if child is None or id in seen:
                continue
            if child["phase"] == "Succeeded":
                return True
            seen.add(id)
            queue += child.get("children") or ()
        return False

    def _node(self, node: Node) -> Node:
        name = self._renamed(node["name"])
        new = {**node, "name": name, "id": naming.node_id(self._new, name)}
        if node["displayName"] == node["name"]:
            new["displayName"] = name
        if node.get("boundaryID"):
            new["boundaryID"] = self._id(node["boundaryID"])
        for field in ("children", "outboundNodes"):
            if node.get(field):
                new[field] = [self._id(each) for each in node[field] if each not in self._gone]
        if node["type"] == "Pod":
            return nodes.replaced(new, self._now, f"original pod: {node['id']}")
        return nodes.reset(new, self._now)

    def _renamed(self, name: str) -> str:
        return self._new + name.removeprefix(self._old)

    def _id(self, id: str) -> str:
        return naming.node_id(self._new, self._renamed(self._known[id]["name"]))
