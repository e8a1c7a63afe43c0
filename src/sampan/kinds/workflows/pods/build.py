"""Pods of a workflow, as upstream builds them.

The template's container becomes `main`. Only where something has to be fetched before it or carried
away after it, or sidecars have to be ended, the executor's containers join it (`carry`). Volumes of
the workflow come in where a container mounts them.
Upstream: argo-workflows workflow/controller/workflowpod.go.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping
from typing import Any

from sampan.kinds.workflows import naming
from sampan.kinds.workflows.language import tags
from sampan.kinds.workflows.pods import archive, carry, patch
from sampan.kinds.workflows.pods.about import About, Unbuildable
from sampan.kinds.workflows.types import Run, Template
from sampan.kinds.workflows.walk import Running
from sampan.kube import argoexec, formats, meta, names, podspec, templates
from sampan.kube.argoexec import MAIN
from sampan.kube.errors import Problem, invalid
from sampan.kube.keys import Manifest

_SOURCE = names.WORKFLOWS_PREFIX + "script"

_COPIED = {
    "nodeSelector": "nodeSelector",
    "affinity": "affinity",
    "tolerations": "tolerations",
    "schedulerName": "schedulerName",
    "securityContext": "securityContext",
    "serviceAccountName": "serviceAccountName",
    "automountServiceAccountToken": "automountServiceAccountToken",
    "priorityClassName": "priorityClassName",
    "podResources": "resources",
}
"""Fields of a template that a pod gets as they are; the workflow's hold where it has none."""
_INHERITED = ("nodeSelector", "affinity", "tolerations")
"""Those that the template around it may say, too."""
_WORKFLOW_ONLY = {
    "imagePullSecrets": "imagePullSecrets",
    "hostNetwork": "hostNetwork",
    "dnsPolicy": "dnsPolicy",
    "dnsConfig": "dnsConfig",
    "podPriorityClassName": "priorityClassName",
}


def name_of(run: Run, node_name: str, template: str) -> str:
    return naming.pod_name(run.name, template, node_name)


def filled(
    run: Run, known: Mapping[str, Any], running: Running, *, pod: str
) -> tuple[Template, tuple[str, ...]]:
    """The template with its inputs, its tags replaced, and a place for its artifacts; the patches
    of the pod's spec. `known` is what `workflow.…` tags stand for."""
    template = {**running.template}
    artifacts = running.inputs.get("artifacts")
    template["inputs"] = {"artifacts": artifacts} if artifacts else {}
    own = {"pod.name": pod, "node.name": running.call.node, **_paths(template)}
    everywhere = {**known, **running.local, **own}
    lookup = ChainMap(own, dict(running.scope), dict(known))
    done: Template = tags.fill(tags.fill(template, everywhere), lookup)
    spec = run.manifest["spec"]
    patches = (tags.fill(spec.get("podSpecPatch") or "", lookup), done.get("podSpecPatch") or "")
    located = archive.located(done, spec, run.repository.settings, lookup)
    return located, tuple(filter(None, patches))


def _paths(template: Template) -> dict[str, str]:
    """What tags of the paths stand for that the template itself declares."""
    inputs, outputs = template.get("inputs") or {}, template.get("outputs") or {}
    found = {
        f"{end}.artifacts.{each['name']}.path": each["path"]
        for end, body in (("inputs", inputs), ("outputs", outputs))
        for each in body.get("artifacts") or ()
        if each.get("path")
    }
    for each in outputs.get("parameters") or ():
        if path := (each.get("valueFrom") or {}).get("path"):
            found[f"outputs.parameters.{each['name']}.path"] = path
    return found


def build(
    run: Run, template: Template, containers: list[dict[str, Any]], about: About
) -> list[Manifest]:
    """The Pod of a template whose tags are replaced, last; before it what it refers to.
    `containers` are the template's own, with their names. Unbuildable."""
    spec: dict[str, Any] = {"restartPolicy": "Never", "containers": containers}
    if template.get("initContainers"):
        mirrored = [carry.mirroring(each, containers) for each in template["initContainers"]]
        spec["initContainers"] = mirrored
    spec |= placement(run.manifest["spec"], template, about)
    if (seconds := template.get("activeDeadlineSeconds")) is not None:
        spec["activeDeadlineSeconds"] = _seconds(seconds)
    if volumes := list(_volumes(run, template, spec, about.known)):
        spec["volumes"] = volumes
    metadata = _metadata(run, template, about)
    carried = carry.is_needed(template, about)
    if carried:
        carry.furnish(spec, template, about)
    else:
        _bare(spec, template, about, metadata["annotations"])
    spec = patch.patched(spec, about.patches)
    if carried:
        carry.wrap(spec)
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name_of(run, about.node_name, about.template),
            "namespace": run.namespace,
            **metadata,
            "ownerReferences": [meta.controlled_by(run.manifest)],
        },
        "spec": spec,
    }
    config = carry.offloaded(pod) if carried else None
    return [config, pod] if config else [pod]


