"""What a pod gets when something is fetched before its main container or carried away after it.

An init container `init`, a container `wait`, the emissary before every other command, directories
that they share, and what to do in `ARGO_TEMPLATE`: upstream's shape, so that its executor could run
the pod as well as our node does. A pod with nothing to carry has none of this, which is faster.
Upstream: argo-workflows workflow/controller/workflowpod.go.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sampan.kinds.workflows.pods import drivers, secrets
from sampan.kinds.workflows.pods.about import About
from sampan.kinds.workflows.types import Template
from sampan.kube import argoexec, locations, names

Spec = dict[str, Any]
"""Of a pod, while it is being built: the functions here change the one that they are given."""

_PROGRESS_TICKS = {
    "ARGO_PROGRESS_PATCH_TICK_DURATION": "1m0s",
    "ARGO_PROGRESS_FILE_TICK_DURATION": "3s",
}
_EXECUTORS = (argoexec.RESOURCE, argoexec.DATA)
_REPORTS_PROGRESS = (argoexec.PROGRESS_FILE, argoexec.PROGRESS)


def is_needed(template: Template, about: About) -> bool:
    """Whether the executor has anything to do for a pod of this template."""
    inputs, outputs = template.get("inputs") or {}, template.get("outputs") or {}
    return bool(
        is_executor(template)
        or about.result
        or about.deadline
        or inputs.get("artifacts")
        or outputs.get("artifacts")
        or any((each.get("valueFrom") or {}).get("path") for each in _parameters(outputs))
        or template.get("sidecars")
        or template.get("containerSet")
        or logs_are_kept(template)
        or _is_long(template)
        or _tells_progress(template)
    )


def is_executor(template: Template) -> bool:
    """Whether the main container is the executor itself, which needs nobody to look after it."""
    return any(template.get(kind) is not None for kind in _EXECUTORS)


def logs_are_kept(template: Template) -> bool:
    return bool((template.get("archiveLocation") or {}).get("archiveLogs"))


def furnish(spec: Spec, template: Template, about: About) -> None:
    """Add the executor's containers and volumes, and tell all containers what they need to know.
    A main container that is the executor itself has no `wait`, unless its logs are kept."""
    wait = not is_executor(template) or logs_are_kept(template)
    template = drivers.timed(template, about.drivers)
    mains = [dict(each) for each in spec["containers"]]
    added = [_volume(argoexec.VOLUME_RUN)]
    init = executor(argoexec.INIT, argoexec.INIT)
    waiting = executor(argoexec.WAIT, argoexec.WAIT)
    if artifacts := (template.get("inputs") or {}).get("artifacts"):
        added.append(_volume(argoexec.VOLUME_INPUTS))
        _mount(init, argoexec.VOLUME_INPUTS, argoexec.INPUTS)
        init["volumeMounts"] += _mirrored(own_mounts(template))
        for main in (each for each in mains if each["name"] == argoexec.MAIN):
            _add(main, _input_mounts(template, artifacts))
    if template.get("script"):
        added.append(_volume(argoexec.VOLUME_STAGING))
        for container in (init, *mains):
            _mount(container, argoexec.VOLUME_STAGING, argoexec.STAGING)
    for main in (each for each in mains if each["name"] == argoexec.MAIN):
        waiting["volumeMounts"] += _mirrored(main.get("volumeMounts") or [])
    added += _entrust(template, [init, waiting, *(mains if is_executor(template) else ())])
    sidecars = [mirroring(each, mains) for each in template.get("sidecars") or ()]
    told = _told(about)
    work = [{"name": argoexec.TEMPLATE, "value": _simplified(template)}, *told]
    _tell(init, work)
    others = [{**each} for each in spec.get("initContainers") or ()]
    for other in others:
        _tell(other, told)
    containers = [*([waiting] if wait else ()), *mains, *sidecars]
    for container in containers:
        _tell(container, told)
    spec["initContainers"], spec["containers"] = [init, *others], containers
    spec["volumes"] = [*added, *(spec.get("volumes") or ())]
    for container in drivers.furnish(spec, template, about.drivers):
        _tell(container, work)


def _entrust(template: Template, executors: list[Spec]) -> list[Spec]:
    """Give the executor's containers the Secrets that they need; the volumes for that."""
    volumes, mounts = secrets.mounted(_places(template))
    for container in executors:
        _add(container, mounts)
    return volumes


