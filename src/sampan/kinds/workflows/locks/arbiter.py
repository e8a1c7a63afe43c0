"""The arbiter: who of all that ask holds a lock, and who waits.

Requests stand in one queue, by priority, then by age of the workflow; a request may only be
granted while nothing of another workflow waits before it for one of its locks. A holder keeps its
lock until it asks for it no more, whatever becomes of the limit. The question is asked about the
namespace `kube-system`, which every cluster has: one object, so one answer at a time.
Upstream: argo-workflows workflow/sync/sync_manager.go, semaphore.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from sampan.kinds.workflows.locks import limits, requests
from sampan.kinds.workflows.locks.limits import Limits
from sampan.kinds.workflows.locks.requests import MUTEX, SEMAPHORE, Lock
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.plan import NOTHING, Controller, Patch, Plan, View

PLACE = "kube-system"
_ASKERS = {
    "matchExpressions": [
        {"key": names.LABEL_LOCKS, "operator": "Exists"},
        {"key": names.LABEL_WORKFLOW_COMPLETED, "operator": "NotIn", "values": ["true"]},
    ]
}


class Asker(Struct, frozen=True, kw_only=True):
    """A workflow that wants or holds locks. status: its `status.synchronization`."""

    key: Key
    uid: str
    priority: int
    created: str
    wants: Mapping[str, Sequence[Lock]]
    status: Mapping[str, Any]


class Ledger(Struct, frozen=True, kw_only=True):
    askers: tuple[Asker, ...]
    limits: Limits


class _Request(Struct, frozen=True):
    asker: Asker
    holder: str
    locks: Sequence[Lock]


def see(cluster: View, key: Key) -> Ledger | None:
    if key.name != PLACE:
        return None
    found = cluster.select(names.WORKFLOW, "", _ASKERS)
    askers = tuple(_asker(each) for each in found if not meta.deleting(each))
    wanted = (lock for asker in askers for locks in asker.wants.values() for lock in locks)
    return Ledger(askers=askers, limits=limits.see(cluster, wanted))


def _asker(manifest: Manifest) -> Asker:
    spec, status = manifest["spec"], manifest.get("status") or {}
    priority = (status.get("storedWorkflowTemplateSpec") or spec).get("priority")
    return Asker(
        key=key_of(manifest),
        uid=meta.uid_of(manifest),
        priority=priority if isinstance(priority, int) else 0,
        created=manifest["metadata"].get("creationTimestamp") or "",
        wants=requests.read(manifest),
        status=requests.status_of(status),
    )


def decide(ledger: Ledger) -> Plan:
    holders: dict[Lock, list[str]] = {}
    for asker in ledger.askers:
        for lock, holder in _kept(asker):
            holders.setdefault(lock, []).append(holder)
    waiting: dict[Key, list[_Request]] = {}
    front: dict[Lock, Key] = {}  # the workflow whose turn it is
    for request in _queue(ledger):
        own = request.asker.key
        if all(
            front.get(lock, own) == own and len(holders.get(lock, ())) < (ledger.limits[lock] or 0)
            for lock in request.locks
        ):
            for lock in request.locks:
                holders.setdefault(lock, []).append(request.holder)
            continue
        waiting.setdefault(own, []).append(request)
        for lock in request.locks:
            front.setdefault(lock, own)
    patches = (_told(asker, holders, waiting.get(asker.key, ())) for asker in ledger.askers)
    actions = tuple(patch for patch in patches if patch is not None)
    return Plan(actions=actions) if actions else NOTHING


def _kept(asker: Asker) -> Iterator[tuple[Lock, str]]:
    """What the workflow holds and has not given back."""
    wanted = {_key(asker, holder): set(locks) for holder, locks in asker.wants.items()}
    for lock, holder in requests.holdings(asker.status):
        if lock in wanted.get(holder, ()):
            yield lock, holder


def _key(asker: Asker, holder: str) -> str:
    return requests.holder_key(asker.key.namespace, asker.key.name, holder)


def _queue(ledger: Ledger) -> list[_Request]:
    """The requests that are not granted yet, in the order of their turn."""
    found = [
        _Request(asker, _key(asker, holder), locks)
        for asker in ledger.askers
        for holder, locks in asker.wants.items()
        if set(locks) - requests.held(asker.status, _key(asker, holder))
    ]
    return sorted(found, key=lambda each: (-each.asker.priority, each.asker.created))


def _told(
    asker: Asker, holders: Mapping[Lock, Sequence[str]], waiting: Sequence[_Request]
) -> Patch | None:
    """What the workflow's status has to say; None when it says so already."""
    said = {
        kind: {
            "holding": _holding(asker, kind, holders),
            "waiting": _waits(asker, kind, waiting, holders),
        }
        for kind in (MUTEX, SEMAPHORE)
    }
    new = {kind: {k: v for k, v in each.items() if v} for kind, each in said.items()}
    old = {kind: {k: v for k, v in (asker.status.get(kind) or {}).items() if v} for kind in new}
    if new == old:
        return None
    patch = {kind: {k: v or None for k, v in each.items()} for kind, each in said.items()}
    whole = {kind: each if any(each.values()) else None for kind, each in patch.items()}
    body = whole if any(whole.values()) else None
    about = {"metadata": {"uid": asker.uid}, "status": {"synchronization": body}}
    return Patch(asker.key, about)


def _holding(
    asker: Asker, kind: str, holders: Mapping[Lock, Sequence[str]]
) -> list[dict[str, Any]]:
    mine: dict[str, list[str]] = {}
    for holder, locks in asker.wants.items():
        key = _key(asker, holder)
        for lock in locks:
            if lock.kind == kind and key in holders.get(lock, ()):
                mine.setdefault(lock.name, []).append(key)
    if kind == SEMAPHORE:
        return [{SEMAPHORE: name, "holders": keys} for name, keys in mine.items()]
    return [{MUTEX: name, "holder": key} for name, keys in mine.items() for key in keys]


def _waits(
    asker: Asker, kind: str, waiting: Sequence[_Request], holders: Mapping[Lock, Sequence[str]]
) -> list[dict[str, Any]]:
    """The locks that are waited for, and who held them when the waiting began: this is not kept up
    to date, or each turn of a lock would wake all that wait for it."""
    known = {each[kind]: each for each in (asker.status.get(kind) or {}).get("waiting") or ()}
    found: dict[str, dict[str, Any]] = {}
    for lock in (lock for request in waiting for lock in request.locks if lock.kind == kind):
        before = list(holders.get(lock, ()))
        if lock.name in known:
            found[lock.name] = known[lock.name]
        elif kind == SEMAPHORE:
            found[lock.name] = {SEMAPHORE: lock.name, "holders": before}
        elif before:
            found[lock.name] = {MUTEX: lock.name, "holder": before[0]}
    return list(found.values())


ARBITER = Controller(
    name="workflow-locks",
    of=names.NAMESPACE,
    see=see,
    decide=decide,
    concerns=lambda manifest: meta.name_of(manifest) == PLACE,
)
