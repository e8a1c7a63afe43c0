"""Pods of a workflow, as upstream builds them, less its executor.

The template's container becomes `main`. There is no `init` or `wait` container: nothing has to be
fetched before it or carried away after it yet. Volumes of the workflow come in where a container
mounts them. Upstream: argo-workflows workflow/controller/workflowpod.go.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from sampan.kinds.workflows import naming
from sampan.kinds.workflows.language import tags
from sampan.kinds.workflows.pods.state import MAIN
from sampan.kinds.workflows.types import Run, Template
from sampan.kinds.workflows.walk import Running
from sampan.kube import formats, meta, names, podspec, templates
from sampan.kube.errors import Problem, invalid
from sampan.kube.keys import Manifest

STAGING = "/argo/staging"
SCRIPT = f"{STAGING}/script"
_STAGING_VOLUME = "argo-staging"
_SOURCE = names.WORKFLOWS_PREFIX + "script"

_COPIED = {
    "nodeSelector": "nodeSelector",
    "affinity": "affinity",
    "tolerations": "tolerations",
    "schedulerName": "schedulerName",
    "securityContext": "securityContext",
    "hostAliases": "hostAliases",
    "serviceAccountName": "serviceAccountName",
    "automountServiceAccountToken": "automountServiceAccountToken",
    "priorityClassName": "priorityClassName",
}
"""Fields of a template that a pod gets as they are; the workflow's hold where it has none."""
_WORKFLOW_ONLY = {
    "imagePullSecrets": "imagePullSecrets",
    "hostNetwork": "hostNetwork",
    "dnsPolicy": "dnsPolicy",
    "dnsConfig": "dnsConfig",
    "podPriorityClassName": "priorityClassName",
}


class About(Struct, frozen=True, kw_only=True):
    """Whose pod it is. `known` is what `workflow.…` tags stand for."""

    known: Mapping[str, str]
    node: str
    node_name: str
    template: str


def name_of(run: Run, node_name: str, template: str) -> str:
    return naming.pod_name(run.name, template, node_name)


def filled(known: Mapping[str, str], running: Running, *, pod: str) -> Template:
    """The template with its tags replaced. `known` is what `workflow.…` tags stand for."""
    own = {"pod.name": pod, "node.name": running.call.node}
    lookup = ChainMap(own, dict(running.scope), dict(known))
    template: Template = tags.fill(dict(running.template), lookup.get)
    return template


def build(run: Run, template: Template, container: dict[str, Any], about: About) -> Manifest:
    """The Pod manifest of a template whose tags are replaced."""
    name = name_of(run, about.node_name, about.template)
    main = {**container, "name": MAIN}
    main["env"] = [*(container.get("env") or ()), *_environment(run, about)]
    spec: dict[str, Any] = {"restartPolicy": "Never", "containers": [main]}
    if template.get("initContainers"):
        spec["initContainers"] = template["initContainers"]
    spec |= _placement(run.manifest["spec"], template)
    if template.get("activeDeadlineSeconds") is not None:
        spec["activeDeadlineSeconds"] = int(template["activeDeadlineSeconds"])
    if volumes := list(_volumes(run, template, spec, about.known)):
        spec["volumes"] = volumes
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": run.namespace,
            **_metadata(run, template, about),
            "ownerReferences": [meta.controlled_by(run.manifest)],
        },
        "spec": spec,
    }


def _metadata(run: Run, template: Template, about: About) -> dict[str, dict[str, str]]:
    general, own = run.manifest["spec"].get("podMetadata") or {}, template.get("metadata") or {}
    return {
        "labels": {
            **(general.get("labels") or {}),
            **(own.get("labels") or {}),
            names.LABEL_WORKFLOW: run.name,
            names.LABEL_WORKFLOW_COMPLETED: "false",
        },
        "annotations": {
            **(general.get("annotations") or {}),
            **(own.get("annotations") or {}),
            names.ANNOTATION_NODE_ID: about.node,
            names.ANNOTATION_NODE_NAME: about.node_name,
            names.ANNOTATION_DEFAULT_CONTAINER: MAIN,
        },
    }


def _environment(run: Run, about: About) -> list[dict[str, Any]]:
    def field(name: str, path: str) -> dict[str, Any]:
        return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}

    return [
        field("ARGO_POD_NAME", "metadata.name"),
        field("ARGO_POD_UID", "metadata.uid"),
        {"name": "ARGO_WORKFLOW_NAME", "value": run.name},
        {"name": "ARGO_WORKFLOW_UID", "value": meta.uid_of(run.manifest)},
        {"name": "ARGO_CONTAINER_NAME", "value": MAIN},
        {"name": "ARGO_NODE_ID", "value": about.node},
    ]


def _placement(spec: Mapping[str, Any], template: Template) -> dict[str, Any]:
    """Where and as whom the pod runs."""
    found = {there: spec[here] for here, there in _WORKFLOW_ONLY.items() if spec.get(here)}
    for here, there in _COPIED.items():
        value = template.get(here)
        if value in (None, "", {}, []):
            value = spec.get(here)
        if value not in (None, "", {}, []):
            found[there] = value
    return found


def _volumes(
    run: Run, template: Template, spec: Mapping[str, Any], known: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """The template's volumes, and those of the workflow that a container mounts."""
    own = template.get("volumes") or ()
    yield from own
    mounted = {
        mount.get("name")
        for field in ("containers", "initContainers")
        for container in spec.get(field) or ()
        for mount in container.get("volumeMounts") or ()
    } - {volume["name"] for volume in own}
    for volume in run.manifest["spec"].get("volumes") or ():
        if volume["name"] in mounted:
            yield tags.fill(volume, known.get)
    for claim in run.spec.volumeClaimTemplates:
        if (name := claim["metadata"]["name"]) in mounted:
            source = {"claimName": claim_name(run, name)}
            yield {"name": name, "persistentVolumeClaim": source}


def claim_name(run: Run, claim: str) -> str:
    """The PersistentVolumeClaim of a claim template."""
    return f"{run.name}-{claim}"


def stage(pod: Manifest, source: str) -> None:
    """Put a script where the main container's last argument says. Changes the pod it is given."""
    pod["metadata"]["annotations"][_SOURCE] = source
    field = {"apiVersion": "v1", "fieldPath": f"metadata.annotations['{_SOURCE}']"}
    volume = {
        "name": _STAGING_VOLUME,
        "downwardAPI": {"defaultMode": 0o755, "items": [{"path": "script", "fieldRef": field}]},
    }
    spec, main = pod["spec"], pod["spec"]["containers"][0]
    spec["volumes"] = [*(spec.get("volumes") or ()), volume]
    mount = {"name": _STAGING_VOLUME, "mountPath": STAGING}
    main["volumeMounts"] = [*(main.get("volumeMounts") or ()), mount]


def problems(pod: Manifest) -> list[Problem]:
    """Why the API server would refuse the pod."""
    about = pod["metadata"]
    found = list(templates.label_problems(about["labels"], "metadata.labels"))
    if fault := formats.dns_subdomain(about["name"]):
        found.append(invalid("metadata.name", about["name"], fault))
    return found + podspec.problems(pod["spec"])
