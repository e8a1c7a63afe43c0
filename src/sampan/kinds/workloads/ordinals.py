"""The order in which a StatefulSet makes, replaces and gives up its pods.

`steps` walks the ordinals upwards to make what is missing, then downwards to remove what is too
much, then downwards again to renew what has an old revision. With podManagementPolicy OrderedReady
it takes one step and stops at the first pod that is not yet as it should be.
Upstream: kubernetes pkg/controller/statefulset/stateful_set_control.go.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from sampan.kinds.workloads.statefulsets import Members, Replica
from sampan.kinds.workloads.types import Pod
from sampan.kube import names


class Make(Struct, frozen=True):
    """Make the pod of this ordinal; `updated` says of which revision."""

    ordinal: int
    updated: bool


class Remove(Struct, frozen=True):
    """Delete this pod. `condemned`: its ordinal is to be given up."""

    pod: Pod
    condemned: bool = False


Step = Make | Remove


def steps(members: Members) -> list[Step]:
    found: list[Step] = []
    for part in (_fill, _trim, _renew):
        found += part(members)
        if members.spec.ordered and (found or not _settled(members, part is not _fill)):
            break
    return found


def _settled(members: Members, condemned: bool) -> bool:
    """Whether an ordered walk may go on: all that should be is well, all else is gone."""
    if condemned and members.condemned:
        return False
    return all(well(members, replica) for replica in members.replicas)


def well(members: Members, replica: Replica) -> bool:
    pod = replica.pod
    if pod is None or not pod.active:
        return False
    return pod.available(members.now, members.spec.minReadySeconds)


def is_updated(members: Members, pod: Pod) -> bool:
    return pod.labels.get(names.LABEL_CONTROLLER_REVISION_HASH) == members.update.name


def _fill(members: Members) -> Iterator[Step]:
    for replica in members.replicas:
        pod = replica.pod
        if pod is None:
            if not replica.foreign:
                yield Make(replica.ordinal, replica.ordinal >= members.spec.partition)
        elif pod.ended and not pod.deleting:
            yield Remove(pod)
        elif well(members, replica) or not members.spec.ordered:
            continue
        if members.spec.ordered:
            return


def _trim(members: Members) -> Iterator[Step]:
    doubtful = [each for each in members.condemned if not _ready(each)]
    first = doubtful[-1] if doubtful else None
    for replica in members.condemned:
        pod = replica.pod
        if pod is not None and not pod.deleting:
            waits = members.spec.ordered and not _ready(replica) and replica is not first
            if not waits:
                yield Remove(pod, condemned=True)
        if members.spec.ordered:
            return


def _ready(replica: Replica) -> bool:
    return replica.pod is not None and replica.pod.active and replica.pod.ready_since is not None


def _renew(members: Members) -> Iterator[Step]:
    """From the highest ordinal, whatever the management policy."""
    if members.spec.updateStrategy.type == "OnDelete":
        return
    touched = [r for r in reversed(members.replicas) if r.ordinal >= members.spec.partition]
    yield from (_several if members.spec.unavailable > 1 else _single)(members, touched)


def _single(members: Members, touched: list[Replica]) -> Iterator[Step]:
    """One pod at a time."""
    for replica in touched:
        pod = replica.pod
        if pod is not None and not pod.deleting and not is_updated(members, pod):
            if not pod.ended:  # one that ended is replaced by `_fill`
                yield Remove(pod)
            return
        if not well(members, replica):
            return


def _several(members: Members, touched: list[Replica]) -> Iterator[Step]:
    """While no more than `maxUnavailable` are missing; old pods that serve nobody go first, for
    that makes nothing worse."""
    old = [r for r in touched if r.pod and r.pod.active and not is_updated(members, r.pod)]
    room = members.spec.unavailable - sum(not well(members, r) for r in members.replicas)
    serving = [r for r in old if well(members, r)]
    for replica in [r for r in old if r not in serving] + serving[: max(0, room)]:
        if replica.pod is not None:
            yield Remove(replica.pod)
