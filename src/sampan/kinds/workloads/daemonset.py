"""DaemonSet: a pod on each node that its template may run on.

    a node without a pod       -> one is made, bound to the node by its affinity
    a pod that ended           -> deleted, and made again
    the node does not want it  -> deleted
    the template changed       -> `_roll`: old pods go while few enough are missing
                                  (maxUnavailable), or new ones come first (maxSurge)

Upstream: kubernetes pkg/controller/daemon.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from sampan.kinds.workloads import history, kin, pods
from sampan.kinds.workloads.daemonsets import (
    Fleet,
    Place,
    Spec,
    Status,
    build,
    place,
    revision_of,
    target,
)
from sampan.kinds.workloads.types import Pod, look, view
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Action, Controller, Emit, Patch, Plan, View

_KEEP = (
    "currentNumberScheduled",
    "desiredNumberScheduled",
    "numberMisscheduled",
    "numberReady",
)


def see(cluster: View, key: Key) -> Fleet | None:
    manifest = cluster.get(key)
    if manifest is None:
        return None
    spec = view(Spec, manifest["spec"])
    own, strays = kin.sort_out(cluster, manifest, spec.selector)
    where: dict[str, list[Pod]] = {}
    for pod in own:
        where.setdefault(target(pod), []).append(look(pod))
    nodes = cluster.select(names.NODE)
    places = tuple(
        replace(
            place(node, spec.template, where.pop(meta.name_of(node), ())),
            free=_free(cluster, manifest, meta.name_of(node)),
        )
        for node in nodes
    )
    return Fleet(
        manifest=manifest,
        spec=spec,
        status=view(Status, manifest.get("status")),
        places=places,
        lost=tuple(pod for found in where.values() for pod in found),
        strays=strays,
        history=history.read(cluster, manifest, names.LABEL_CONTROLLER_REVISION_HASH),
        now=cluster.now(),
    )


def _free(cluster: View, manifest: Manifest, node: str) -> str:
    """A name for a new pod of the node, which no pod has, not even one that was let go."""
    salt, space = f"{meta.name_of(manifest)}/{node}", meta.namespace_of(manifest)
    possible = pods.spare_names(manifest, cluster.now(), (), salt=salt)
    return next(name for name in possible if cluster.get(Key(names.POD, space, name)) is None)


def decide(fleet: Fleet) -> Plan:
    if meta.deleting(fleet.manifest):
        return Plan(status=_status(fleet))
    return Plan(
        status=_status(fleet),
        actions=(
            *kin.release(fleet.manifest, fleet.strays),
            *history.keep(fleet.history, limit=fleet.spec.revisionHistoryLimit, live=_live(fleet)),
            *_relabel(fleet),
            *_tidy(fleet),
            *_roll(fleet),
            *_make(fleet),
        ),
        again_in=_wait(fleet),
    )


def _live(fleet: Fleet) -> set[str]:
    used = {revision_of(pod) for each in fleet.places for pod in each.pods}
    return {each.name for each in fleet.history.revisions if each.digest in used}


def _relabel(fleet: Fleet) -> Iterator[Action]:
    """Pods of an equal revision name the latest of them."""
    update = fleet.history.update
    for pod in (pod for each in fleet.places for pod in each.present):
        if update and fleet.is_updated(pod) and revision_of(pod) != update.digest:
            label = {names.LABEL_CONTROLLER_REVISION_HASH: update.digest}
            key = Key(names.POD, meta.namespace_of(fleet.manifest), pod.name)
            yield Patch(key, {"metadata": {"uid": pod.uid, "labels": label}})


def _make(fleet: Fleet) -> Iterator[Action]:
    empty = [each for each in fleet.places if each.wanted and not each.pods]
    for each in (*empty, *_surging(fleet)):
        yield from pods.create(build(fleet, each.name, each.free, fleet.history.latest))


def _tidy(fleet: Fleet) -> Iterator[Action]:
    """Delete what ended, what has no business on its node, and what is one too many."""
    for pod in fleet.lost:
        if not pod.deleting:
            yield from pods.delete(fleet.manifest, pod)
    for each in fleet.places:
        alive = []
        for pod in each.present:
            if not each.tolerated:
                yield from pods.delete(fleet.manifest, pod)
            elif pod.ended:
                how = "failed" if pod.phase == "Failed" else "succeeded"
                text = f"Found {how} daemon pod {pod.name} on node {each.name}, will try to"
                kind, word = ("Warning", "kill") if how == "failed" else ("Normal", "delete")
                yield Emit(kind, f"{how.capitalize()}DaemonPod", f"{text} {word} it")
                yield from pods.delete(fleet.manifest, pod)
            else:
                alive.append(pod)
        for pod in _doubled(fleet, alive):
            yield from pods.delete(fleet.manifest, pod)


def _doubled(fleet: Fleet, alive: list[Pod]) -> list[Pod]:
    """All but the oldest; while an update surges, all but the oldest of either kind."""
    if not fleet.surge:
        return alive[1:]
    new = [pod for pod in alive if fleet.is_updated(pod)]
    old = [pod for pod in alive if not fleet.is_updated(pod)]
    return [*new[1:], *old[1:]]


def _rolls(fleet: Fleet) -> bool:
    return fleet.spec.updateStrategy.type == "RollingUpdate" and fleet.history.update is not None


def _pair(fleet: Fleet, where: Place) -> tuple[Pod | None, Pod | None]:
    """The old and the new pod of a node."""
    alive = [pod for pod in where.present if not pod.ended]
    old = next((pod for pod in alive if not fleet.is_updated(pod)), None)
    return old, next((pod for pod in alive if fleet.is_updated(pod)), None)


def _roll(fleet: Fleet) -> Iterator[Action]:
    if not _rolls(fleet):
        return
    chosen = _replaced(fleet) if fleet.surge else _spared(fleet)
    for pod in chosen:
        yield from pods.delete(fleet.manifest, pod)


def _spared(fleet: Fleet) -> list[Pod]:
    """Without surge: old pods that serve nobody at once, others while enough are left."""
    room, useless, useful = fleet.unavailable, [], []
    for each in fleet.places:
        if not each.wanted:
            continue
        old, new = _pair(fleet, each)
        if new is not None or old is None:
            room -= new is None or not fleet.is_available(new)
        elif fleet.is_available(old):
            useful.append(old)
        else:
            useless.append(old)
            room -= 1
    return [*useless, *useful[: max(0, room)]]


def _replaced(fleet: Fleet) -> list[Pod]:
    """With surge: old pods whose new one is available."""
    pairs = [_pair(fleet, each) for each in fleet.places]
    return [old for old, new in pairs if old and new and fleet.is_available(new)]


def _surging(fleet: Fleet) -> list[Place]:
    """Nodes that get a new pod beside the old one: at once where the old one serves nobody."""
    if not _rolls(fleet) or not fleet.surge:
        return []
    room, urgent, others = fleet.surge, [], []
    for each in fleet.places:
        old, new = _pair(fleet, each)
        if old is None or not each.wanted:
            continue
        if new is not None:
            room -= not fleet.is_available(new)
        elif fleet.is_available(old):
            others.append(each)
        else:
            urgent.append(each)
    return [*urgent, *others[: max(0, room)]]


def _status(fleet: Fleet) -> dict[str, Any]:
    here = [(each, each.present) for each in fleet.places if each.wanted]
    first = [found[0] for _, found in here if found]
    available = sum(any(map(fleet.is_available, found)) for _, found in here)
    status = {
        "currentNumberScheduled": len(first),
        "numberMisscheduled": sum(
            any(not pod.ended for pod in each.present) for each in fleet.places if not each.wanted
        ),
        "desiredNumberScheduled": fleet.desired,
        "numberReady": sum(any(pod.ready_since for pod in found) for _, found in here),
        "observedGeneration": fleet.manifest["metadata"].get("generation", 0),
        "updatedNumberScheduled": sum(any(map(fleet.is_updated, found)) for _, found in here),
        "numberAvailable": available,
        "numberUnavailable": fleet.desired - available,
        "collisionCount": fleet.status.collisionCount,
        "conditions": fleet.status.conditions,
    }
    return pods.compact(status, _KEEP)


def _wait(fleet: Fleet) -> float | None:
    after = fleet.spec.minReadySeconds
    ready = [pod for each in fleet.places for pod in each.present if pod.ready_since is not None]
    waits = [pod.wait(fleet.now, after) for pod in ready]
    return pods.soonest(*(wait for wait in waits if wait > 0))


DAEMON_SET = Controller(name="daemonset", of=names.DAEMON_SET, see=see, decide=decide)
