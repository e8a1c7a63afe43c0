"""How the built-in kinds differ from each other: selectable fields, name rules, life.

Facts, as one table; a kind that is not listed behaves in the ordinary way. What a kind's spec may
say is not here but in the rules of its component.
Upstream: k8s.io/kubernetes pkg/registry/*/strategy.go, pkg/apis/*/conversion.go.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from sampan.kube import formats, names

Path = tuple[str, ...]


class Trait(Struct, frozen=True, kw_only=True):
    """name: the test for metadata.name (an answer is the fault).
    fields: selectable fields -> (path, value when absent).
    generation: metadata.generation counts changes of the spec.
    returned: DELETE answers with the object and not with a Status.
    upsert: a PUT to a name that is not there creates.
    blind: a PUT without a resourceVersion replaces whatever there is.
    relaxed: a write need not be synced to the disk before it is acknowledged.
    notice: a warning for those who create one.
    status: what a new object's status says before anybody has looked at it.
    """

    name: Callable[[str], str | None] = formats.dns_subdomain
    fields: Mapping[str, tuple[Path, str]] = {}
    generation: bool = True
    returned: bool = False
    upsert: bool = False
    blind: bool = True
    relaxed: bool = False
    notice: str = ""
    status: Mapping[str, int] = {}


def path_segment(value: str) -> str | None:
    """A name that only has to fit between two slashes: RBAC objects."""
    if value in (".", ".."):
        return f"may not be '{value}'"
    for sign in "/%":
        if sign in value:
            return f"may not contain '{sign}'"
    return None


def _fields(*paths: str, **absent: str) -> dict[str, tuple[Path, str]]:
    return {
        path: (tuple(path.split(".")), absent.get(path.rpartition(".")[2], "")) for path in paths
    }


_SOURCE = ("source", "component")
_EVENT_FIELDS = _fields(
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "type",
) | {"source": (_SOURCE, "")}
_EVENT = Trait(fields=_EVENT_FIELDS, generation=False, relaxed=True, upsert=True)
_RBAC = Trait(name=path_segment, generation=False, upsert=True)
ORDINARY = Trait()

TRAITS: Mapping[str, Trait] = {
    names.CONFIG_MAP: Trait(generation=False),
    names.ENDPOINTS: Trait(generation=False, upsert=True),
    names.EVENT: _EVENT,
    names.LIMIT_RANGE: Trait(generation=False, upsert=True),
    names.NAMESPACE: Trait(
        name=formats.dns_label,
        fields=_fields("status.phase"),
        generation=False,
    ),
    names.NODE: Trait(
        fields=_fields("spec.unschedulable", unschedulable="false"), generation=False
    ),
    names.PERSISTENT_VOLUME: Trait(generation=False, returned=True),
    names.PERSISTENT_VOLUME_CLAIM: Trait(generation=False, returned=True),
    names.POD: Trait(
        fields=_fields(
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
            hostNetwork="false",
        ),
        returned=True,
    ),
    "PodTemplate": Trait(returned=True),
    names.REPLICATION_CONTROLLER: Trait(
        fields=_fields("status.replicas", replicas="0"), status={"replicas": 0}
    ),
    names.RESOURCE_QUOTA: Trait(generation=False, returned=True),
    names.SECRET: Trait(fields=_fields("type"), generation=False),
    names.SERVICE: Trait(
        name=formats.dns_label,
        fields=_fields("spec.clusterIP", "spec.type"),
        generation=False,
        upsert=True,
        returned=True,
    ),
    names.SERVICE_ACCOUNT: Trait(generation=False, returned=True),
    names.REPLICA_SET: Trait(
        fields=_fields("status.replicas", replicas="0"), status={"replicas": 0}
    ),
    names.STATEFUL_SET: Trait(status={"availableReplicas": 0, "replicas": 0}),
    names.DAEMON_SET: Trait(
        status={
            "currentNumberScheduled": 0,
            "desiredNumberScheduled": 0,
            "numberMisscheduled": 0,
            "numberReady": 0,
        },
    ),
    names.POD_DISRUPTION_BUDGET: Trait(
        status={
            "currentHealthy": 0,
            "desiredHealthy": 0,
            "disruptionsAllowed": 0,
            "expectedPods": 0,
        },
    ),
    names.CONTROLLER_REVISION: Trait(generation=False),
    names.JOB: Trait(fields={"status.successful": (("status", "succeeded"), "0")}),
    names.HORIZONTAL_POD_AUTOSCALER: Trait(generation=False, status={"desiredReplicas": 0}),
    names.LEASE: Trait(generation=False, relaxed=True, upsert=True, blind=False),
    "Ingress.networking.k8s.io": Trait(),
    "NetworkPolicy.networking.k8s.io": Trait(
        notice="Sampan stores this object, but enforces no network policies"
    ),
    names.SIGNING_REQUEST: Trait(fields=_fields("spec.signerName"), generation=False),
    names.RUNTIME_CLASS: Trait(generation=False, upsert=True, blind=False),
    names.ROLE: _RBAC,
    names.ROLE_BINDING: _RBAC,
    names.CLUSTER_ROLE: _RBAC,
    names.CLUSTER_ROLE_BINDING: _RBAC,
    names.STORAGE_CLASS: Trait(generation=False, returned=True),
    "CSIDriver.storage.k8s.io": Trait(returned=True),
    "CSINode.storage.k8s.io": Trait(generation=False, returned=True),
    "CSIStorageCapacity.storage.k8s.io": Trait(generation=False, returned=True),
    "VolumeAttachment.storage.k8s.io": Trait(generation=False, returned=True),
    "VolumeAttributesClass.storage.k8s.io": Trait(generation=False, returned=True),
    "ResourceClaim.resource.k8s.io": Trait(generation=False, returned=True),
    "ResourceClaimTemplate.resource.k8s.io": Trait(generation=False, returned=True),
    "ResourceSlice.resource.k8s.io": Trait(returned=True),
    "DeviceClass.resource.k8s.io": Trait(returned=True),
    "APIService.apiregistration.k8s.io": Trait(
        notice="Sampan stores this object, but forwards no requests to other API servers",
    ),
}


def selectable(trait_fields: Mapping[str, tuple[Path, str]], manifest: Any) -> dict[str, str]:
    """Values of the selectable fields that are not what they are when absent."""
    found: dict[str, str] = {}
    for name, (path, absent) in trait_fields.items():
        value = manifest
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if not value and path == _SOURCE:  # who reports by the new API has no other name
            value = manifest.get("reportingComponent")
        if value is None or isinstance(value, dict | list):
            continue
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if text != absent:
            found[name] = sys.intern(text)  # thousands of objects say the same here
    return found
