"""The mirror pod: Sampan's own process, shown in kube-system as kubeadm shows its static pods.

Tools list that namespace to see whether a cluster is well. The pod says where the process runs and
since when; nothing is started or ended by it, and one that is deleted is back at once.
Other pods with the same annotation are pods like any other.
Upstream: kubernetes pkg/kubelet/pod/mirror_client.go.
"""

from __future__ import annotations

from sampan import __version__
from sampan.engine.cluster import Cluster
from sampan.kube import names
from sampan.kube.conditions import Condition
from sampan.kube.errors import NotFound
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.times import rfc3339
from sampan.lib.clock import Clock

_NAMESPACE = "kube-system"
_COMPONENT = "kube-apiserver"
_ANNOTATION = "kubernetes.io/config.mirror"
_CONDITIONS = (
    "PodReadyToStartContainers",
    "Initialized",
    "Ready",
    "ContainersReady",
    "PodScheduled",
)


def is_ours(pod: Manifest, node: str) -> bool:
    meta = pod["metadata"]
    ours = (meta.get("namespace"), meta["name"]) == (_NAMESPACE, _name(node))
    return ours and _ANNOTATION in (meta.get("annotations") or {})


async def show(cluster: Cluster, clock: Clock, node: str, address: str) -> None:
    """Make the pod, or bring the one of an earlier start up to date."""
    key = Key(names.POD, _NAMESPACE, _name(node))
    since = rfc3339(clock.now())
    try:
        if cluster.get(key) is None:
            await cluster.create(_pod(node))
        await cluster.patch(key, {"status": _status(since, address)}, subresource="status")
    except NotFound:
        return  # a cluster that has no such namespace, or whose user has just deleted the pod


async def again(cluster: Cluster, clock: Clock, pod: Manifest) -> None:
    """Let a pod go that somebody deletes, and make it anew: the process is still there."""
    await cluster.delete(key_of(pod), uid=pod["metadata"]["uid"], grace=0)
    await show(cluster, clock, pod["spec"]["nodeName"], pod["status"].get("hostIP", ""))


def _name(node: str) -> str:
    return f"{_COMPONENT}-{node}"


def _pod(node: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": _name(node),
            "namespace": _NAMESPACE,
            "labels": {"component": _COMPONENT, "tier": "control-plane"},
            "annotations": {_ANNOTATION: __version__},
        },
        "spec": {
            "nodeName": node,
            "hostNetwork": True,
            "automountServiceAccountToken": False,
            "priorityClassName": "system-node-critical",
            "tolerations": [{"operator": "Exists", "effect": "NoExecute"}],
            "containers": [{"name": _COMPONENT, "image": f"sampan:{__version__}"}],
        },
    }


def _status(since: str, address: str) -> Manifest:
    conditions: list[Condition] = [
        {"type": kind, "status": "True", "lastTransitionTime": since} for kind in _CONDITIONS
    ]
    container = {
        "name": _COMPONENT,
        "image": f"sampan:{__version__}",
        "imageID": "",
        "ready": True,
        "started": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": since}},
    }
    return {
        "phase": "Running",
        "startTime": since,
        "hostIP": address,
        "hostIPs": [{"ip": address}],
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": conditions,
        "containerStatuses": [container],
    }
