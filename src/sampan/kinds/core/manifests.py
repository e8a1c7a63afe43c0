"""The objects that this package makes, written out as kubectl will show them."""

from __future__ import annotations

from typing import Any

from sampan.kube import meta, names
from sampan.kube.keys import Manifest


def default_account(namespace: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": names.DEFAULT_ACCOUNT, "namespace": namespace},
    }


def root_ca(namespace: str, authority: Manifest) -> Manifest:
    """A copy of the ConfigMap in which the cluster's certificate authority is published."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": names.ROOT_CA, "namespace": namespace},
        "data": authority.get("data") or {},
    }


def local_volume(claim: Manifest, storage_class: Manifest) -> Manifest:
    """A directory of the node for one claim, reserved for it; the node makes it when it is used."""
    name = volume_name(claim)
    root = str((storage_class.get("parameters") or {}).get("path", "")).rstrip("/")
    spec = claim["spec"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": name,
            "annotations": {names.ANNOTATION_PROVISIONED_BY: names.LOCAL_PROVISIONER},
        },
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "volumeMode": "Filesystem",
            "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
            "storageClassName": meta.name_of(storage_class),
            "claimRef": claim_reference(claim),
            "hostPath": {"path": f"{root}/{name}", "type": "DirectoryOrCreate"},
        },
    }


def volume_name(claim: Manifest) -> str:
    return f"pvc-{meta.uid_of(claim)}"


def claim_reference(claim: Manifest) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": meta.namespace_of(claim),
        "name": meta.name_of(claim),
        "uid": meta.uid_of(claim),
    }


def endpoints(service: Manifest, subsets: list[dict[str, Any]]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": _of_service(service, meta.name_of(service)),
        "subsets": subsets,
    }


def endpoint_slice(
    service: Manifest, name: str, addresses: list[dict[str, Any]], ports: list[dict[str, Any]]
) -> Manifest:
    where = _of_service(service, name)
    where["labels"] = {
        **where["labels"],
        names.LABEL_SERVICE_NAME: meta.name_of(service),
        names.LABEL_SLICE_MANAGED_BY: names.SLICE_CONTROLLER,
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": where,
        "addressType": "IPv4",
        "endpoints": addresses,
        "ports": ports,
    }


def mirrored_slice(
    endpoints: Manifest,
    name: str,
    family: str,
    addresses: list[dict[str, Any]],
    ports: list[dict[str, Any]],
) -> Manifest:
    kept = {
        key: value
        for key, value in (endpoints["metadata"].get("labels") or {}).items()
        if key not in (names.LABEL_SKIP_MIRROR, names.LABEL_HEADLESS)
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": name,
            "namespace": meta.namespace_of(endpoints),
            "labels": {
                **kept,
                names.LABEL_SERVICE_NAME: meta.name_of(endpoints),
                names.LABEL_SLICE_MANAGED_BY: names.SLICE_MIRROR,
            },
            "ownerReferences": [meta.controlled_by(endpoints)],
        },
        "addressType": family,
        "endpoints": addresses,
        "ports": ports,
    }


def _of_service(service: Manifest, name: str) -> dict[str, Any]:
    headless = {names.LABEL_HEADLESS: ""} if service["spec"].get("clusterIP") == "None" else {}
    return {
        "name": name,
        "namespace": meta.namespace_of(service),
        "labels": {**(service["metadata"].get("labels") or {}), **headless},
        "ownerReferences": [meta.controlled_by(service)],
    }
