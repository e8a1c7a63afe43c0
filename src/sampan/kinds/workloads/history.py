"""ControllerRevisions: the templates that a StatefulSet has had, for updates and `rollout undo`.

Upstream: kubernetes pkg/controller/history.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sampan.kinds.workloads.statefulsets import Members, Revision, Spec
from sampan.kube import meta, names, templates
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Action, Apply, Delete, Patch


def look(manifest: Manifest) -> Revision:
    template = ((manifest.get("data") or {}).get("spec") or {}).get("template") or {}
    return Revision(
        name=meta.name_of(manifest),
        uid=meta.uid_of(manifest),
        number=manifest.get("revision") or 0,
        template={key: value for key, value in template.items() if key != "$patch"},
    )


def of(spec: Spec, known: Sequence[Revision]) -> Revision | None:
    """The revision of the present template; the latest, should two be equal."""
    same = [revision for revision in known if revision.template == spec.template]
    return max(same, key=lambda revision: revision.number, default=None)


def following(members: Members) -> Revision:
    """The revision that a new template gets."""
    number = max((revision.number for revision in members.revisions), default=0) + 1
    digest = templates.digest(members.spec.template)
    name = f"{meta.name_of(members.manifest)}-{digest}"
    return Revision(name=name, uid="", number=number, template=members.spec.template)


def keep(members: Members) -> Iterator[Action]:
    """Record the present template as the latest, and forget the oldest that nobody uses."""
    latest = max((revision.number for revision in members.revisions), default=0)
    if members.update is None:
        yield Apply(_record(members.manifest, members.spec, following(members)))
    elif members.update.number < latest:
        yield Patch(_key(members, members.update), {"revision": latest + 1})
    for revision in _unused(members):
        yield Delete(_key(members, revision), revision.uid)


def _unused(members: Members) -> list[Revision]:
    live = {members.status.currentRevision}
    if members.update:
        live.add(members.update.name)
    for replica in (*members.replicas, *members.condemned):
        if replica.pod:
            live.add(replica.pod.labels.get(names.LABEL_CONTROLLER_REVISION_HASH) or "")
    free = [revision for revision in members.revisions if revision.name not in live]
    surplus = len(free) - members.spec.revisionHistoryLimit
    return sorted(free, key=lambda revision: revision.number)[: max(0, surplus)]


def _key(members: Members, revision: Revision) -> Key:
    return Key(names.CONTROLLER_REVISION, meta.namespace_of(members.manifest), revision.name)


def _record(owner: Manifest, spec: Spec, revision: Revision) -> Manifest:
    given = (spec.template.get("metadata") or {}).get("labels") or {}
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": revision.name,
            "namespace": meta.namespace_of(owner),
            "labels": {**given, names.LABEL_REVISION_DIGEST: revision.name.rpartition("-")[2]},
            "ownerReferences": [meta.controlled_by(owner)],
        },
        "data": {"spec": {"template": {**spec.template, "$patch": "replace"}}},
        "revision": revision.number,
    }
