"""The claims behind a pod's volumes: those that it names, and those that are made for it.

An `ephemeral` volume has a claim of its own, which the pod owns and which goes with it; a claim of
that name which is somebody else's is never used. Upstream: k8s.io/component-helpers
storage/ephemeral.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sampan.kube import meta
from sampan.kube.keys import Manifest

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
"""What a claim may ask for."""


def claim_names(pod: Manifest) -> Iterator[tuple[str, bool]]:
    """(claim, whether it is made for the pod), by volume."""
    for volume in pod["spec"].get("volumes") or ():
        if claim := volume.get("persistentVolumeClaim"):
            yield claim["claimName"], False
        elif volume.get("ephemeral"):
            yield ephemeral_claim(pod, volume), True


def ephemeral_claim(pod: Manifest, volume: Mapping[str, Any]) -> str:
    """The name of the claim that is made for a volume."""
    return f"{meta.name_of(pod)}-{volume['name']}"


def stranger(pod: Manifest, claim: Manifest) -> str:
    """Why a claim is not the one that was made for the pod; "" when it is."""
    if meta.is_controlled_by(claim, pod):
        return ""
    return (
        f"PVC {meta.namespace_of(claim)}/{meta.name_of(claim)} was not created for pod "
        f"{meta.namespace_of(pod)}/{meta.name_of(pod)} (pod is not owner)"
    )
