"""PersistentVolumeClaim, PersistentVolume and StorageClass.

What a claim may ask for is fixed once it is made, except that a bound one may grow when its class
allows it. Upstream: kubernetes pkg/apis/core/validation, plugin/pkg/admission/storage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from sampan.kinds.core.admit import limits
from sampan.kube import meta, names, quantities
from sampan.kube.component import Rules
from sampan.kube.errors import Forbidden, Problem, forbidden, invalid, required, unsupported
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import View
from sampan.kube.volumes import ACCESS_MODES

VOLUME_MODES = ("Block", "Filesystem")
RECLAIM_POLICIES = ("Delete", "Recycle", "Retain")
BINDING_MODES = ("Immediate", "WaitForFirstConsumer")
_DATA_SOURCES = ("dataSource", "dataSourceRef")
_DIRECTORIES = ("hostPath", "local")
_VOLUME_SOURCES = (
    *_DIRECTORIES, "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi",
    "fc", "flexVolume", "flocker", "gcePersistentDisk", "glusterfs", "iscsi", "nfs",
    "photonPersistentDisk", "portworxVolume", "quobyte", "rbd", "scaleIO", "storageos",
    "vsphereVolume",
)  # fmt: skip
_NEEDED = {
    "hostPath": ("path",), "local": ("path",), "csi": ("driver", "volumeHandle"),
    "nfs": ("server", "path"),
}  # fmt: skip


def default_claim(manifest: Manifest) -> None:
    manifest.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")


def prepare_claim(manifest: Manifest, old: Manifest | None) -> None:
    """A new claim is Pending, and protected from being pulled away under a pod."""
    if old is None:
        manifest["status"] = {"phase": "Pending"}
        _protect(manifest, names.FINALIZER_PVC)


def admit_claim(view: View, manifest: Manifest, old: Manifest | None) -> None:
    """A claim that names no class gets the default one; an old one may only grow if its may."""
    spec = manifest["spec"]
    if faults := limits.claim_faults(view, manifest):
        name = meta.name_of(manifest)
        raise Forbidden(
            f'persistentvolumeclaims "{name}" is forbidden: {limits.sentence(faults)}',
            {"name": name, "kind": "persistentvolumeclaims"},
        )
    if old is None:
        if spec.get("storageClassName") is None:
            default = _default_class(view)
            if default is not None:
                spec["storageClassName"] = meta.name_of(default)
        return
    if _storage(spec) > _storage(old["spec"]):
        name = spec.get("storageClassName") or ""
        chosen = view.get(Key(names.STORAGE_CLASS, "", name)) if name else None
        if chosen is None or not chosen.get("allowVolumeExpansion"):
            claim = meta.name_of(manifest)
            raise Forbidden(
                f'persistentvolumeclaims "{claim}" is forbidden: only dynamically provisioned pvc'
                " can be resized and the storageclass that provisions the pvc must support resize",
                {"name": claim, "kind": "persistentvolumeclaims"},
            )


def _default_class(view: View) -> Manifest | None:
    """The newest of the classes that are marked as default, as upstream."""
    marked = [
        each
        for each in view.select(names.STORAGE_CLASS)
        if meta.annotations_of(each).get(names.ANNOTATION_DEFAULT_CLASS) == "true"
    ]
    return max(marked, key=lambda each: str(each["metadata"]["creationTimestamp"]), default=None)


def validate_claim(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    spec = manifest["spec"]
    found = [*_access_modes(spec, "spec.accessModes"), *_volume_mode(spec)]
    if spec.get("volumeAttributesClassName"):
        found.append(
            forbidden("spec.volumeAttributesClassName", "is not supported by this cluster")
        )
    found += _data_sources(spec)
    found += _amount(
        ((spec.get("resources") or {}).get("requests") or {}).get("storage"),
        "spec.resources.requests[storage]",
    )
    if old is not None and not found:
        found += _claim_update(spec, old["spec"])
    return found


def _data_sources(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """A clone without what it is a clone of would be wrong; snapshots there are none of here, and
    provisioners of directories look at no source (rancher.io/local-path, minikube's hostpath)."""
    for field in _DATA_SOURCES:
        source = spec.get(field) or {}
        if source.get("kind") == "PersistentVolumeClaim" and not source.get("apiGroup"):
            yield forbidden(f"spec.{field}", "claims cannot be cloned by this cluster")
        elif source:
            for part in ("kind", "name"):
                if not source.get(part):
                    yield required(f"spec.{field}.{part}")


def warn_claim(manifest: Manifest) -> list[str]:
    return [
        f"spec.{field}: this cluster makes volumes empty; nothing is taken from the source"
        for field in _DATA_SOURCES
        if manifest["spec"].get(field)
    ]


def _claim_update(new: Mapping[str, Any], old: Mapping[str, Any]) -> Iterator[Problem]:
    allowed = {"resources"} if old.get("volumeName") else {"volumeName"}
    changed = {field for field in {*new, *old} if new.get(field) != old.get(field)}
    if "storageClassName" in changed and old.get("storageClassName") is None:
        changed.discard("storageClassName")  # a default class may come later
    if changed - allowed:
        fault = (
            "spec is immutable after creation except resources.requests and"
            " volumeAttributesClassName for bound claims"
        )
        yield forbidden("spec", fault)
    elif "resources" in changed and _storage(new) < _storage(old):
        fault = "field can not be less than previous value"
        yield forbidden("spec.resources.requests.storage", fault)


def default_volume(manifest: Manifest) -> None:
    spec = manifest.setdefault("spec", {})
    spec.setdefault("persistentVolumeReclaimPolicy", "Retain")
    spec.setdefault("volumeMode", "Filesystem")
    if spec.get("hostPath"):
        spec["hostPath"].setdefault("type", "")


def prepare_volume(manifest: Manifest, old: Manifest | None) -> None:
    if old is None:
        manifest["status"] = {"phase": "Pending"}
        _protect(manifest, names.FINALIZER_PV)


def validate_volume(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    spec = manifest["spec"]
    found = [*_access_modes(spec, "spec.accessModes"), *_volume_mode(spec)]
    capacity = spec.get("capacity") or {}
    if not capacity:
        found.append(required("spec.capacity"))
    else:
        found += _amount(capacity.get("storage"), "spec.capacity[storage]")
    policy = spec.get("persistentVolumeReclaimPolicy", "Retain")
    if policy not in RECLAIM_POLICIES:
        path = "spec.persistentVolumeReclaimPolicy"
        found.append(unsupported(path, policy, RECLAIM_POLICIES))
    found += _volume_source(spec)
    if old is not None and any(spec.get(f) != old["spec"].get(f) for f in _VOLUME_SOURCES):
        fault = "spec.persistentvolumesource is immutable after creation"
        found.append(forbidden("spec.persistentvolumesource", fault))
    return found


def _volume_source(spec: Mapping[str, Any]) -> Iterator[Problem]:
    given = [field for field in _VOLUME_SOURCES if spec.get(field)]
    if not given:
        yield required("spec", "must specify a volume type")
    for field in given[1:]:
        yield forbidden(f"spec.{field}", "may not specify more than 1 volume type")
    for field in given:
        for part in _NEEDED.get(field, ()):
            if not spec[field].get(part):
                yield required(f"spec.{field}.{part}")
        path = spec[field].get("path") or ""
        if field in _DIRECTORIES and ".." in path.split("/"):
            yield invalid(f"spec.{field}.path", path, "must not contain '..'")


def warn_volume(manifest: Manifest) -> list[str]:
    """Volumes that are no directories are kept and bound, but no pod gets them."""
    return [
        f"spec.{field}: no pod of this cluster can mount it; hostPath and local can be mounted"
        for field in _VOLUME_SOURCES
        if field not in _DIRECTORIES and manifest["spec"].get(field)
    ]


def default_storage_class(manifest: Manifest) -> None:
    manifest.setdefault("reclaimPolicy", "Delete")
    manifest.setdefault("volumeBindingMode", "Immediate")


def validate_storage_class(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    found = []
    if not manifest.get("provisioner"):
        found.append(required("provisioner"))
    policy, mode = manifest.get("reclaimPolicy"), manifest.get("volumeBindingMode")
    if policy not in ("Delete", "Retain"):
        found.append(unsupported("reclaimPolicy", policy, ("Delete", "Retain")))
    if mode not in BINDING_MODES:
        found.append(unsupported("volumeBindingMode", mode, BINDING_MODES))
    if old is not None:
        found += [
            forbidden(field, f"updates to {field} are forbidden.")
            for field in ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode")
            if manifest.get(field) != old.get(field)
        ]
    return found


def _access_modes(spec: Mapping[str, Any], path: str) -> Iterator[Problem]:
    modes = spec.get("accessModes") or ()
    if not modes:
        yield required(path, "at least 1 access mode is required")
    for mode in modes:
        if mode not in ACCESS_MODES:
            yield unsupported(path, mode, ACCESS_MODES)


def _volume_mode(spec: Mapping[str, Any]) -> Iterator[Problem]:
    mode = spec.get("volumeMode", "Filesystem")
    if mode not in VOLUME_MODES:
        yield unsupported("spec.volumeMode", mode, VOLUME_MODES)


def _amount(quantity: Any, path: str) -> Iterator[Problem]:
    if quantity is None:
        yield required(path)
        return
    try:
        if quantities.parse(quantity) <= 0:
            yield invalid(path, quantity, "must be greater than zero")
    except ValueError as error:
        yield invalid(path, quantity, str(error))


def _storage(spec: Mapping[str, Any]) -> Fraction:
    quantity = ((spec.get("resources") or {}).get("requests") or {}).get("storage", 0)
    try:
        return quantities.parse(quantity)
    except ValueError:
        return Fraction(0)  # validation says so


def _protect(manifest: Manifest, finalizer: str) -> None:
    if not meta.has_finalizer(manifest, finalizer):
        manifest["metadata"]["finalizers"] = [*meta.finalizers(manifest), finalizer]


STORAGE_RULES: Mapping[str, Rules] = {
    names.PERSISTENT_VOLUME_CLAIM: Rules(
        default=default_claim,
        prepare=prepare_claim,
        validate=validate_claim,
        admit=admit_claim,
        warn=warn_claim,
    ),
    names.PERSISTENT_VOLUME: Rules(
        default=default_volume,
        prepare=prepare_volume,
        validate=validate_volume,
        warn=warn_volume,
    ),
    names.STORAGE_CLASS: Rules(default=default_storage_class, validate=validate_storage_class),
}
