"""What a pod refers to: the ConfigMaps, Secrets and claims whose changes concern it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sampan.kube import names, volumes
from sampan.kube.keys import Manifest
from sampan.nodes.volumes import files

_SECTIONS = ("initContainers", "containers", "ephemeralContainers")


def pod_references(pod: Manifest) -> set[tuple[str, str]]:
    """(kind, name) of objects in the pod's namespace."""
    spec, found = pod["spec"], set[tuple[str, str]]()
    for volume in spec.get("volumes") or ():
        found.update(files.references(volume))
    found.update((names.PERSISTENT_VOLUME_CLAIM, claim) for claim, _ in volumes.claim_names(pod))
    for section in _SECTIONS:
        for container in spec.get(section) or ():
            found.update(_of_environment(container))
    return found


def _of_environment(container: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for source in container.get("envFrom") or ():
        if reference := source.get("configMapRef"):
            yield names.CONFIG_MAP, reference.get("name", "")
        if reference := source.get("secretRef"):
            yield names.SECRET, reference.get("name", "")
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        if reference := source.get("configMapKeyRef"):
            yield names.CONFIG_MAP, reference.get("name", "")
        if reference := source.get("secretKeyRef"):
            yield names.SECRET, reference.get("name", "")
