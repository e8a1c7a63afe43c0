"""CreatePVC and DeletePVC: tasks without a program, which upstream's driver carries out itself.

They are recognised by their images. Both are a look at the cluster and one action, and may be
planned again: a claim that a task has made bears the task's path, and one that is being deleted
counts as deleted. Upstream: backend/src/v2/driver/k8s.go createPVC, deletePVC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sampan.kinds.pipelines.ir.kubernetes import ExecutorConfig
from sampan.kinds.pipelines.pods import naming, settings, workspace
from sampan.kinds.pipelines.pods.about import About, Unbuildable, Work
from sampan.kinds.pipelines.pods.draft import Draft
from sampan.kube import meta, names, quantities
from sampan.kube.keys import Key, Manifest
from sampan.kube.volumes import ACCESS_MODES

CREATE, DELETE = "argostub/createpvc", "argostub/deletepvc"
"""The images."""


def creation(about: About, parameters: Mapping[str, Any]) -> Manifest:
    """The claim that a task is to make; its name is the task's output `name`. parameters: as they
    were given, for upstream passes the component's defaults over: its class "" would be no class.
    Unbuildable."""
    modes = parameters.get("access_modes")
    if not isinstance(modes, list):
        raise Unbuildable("failed to create pvc: parameter access_modes not provided")
    if unknown := [mode for mode in modes if mode not in ACCESS_MODES]:
        raise Unbuildable(f"failed to create pvc: unknown access mode {unknown[0]!r}")
    spec: dict[str, Any] = {
        "accessModes": modes,
        "resources": {"requests": {"storage": _size(parameters.get("size"))}},
        "storageClassName": _text(parameters, "storage_class_name", names.DEFAULT_STORAGE_CLASS),
    }
    if volume := parameters.get("volume_name"):
        spec["volumeName"] = str(volume)
    if source := parameters.get("data_source"):
        if not isinstance(source, dict):
            raise Unbuildable("failed to build data source: failed to unmarshal data_source")
        spec["dataSource"] = source
    own = parameters.get("annotations") or {}
    annotations = {key: value for key, value in own.items() if isinstance(value, str)}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": _name(about, parameters),
            "namespace": about.namespace,
            "labels": {names.LABEL_RUN_ID: about.facts.id},
            "annotations": {**annotations, names.ANNOTATION_TASK_PATH: about.path},
        },
        "spec": spec,
    }


def _size(size: Any) -> str:
    if size is None:
        raise Unbuildable("failed to create pvc: parameter volumeSize not provided")
    try:
        quantities.parse(size)
    except ValueError as error:
        raise Unbuildable(f'failed to parse pvc size "{size}": {error}') from None
    return str(size)


def _name(about: About, parameters: Mapping[str, Any]) -> str:
    name, suffix = _text(parameters, "pvc_name", ""), _text(parameters, "pvc_name_suffix", "")
    if name and suffix:
        raise Unbuildable(
            "failed to create pvc: at most one of pvc_name and pvc_name_suffix can be non-empty"
        )
    return name or naming.unique(about.facts.id, about.path) + suffix


def _text(parameters: Mapping[str, Any], name: str, default: str) -> str:
    value = parameters.get(name, default)
    return value if isinstance(value, str) else default


def is_made(wanted: Manifest, existing: Manifest | None) -> bool:
    """Whether the claim is there, made by this very task. Unbuildable when it is somebody else's:
    upstream's task fails then, too."""
    if existing is None:
        return False
    marks = (names.LABEL_RUN_ID, names.ANNOTATION_TASK_PATH)
    if _marks(existing, marks) != _marks(wanted, marks):
        name = meta.name_of(existing)
        raise Unbuildable(f'failed to create pvc: persistentvolumeclaims "{name}" already exists')
    return True


def _marks(claim: Manifest, wanted: tuple[str, str]) -> tuple[str | None, str | None]:
    label, annotation = wanted
    labels = claim["metadata"].get("labels") or {}
    return labels.get(label), meta.annotations_of(claim).get(annotation)


def deletion(about: About, parameters: Mapping[str, Any]) -> Key:
    """The claim that a task is to delete. Unbuildable."""
    name = parameters.get("pvc_name")
    if not isinstance(name, str) or not name:
        raise Unbuildable("failed to delete pvc: required parameter pvc_name not provided")
    return Key(names.PERSISTENT_VOLUME_CLAIM, about.namespace, name)


def is_gone(key: Key, existing: Manifest | None, *, begun: bool) -> bool:
    """Whether there is nothing left to delete. `begun`: an earlier look has asked for it.
    Unbuildable when there was no such claim to begin with, as upstream has it."""
    if existing is None and not begun:
        raise Unbuildable(
            f"failed to delete pvc {key.name}: cannot find pvc: "
            f'persistentvolumeclaims "{key.name}" not found'
        )
    return existing is None or meta.deleting(existing)


def mounted(about: About, work: Work, config: ExecutorConfig) -> Iterable[str]:
    """The claims that a task mounts: a part of what its outputs depend on. Unbuildable,
    ir.faults.Unresolved."""
    draft = Draft(about, work)
    for mount in config.pvcMount:
        yield settings.claim_name(draft, mount)
    if workspace.is_needed(work.executor_input):
        yield workspace.claim_name(about.run)
