"""StatefulSet: pods with stable names and claims, made and renewed in order.

Which pod comes next is in `ordinals`, what happens to the claims in `claims`, the templates of the
past in `history`. A pod of the right name that belongs to somebody else is left alone and told of.
Upstream: kubernetes pkg/controller/statefulset.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sampan.kinds.workloads import claims, history, kin, ordinals, pods
from sampan.kinds.workloads.ordinals import Make, Step
from sampan.kinds.workloads.statefulsets import (
    Members,
    Replica,
    Spec,
    Status,
    build,
    claim_name,
    ordinal_of,
    pod_name,
)
from sampan.kinds.workloads.types import Pod, look, view
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Action, Controller, Emit, Plan, View

_STATUS_KEEP = ("replicas", "availableReplicas", "collisionCount")


def see(cluster: View, key: Key) -> Members | None:
    manifest = cluster.get(key)
    if manifest is None:
        return None
    spec = view(Spec, manifest["spec"])
    own, strays = kin.sort_out(cluster, manifest, spec.selector)
    found = {meta.name_of(pod): look(pod) for pod in own}
    replicas = tuple(_replicas(cluster, manifest, spec, found))
    condemned = _condemned(key.name, spec, found)
    return Members(
        manifest=manifest,
        spec=spec,
        status=view(Status, manifest.get("status")),
        replicas=replicas,
        condemned=condemned,
        claims=_claims(cluster, manifest, spec, (*replicas, *condemned)),
        history=history.read(cluster, manifest, names.LABEL_REVISION_DIGEST),
        now=cluster.now(),
        strays=strays,
    )


def _replicas(
    cluster: View, manifest: Manifest, spec: Spec, found: dict[str, Pod]
) -> list[Replica]:
    """Those that are there, and of the others no more than are made at once: a set may want any
    number."""
    ordinals = {ordinal_of(meta.name_of(manifest), name) for name in found}
    own = [
        _replica(cluster, manifest, each, found)
        for each in ordinals
        if each is not None and each in spec.places
    ]
    absent = (_replica(cluster, manifest, each, found) for each in spec.places
              if each not in ordinals)  # fmt: skip
    return sorted([*own, *_first(absent)], key=lambda replica: replica.ordinal)


def _first(absent: Iterable[Replica]) -> Iterator[Replica]:
    room = pods.BURST
    for replica in absent:
        yield replica
        room -= not replica.foreign
        if room == 0:
            return


def _replica(cluster: View, manifest: Manifest, place: int, found: dict[str, Pod]) -> Replica:
    name = pod_name(manifest, place)
    if name in found:
        return Replica(ordinal=place, pod=found[name])
    other = cluster.get(Key(names.POD, meta.namespace_of(manifest), name))
    if other is None:
        return Replica(ordinal=place)
    coming = kin.is_orphan(other) and kin.takes(manifest, other)
    return Replica(ordinal=place, foreign=True, coming=coming)


def _condemned(base: str, spec: Spec, found: dict[str, Pod]) -> tuple[Replica, ...]:
    beyond = [
        Replica(ordinal=place, pod=pod)
        for name, pod in found.items()
        if (place := ordinal_of(base, name)) is not None and place not in spec.places
    ]
    return tuple(sorted(beyond, key=lambda replica: replica.ordinal, reverse=True))


def _claims(
    cluster: View, manifest: Manifest, spec: Spec, replicas: tuple[Replica, ...]
) -> dict[str, Manifest]:
    wanted = [
        claim_name(template, pod_name(manifest, replica.ordinal))
        for replica in replicas
        for template in spec.volumeClaimTemplates
    ]
    space = meta.namespace_of(manifest)
    found = {name: cluster.get(Key(names.PERSISTENT_VOLUME_CLAIM, space, name)) for name in wanted}
    return {name: claim for name, claim in found.items() if claim is not None}


def decide(members: Members) -> Plan:
    if meta.deleting(members.manifest):
        return Plan(status=_status(members))
    actions: list[Action] = [
        *kin.release(members.manifest, members.strays),
        *history.keep(
            members.history, limit=members.spec.revisionHistoryLimit, live=_live(members)
        ),
        *claims.kept(members),
    ]
    for replica in members.replicas:
        if replica.pod is not None and not replica.pod.deleting:
            actions += claims.missing(members, replica.ordinal)
        elif replica.foreign and not replica.coming:
            told = f"pod {pod_name(members.manifest, replica.ordinal)} belongs to somebody else"
            actions.append(Emit("Warning", "FailedCreate", told))
    for step in ordinals.steps(members):
        actions += _carry_out(members, step)
    return Plan(status=_status(members), actions=tuple(actions), again_in=_wait(members))


def _live(members: Members) -> set[str]:
    """Names of the revisions that are in use."""
    pods = [each.pod for each in (*members.replicas, *members.condemned) if each.pod]
    used = {pod.labels.get(names.LABEL_CONTROLLER_REVISION_HASH) or "" for pod in pods}
    return used | {members.status.currentRevision}


def _carry_out(members: Members, step: Step) -> Iterator[Action]:
    """Events are upstream's, which names the set in those of pods."""
    name = meta.name_of(members.manifest)
    if isinstance(step, Make):
        revision = members.update if step.updated else members.current
        pod = build(members, step.ordinal, revision)
        told = f"create Pod {meta.name_of(pod)} in StatefulSet {name} successful"
        yield from claims.missing(members, step.ordinal)
        yield from pods.create(pod, told)
        return
    if step.condemned:
        yield from claims.released(members, step.pod)
    elif step.pod.ended:
        where = f"{meta.namespace_of(members.manifest)}/{name}"
        text = f"StatefulSet {where} is recreating failed Pod {step.pod.name}"
        yield Emit("Warning", "RecreatingFailedPod", text)
    told = f"delete Pod {step.pod.name} in StatefulSet {name} successful"
    yield from pods.delete(members.manifest, step.pod, told)


def _status(members: Members) -> dict[str, Any]:
    update, current = members.update.name, members.current.name
    living = [r.pod for r in (*members.replicas, *members.condemned) if r.pod is not None]
    ready = [pod for pod in living if pod.phase == "Running" and pod.ready_since is not None]
    after = members.spec.minReadySeconds
    counts = {
        "replicas": len(living),
        "readyReplicas": len(ready),
        "availableReplicas": sum(pod.available(members.now, after) for pod in ready),
        "currentReplicas": _of_revision(living, current),
        "updatedReplicas": _of_revision(living, update),
    }
    wanted = members.spec.replicas
    if counts["updatedReplicas"] == counts["replicas"] == len(ready) == wanted:
        current, counts["currentReplicas"] = update, wanted
    status = {
        "observedGeneration": members.manifest["metadata"].get("generation", 0),
        **counts,
        "currentRevision": current,
        "updateRevision": update,
        "collisionCount": members.status.collisionCount,
        "conditions": members.status.conditions,
    }
    return pods.compact(status, _STATUS_KEEP)


def _of_revision(living: list[Pod], revision: str) -> int:
    label = names.LABEL_CONTROLLER_REVISION_HASH
    return sum(not pod.deleting and pod.labels.get(label) == revision for pod in living)


def _wait(members: Members) -> float | None:
    after = members.spec.minReadySeconds
    waits = [
        replica.pod.wait(members.now, after)
        for replica in members.replicas
        if replica.pod is not None and replica.pod.ready_since is not None
    ]
    return pods.soonest(*(wait for wait in waits if wait > 0))


STATEFUL_SET = Controller(name="statefulset", of=names.STATEFUL_SET, see=see, decide=decide)
