"""Volumes, claims and classes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sampan.apiserver.columns.printer import (
    AGE,
    NAME,
    UNSET,
    Column,
    Printer,
    age,
    name_of,
    text,
    wide,
)
from sampan.kube import names
from sampan.kube.keys import Manifest

_MODES = {
    "ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}  # fmt: skip
_OLD_CLASS = "volume.beta.kubernetes.io/storage-class"


def _modes(modes: Iterable[str]) -> str:
    return ",".join(dict.fromkeys(_MODES.get(mode, mode) for mode in modes))


def _class(manifest: Manifest) -> str:
    noted = (manifest["metadata"].get("annotations") or {}).get(_OLD_CLASS)
    return str(noted or (manifest.get("spec") or {}).get("storageClassName") or "")


def _phase(manifest: Manifest) -> str:
    if manifest["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return str((manifest.get("status") or {}).get("phase") or "")


def _claim(manifest: Manifest, now: datetime) -> list[Any]:
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    volume = spec.get("volumeName") or ""
    return [
        name_of(manifest),
        _phase(manifest),
        volume,
        (status.get("capacity") or {}).get("storage", "") if volume else "",
        _modes(status.get("accessModes") or ()) if volume else "",
        _class(manifest),
        spec.get("volumeAttributesClassName") or UNSET,
        age(manifest, now),
        spec.get("volumeMode") or UNSET,
    ]


def _volume(manifest: Manifest, now: datetime) -> list[Any]:
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    claim = spec.get("claimRef") or {}
    return [
        name_of(manifest),
        (spec.get("capacity") or {}).get("storage", ""),
        _modes(spec.get("accessModes") or ()),
        spec.get("persistentVolumeReclaimPolicy", ""),
        _phase(manifest),
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        _class(manifest),
        spec.get("volumeAttributesClassName") or UNSET,
        status.get("reason", ""),
        age(manifest, now),
        spec.get("volumeMode") or UNSET,
    ]


def _storage_class(manifest: Manifest, now: datetime) -> list[Any]:
    noted = manifest["metadata"].get("annotations") or {}
    default = noted.get(names.ANNOTATION_DEFAULT_CLASS) == "true"
    return [
        name_of(manifest) + (" (default)" if default else ""),
        manifest.get("provisioner", ""),
        manifest.get("reclaimPolicy") or "Delete",
        manifest.get("volumeBindingMode") or "Immediate",
        bool(manifest.get("allowVolumeExpansion")),
        age(manifest, now),
    ]


PRINTERS = {
    ("", "PersistentVolumeClaim"): Printer(
        (
            NAME,
            text("Status"),
            text("Volume"),
            text("Capacity"),
            text("Access Modes"),
            text("StorageClass"),
            text("VolumeAttributesClass"),
            AGE,
            *wide("VolumeMode"),
        ),
        _claim,
    ),
    ("", "PersistentVolume"): Printer(
        (
            NAME,
            text("Capacity"),
            text("Access Modes"),
            text("Reclaim Policy"),
            text("Status"),
            text("Claim"),
            text("StorageClass"),
            text("VolumeAttributesClass"),
            text("Reason"),
            AGE,
            *wide("VolumeMode"),
        ),
        _volume,
    ),
    ("storage.k8s.io", "StorageClass"): Printer(
        (
            NAME,
            text("Provisioner"),
            text("ReclaimPolicy"),
            text("VolumeBindingMode"),
            Column("AllowVolumeExpansion", "boolean"),
            AGE,
        ),
        _storage_class,
    ),
}