def _places(template: Template) -> Iterator[locations.Location]:
    """Wherever the executor may have to go for this template."""
    yield template.get("archiveLocation") or {}
    yield ((template.get("data") or {}).get("source") or {}).get("artifactPaths") or {}
    for end in ("inputs", "outputs"):
        yield from (template.get(end) or {}).get("artifacts") or ()


def wrap(spec: Spec) -> None:
    """Put the emissary before the commands, and give every container the executor's directory.
    After everything else, so that patches see the commands as their authors wrote them."""
    for container in spec["containers"]:
        if not argoexec.program(container.get("command")):
            container["command"] = [*argoexec.EMISSARY, *(container.get("command") or ())]
    for container in (*spec["initContainers"], *spec["containers"]):
        _mount(container, argoexec.VOLUME_RUN, argoexec.RUN)


def offloaded(pod: Spec) -> Spec | None:
    """The ConfigMap of what is too long to be handed to a program, which the pod then mounts: the
    template, or arguments. None when nothing is. Changes the pod it is given."""
    spec = pod["spec"]
    config: dict[str, str] = {}
    for container in spec.get("initContainers") or ():
        for variable in container.get("env") or ():
            text = variable.get("value") or ""
            if variable["name"] == argoexec.TEMPLATE and len(text.encode()) > argoexec.LONGEST:
                config[argoexec.TEMPLATE] = text
                variable["value"] = argoexec.OFFLOADED
                _mount(container, argoexec.VOLUME_CONFIG, argoexec.CONFIG)
    for container in spec["containers"]:
        text = json.dumps(container.get("args") or [], ensure_ascii=False)
        if len(text.encode()) > argoexec.LONGEST and argoexec.ARGUMENTS_FILE not in config:
            config[argoexec.ARGUMENTS_FILE] = text
            del container["args"]
            file = f"{argoexec.CONFIG}/{argoexec.ARGUMENTS_FILE}"
            container["env"] = [*container["env"], {"name": argoexec.ARGUMENTS_FILE, "value": file}]
            _mount(container, argoexec.VOLUME_CONFIG, argoexec.CONFIG)
    if not config:
        return None
    about = pod["metadata"]
    source = {"name": argoexec.VOLUME_CONFIG, "configMap": {"name": about["name"]}}
    spec["volumes"] = [*spec["volumes"], source]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": about["name"],
            "namespace": about["namespace"],
            "labels": {names.LABEL_WORKFLOW: about["labels"][names.LABEL_WORKFLOW]},
            "annotations": {
                key: about["annotations"][key]
                for key in (names.ANNOTATION_NODE_ID, names.ANNOTATION_NODE_NAME)
            },
            "ownerReferences": about["ownerReferences"],
        },
        "data": config,
    }


def mirroring(container: Mapping[str, Any], mains: list[Spec]) -> Spec:
    """A sidecar or init container, with the mounts of the main container if it asks for them."""
    found = {key: value for key, value in container.items() if key != "mirrorVolumeMounts"}
    if container.get("mirrorVolumeMounts"):
        main = next((each for each in mains if each["name"] == argoexec.MAIN), None)
        _add(found, (main or {}).get("volumeMounts") or [])
    return found


def own_mounts(template: Template) -> list[Spec]:
    """The volumeMounts that the template's author wrote."""
    for kind in ("container", "script", "containerSet"):
        if template.get(kind):
            return list(template[kind].get("volumeMounts") or ())
    return []


