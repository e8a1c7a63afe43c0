"""What a pod is told about itself and its surroundings: the downward API, one field at a time.

Pure. Used for environment variables and for files alike. Upstream: kubernetes pkg/fieldpath,
pkg/api/v1/resource.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from sampan.kube import quantities
from sampan.kube.keys import Manifest

Find = Callable[[str, str], Manifest | None]
"""(kind, name) -> the object in the pod's namespace, or None."""

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]")


class ConfigError(Exception):
    """The pod refers to something that is not there, or that this node does not know: the message
    of CreateContainerConfigError."""


class PodFacts(Struct, frozen=True):
    """`allocatable` is what a container may use that has set no limit."""

    pod: Manifest
    pod_ip: str
    host_ip: str
    allocatable: Mapping[str, str]
    find: Find

    @property
    def namespace(self) -> str:
        return str(self.pod["metadata"]["namespace"])


def field(facts: PodFacts, path: str) -> str:
    """The text of a fieldRef."""
    meta, spec = facts.pod["metadata"], facts.pod["spec"]
    subscript = _SUBSCRIPT.fullmatch(path)
    if subscript:
        return str((meta.get(subscript[1]) or {}).get(subscript[2], ""))
    match path:
        case "metadata.name" | "metadata.namespace" | "metadata.uid":
            return str(meta.get(path.partition(".")[2], ""))
        case "metadata.labels" | "metadata.annotations":
            return _table(meta.get(path.partition(".")[2]) or {})
        case "spec.nodeName":
            return str(spec.get("nodeName", ""))
        case "spec.serviceAccountName":
            return str(spec.get("serviceAccountName", ""))
        case "status.podIP" | "status.podIPs":
            return facts.pod_ip
        case "status.hostIP" | "status.hostIPs":
            return facts.host_ip
    raise ConfigError(f'unsupported fieldPath "{path}"')


def resource(facts: PodFacts, container: Mapping[str, Any], reference: Mapping[str, Any]) -> str:
    """The text of a resourceFieldRef: the amount in units of the divisor, rounded up."""
    name = reference.get("containerName")
    if name and name != container.get("name"):
        container = _container(facts.pod, name)
    kind, _, what = str(reference.get("resource", "")).partition(".")
    resources = container.get("resources") or {}
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    if kind == "limits":
        amount = limits.get(what, facts.allocatable.get(what))
    elif kind == "requests":
        amount = requests.get(what, limits.get(what, "0"))
    else:
        amount = None
    if amount is None:
        raise ConfigError(f'unsupported container resource "{reference.get("resource")}"')
    divisor = quantities.parse(reference.get("divisor") or "1") or 1
    return str(math.ceil(quantities.parse(amount) / divisor))


def _container(pod: Manifest, name: str) -> Mapping[str, Any]:
    spec = pod["spec"]
    for each in (*spec["containers"], *(spec.get("initContainers") or ())):
        if each["name"] == name:
            return dict(each)
    raise ConfigError(f"container {name} not found")


def _table(entries: Mapping[str, str]) -> str:
    quoted = (
        (key, value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))
        for key, value in sorted(entries.items())
    )
    return "\n".join(f'{key}="{value}"' for key, value in quoted)
