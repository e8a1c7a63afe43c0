"""The agent's pod: the executor itself, and a sidecar for each plugin.

The executor's containers have the service account's token; a plugin gets what it is due: a word
that only the agent knows, and a token of its own account if it wants one.
Upstream: argo-workflows workflow/controller/agent.go createAgentPod.
"""

from __future__ import annotations

import json
from typing import Any

from sampan.kinds.workflows import naming
from sampan.kinds.workflows.agents import plugins
from sampan.kinds.workflows.pods import build as pods
from sampan.kinds.workflows.pods import carry, patch
from sampan.kinds.workflows.pods.about import About, Unbuildable
from sampan.kinds.workflows.walk import Walk
from sampan.kube import argoexec, meta, names
from sampan.kube.keys import Manifest

_USER = 8737
"""Upstream's user of pods that need no rights."""
_TOKEN = "kube-api-access"
_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"


def name_of(workflow: str) -> str:
    return f"{naming.node_id(workflow, 'agent')}-agent"


def fault_of(pod: Manifest | None) -> str:
    """Why the agent does nothing any more; "" while it may."""
    status = (pod or {}).get("status") or {}
    if status.get("phase") != "Failed":
        return ""
    return str(status.get("message") or status.get("reason") or "the agent has ended")


def ends_by_itself(pod: Manifest) -> bool:
    """Whether it ends when the agent does: plugins run on."""
    return len(pod["spec"]["containers"]) == 1


def build(walk: Walk) -> Manifest:
    """Unbuildable."""
    run = walk.workflow
    wanted = plugins.of_workflow(run.manifest["spec"]) or run.agent.plugins
    sidecars = [plugins.container(each) for each in wanted]
    spec = run.manifest["spec"]
    about = About(known=walk.globals, node="", node_name="", template="")
    main = _executor(argoexec.MAIN, "main", walk, sidecars)
    body: dict[str, Any] = {
        "restartPolicy": "OnFailure",
        "securityContext": {"runAsNonRoot": True, "runAsUser": _USER},
        "initContainers": [_executor(argoexec.INIT, "init", walk, sidecars)],
        "containers": [*sidecars, main],
        "volumes": [
            {"name": argoexec.VOLUME_RUN, "emptyDir": {}},
            {"name": _TOKEN, "projected": {"sources": _sources()}},
            *(plugins.token(each) for each in wanted if each.with_token),
        ],
        **pods.placement(spec, {}, about),
        "automountServiceAccountToken": False,
    }
    patched = patch.patched(body, filter(None, [spec.get("podSpecPatch") or ""]))
    made = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name_of(run.name),
            "namespace": run.namespace,
            "labels": {
                **((spec.get("podMetadata") or {}).get("labels") or {}),
                names.LABEL_WORKFLOW: run.name,
                names.LABEL_WORKFLOW_COMPLETED: "false",
                names.LABEL_WORKFLOW_COMPONENT: argoexec.AGENT,
            },
            "annotations": {
                **((spec.get("podMetadata") or {}).get("annotations") or {}),
                names.ANNOTATION_DEFAULT_CONTAINER: argoexec.MAIN,
            },
            "ownerReferences": [meta.controlled_by(run.manifest)],
        },
        "spec": patched,
    }
    if wrong := pods.problems(made):
        raise Unbuildable(str(wrong[0]))
    return made


def _executor(name: str, part: str, walk: Walk, sidecars: list[dict[str, Any]]) -> dict[str, Any]:
    run = walk.workflow
    container = carry.executor(name, argoexec.AGENT, part)
    ports = [plugins.port_of(each) for each in sidecars]
    values = {
        argoexec.WORKFLOW_NAME: run.name,
        argoexec.WORKFLOW_UID: meta.uid_of(run.manifest),
        "ARGO_AGENT_PATCH_RATE": "10s",
        argoexec.PLUGIN_ADDRESSES: json.dumps([f"http://localhost:{port}" for port in ports]),
        argoexec.PLUGIN_NAMES: json.dumps([each["name"] for each in sidecars]),
    }
    container["env"] = [{"name": key, "value": value} for key, value in values.items()]
    container["securityContext"] = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": _USER,
    }
    container["volumeMounts"] = [
        {"name": argoexec.VOLUME_RUN, "mountPath": argoexec.RUN},
        {"name": _TOKEN, "mountPath": _TOKEN_PATH, "readOnly": True},
    ]
    return container


def _sources() -> list[dict[str, Any]]:
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    return [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
        {"configMap": {"name": "kube-root-ca.crt",
                       "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
    ]  # fmt: skip
