"""ReplicaSet and ReplicationController: as many pods of one template as `spec.replicas` says.

The older of the two kinds has labels for a selector, and is the same in all else. Which pods belong
to it is in `kin`, which to give up first in `pods.surplus`. When no more pods may be made, the
condition ReplicaFailure says why. Upstream: kubernetes pkg/controller/{replicaset,replication}.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from msgspec import Struct

from sampan.kinds.workloads import kin, pods
from sampan.kinds.workloads.types import Conditions, Pod, look, view
from sampan.kube import meta, names
from sampan.kube.conditions import without_condition
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Action, Controller, Plan, View

_STATUS_KEEP = ("replicas",)
_FAILURE = "ReplicaFailure"


class Spec(Struct, frozen=True, kw_only=True):
    replicas: int = 1
    minReadySeconds: int = 0
    selector: dict[str, Any] = {}
    template: dict[str, Any] = {}


class Status(Struct, frozen=True, kw_only=True):
    conditions: Conditions = []


class Set(Struct, frozen=True, kw_only=True):
    """All that a decision may depend on.

    strays: pods that are owned but no longer match; names: for new pods, all free.
    """

    manifest: Manifest
    spec: Spec
    conditions: Conditions
    pods: tuple[Pod, ...]
    strays: tuple[Manifest, ...]
    names: tuple[str, ...]
    now: datetime


def see(cluster: View, key: Key) -> Set | None:
    manifest = cluster.get(key)
    if manifest is None:
        return None
    spec = view(Spec, manifest["spec"])
    own, strays = kin.sort_out(cluster, manifest, kin.selector_of(manifest) or {})
    found = [look(pod) for pod in own]
    return Set(
        manifest=manifest,
        spec=spec,
        conditions=view(Status, manifest.get("status")).conditions,
        pods=tuple(found),
        strays=strays,
        names=_free_names(cluster, manifest, spec.replicas - sum(pod.active for pod in found)),
        now=cluster.now(),
    )


def _free_names(cluster: View, manifest: Manifest, number: int) -> tuple[str, ...]:
    """Names that no pod has, not even one that was let go."""
    space = meta.namespace_of(manifest)
    possible = pods.spare_names(manifest, cluster.now(), ())
    free = (each for each in possible if cluster.get(Key(names.POD, space, each)) is None)
    return tuple(islice(free, max(0, min(number, pods.BURST))))


def decide(found: Set) -> Plan:
    active = [pod for pod in found.pods if pod.active]
    if meta.deleting(found.manifest):
        return Plan(status=_status(found, active))
    actions = [*kin.release(found.manifest, found.strays), *_balance(found, active)]
    return Plan(
        status=_status(found, active),
        actions=tuple(actions),
        refusal=_FAILURE,
        again_in=_wait(found, active),
    )


def _balance(found: Set, active: list[Pod]) -> Iterator[Action]:
    missing = found.spec.replicas - len(active)
    if missing < 0:
        for pod in pods.surplus(active, -missing):
            yield from pods.delete(found.manifest, pod)
        return
    for name in found.names:
        yield from pods.create(pods.build(found.manifest, found.spec.template, name))


def _status(found: Set, active: list[Pod]) -> dict[str, Any]:
    wanted = found.spec.template.get("metadata", {}).get("labels") or {}
    after, now = found.spec.minReadySeconds, found.now
    status = {
        "replicas": len(active),
        "fullyLabeledReplicas": sum(wanted.items() <= pod.labels.items() for pod in active),
        "readyReplicas": sum(pod.ready_since is not None for pod in active),
        "availableReplicas": sum(pod.available(now, after) for pod in active),
        "observedGeneration": found.manifest["metadata"].get("generation", 0),
        "conditions": without_condition(found.conditions, _FAILURE),
    }
    return pods.compact(status, _STATUS_KEEP)


def _wait(found: Set, active: list[Pod]) -> float | None:
    after = found.spec.minReadySeconds
    ready = [pod.wait(found.now, after) for pod in active if pod.ready_since is not None]
    return pods.soonest(*(wait for wait in ready if wait > 0))


REPLICATION_CONTROLLER = Controller(
    name="replicationcontroller", of=names.REPLICATION_CONTROLLER, see=see, decide=decide
)
REPLICA_SET = Controller(name="replicaset", of=names.REPLICA_SET, see=see, decide=decide)
