"""Namespace, Event and Lease."""

from __future__ import annotations

from collections.abc import Mapping

from sampan.kube import formats, meta, names
from sampan.kube.component import Rules
from sampan.kube.errors import Problem, invalid
from sampan.kube.keys import Manifest


def default_namespace(manifest: Manifest) -> None:
    """Every namespace can be selected by its name."""
    name = manifest["metadata"].get("name")
    if name:
        labels = manifest["metadata"].get("labels") or {}
        manifest["metadata"]["labels"] = {**labels, names.LABEL_NAMESPACE_NAME: name}


def prepare_namespace(manifest: Manifest, old: Manifest | None) -> None:
    """The finalizer and the phase are the cluster's to set."""
    if old is not None:
        manifest["spec"] = old.get("spec") or {}
        return
    held = (manifest.get("spec") or {}).get("finalizers") or []
    if names.FINALIZER_NAMESPACE not in held:
        held = [*held, names.FINALIZER_NAMESPACE]
    manifest["spec"] = {"finalizers": held}
    manifest["status"] = {"phase": "Active"}


def validate_namespace(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    name = meta.name_of(manifest)
    fault = formats.dns_label(name) if old is None else None
    return [invalid("metadata.name", name, fault)] if fault else []


def validate_event(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    """An Event lies where its object lies; those of the cluster's objects lie in `default`."""
    home = meta.namespace_of(manifest)
    about = (manifest.get("involvedObject") or {}).get("namespace") or ""
    if about == home or (not about and home in ("default", names.SYSTEM_NAMESPACE)):
        return []
    return [invalid("involvedObject.namespace", about, "does not match event.namespace")]


def validate_lease(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    spec = manifest.get("spec") or {}
    found = []
    if (seconds := spec.get("leaseDurationSeconds")) is not None and seconds <= 0:
        found.append(invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0"))
    if (times := spec.get("leaseTransitions")) is not None and times < 0:
        fault = "must be greater than or equal to 0"
        found.append(invalid("spec.leaseTransitions", times, fault))
    return found


BASIC_RULES: Mapping[str, Rules] = {
    names.NAMESPACE: Rules(
        default=default_namespace, prepare=prepare_namespace, validate=validate_namespace
    ),
    names.EVENT: Rules(validate=validate_event),
    names.LEASE: Rules(validate=validate_lease),
}
