"""The pod that deletes artifacts, and the WorkflowArtifactGCTask that tells it which.

In upstream's shape, so that its executor's image could carry it out as well as our node does.
Upstream: argo-workflows workflow/controller/artifact_gc.go createArtifactGCPod.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from sampan.kinds.workflows.artifacts.strategies import Rights
from sampan.kinds.workflows.pods import carry, drivers, patch, secrets
from sampan.kinds.workflows.types import Driver
from sampan.kube import argoexec, locations, meta, names
from sampan.kube.keys import Manifest

COMPONENT = names.WORKFLOWS_PREFIX + "component"
STRATEGY = names.WORKFLOWS_PREFIX + "artifact-gc-strategy"
_GC = "artifact-gc"
_CONFINED = {
    "runAsNonRoot": True, "runAsUser": 8737, "seccompProfile": {"type": "RuntimeDefault"},
}  # fmt: skip
"""The user of upstream's executor image."""
_NO_DEADLINE = {"name": argoexec.DEADLINE, "value": argoexec.NEVER}
NO_DRIVERS: Mapping[str, Driver] = MappingProxyType({})


def task_name(pod: str) -> str:
    return f"{pod}-0"


def task(workflow: Manifest, pod: str, by_node: Mapping[str, Any]) -> Manifest:
    kind, _, group = names.WORKFLOW_ARTIFACT_GC_TASK.partition(".")
    return {
        "apiVersion": f"{group}/v1alpha1",
        "kind": kind,
        "metadata": {
            "name": task_name(pod),
            "namespace": workflow["metadata"]["namespace"],
            "labels": {argoexec.LABEL_GC_POD: _label(pod)},
            "ownerReferences": [meta.controlled_by(workflow)],
        },
        "spec": {"artifactsByNode": by_node},
    }


def pod(
    workflow: Manifest,
    task: Manifest,
    rights: Rights,
    strategy: str,
    known: Mapping[str, Driver] = NO_DRIVERS,
) -> Manifest:
    """Raises Unbuildable for a podSpecPatch that makes no sense, and a driver that is not among the
    `known`."""
    name = task["metadata"]["name"].removesuffix("-0")
    volumes, mounts = secrets.mounted(_places(task))
    spec: dict[str, Any] = {
        "automountServiceAccountToken": True,
        "restartPolicy": "Never",
        "securityContext": _CONFINED,
        "containers": [_container(name, mounts)],
        "volumes": volumes,
    }
    _furnish(spec, drivers.named(known, map(locations.driver_of, _places(task))))
    text = (workflow["spec"].get("artifactGC") or {}).get("podSpecPatch")
    spec = patch.patched(spec, [text] if text else [])
    if rights.account:
        spec["serviceAccountName"] = rights.account
    labels = {
        names.LABEL_WORKFLOW: workflow["metadata"]["name"],
        COMPONENT: _GC,
        names.LABEL_WORKFLOW_COMPLETED: "false",
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": workflow["metadata"]["namespace"],
            "labels": {**labels, **dict(rights.labels)},
            "annotations": {STRATEGY: strategy, **dict(rights.annotations)},
            "ownerReferences": [meta.controlled_by(task)],
        },
        "spec": spec,
    }


def _label(pod: str) -> str:
    return str(meta.fnv32a(pod.encode()))


def _places(task: Manifest) -> Iterable[Mapping[str, Any]]:
    for node in task["spec"]["artifactsByNode"].values():
        yield node.get("archiveLocation") or {}
        yield from node["artifacts"].values()


def _furnish(spec: dict[str, Any], used: list[Driver]) -> None:
    """Drivers beside the one that deletes. The first container brings the executor to them, where
    it is not part of the node."""
    if not used:
        return
    run = {"name": argoexec.VOLUME_RUN, "mountPath": argoexec.RUN}
    beside = [
        {
            **drivers.container(argoexec.DRIVER_SIDECARS, each, argoexec.EMISSARY[1]),
            "volumeMounts": [drivers.mount(each), run],
        }
        for each in used
    ]
    for each in beside:
        each["env"] = [{"name": argoexec.CONTAINER_NAME, "value": each["name"]}]
    names = ",".join(each["name"] for each in beside)
    (main,) = spec["containers"]
    main["env"].append({"name": argoexec.DRIVER_NAMES, "value": names})
    main["volumeMounts"] = [*main["volumeMounts"], run, *map(drivers.mount, used)]
    first = carry.executor(argoexec.INIT, argoexec.INIT)
    first["volumeMounts"] = [run]
    first["env"] = [{"name": argoexec.TEMPLATE, "value": "{}"}, _NO_DEADLINE]
    spec["initContainers"] = [first]
    spec["containers"] = [*beside, main]
    shared = {"name": argoexec.VOLUME_RUN, "emptyDir": {}}
    spec["volumes"] = [*spec["volumes"], shared, *map(drivers.volume, used)]


def _container(pod: str, mounts: list[dict[str, Any]]) -> dict[str, Any]:
    name = {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}
    return {
        "name": argoexec.MAIN,
        "image": f"{argoexec.IMAGE}:{argoexec.VERSION}",
        "command": ["argoexec", argoexec.ARTIFACT, "delete", *argoexec.EMISSARY[2:-1]],
        "env": [
            {"name": argoexec.POD_NAME, "valueFrom": name},
            {"name": argoexec.TEMPLATE, "value": "{}"},
            _NO_DEADLINE,
            {"name": argoexec.GC_POD, "value": _label(pod)},
        ],
        "securityContext": {
            **_CONFINED, "capabilities": {"drop": ["ALL"]}, "privileged": False,
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
        },
        "resources": {
            "limits": {"cpu": "100m", "memory": "64Mi"},
            "requests": {"cpu": "50m", "memory": "32Mi"},
        },
        "volumeMounts": mounts,
    }  # fmt: skip
