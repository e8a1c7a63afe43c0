"""Secrets for the executor's containers: those that artifacts need, each key a file.

Our own node reads them from the cluster; upstream's executor finds them here. A Secret that is
missing is said by the executor, when it needs it. Upstream: argo-workflows
workflow/controller/workflowpod.go createSecretVolumesFromArtifactLocations.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sampan.kube import argoexec, locations, meta


def mounted(
    places: Iterable[locations.Location],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(volumes, mounts) for all Secrets that lead to these places."""
    keys: dict[str, set[str]] = {}
    for place in places:
        for name, key in locations.secrets(place):
            if name and key:
                keys.setdefault(name, set()).add(key)
    volumes = [
        {
            "name": _volume(name),
            "secret": {
                "secretName": name,
                "items": [{"key": key, "path": key} for key in sorted(keys[name])],
                "optional": True,
            },
        }
        for name in sorted(keys)
    ]
    mounts = [
        {"name": _volume(name), "mountPath": f"{argoexec.SECRETS}/{name}", "readOnly": True}
        for name in sorted(keys)
    ]
    return volumes, mounts


def _volume(name: str) -> str:
    """Secrets have longer names than volumes, and a user's volume may be called like its Secret."""
    return f"secret-{meta.fnv32a(name.encode())}"
