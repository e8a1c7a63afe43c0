"""`resourcesDuration`: what pods asked for, times how long they ran; `estimatedDuration`: how long
it took the last time.

Resources are counted in seconds of one cpu, of 100Mi of memory, of 10Gi of storage; a container
that asks for nothing counts with 100m and 100Mi. The workflow's sum grows with each pod that ends,
a node's is made when it ends. The last time is the newest Workflow that succeeded, of the same
template or CronWorkflow; its name is noted at the first look, so that later ones need no search.
Upstream: argo-workflows util/resource, workflow/controller/estimation.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from sampan.kinds.workflows import naming, nodes
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.types import Run
from sampan.kinds.workflows.walk import Walk
from sampan.kube import meta, names, quantities
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import View
from sampan.kube.times import parse

Amounts = dict[str, int]
_USUAL = {"cpu": "100m", "memory": "100Mi"}
_UNITS = {"memory": "100Mi", "storage": "10Gi", "ephemeral-storage": "10Gi"}
_ORIGINS = (
    names.LABEL_WORKFLOW_TEMPLATE, names.LABEL_CLUSTER_WORKFLOW_TEMPLATE, names.LABEL_CRON_WORKFLOW,
)  # fmt: skip


def of_pod(pod: Manifest) -> Amounts:
    """The seconds by resource of a pod that is over."""
    status = pod.get("status") or {}
    ran = {
        each["name"]: _seconds(each)
        for field in ("initContainerStatuses", "containerStatuses")
        for each in status.get(field) or ()
    }
    found: Amounts = {}
    spec = pod["spec"]
    for container in (*(spec.get("initContainers") or ()), *spec["containers"]):
        asked = container.get("resources") or {}
        wanted = {**_USUAL, **(asked.get("limits") or {}), **(asked.get("requests") or {})}
        for name, quantity in wanted.items():
            unit = Fraction(quantities.milli(_UNITS.get(name, "1")))
            amount = quantities.milli(quantity) * ran.get(container["name"], 0) / unit
            found[name] = found.get(name, 0) + int(amount)
    return found


def _seconds(status: Mapping[str, Any]) -> int:
    ended = (status.get("state") or {}).get("terminated") or {}
    if not ended.get("startedAt") or not ended.get("finishedAt"):
        return 0
    return int((parse(ended["finishedAt"]) - parse(ended["startedAt"])).total_seconds())


def account(walk: Walk) -> None:
    """Write into the nodes that ended in this look what they took, and into `walk.spent` what the
    workflow did; into new nodes how long they may take."""
    run, ended = walk.workflow, []
    for id, node in list(walk.changed.items()):
        before = run.nodes.get(id)
        if before is None:
            estimated = _estimated(run, node)
            if estimated:
                walk.put({**node, "estimatedDuration": estimated})
        if nodes.over(node) and not nodes.over(before):
            ended.append(id)
    total: Amounts = dict(run.status.get("resourcesDuration") or {})
    for id in ended:
        pod, node = run.pods.get(id), walk.changed[id]
        if node["type"] == "Pod" and pod is not None:
            amounts = of_pod(pod)
            walk.put({**node, "resourcesDuration": amounts})
            total = _sum(total, amounts)
    for id in ended:
        node = walk.changed[id]
        if node["type"] != "Pod" and (below := _below(walk, node)):
            walk.put({**node, "resourcesDuration": below})
    walk.spent = total


def _below(walk: Walk, node: Node) -> Amounts:
    """The sum of the pods below a node, each once."""
    found: Amounts = {}
    waiting, seen = list(node.get("children") or ()), set[str]()
    while waiting:
        id = waiting.pop()
        child = walk.by_id(id)
        if child is None or id in seen:
            continue
        seen.add(id)
        if child["type"] == "Pod":
            found = _sum(found, child.get("resourcesDuration") or {})
        waiting.extend(child.get("children") or ())
    return found


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> Amounts:
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}


# How long it took the last time.


def baseline(cluster: View, manifest: Manifest) -> Manifest | None:
    """The Workflow that says how long this one may take. manifest: with all its labels."""
    about = manifest["metadata"]
    namespace = meta.namespace_of(manifest)
    if (manifest.get("status") or {}).get("phase"):
        noted = (about.get("annotations") or {}).get(names.ANNOTATION_BASELINE)
        return cluster.get(Key(names.WORKFLOW, namespace, noted)) if noted else None
    labels = about.get("labels") or {}
    for label in _ORIGINS:
        if label in labels:
            wanted = {label: labels[label], names.LABEL_WORKFLOW_PHASE: "Succeeded"}
            found = cluster.select(names.WORKFLOW, namespace, {"matchLabels": wanted})
            return max(found, key=_created, default=None)
    return None


def _created(manifest: Manifest) -> str:
    return str(manifest["metadata"].get("creationTimestamp") or "")


def estimated(run: Run) -> int:
    """Seconds that the whole workflow may take; 0 when nobody knows."""
    return _took(run.baseline.get("status") or {}) if run.baseline is not None else 0


def _estimated(run: Run, node: Node) -> int:
    if run.baseline is None:
        return 0
    old = meta.name_of(run.baseline)
    id = naming.node_id(old, node["name"].replace(run.name, old, 1))
    return _took(((run.baseline.get("status") or {}).get("nodes") or {}).get(id) or {})


def _took(body: Mapping[str, Any]) -> int:
    if not body.get("startedAt") or not body.get("finishedAt"):
        return 0
    return int((parse(body["finishedAt"]) - parse(body["startedAt"])).total_seconds())
