"""Which locks are wanted, by whom: read from `synchronization`, and noted with the workflow.

A lock's name is upstream's: `<namespace>/Mutex/<name>`, `<namespace>/ConfigMap/<name>/<key>`, or
`<namespace>/Database/<name>`. A holder is the id of a node, or "" for the workflow; its key is
`<namespace>/<workflow>[/<node>]`.
Upstream: argo-workflows workflow/sync/lock_name.go, syncitems.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from sampan.kube import meta, names
from sampan.kube.keys import Manifest

MUTEX, SEMAPHORE = "mutex", "semaphore"


class Mistake(ValueError):
    """Locks are asked for that cannot be; the text says why."""


class Lock(Struct, frozen=True, order=True):
    """kind: `mutex` or `semaphore`, as the status has them apart."""

    kind: str
    name: str


Wants = Mapping[str, Sequence[Lock]]
"""By holder, in the order in which they are asked for."""


class _Note(Struct):
    """The annotation. uid: whose; a copy of the workflow has not asked for anything."""

    uid: str
    locks: dict[str, list[Lock]]


class _Held(Struct):
    """How the status shows a mutex."""

    mutex: str
    holder: str = ""


class _Shared(Struct):
    """How the status shows a semaphore."""

    semaphore: str
    holders: list[str] | None = None


class _Mutexes(Struct):
    holding: list[_Held] | None = None
    waiting: list[_Held] | None = None


class _Semaphores(Struct):
    holding: list[_Shared] | None = None
    waiting: list[_Shared] | None = None


class _Status(Struct):
    mutex: _Mutexes | None = None
    semaphore: _Semaphores | None = None


def asked(synchronization: Mapping[str, Any], namespace: str) -> tuple[Lock, ...]:
    """The locks of a `synchronization` whose tags are filled. Raises Mistake."""
    found = tuple(_asked(synchronization, namespace))
    if len(set(found)) < len(found):
        raise Mistake("requested configuration is invalid: duplicate synchronization item found")
    for lock in found:
        if not _is_whole(lock):
            raise Mistake(f"requested configuration is invalid: {lock.name} is no name of a lock")
    return found


def _asked(body: Mapping[str, Any], namespace: str) -> Iterator[Lock]:
    for each in body.get("semaphores") or ():
        yield Lock(SEMAPHORE, _semaphore(each, each.get("namespace") or namespace))
    for each in body.get("mutexes") or ():
        kind = "Database" if each.get("database") else "Mutex"
        own = each.get("namespace") or namespace
        yield Lock(MUTEX, f"{own}/{kind}/{each.get('name') or ''}")


def _semaphore(body: Mapping[str, Any], namespace: str) -> str:
    place, record = body.get("configMapKeyRef"), body.get("database")
    if place and record:
        why = "invalid semaphore with both ConfigMapKeyRef and Database"
        raise Mistake(f"requested configuration is invalid: {why}")
    if place:
        return f"{namespace}/ConfigMap/{place.get('name') or ''}/{place.get('key') or ''}"
    if record:
        return f"{namespace}/Database/{record.get('key') or ''}"
    why = "cannot get LockName for a Semaphore without a ConfigMapRef or Database"
    raise Mistake(f"requested configuration is invalid: {why}")


def read(manifest: Manifest) -> dict[str, Sequence[Lock]]:
    """What the workflow noted."""
    text = meta.annotations_of(manifest).get(names.ANNOTATION_LOCKS)
    if not text:
        return {}
    try:
        note = msgspec.json.decode(text, type=_Note)
    except msgspec.DecodeError:
        return {}  # somebody else wrote it
    if note.uid != meta.uid_of(manifest):
        return {}
    return {key: locks for key, locks in note.locks.items() if all(map(_is_whole, locks))}


def _is_whole(lock: Lock) -> bool:
    """Whether each part of the name is there. Names of mutexes may have slashes."""
    parts = lock.name.split("/")
    kinds = {MUTEX: ("Mutex", "Database"), SEMAPHORE: ("ConfigMap", "Database")}
    if len(parts) < 3 or parts[1] not in kinds.get(lock.kind, ()):
        return False
    return bool(parts[0] and "/".join(parts[2:])) and (parts[1] != "ConfigMap" or len(parts) == 4)


def status_of(status: Mapping[str, Any]) -> Mapping[str, Any]:
    """`synchronization` of a workflow's status; nothing where it is not as it should be, for
    whoever may change a workflow may write it."""
    found = status.get("synchronization")
    try:
        msgspec.convert(found, _Status | None)
    except msgspec.ValidationError:
        return {}
    return found or {}


def all_of(manifest: Manifest) -> set[Lock]:
    """Every lock that the workflow noted."""
    return {lock for locks in read(manifest).values() for lock in locks}


def noted(manifest: Manifest, wants: Wants) -> dict[str, Any]:
    """What `metadata` has to say of these wants, as a merge patch; {} when it says so already."""
    if dict(wants) == read(manifest):
        return {}
    note = _Note(meta.uid_of(manifest), {key: list(locks) for key, locks in wants.items()})
    text = msgspec.json.encode(note).decode() if wants else None
    return {
        "annotations": {names.ANNOTATION_LOCKS: text},
        "labels": {names.LABEL_LOCKS: "true" if wants else None},
    }


def holder_key(namespace: str, workflow: str, holder: str) -> str:
    return "/".join(part for part in (namespace, workflow, holder) if part)


def held(status: Mapping[str, Any], key: str) -> set[Lock]:
    """The locks that a holder has, by `status.synchronization`."""
    return {lock for lock, holder in holdings(status) if holder == key}


def holdings(status: Mapping[str, Any]) -> Iterator[tuple[Lock, str]]:
    """All locks and holders of a `status.synchronization`."""
    for each in (status.get(SEMAPHORE) or {}).get("holding") or ():
        for holder in each.get("holders") or ():
            yield Lock(SEMAPHORE, each["semaphore"]), holder
    for each in (status.get(MUTEX) or {}).get("holding") or ():
        yield Lock(MUTEX, each["mutex"]), each.get("holder") or ""
