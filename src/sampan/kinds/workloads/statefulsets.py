"""A StatefulSet as its decisions read it, and its pods as they write them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from sampan.kinds.workloads import pods
from sampan.kinds.workloads.history import History, Revision
from sampan.kinds.workloads.rollout import amount
from sampan.kinds.workloads.types import Conditions, Pod
from sampan.kube import meta, names
from sampan.kube.keys import Manifest


class RollingUpdate(Struct, frozen=True, kw_only=True):
    partition: int = 0
    maxUnavailable: int | str = 1


class Strategy(Struct, frozen=True, kw_only=True):
    type: str = "RollingUpdate"
    rollingUpdate: RollingUpdate | None = None


class Ordinals(Struct, frozen=True, kw_only=True):
    start: int = 0


class Retention(Struct, frozen=True, kw_only=True):
    whenDeleted: str = "Retain"
    whenScaled: str = "Retain"


class Spec(Struct, frozen=True, kw_only=True):
    replicas: int = 1
    selector: dict[str, Any] = {}
    template: dict[str, Any] = {}
    serviceName: str = ""
    volumeClaimTemplates: list[dict[str, Any]] = []
    podManagementPolicy: str = "OrderedReady"
    updateStrategy: Strategy = Strategy()
    ordinals: Ordinals = Ordinals()
    minReadySeconds: int = 0
    revisionHistoryLimit: int = 10
    persistentVolumeClaimRetentionPolicy: Retention = Retention()

    @property
    def ordered(self) -> bool:
        return self.podManagementPolicy == "OrderedReady"

    @property
    def places(self) -> range:
        """The ordinals that should have a pod."""
        return range(self.ordinals.start, self.ordinals.start + self.replicas)

    @property
    def unavailable(self) -> int:
        """How many pods may be missing because of an update; at least one, or nothing would move.
        Shares are rounded up."""
        how = self.updateStrategy.rollingUpdate or RollingUpdate()
        return max(1, amount(how.maxUnavailable, self.replicas, up=True))

    @property
    def partition(self) -> int:
        """The first ordinal that an update touches."""
        rolling = self.updateStrategy.rollingUpdate
        return self.ordinals.start + (rolling.partition if rolling else 0)


class Status(Struct, frozen=True, kw_only=True):
    currentRevision: str = ""
    collisionCount: int = 0
    conditions: Conditions = []


class Replica(Struct, frozen=True, kw_only=True):
    """One ordinal. `foreign`: a pod of that name exists that is not the set's; `coming`: nobody's
    yet, and about to be adopted."""

    ordinal: int
    pod: Pod | None = None
    foreign: bool = False
    coming: bool = False


class Members(Struct, frozen=True, kw_only=True):
    """All that a decision may depend on.

    replicas: the ordinals that should be, in order; condemned: pods beyond them, highest first;
    claims: the PersistentVolumeClaims that exist, by name; strays: pods that are owned but no
    longer match.
    """

    manifest: Manifest
    spec: Spec
    status: Status
    replicas: tuple[Replica, ...]
    condemned: tuple[Replica, ...]
    claims: Mapping[str, Manifest]
    history: History
    now: datetime
    strays: tuple[Manifest, ...] = ()

    @property
    def update(self) -> Revision:
        """The revision of the present template."""
        return self.history.latest

    @property
    def current(self) -> Revision:
        """The revision before the update; the update's own when there is no other."""
        known = {revision.name: revision for revision in self.history.revisions}
        return known.get(self.status.currentRevision, self.update)


def ordinal_of(set_name: str, pod_name: str) -> int | None:
    """`("web", "web-3")` -> 3; None for a name of another shape."""
    base, _, text = pod_name.rpartition("-")
    return int(text) if base == set_name and text.isdecimal() else None


def claim_name(template: Mapping[str, Any], pod_name: str) -> str:
    return f"{template['metadata']['name']}-{pod_name}"


def pod_name(manifest: Manifest, ordinal: int) -> str:
    return f"{meta.name_of(manifest)}-{ordinal}"


def build(members: Members, ordinal: int, revision: Revision) -> Manifest:
    """The pod of an ordinal: with its stable name, host name and claims."""
    name, spec = pod_name(members.manifest, ordinal), members.spec
    pod = pods.build(
        members.manifest,
        revision.template,
        name,
        labels={
            names.LABEL_STATEFUL_SET_POD_NAME: name,
            names.LABEL_POD_INDEX: str(ordinal),
            names.LABEL_CONTROLLER_REVISION_HASH: revision.name,
        },
    )
    body: dict[str, Any] = {**pod["spec"], "hostname": name}
    if spec.serviceName:
        body["subdomain"] = spec.serviceName
    own = [_volume(template, name) for template in spec.volumeClaimTemplates]
    covered = {volume["name"] for volume in own}
    others = [each for each in body.get("volumes") or () if each["name"] not in covered]
    if own or others:
        body["volumes"] = [*own, *others]
    pod["spec"] = body
    return pod


def _volume(template: Mapping[str, Any], pod_name: str) -> dict[str, Any]:
    claim = {"claimName": claim_name(template, pod_name)}
    return {"name": template["metadata"]["name"], "persistentVolumeClaim": claim}