def _parameters(outputs: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(outputs.get("parameters") or ())


def _is_long(template: Template) -> bool:
    """An annotation, which short scripts travel in, has bounds; so has a command line."""
    body = template.get("container") or template.get("script") or {}
    texts = [body.get("source") or "", *(body.get("args") or ())]
    return sum(map(len, map(str, texts))) > argoexec.LONGEST // 2


def _tells_progress(template: Template) -> bool:
    """Whether its text says that it does."""
    body = template.get("container") or template.get("script") or {}
    words = [*(body.get("command") or ()), *(body.get("args") or ()), body.get("source") or ""]
    return any(sign in str(word) for word in words for sign in _REPORTS_PROGRESS)


def executor(name: str, *command: str) -> Spec:
    """A container of the executor's image that carries out one of its commands."""
    return {
        "name": name,
        "image": f"{argoexec.IMAGE}:{argoexec.VERSION}",
        "command": ["argoexec", *command, *argoexec.EMISSARY[2:-1]],
        "env": [],
        "volumeMounts": [],
    }


def _volume(name: str) -> Spec:
    return {"name": name, "emptyDir": {}}


def _mount(container: Spec, volume: str, path: str, **more: str) -> None:
    _add(container, [{"name": volume, "mountPath": path, **more}])


def _add(container: Spec, mounts: list[Spec]) -> None:
    """A path that is mounted already stays what it is."""
    old = container.get("volumeMounts") or []
    taken = {each["mountPath"] for each in old}
    container["volumeMounts"] = [*old, *(e for e in mounts if e["mountPath"] not in taken)]


def _mirrored(mounts: list[Spec]) -> list[Spec]:
    return [
        {**{k: v for k, v in each.items() if k != "readOnly"},
         "mountPath": f"{argoexec.MIRROR}/{each['mountPath'].lstrip('/')}"}
        for each in mounts
    ]  # fmt: skip


def _input_mounts(template: Template, artifacts: list[Spec]) -> list[Spec]:
    """Where the main container finds its input artifacts. What lies in a volume of its own is put
    there by `init`; an optional one that nobody gave is nowhere."""
    places = [each["mountPath"] for each in own_mounts(template)]
    return [
        {"name": argoexec.VOLUME_INPUTS, "mountPath": path, "subPath": each["name"]}
        for each in artifacts
        if (path := each.get("path"))
        and (locations.is_given(each) or not each.get("optional"))
        and not any(is_below(path, place) for place in places)
    ]


def is_below(path: str, place: str) -> bool:
    base = place.rstrip("/") + "/"
    return f"{path.rstrip('/')}/".startswith(base)


def _tell(container: Spec, variables: list[Spec]) -> None:
    named = {"name": argoexec.CONTAINER_NAME, "value": container["name"]}
    container["env"] = [*(container.get("env") or ()), named, *variables]


def _told(about: About) -> list[Spec]:
    values = {
        argoexec.NODE_ID: about.node,
        argoexec.WITH_RESULT: str(about.result).lower(),
        argoexec.DEADLINE: about.deadline or argoexec.NEVER,
        argoexec.WORKFLOW_NAME: about.workflow,
        argoexec.WORKFLOW_UID: about.workflow_uid,
        argoexec.PROGRESS_FILE: argoexec.PROGRESS,
        **_PROGRESS_TICKS,
    }
    fields = {argoexec.POD_NAME: "metadata.name", argoexec.POD_UID: "metadata.uid"}
    return [
        *({"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}
          for name, path in fields.items()),
        *({"name": name, "value": value} for name, value in values.items()),
    ]  # fmt: skip


def _simplified(template: Template) -> str:
    """The template as the executor gets it: input parameters have done their work."""
    artifacts = (template.get("inputs") or {}).get("artifacts")
    kept = {**template, "inputs": {"artifacts": artifacts} if artifacts else {}}
    kept = {key: value for key, value in kept.items() if value is not None}
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False)
