"""The pods that a look at a workflow needs: those that are not labelled as completed.

A workflow of 10,000 steps has as many pods, and all but a few are over and say nothing new. The
label is written when a pod's node is over, and may be there before the node is: such a pod is asked
for by its name. Where podGC deletes pods itself, it needs them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kinds.workflows import naming, nodes
from sampan.kinds.workflows.types import Spec
from sampan.kube import labels, meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import View


def see(
    cluster: View, workflow: Manifest, spec: Spec, status: Mapping[str, Any]
) -> dict[str, Manifest]:
    """Pods by the id of their node."""
    if spec.podGC.strategy:
        owned = cluster.owned(workflow, names.POD)
        return {_node_of(pod): pod for pod in owned if not _is_agent(pod)}
    name, namespace = meta.name_of(workflow), meta.namespace_of(workflow)
    living = {names.LABEL_WORKFLOW: name, names.LABEL_WORKFLOW_COMPLETED: "false"}
    found = {
        _node_of(pod): pod
        for pod in cluster.select(names.POD, namespace, {"matchLabels": living})
        if meta.is_controlled_by(pod, workflow) and not _is_agent(pod)
    }
    for id, node in (status.get("nodes") or {}).items():
        if nodes.active(node) and id not in found:
            pod = cluster.get(Key(names.POD, namespace, naming.pod_of(name, node)))
            if pod is not None and meta.is_controlled_by(pod, workflow):
                found[id] = pod
    return found


def _is_agent(pod: Manifest) -> bool:
    """Whether it is the workflow's agent, which is no node's."""
    return names.LABEL_WORKFLOW_COMPONENT in labels.of(pod)


def _node_of(pod: Manifest) -> str:
    noted = meta.annotations_of(pod)
    return noted.get(names.ANNOTATION_NODE_ID) or meta.name_of(pod)
