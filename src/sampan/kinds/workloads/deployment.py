"""Deployment: moves from one ReplicaSet to the next when the template changes.

    template changes -> a new ReplicaSet (named by the template's digest)
    RollingUpdate    -> sizes step by step (`rollout`), Recreate -> old to zero, then the new one
    template back    -> the old ReplicaSet is found again and gets the next revision number

Owns ReplicaSets only; pods are theirs. What the status says is in `progress`. ReplicaSets beyond
`revisionHistoryLimit` are deleted, oldest revision first.
Upstream: kubernetes pkg/controller/deployment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from sampan.kinds.workloads import kin, progress, revisions, rollout
from sampan.kinds.workloads.deployments import (
    Replicas,
    Spec,
    build,
    look_replicas,
    same_template,
)
from sampan.kinds.workloads.types import look, view
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Action, Apply, Controller, Delete, Emit, Patch, Plan, View


class Rollout(Struct, frozen=True, kw_only=True):
    """All that a decision may depend on. `new` is None until its ReplicaSet exists.

    strays: ReplicaSets that are owned but no longer match; orphans: that match and are nobody's.
    """

    manifest: Manifest
    spec: Spec
    new: Replicas | None
    old: tuple[Replicas, ...]
    old_pods: bool
    now: datetime
    strays: tuple[Manifest, ...] = ()
    orphans: tuple[Manifest, ...] = ()

    @property
    def all(self) -> tuple[Replicas, ...]:
        return self.old if self.new is None else (*self.old, self.new)


def see(cluster: View, key: Key) -> Rollout | None:
    manifest = cluster.get(key)
    if manifest is None:
        return None
    spec = view(Spec, manifest["spec"])
    own, strays = kin.sort_out(cluster, manifest, spec.selector, names.REPLICA_SET)
    owned = [rs for rs in own if not meta.deleting(rs)]
    alike = cluster.select(names.REPLICA_SET, key.namespace, spec.selector)
    sets = sorted(map(look_replicas, owned), key=lambda rs: (rs.created, rs.name))
    new = next((rs for rs in sets if same_template(rs, spec)), None)
    old = tuple(rs for rs in sets if rs is not new)
    return Rollout(
        manifest=manifest,
        spec=spec,
        new=new,
        old=old,
        old_pods=spec.recreates and _has_pods(cluster, owned, new),
        now=cluster.now(),
        strays=strays,
        orphans=tuple(
            rs for rs in alike if meta.controller_of(rs) is None and not meta.deleting(rs)
        ),
    )


def _has_pods(cluster: View, owned: Sequence[Manifest], new: Replicas | None) -> bool:
    """Whether a pod of an old ReplicaSet still runs, be it only to its end."""
    others = (rs for rs in owned if new is None or meta.name_of(rs) != new.name)
    return any(not look(pod).ended for rs in others for pod in cluster.owned(rs, names.POD))


def decide(found: Rollout) -> Plan:
    report = progress.report(found.manifest, found.spec, found.all, found.new, found.now)
    if meta.deleting(found.manifest):
        return Plan(status=report.status)
    if found.orphans or found.strays:  # what they change is decided when they have come or gone
        kept = (kin.adopt(found.manifest, rs) for rs in found.orphans)
        freed = kin.release(found.manifest, found.strays)
        return Plan(status=report.status, actions=(*kept, *freed))
    if found.spec.paused:
        actions = list(_scale(found))
    elif found.new is None:
        actions = list(_start(found))
    else:
        actions = [*_renumber(found, found.new), *_move(found, found.new)]
    return Plan(
        status=report.status,
        actions=(*actions, *_clean(found)),
        again_in=report.again_in,
    )


def _start(found: Rollout) -> Iterator[Action]:
    """The ReplicaSet of a template that was not seen before."""
    number = revisions.following(rs.revision for rs in found.old)
    bounds = found.spec.limits
    room = bounds.most - sum(rs.asked for rs in found.old)
    waits = found.spec.recreates and any(rs.asked for rs in found.old)
    size = 0 if waits or found.old_pods else max(0, min(bounds.replicas, room))
    manifest = build(found.manifest, found.spec, number, size, {rs.name for rs in found.old})
    yield Apply(manifest)
    told = f"Scaled up replica set {meta.name_of(manifest)} from 0 to {size}"
    yield Emit("Normal", "ScalingReplicaSet", told)
    yield from _say_revision(found, number)


def _renumber(found: Rollout, new: Replicas) -> Iterator[Action]:
    """A template that came back is the latest revision again; other notes follow the owner's."""
    number = max(new.revision, revisions.following(rs.revision for rs in found.old))
    notes = revisions.inherited(meta.annotations_of(found.manifest))
    if new.revision < number:
        notes |= revisions.renumbered(new.annotations, number)
    patch: dict[str, Any] = {}
    if not notes.items() <= new.annotations.items():
        patch["metadata"] = {"annotations": notes}
    if new.minReadySeconds != found.spec.minReadySeconds:
        patch["spec"] = {"minReadySeconds": found.spec.minReadySeconds}
    if patch:
        yield _patch(found, new, patch)
    yield from _say_revision(found, number)


