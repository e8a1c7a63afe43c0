"""Which pods belong to whom: those that match no longer are let go, those of nobody taken in.

An owner looks only at what is already its own. The other way round, a pod that nobody controls is
asked about by itself (`ADOPTION`), for else each owner would have to look at every pod of its
namespace whenever one changes. Upstream: kubernetes pkg/controller/controller_ref_manager.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from sampan.kube import labels, meta, names
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.plan import Action, Controller, Patch, Plan, View

_TAKERS = (
    names.REPLICATION_CONTROLLER,
    names.REPLICA_SET,
    names.STATEFUL_SET,
    names.DAEMON_SET,
    names.JOB,
)
_ENDED = ("Succeeded", "Failed")


def sort_out(
    cluster: View, owner: Manifest, selector: Mapping[str, Any], kind: str = names.POD
) -> tuple[list[Manifest], tuple[Manifest, ...]]:
    """What the owner controls and its selector means; and what it controls but no longer means."""
    own, strays = [], []
    for each in cluster.owned(owner, kind):
        if not meta.is_controlled_by(each, owner):
            continue
        if labels.matches(selector, labels.of(each)):
            own.append(each)
        elif not meta.deleting(each):
            strays.append(each)
    return own, tuple(strays)


def release(owner: Manifest, strays: Iterable[Manifest]) -> Iterator[Action]:
    uid = meta.uid_of(owner)
    for each in strays:
        left = [dict(ref) for ref in meta.owners(each) if ref.get("uid") != uid]
        yield Patch(key_of(each), {"metadata": {"uid": meta.uid_of(each), "ownerReferences": left}})


def adopt(owner: Manifest, each: Manifest) -> Patch:
    """What has no controller gets one."""
    about: dict[str, Any] = {
        "uid": meta.uid_of(each),
        "resourceVersion": each["metadata"].get("resourceVersion"),
        "ownerReferences": [*map(dict, meta.owners(each)), meta.controlled_by(owner)],
    }
    if owner["kind"] == "Job" and not meta.has_finalizer(each, names.FINALIZER_JOB):
        about["finalizers"] = [*meta.finalizers(each), names.FINALIZER_JOB]
    return Patch(key_of(each), {"metadata": about})


def selector_of(owner: Manifest) -> Mapping[str, Any] | None:
    """The LabelSelector; a ReplicationController has only the labels."""
    found = owner["spec"].get("selector")
    if owner["kind"] == "ReplicationController":
        return {"matchLabels": found} if found else None
    return found or None


class Orphan(Struct, frozen=True):
    """A pod of nobody, and who would have it."""

    pod: Manifest
    taker: Manifest


def is_orphan(pod: Manifest) -> bool:
    return (
        bool(labels.of(pod))
        and meta.controller_of(pod) is None
        and not meta.deleting(pod)
        and (pod.get("status") or {}).get("phase") not in _ENDED
    )


def see(cluster: View, key: Key) -> Orphan | None:
    pod = cluster.get(key)
    if pod is None or not is_orphan(pod):
        return None
    for kind in _TAKERS:
        for owner in cluster.select(kind, key.namespace):
            if not meta.deleting(owner) and takes(owner, pod):
                return Orphan(pod, owner)
    return None


def takes(owner: Manifest, pod: Manifest) -> bool:
    """Whether the owner would have a pod of nobody."""
    if not labels.matches(selector_of(owner), labels.of(pod)):
        return False
    if owner["kind"] != "StatefulSet":
        return True
    base, _, ordinal = meta.name_of(pod).rpartition("-")
    return base == meta.name_of(owner) and ordinal.isdecimal()


def decide(found: Orphan) -> Plan:
    return Plan(actions=(adopt(found.taker, found.pod),))


ADOPTION = Controller(name="adoption", of=names.POD, see=see, decide=decide, concerns=is_orphan)
