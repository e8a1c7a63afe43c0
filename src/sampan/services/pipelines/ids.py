"""Ids: which object is meant by an id of the API, and which has a name.

An index over the cluster, kept by its changes: of each object little more than its key. It answers
for everybody; who may read an object is asked when it is read, with the caller's own token.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from sampan.engine.cluster import Change, Cluster
from sampan.kube import meta, names, runs, times
from sampan.kube.keys import Key, Manifest, key_of
from sampan.services.pipelines.naming import display_name_of, name_of

KINDS = (
    names.EXPERIMENT, names.PIPELINE, names.PIPELINE_VERSION, names.RUN, names.SCHEDULED_WORKFLOW,
    names.WORKFLOW,
)  # fmt: skip
"""Of Workflows those that are runs of the API's first version."""


class Entry(Struct, frozen=True):
    """`name` is unique in a namespace, of a version in its pipeline, whose name is `parent`."""

    id: str
    uid: str
    key: Key
    name: str
    parent: str
    created: datetime


class Ids:
    """Call `follow` before the first question; again is nothing."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._entries: dict[str, dict[str, Entry]] = {kind: {} for kind in KINDS}
        self._others: dict[tuple[str, str], dict[str, Entry]] = {}
        self._of_uid: dict[str, str] = {}
        self._names: dict[tuple[str, str, str, str], str] = {}
        self._followed: set[str] = set()

    async def follow(self) -> None:
        for kind in KINDS:
            if kind not in self._followed and self._cluster.has_kind(kind):
                self._followed.add(kind)
                await self._cluster.mirror(kind)
                self._cluster.subscribe(kind, self._tell)

    def key(self, kind: str, id: str) -> Key | None:
        entry = self._entries[kind].get(id)
        return entry.key if entry else None

    def keys(self, kind: str, id: str) -> Sequence[Key]:
        """Of all that say that this is their id, the oldest first: that of a run is a label, which
        anybody may write on what is theirs."""
        entry = self._entries[kind].get(id)
        found = [entry, *self._others.get((kind, id), {}).values()] if entry else []
        return [each.key for each in sorted(found, key=lambda each: each.created)]

    def name(self, kind: str, namespace: str, id: str) -> str:
        """What users call it; "" if the namespace has none."""
        found = self._entries[kind].get(id)
        return found.name if found and found.key.namespace == namespace else ""

    def named(self, kind: str, namespace: str, name: str, *, parent: str = "") -> Entry | None:
        id = self._names.get((kind, namespace, parent, name))
        return self._entries[kind].get(id) if id else None

    def at(self, kind: str, namespace: str, name: str) -> str:
        """The id of the object with this name of its own, "" when there is none."""
        key = Key(kind, namespace, name)
        return next((id for id, entry in self._entries[kind].items() if entry.key == key), "")

    def within(self, kind: str, namespace: str, parent: str = "") -> Sequence[Entry]:
        """All of a namespace, or of one parent in it; the oldest first."""
        found = (e for e in self._entries[kind].values() if e.key.namespace == namespace)
        return sorted(
            (each for each in found if not parent or each.parent == parent),
            key=lambda each: (each.created, each.id),
        )

    def learn(self, manifest: Manifest) -> None:
        """What was just written, which the cluster may tell us of later."""
        key, uid = key_of(manifest), meta.uid_of(manifest)
        entry = _entry(key, manifest)
        if self._of_uid.get(uid) not in (None, entry and entry.id):
            self._forget(key.kind, uid)
        if entry is None:
            return
        held = self._entries[key.kind].setdefault(entry.id, entry)
        if held.key == entry.key:
            self._entries[key.kind][entry.id] = entry
        else:
            self._others.setdefault((key.kind, entry.id), {})[uid] = entry
        self._of_uid[uid] = entry.id
        self._names[_place(entry)] = entry.id

    def _tell(self, change: Change) -> None:
        if change.type == "DELETED":
            self._forget(change.key.kind, meta.uid_of(change.manifest))
        else:
            self.learn(change.manifest)

    def _forget(self, kind: str, uid: str) -> None:
        id = self._of_uid.pop(uid, "")
        entry, others = self._entries[kind].get(id), self._others.get((kind, id), {})
        if entry is None:
            return
        if entry.uid != uid:
            others.pop(uid, None)
        elif others:
            self._entries[kind][id] = others.pop(next(iter(others)))
        else:
            del self._entries[kind][id]
        if not others:
            self._others.pop((kind, id), None)
        if self._names.get(_place(entry)) == id:
            del self._names[_place(entry)]


def _entry(key: Key, manifest: Manifest) -> Entry | None:
    labels = manifest["metadata"].get("labels") or {}
    id = uid = meta.uid_of(manifest)
    if key.kind in (names.RUN, names.WORKFLOW):
        id = labels.get(names.LABEL_RUN_ID) or (uid if key.kind == names.RUN else "")
    if not id:
        return None
    named_by_display = key.kind in (names.EXPERIMENT, names.RUN, names.SCHEDULED_WORKFLOW)
    name = display_name_of(manifest) if named_by_display else name_of(manifest)
    parent = ""
    if key.kind == names.PIPELINE_VERSION:
        parent = str((manifest.get("spec") or {}).get("pipelineName") or "")
    return Entry(id, uid, key, name, parent, _made(key.kind, manifest))


def _made(kind: str, manifest: Manifest) -> datetime:
    """Of runs the cluster's word alone: it decides whose an id is."""
    if kind in (names.RUN, names.WORKFLOW):
        return times.parse(manifest["metadata"]["creationTimestamp"])
    return runs.made_at(manifest)


def _place(entry: Entry) -> tuple[str, str, str, str]:
    return (entry.key.kind, entry.key.namespace, entry.parent, entry.name)
