"""The answer of upstream's mutating webhook for pods.

Upstream: pkg/webhook/v1beta1/pod/inject_webhook.go.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from sampan.kinds.katib import settings as configured
from sampan.kinds.katib import types
from sampan.kinds.katib.pods import command, heir, sidecar
from sampan.kinds.katib.pods.sidecar import Misconfigured
from sampan.kinds.katib.pods.trial import TrialSpec, name_of_trial
from sampan.kinds.katib.suggestion import facade
from sampan.kube import katib, meta, names
from sampan.kube.component import Rules
from sampan.kube.errors import BadRequest, InternalError
from sampan.kube.keys import Key, Manifest, split_kind
from sampan.kube.plan import View
from sampan.lib.search import checkpoints

_WHO = f"mutator.pod.katib.{names.KUBEFLOW_GROUP}"
_DENIED = f'admission webhook "{_WHO}" denied the request: '
_PUSH = "Push"


def _inject(view: View, manifest: Manifest) -> bool:
    if not manifest["metadata"].get("ownerReferences"):
        return False
    namespace = meta.namespace_of(manifest)
    name = name_of_trial(view, manifest) if takes_part(view, namespace) else ""
    if not name:
        return False
    trial = view.get(Key(names.TRIAL, namespace, name))
    if trial is None:
        raise InternalError(_DENIED + f'trials.{names.KUBEFLOW_GROUP} "{name}" not found')
    try:
        mutate(view, manifest, trial)
    except ValueError as fault:
        raise BadRequest(_DENIED + str(fault)) from None
    return True


def takes_part(view: View, namespace: str) -> bool:
    """Whether pods of this namespace are looked at."""
    home = view.get(Key(names.NAMESPACE, "", namespace)) or {}
    labels = (home.get("metadata") or {}).get("labels") or {}
    return labels.get(names.LABEL_COLLECTS_METRICS) == "enabled"


def mutate(view: View, pod: Manifest, trial: Manifest) -> None:
    """ValueError says what keeps the pod from being one of this trial. A laptop is to run what is
    written for machines with more processors and memory, as with tasks of pipelines."""
    spec, name = types.read(trial.get("spec"), TrialSpec), meta.name_of(trial)
    labels = {**(pod["metadata"].get("labels") or {}), **(trial["metadata"].get("labels") or {})}
    labels[names.LABEL_TRIAL] = name
    pod["metadata"]["labels"] = labels
    notes = pod["metadata"].get("annotations") or {}
    pod["metadata"]["annotations"] = {names.ANNOTATION_RESOURCES: names.AS_AVAILABLE, **notes}
    primary = _primary(pod, spec)
    field = {"fieldPath": f"metadata.labels['{names.LABEL_TRIAL}']"}
    variable = {"name": katib.TRIAL_NAME, "valueFrom": {"fieldRef": field}}
    primary["env"] = [*(primary.get("env") or ()), variable]
    if spec.is_primary(labels) and spec.kind != _PUSH:
        _collect(view, pod, trial, spec)


def _collect(view: View, pod: Manifest, trial: Manifest, spec: TrialSpec) -> None:
    """Have the metrics of a primary pod read."""
    inside, primary = pod["spec"], _primary(pod, spec)
    search = _Search(view, trial)
    entry = {} if spec.kind == sidecar.CUSTOM else configured.find(view).collector(spec.kind)
    stoppable = bool(spec.earlyStoppingRules)
    endpoint = search.endpoint() if stoppable else ""
    collector = sidecar.container(meta.name_of(trial), spec, entry, endpoint)
    if any(each.get("name") == collector.get("name") for each in _all(inside)):
        raise Misconfigured(f"a container has the name of the collector: {collector['name']}")
    inside["containers"] = [*inside["containers"], collector]
    if volume := search.volume():
        inside["volumes"] = [*(inside.get("volumes") or ()), volume[0]]
        _mount(primary, volume[1])
        if heirs := search.heirs(primary):
            inside["initContainers"] = [*heirs, *(inside.get("initContainers") or ())]
    inside["shareProcessNamespace"] = True
    path, is_directory = sidecar.where(spec.metricsCollector, entry)
    if not path:
        return
    directory = path if is_directory else posixpath.dirname(path)
    if not is_directory or ".." in directory.split("/"):
        directory = posixpath.normpath(directory)
    inside["volumes"] = [*(inside.get("volumes") or ()), {"name": katib.VOLUME, "emptyDir": {}}]
    for each in inside["containers"]:
        if each.get("name") in (collector.get("name"), spec.container):
            _mount(each, {"name": katib.VOLUME, "mountPath": directory})
    if sidecar.waits(spec.kind, entry):
        stdout = path if spec.kind == "StdOut" else ""
        command.wrap(primary, directory, stdout=stdout, stoppable=stoppable)


def _primary(pod: Manifest, spec: TrialSpec) -> dict[str, Any]:
    containers: list[dict[str, Any]] = pod["spec"].get("containers") or []
    for each in containers:
        if each.get("name") == spec.container:
            return each
    there = " ".join(str(each.get("name")) for each in containers)
    raise Misconfigured(
        f"Unable to find primary container {spec.container} in mutated pod containers [{there}]"
    )


def _all(inside: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*(inside.get("initContainers") or ()), *inside["containers"]]


def _mount(container: dict[str, Any], mount: dict[str, Any]) -> None:
    """Misconfigured where no server takes the pod then, or no program is found in it."""
    there, place = container.get("volumeMounts") or (), mount["mountPath"]
    if place == "/":
        raise Misconfigured("a volume for metrics in / would hide the files of the program")
    if any(each.get("mountPath") == place for each in there):
        name = container.get("name")
        raise Misconfigured(
            f"container {name} has a volume at {place}, where that for metrics goes"
        )
    container["volumeMounts"] = [*there, mount]


class _Search:
    """The Experiment and the Suggestion that a trial belongs to. ValueError when they are gone."""

    def __init__(self, view: View, trial: Manifest) -> None:
        self._trial = meta.name_of(trial)
        labels = trial["metadata"].get("labels") or {}
        self._namespace = meta.namespace_of(trial)
        self._name = str(labels.get(names.LABEL_KATIB_EXPERIMENT) or "")
        self._parent = str(labels.get(names.LABEL_PARENT) or "")
        self._found = {
            kind: view.get(Key(kind, self._namespace, self._name))
            for kind in (names.KATIB_EXPERIMENT, names.SUGGESTION)
        }
        for kind, found in self._found.items():
            if found is None:
                what = f"{split_kind(kind)[0].lower()}s.{names.KUBEFLOW_GROUP}"
                raise Misconfigured(f'{what} "{self._name}" not found')

    def endpoint(self) -> str:
        return f"{self._facade}.{self._namespace}:{facade.STOPPING_PORT}"

    def volume(self) -> tuple[Mapping[str, Any], dict[str, Any]] | None:
        """The trial's own directory of the algorithm's claim, and where the trial sees it."""
        settings = self._algorithm.get("algorithmSettings") or ()
        paths = [
            str(each.get("value") or "")
            for each in settings
            if isinstance(each, dict) and each.get("name") == checkpoints.DIRECTORY
        ]
        path = next(filter(None, paths), "")
        if not path:
            return None
        claim = {"persistentVolumeClaim": {"claimName": self._facade}}
        inside = {"mountPath": path, "subPath": checkpoints.folder(self._name, self._trial)}
        name = {"name": katib.SUGGESTION_VOLUME}
        return {**name, **claim}, {**name, **inside}

    def heirs(self, primary: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Who brings the parent's checkpoint, if the trial has a parent."""
        if not self._parent:
            return []
        folders = (checkpoints.folder(self._name, each) for each in (self._parent, self._trial))
        return [heir.container(primary, *folders)]

    @property
    def _algorithm(self) -> Mapping[str, Any]:
        spec = (self._found[names.SUGGESTION] or {}).get("spec") or {}
        given = spec.get("algorithm")
        return given if isinstance(given, dict) else {}

    @property
    def _facade(self) -> str:
        return f"{self._name}-{self._algorithm.get('algorithmName') or ''}"


RULES: Mapping[str, Rules] = {names.POD: Rules(inject=_inject)}