def _seconds(value: Any) -> int:
    """A number, or its text."""
    try:
        return int(str(value))
    except ValueError:
        raise Unbuildable(f"activeDeadlineSeconds {value!r} is no number") from None


def _bare(
    spec: dict[str, Any], template: Template, about: About, annotations: dict[str, str]
) -> None:
    """A pod that the executor has nothing to do with. A script travels as an annotation and is
    mounted through the downward API."""
    (main,) = ({**each} for each in spec["containers"])
    main["env"] = [*(main.get("env") or ()), *_environment(about)]
    spec["containers"] = [main]
    if not template.get("script"):
        return
    annotations[_SOURCE] = template["script"].get("source") or ""
    field = {"apiVersion": "v1", "fieldPath": f"metadata.annotations['{_SOURCE}']"}
    items = [{"path": "script", "fieldRef": field}]
    volume = {
        "name": argoexec.VOLUME_STAGING,
        "downwardAPI": {"defaultMode": 0o755, "items": items},
    }
    spec["volumes"] = [*(spec.get("volumes") or ()), volume]
    mount = {"name": argoexec.VOLUME_STAGING, "mountPath": argoexec.STAGING}
    main["volumeMounts"] = [*(main.get("volumeMounts") or ()), mount]


def _metadata(run: Run, template: Template, about: About) -> dict[str, dict[str, str]]:
    general, own = run.manifest["spec"].get("podMetadata") or {}, template.get("metadata") or {}
    return {
        "labels": {
            **(general.get("labels") or {}),
            **(own.get("labels") or {}),
            names.LABEL_WORKFLOW: run.name,
            names.LABEL_WORKFLOW_COMPLETED: "false",
            **({names.LABEL_ON_EXIT: "true"} if about.on_exit else {}),
        },
        "annotations": {
            **(general.get("annotations") or {}),
            **(own.get("annotations") or {}),
            names.ANNOTATION_NODE_ID: about.node,
            names.ANNOTATION_NODE_NAME: about.node_name,
            names.ANNOTATION_DEFAULT_CONTAINER: MAIN,
        },
    }


def _environment(about: About) -> list[dict[str, Any]]:
    def field(name: str, path: str) -> dict[str, Any]:
        return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}

    return [
        field(argoexec.POD_NAME, "metadata.name"),
        field(argoexec.POD_UID, "metadata.uid"),
        {"name": argoexec.WORKFLOW_NAME, "value": about.workflow},
        {"name": argoexec.WORKFLOW_UID, "value": about.workflow_uid},
        {"name": argoexec.CONTAINER_NAME, "value": MAIN},
        {"name": argoexec.NODE_ID, "value": about.node},
    ]


def placement(spec: Mapping[str, Any], template: Template, about: About) -> dict[str, Any]:
    """Where and as whom the pod runs: as the template says, else the one around it, else the
    workflow."""
    found = {there: spec[here] for here, there in _WORKFLOW_ONLY.items() if spec.get(here)}
    for here, there in _COPIED.items():
        sources = (template, about.around if here in _INHERITED else {}, spec)
        values = (source.get(here) for source in sources)
        value = next((each for each in values if each not in (None, "", {}, [])), None)
        if value is not None:
            found[there] = value
    if aliases := [*(spec.get("hostAliases") or ()), *(template.get("hostAliases") or ())]:
        found["hostAliases"] = aliases
    executor = {**(spec.get("executor") or {}), **(template.get("executor") or {})}
    if found.get("automountServiceAccountToken") is False and not executor.get(
        "serviceAccountName"
    ):
        raise Unbuildable(
            "executor.serviceAccountName must not be empty if automountServiceAccountToken is false"
        )
    return found


def _volumes(
    run: Run, template: Template, spec: Mapping[str, Any], known: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """The template's volumes, and those of the workflow that a container mounts."""
    own = template.get("volumes") or ()
    yield from own
    mounted = {
        mount.get("name")
        for container in (
            *spec["containers"],
            *(spec.get("initContainers") or ()),
            *(template.get("sidecars") or ()),
        )
        for mount in container.get("volumeMounts") or ()
    } - {volume["name"] for volume in own}
    for volume in run.manifest["spec"].get("volumes") or ():
        if volume["name"] in mounted:
            yield tags.fill(volume, known)
    for claim in run.spec.volumeClaimTemplates:
        if (name := claim["metadata"]["name"]) in mounted:
            source = {"claimName": claim_name(run, name)}
            yield {"name": name, "persistentVolumeClaim": source}


def claim_name(run: Run, claim: str) -> str:
    """The PersistentVolumeClaim of a claim template."""
    return f"{run.name}-{claim}"


def problems(pod: Manifest) -> list[Problem]:
    """Why the API server would refuse the pod."""
    about = pod["metadata"]
    found = list(templates.label_problems(about["labels"], "metadata.labels"))
    if fault := formats.dns_subdomain(about["name"]):
        found.append(invalid("metadata.name", about["name"], fault))
    return found + podspec.problems(pod["spec"])
