"""Reading and writing `metadata`: owners, finalizers, deletion.

All functions take plain manifests and answer with values; none changes what it is given.
Upstream: k8s.io/apimachinery pkg/apis/meta/v1 (controller_ref.go), controller-runtime
pkg/controller/controllerutil.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sampan.kube.keys import Key, Manifest, kind_of

OwnerReference = dict[str, Any]


def name_of(manifest: Manifest) -> str:
    return str(manifest["metadata"]["name"])


def namespace_of(manifest: Manifest) -> str:
    """The namespace, "" for an object of the whole cluster."""
    return manifest["metadata"].get("namespace") or ""


def uid_of(manifest: Manifest) -> str:
    """The uid, "" before the cluster has given one."""
    return manifest["metadata"].get("uid") or ""


def annotations_of(manifest: Manifest) -> Mapping[str, str]:
    """The annotations of an object, {} when it has none."""
    return manifest["metadata"].get("annotations") or {}


def owned_by(owner: Manifest, *, block_deletion: bool = False) -> OwnerReference:
    """An ownerReference that lets the garbage collector delete the holder after `owner`."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
    }
    if block_deletion:
        reference["blockOwnerDeletion"] = True
    return reference


def controlled_by(owner: Manifest) -> OwnerReference:
    """The ownerReference of an object that `owner` manages; an object has at most one such."""
    return {**owned_by(owner, block_deletion=True), "controller": True}


def owners(manifest: Manifest) -> Sequence[OwnerReference]:
    return manifest["metadata"].get("ownerReferences") or ()


def owner_uids(manifest: Manifest) -> tuple[str, ...]:
    return tuple(str(reference.get("uid", "")) for reference in owners(manifest))


def owner_key(manifest: Manifest, reference: OwnerReference, *, namespaced: bool = True) -> Key:
    """Where the owner would be: in the manifest's namespace, or of the cluster."""
    kind = kind_of(reference["apiVersion"], reference["kind"])
    return Key(kind, namespace_of(manifest) if namespaced else "", reference["name"])


def controller_of(manifest: Manifest) -> OwnerReference | None:
    """The reference with `controller: true`, if any."""
    return next((ref for ref in owners(manifest) if ref.get("controller")), None)


def is_owned_by(manifest: Manifest, owner: Manifest) -> bool:
    return uid_of(owner) in owner_uids(manifest)


def is_controlled_by(manifest: Manifest, owner: Manifest) -> bool:
    reference = controller_of(manifest)
    return reference is not None and reference.get("uid") == uid_of(owner)


def deleting(manifest: Manifest) -> bool:
    """Whether deletion was asked for and something still holds the object."""
    return bool(manifest["metadata"].get("deletionTimestamp"))


def finalizers(manifest: Manifest) -> list[str]:
    return list(manifest["metadata"].get("finalizers") or ())


def has_finalizer(manifest: Manifest, name: str) -> bool:
    return name in (manifest["metadata"].get("finalizers") or ())


def with_finalizer(manifest: Manifest, name: str) -> Manifest:
    """A merge patch that adds the finalizer, exact by resourceVersion."""
    return _finalizers(manifest, [*finalizers(manifest), name])


def without_finalizer(manifest: Manifest, name: str) -> Manifest:
    """A merge patch that removes the finalizer, exact by resourceVersion."""
    return _finalizers(manifest, [held for held in finalizers(manifest) if held != name])


def _finalizers(manifest: Manifest, names: list[str]) -> Manifest:
    version = manifest["metadata"].get("resourceVersion")
    return {"metadata": {"finalizers": names, "resourceVersion": version}}


def fnv32a(data: bytes) -> int:
    """The 32-bit FNV-1a hash, with which upstream makes names of children."""
    value = 0x811C9DC5
    for byte in data:
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value
