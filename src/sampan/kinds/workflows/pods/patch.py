"""podSpecPatch: the workflow's, then the template's, merged strategically into a pod's spec.

YAML or JSON. Lists merge by the keys that Kubernetes has for them.
Upstream: argo-workflows workflow/util/util.go ApplyPodSpecPatch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sampan.kinds.workflows.pods.about import Unbuildable
from sampan.kube import strategic
from sampan.kube.errors import ApiStatus
from sampan.lib import yaml

_POD = strategic.Table(
    {
        "containers": "name", "initContainers": "name", "ephemeralContainers": "name",
        "volumes": "name", "imagePullSecrets": "name", "hostAliases": "ip", "env": "name",
        "volumeMounts": "mountPath", "volumeDevices": "devicePath", "ports": "containerPort",
        "topologySpreadConstraints": "topologyKey", "resourceClaims": "name",
        "schedulingGates": "name",
    }
)  # fmt: skip
"""Upstream: k8s.io/api core/v1 types.go, patchMergeKey."""


def patched(spec: dict[str, Any], patches: Iterable[str]) -> dict[str, Any]:
    """The spec after the patches. Unbuildable when one makes no sense."""
    for text in patches:
        try:
            spec = strategic.strategic(spec, yaml.load(text), _POD)
        except (yaml.YamlError, ApiStatus, TypeError, AttributeError) as error:
            raise Unbuildable(f"Error applying PodSpecPatch: {error}") from error
    return spec