def _say_revision(found: Rollout, number: int) -> Iterator[Action]:
    given = meta.annotations_of(found.manifest)
    if given.get(names.ANNOTATION_REVISION) != str(number):
        key = Key(names.DEPLOYMENT, meta.namespace_of(found.manifest), meta.name_of(found.manifest))
        yield Patch(key, {"metadata": {"annotations": {names.ANNOTATION_REVISION: str(number)}}})


def _move(found: Rollout, new: Replicas) -> Iterator[Action]:
    scale = list(_scale(found))
    if scale:
        yield from scale
        return
    old, bounds = [rs.member for rs in found.old], found.spec.limits
    if found.spec.recreates:
        old_pods = found.old_pods
        sizes = rollout.recreate(new.member, old, bounds.replicas, old_pods=old_pods)
    else:
        sizes = rollout.rolling(new.member, old, bounds)
    yield from _resize(found, sizes)


def _scale(found: Rollout) -> Iterator[Action]:
    """Take a new `spec.replicas` to the ReplicaSets that have pods; nothing if it is not new."""
    active = [rs for rs in found.all if rs.asked]
    marked = [rs for rs in active if rs.desired not in (None, found.spec.replicas)]
    wakes = found.spec.paused and not active
    if not marked and not wakes:
        return
    newest_first = sorted(found.all, key=lambda rs: (rs.created, rs.name), reverse=True)
    members = [rs.member for rs in newest_first]
    before = max((rs.maximum for rs in marked), default=0)
    sizes = rollout.scaled(members, before, found.spec.limits)
    for rs in marked:  # the note is what ends this step, also where the size stays
        sizes.setdefault(rs.name, rs.asked)
    yield from _resize(found, sizes)


def _resize(found: Rollout, sizes: rollout.Sizes) -> Iterator[Action]:
    for rs in found.all:
        size = sizes.get(rs.name)
        if size is None:
            continue
        notes = revisions.size_notes(found.spec.replicas, found.spec.limits.most)
        yield _patch(found, rs, {"spec": {"replicas": size}, "metadata": {"annotations": notes}})
        if size != rs.asked:
            way = "up" if size > rs.asked else "down"
            told = f"Scaled {way} replica set {rs.name} from {rs.asked} to {size}"
            yield Emit("Normal", "ScalingReplicaSet", told)


def _patch(found: Rollout, rs: Replicas, patch: dict[str, Any]) -> Patch:
    patch = {**patch, "metadata": {**patch.get("metadata", {}), "uid": rs.uid}}
    return Patch(Key(names.REPLICA_SET, meta.namespace_of(found.manifest), rs.name), patch)


def _clean(found: Rollout) -> Iterator[Action]:
    """Forget old revisions that nobody can still see at work."""
    if found.new is None:
        return
    idle = [rs for rs in found.old if rs.asked == 0 and rs.replicas == 0]
    surplus = max(0, len(found.old) - found.spec.revisionHistoryLimit)
    for rs in sorted(idle, key=lambda rs: rs.revision)[:surplus]:
        key = Key(names.REPLICA_SET, meta.namespace_of(found.manifest), rs.name)
        yield Delete(key, rs.uid)


DEPLOYMENT = Controller(name="deployment", of=names.DEPLOYMENT, see=see, decide=decide)
