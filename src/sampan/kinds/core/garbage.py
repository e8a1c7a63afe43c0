"""Garbage: what to do with objects whose owners go, and with owners whose dependents stay.

Background: an object all of whose owners are absent is deleted; one that keeps an owner only loses
the references to those that went. Foreground: an owner that is being deleted with the finalizer
`foregroundDeletion` is held until no dependent blocks it, and its dependents are deleted as if it
were absent. Orphan: dependents lose their reference first.
An owner is looked for in the object's namespace and among the objects of the cluster, by uid: one
in another namespace is absent. One of a kind that the cluster does not serve is left alone.
What an owner says of itself does not matter here: a run of a thousand pods that is written wakes
none of them.
Upstream: kubernetes pkg/controller/garbagecollector.
"""

from __future__ import annotations

from collections.abc import Iterable

from sampan.kinds.core.types import Owned, Owner
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest, key_of, kind_of
from sampan.kube.plan import NOTHING, Action, Controller, Delete, Patch, Plan, View


def concerns(manifest: Manifest) -> bool:
    """Has owners, or is held for the sake of its dependents."""
    where = manifest["metadata"]
    return bool(where.get("ownerReferences")) or (
        meta.deleting(manifest) and bool(_cascading(manifest))
    )


def see(view: View, key: Key) -> Owned | None:
    manifest = view.get(key)
    if manifest is None or not concerns(manifest):
        return None
    if meta.deleting(manifest):
        wanted = bool(_cascading(manifest))
        return Owned(manifest, (), _dependents(view, manifest) if wanted else ())
    owners = tuple(_owner(view, manifest, reference) for reference in meta.owners(manifest))
    waiting = any(owner.state == "waiting" for owner in owners)
    return Owned(manifest, owners, _dependents(view, manifest) if waiting else ())


def decide(owned: Owned) -> Plan:
    manifest = owned.manifest
    if meta.deleting(manifest):
        return _let_go(owned)
    gone = {owner.uid for owner in owned.owners if owner.state in ("absent", "waiting")}
    if not gone:
        return NOTHING
    if any(owner.state in ("solid", "unknown") for owner in owned.owners):
        return Plan(actions=(_disown(manifest, gone),))
    if owned.dependents and any(owner.state == "waiting" for owner in owned.owners):
        return Plan(actions=_foreground(owned))
    return Plan(actions=(_delete(manifest, _policy(manifest)),))


def _let_go(owned: Owned) -> Plan:
    """Remove the finalizer that holds a dying owner, when its turn has come."""
    manifest = owned.manifest
    uid = meta.uid_of(manifest)
    key = key_of(manifest)
    if meta.has_finalizer(manifest, names.FINALIZER_ORPHAN):
        free = tuple(_disown(each, {uid}) for each in owned.dependents)
        last = Patch(key, meta.without_finalizer(manifest, names.FINALIZER_ORPHAN))
        return Plan(actions=(*free, last))
    if not meta.has_finalizer(manifest, names.FINALIZER_FOREGROUND):
        return NOTHING
    if any(_blocks(each, uid) for each in owned.dependents):
        return NOTHING
    return Plan(actions=(Patch(key, meta.without_finalizer(manifest, names.FINALIZER_FOREGROUND)),))


def _foreground(owned: Owned) -> tuple[Action, ...]:
    """Delete with its dependents first. When one of these waits for others too, there is a cycle,
    and this object must stop to block its owners."""
    last = _delete(owned.manifest, "Foreground")
    if not any(_waits(each) for each in owned.dependents):
        return (last,)
    references = [{**each, "blockOwnerDeletion": False} for each in meta.owners(owned.manifest)]
    return (_references(owned.manifest, references), last)


def _owner(view: View, manifest: Manifest, reference: meta.OwnerReference) -> Owner:
    kind = kind_of(reference.get("apiVersion", ""), reference.get("kind", ""))
    uid = str(reference.get("uid", ""))
    if not view.has_kind(kind):
        return Owner(uid, "unknown")
    for namespace in dict.fromkeys((meta.namespace_of(manifest), "")):
        live = view.standing(Key(kind, namespace, reference.get("name", "")))
        if live is not None and meta.uid_of(live) == uid:
            return Owner(uid, "waiting" if _waits(live) else "solid")
    return Owner(uid, "absent")


def _dependents(view: View, manifest: Manifest) -> tuple[Manifest, ...]:
    """Without itself, and without those of other namespaces, which only pretend."""
    uid, home = meta.uid_of(manifest), meta.namespace_of(manifest)
    return tuple(
        each
        for each in view.dependents(uid)
        if meta.uid_of(each) != uid and home in ("", meta.namespace_of(each))
    )


def _waits(manifest: Manifest) -> bool:
    return meta.deleting(manifest) and meta.has_finalizer(manifest, names.FINALIZER_FOREGROUND)


def _blocks(manifest: Manifest, uid: str) -> bool:
    return any(
        reference.get("uid") == uid and reference.get("blockOwnerDeletion")
        for reference in meta.owners(manifest)
    )


def _cascading(manifest: Manifest) -> set[str]:
    return {names.FINALIZER_FOREGROUND, names.FINALIZER_ORPHAN} & set(meta.finalizers(manifest))


def _policy(manifest: Manifest) -> str:
    """What the object's own finalizers ask for."""
    if meta.has_finalizer(manifest, names.FINALIZER_ORPHAN):
        return "Orphan"
    return (
        "Foreground" if meta.has_finalizer(manifest, names.FINALIZER_FOREGROUND) else "Background"
    )


def _delete(manifest: Manifest, propagation: str) -> Delete:
    return Delete(key_of(manifest), uid=meta.uid_of(manifest), propagation=propagation)


def _disown(manifest: Manifest, uids: Iterable[str]) -> Patch:
    gone = set(uids)
    return _references(manifest, [r for r in meta.owners(manifest) if r.get("uid") not in gone])


def _references(manifest: Manifest, references: list[meta.OwnerReference]) -> Patch:
    """Exact by resourceVersion: an owner that was added meanwhile must not be lost."""
    version = manifest["metadata"]["resourceVersion"]
    where = {"ownerReferences": references or None, "resourceVersion": version}
    return Patch(key_of(manifest), {"metadata": where})


GARBAGE = Controller(name="garbage", of="*", see=see, decide=decide, concerns=concerns)
