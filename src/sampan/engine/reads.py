"""Recorded reads: a View that notes what was looked at, and the index of who looked.

`Reading` is the View that one question (one call of `see`) reads through. It notes a footprint for
each read. `Askers` keeps, for each footprint, the jobs that left it, so that a change finds the
jobs to ask again by look-ups alone: by key, by (owner's uid, kind), by uid, by namespace, and for
selectors by (kind, namespace, one label pair that the selector demands). A selector is tested
against the labels before and after the change, so an object that leaves it is noticed too.
Nothing here decides when a job runs; that is `queue.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from msgspec import Struct

from sampan.engine.cluster import Change, Cluster, NotMirrored
from sampan.kube import labels, meta
from sampan.kube.keys import Key, Manifest

EVERY_KIND = "*"


class Job(Struct, frozen=True):
    """One controller's question about one object."""

    controller: str
    key: Key


class Selection(Struct, frozen=True):
    """The footprint of a `select`. `text` is the selector as canonical JSON."""

    kind: str
    namespace: str
    text: str


Footprint = Hashable


class Reading:
    """The View of one question. Raises NotMirrored for a kind that is not followed yet."""

    __slots__ = ("_absent", "_cluster", "_followed", "_now", "footprints", "selectors")

    def __init__(
        self, cluster: Cluster, followed: Collection[str], absent: Collection[str], now: datetime
    ) -> None:
        self._cluster = cluster
        self._followed = followed
        self._absent = absent
        self._now = now
        self.footprints: set[Footprint] = set()
        self.selectors: dict[Selection, Mapping[str, Any]] = {}

    def get(self, key: Key) -> Manifest | None:
        self.footprints.add(key)
        return self._cluster.get(key) if self._readable(key.kind) else None

    def owned(self, owner: Manifest, kind: str) -> Sequence[Manifest]:
        uid = owner["metadata"]["uid"]
        self.footprints.add((uid, kind))
        if not self._readable(kind):
            return ()
        return self._cluster.owned(uid, kind, meta.namespace_of(owner))

    def select(
        self, kind: str, namespace: str = "", labels: Mapping[str, Any] | None = None
    ) -> Sequence[Manifest]:
        text = orjson.dumps(labels or {}, option=orjson.OPT_SORT_KEYS).decode()
        footprint = Selection(kind, namespace, text)
        self.footprints.add(footprint)
        self.selectors[footprint] = labels or {}
        if not self._readable(kind):
            return ()
        found = self._cluster.list(kind, namespace)
        return found if not labels else _selected(found, labels)

    def dependents(self, uid: str) -> Sequence[Manifest]:
        self.footprints.add(("uid", uid))
        return self._cluster.dependents(uid) if self._readable(EVERY_KIND) else ()

    def contents(self, namespace: str) -> Sequence[Manifest]:
        self.footprints.add(("namespace", namespace))
        return self._cluster.contents(namespace) if self._readable(EVERY_KIND) else ()

    def now(self) -> datetime:
        return self._now

    def _readable(self, kind: str) -> bool:
        if kind in self._followed:
            return True
        if kind in self._absent:
            return False
        raise NotMirrored(kind)


def _selected(found: Iterable[Manifest], selector: Mapping[str, Any]) -> Sequence[Manifest]:
    return tuple(each for each in found if labels.matches(selector, labels.of(each)))


class Facts(Struct, frozen=True):
    """What the index remembers of an object: what a change may have taken away from it."""

    labels: Mapping[str, str] = {}
    owners: tuple[str, ...] = ()


NO_FACTS = Facts()


class Askers:
    """Who has to be asked again after a change."""

    def __init__(self) -> None:
        self._exact: dict[Footprint, set[Job]] = {}
        self._selecting: dict[Hashable, dict[Selection, tuple[Mapping[str, Any], set[Job]]]] = {}
        self._by_job: dict[Job, Reading] = {}
        self._facts: dict[Key, Facts] = {}

    def note(self, job: Job, reading: Reading) -> None:
        """Replace what the job is known to have read."""
        before = self._by_job.get(job)
        old = before.footprints if before else set()
        for footprint in reading.footprints - old:
            self._add(job, footprint, reading)
        if before is not None:
            for footprint in old - reading.footprints:
                self._remove(job, footprint, before)
        self._by_job[job] = reading

    def forget(self, job: Job) -> None:
        reading = self._by_job.pop(job, None)
        if reading is not None:
            for footprint in reading.footprints:
                self._remove(job, footprint, reading)

    def concerned(self, change: Change) -> set[Job]:
        """The jobs that read something which this change touches."""
        key = change.key
        old = self._facts.get(key, NO_FACTS)
        new = self._remember(change)
        jobs: set[Job] = set()
        jobs.update(self._exact.get(key, ()))
        for uid in {*old.owners, *new.owners}:
            jobs.update(self._exact.get((uid, key.kind), ()), self._exact.get(("uid", uid), ()))
        if key.namespace:
            jobs.update(self._exact.get(("namespace", key.namespace), ()))
        if self._selecting:
            jobs.update(self._selecting_jobs(key, old.labels, new.labels))
        return jobs

    def _remember(self, change: Change) -> Facts:
        facts = Facts(labels.of(change.manifest), meta.owner_uids(change.manifest))
        if change.type == "DELETED" or facts == NO_FACTS:
            self._facts.pop(change.key, None)
        else:
            self._facts[change.key] = facts
        return facts

    def _selecting_jobs(
        self, key: Key, old: Mapping[str, str], new: Mapping[str, str]
    ) -> Iterator[Job]:
        pairs: set[tuple[str, str] | None] = {None, *old.items(), *new.items()}
        for namespace in {"", key.namespace}:
            for pair in pairs:
                asked = self._selecting.get((key.kind, namespace, pair))
                for selector, jobs in asked.values() if asked else ():
                    if labels.matches(selector, new) or labels.matches(selector, old):
                        yield from jobs

    def _add(self, job: Job, footprint: Footprint, reading: Reading) -> None:
        if not isinstance(footprint, Selection):
            self._exact.setdefault(footprint, set()).add(job)
            return
        selector = reading.selectors[footprint]
        bucket = self._selecting.setdefault(_bucket(footprint, selector), {})
        bucket.setdefault(footprint, (selector, set()))[1].add(job)

    def _remove(self, job: Job, footprint: Footprint, reading: Reading) -> None:
        if not isinstance(footprint, Selection):
            _discard(self._exact, footprint, job, lambda jobs: jobs)
            return
        place = _bucket(footprint, reading.selectors[footprint])
        bucket = self._selecting[place]
        _discard(bucket, footprint, job, lambda entry: entry[1])
        if not bucket:
            del self._selecting[place]


def _bucket(selection: Selection, selector: Mapping[str, Any]) -> Hashable:
    pair = min(labels.equalities(selector).items(), default=None)
    return (selection.kind, selection.namespace, pair)


def _discard(
    entries: dict[Any, Any], footprint: Footprint, job: Job, jobs: Callable[[Any], set[Job]]
) -> None:
    entry = entries.get(footprint)
    if entry is None:
        return
    jobs(entry).discard(job)
    if not jobs(entry):
        del entries[footprint]
