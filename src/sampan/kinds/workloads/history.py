"""ControllerRevisions: the templates that an object has had, for updates and `rollout undo`.

A StatefulSet's pods name the revision, a DaemonSet's only its digest; else the two are alike. Two
revisions of the same template may exist, for anybody can write one: the later one counts.
Upstream: kubernetes pkg/controller/history, pkg/controller/daemon/update.go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sampan.kinds.workloads import revisions
from sampan.kube import meta, names, templates
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Action, Apply, Delete, Patch, View


class Revision(Struct, frozen=True, kw_only=True):
    """A ControllerRevision: one template that its owner has had."""

    name: str
    uid: str
    number: int
    template: Mapping[str, Any]
    digest: str = ""


class History(Struct, frozen=True, kw_only=True):
    """What was recorded. `update` is the revision of the present template, None until there is one;
    `label` names the label that has a revision's digest; `taken` are names of others' revisions."""

    owner: Manifest
    template: Mapping[str, Any]
    label: str
    revisions: tuple[Revision, ...] = ()
    taken: frozenset[str] = frozenset()

    @property
    def update(self) -> Revision | None:
        """The latest, should two be equal."""
        same = [each for each in self.revisions if each.template == self.template]
        return max(same, key=lambda each: each.number, default=None)

    @property
    def following(self) -> Revision:
        """The revision that a new template gets."""
        number = max((each.number for each in self.revisions), default=0) + 1
        salt = 0
        while True:
            digest = templates.digest(self.template, *([salt] if salt else []))
            name = f"{meta.name_of(self.owner)}-{digest}"
            if name not in self.taken:
                break
            salt += 1
        return Revision(name=name, uid="", number=number, template=self.template, digest=digest)

    @property
    def latest(self) -> Revision:
        return self.update or self.following


def read(cluster: View, owner: Manifest, label: str) -> History:
    found = cluster.owned(owner, names.CONTROLLER_REVISION)
    own = [each for each in found if meta.is_controlled_by(each, owner) and not meta.deleting(each)]
    history = History(
        owner=owner,
        template=owner["spec"].get("template") or {},
        label=label,
        revisions=tuple(_look(each, label) for each in own),
    )
    if history.update is not None:
        return history
    name = history.following.name
    other = cluster.get(Key(names.CONTROLLER_REVISION, meta.namespace_of(owner), name))
    return replace(history, taken=frozenset([name])) if other is not None else history


def _look(manifest: Manifest, label: str) -> Revision:
    template = ((manifest.get("data") or {}).get("spec") or {}).get("template") or {}
    name, labels = meta.name_of(manifest), manifest["metadata"].get("labels") or {}
    return Revision(
        name=name,
        uid=meta.uid_of(manifest),
        number=manifest.get("revision") or 0,
        template={key: value for key, value in template.items() if key != "$patch"},
        digest=labels.get(label) or name.rpartition("-")[2],
    )


def keep(history: History, *, limit: int, live: Collection[str]) -> Iterator[Action]:
    """Record the present template as the latest, and forget the oldest beyond `limit` that nobody
    uses; `live` are names that somebody does."""
    update = history.update
    latest = max((each.number for each in history.revisions), default=0)
    if update is None:
        yield Apply(_record(history, history.following))
    elif update.number < latest:
        yield Patch(_key(history, update), {"revision": latest + 1})
    used = {*live, update.name if update else ""}
    free = [each for each in history.revisions if each.name not in used]
    for each in sorted(free, key=lambda each: each.number)[: max(0, len(free) - limit)]:
        yield Delete(_key(history, each), each.uid)


def _key(history: History, revision: Revision) -> Key:
    return Key(names.CONTROLLER_REVISION, meta.namespace_of(history.owner), revision.name)


def _record(history: History, revision: Revision) -> Manifest:
    owner = history.owner
    given = (history.template.get("metadata") or {}).get("labels") or {}
    about: dict[str, Any] = {
        "name": revision.name,
        "namespace": meta.namespace_of(owner),
        "labels": {**given, history.label: revision.digest},
        "ownerReferences": [meta.controlled_by(owner)],
    }
    if notes := revisions.inherited(meta.annotations_of(owner)):
        about["annotations"] = notes
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": about,
        "data": {"spec": {"template": {**history.template, "$patch": "replace"}}},
        "revision": revision.number,
    }
