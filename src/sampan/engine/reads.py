"""Recorded reads: a View that notes what was looked at, and the index of who looked.

`Reading` is the View that one question (one call of `see`) reads through. It notes a footprint for
each read. `Askers` keeps, for each footprint, the jobs that left it, so that a change finds the
jobs to ask again by look-ups alone: by key (of who asks only whether it stands, when it comes or
goes), by (owner's uid, kind), by uid, by namespace, and for selectors by (kind, namespace, one
label pair that the selector demands). A selector is tested against the labels before and after the
change, so an object that leaves it is noticed too.
Nothing here decides when a job runs; that is `queue.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from msgspec import Struct

from sampan.engine.cluster import Change, Cluster, NotMirrored
from sampan.kube import labels, meta
from sampan.kube.keys import Key, Manifest
from sampan.kube.selectors import EVERYTHING, LabelSelector, from_selector

EVERY_KIND = "*"


class Job(Struct, frozen=True):
    """One controller's question about one object."""

    controller: str
    key: Key


class Selection(Struct, frozen=True):
    """The footprint of a `select`."""

    kind: str
    namespace: str
    selector: LabelSelector

    @property
    def bucket(self) -> Hashable:
        """Where the index keeps it: under one label pair that all it selects must have, if any. Of
        several the one with the longest value: a name says more than a `false`."""
        pairs = self.selector.pairs
        return (self.kind, self.namespace, max(pairs, key=lambda pair: len(pair[1]), default=None))


class Made(Struct, frozen=True):
    """What a function has made of objects, with what was given to it besides. By key: the version
    of the object, and the value."""

    given: Any
    by: dict[Key, tuple[int | str, Any]]


Footprint = Hashable
F = TypeVar("F", bound=Hashable)
G = TypeVar("G")
T = TypeVar("T")


class Reading:
    """The View of one question. Raises NotMirrored for a kind that is not followed yet."""

    __slots__ = (
        "_absent", "_cluster", "_followed", "_known", "_made", "_now", "footprints", "made",
        "questions",
    )  # fmt: skip

    def __init__(
        self,
        cluster: Cluster,
        followed: Collection[str],
        absent: Collection[str],
        now: datetime,
        known: Callable[[tuple[str, Hashable]], Any | None] = lambda _: None,
        made: Mapping[Hashable, Made] = {},
    ) -> None:
        """`known` is what sources have answered so far, `made` what the look before has left in
        its own."""
        self._cluster = cluster
        self._followed = followed
        self._absent = absent
        self._now = now
        self._known = known
        self._made = made
        self.made: dict[Hashable, Made] = {}
        self.footprints: set[Footprint] = set()
        self.questions: set[tuple[str, Hashable]] = set()

    def get(self, key: Key) -> Manifest | None:
        self.footprints.add(key)
        return self._cluster.get(key) if self._readable(key.kind) else None

    def standing(self, key: Key) -> Manifest | None:
        self.footprints.add(("standing", key))
        return self._cluster.get(key) if self._readable(key.kind) else None

    def owned(self, owner: Manifest, kind: str) -> Sequence[Manifest]:
        uid = owner["metadata"]["uid"]
        self.footprints.add((uid, kind))
        if not self._readable(kind):
            return ()
        return self._cluster.owned(uid, kind, meta.namespace_of(owner))

    def owned_as(
        self, owner: Manifest, kind: str, read: Callable[[Manifest, G], T], given: G
    ) -> Sequence[T]:
        uid = owner["metadata"]["uid"]
        self.footprints.add((uid, kind))
        if not self._readable(kind):
            return ()
        before = self._made.get((kind, read))
        known = before.by if before is not None and before.given == given else {}
        made = self.made[kind, read] = Made(given, {})
        for key, version in self._cluster.versions(uid, kind, meta.namespace_of(owner)):
            found = known.get(key)
            if found is None or found[0] != version:
                found = version, read(self._cluster.get(key) or {}, given)
            made.by[key] = found
        return [value for _, value in made.by.values()]

    def select(
        self, kind: str, namespace: str = "", labels: Mapping[str, Any] | None = None
    ) -> Sequence[Manifest]:
        selector = from_selector(labels) if labels else EVERYTHING
        self.footprints.add(Selection(kind, namespace, selector))
        if not self._readable(kind):
            return ()
        return self._cluster.list(kind, namespace, selector)

    def dependents(self, uid: str) -> Sequence[Manifest]:
        self.footprints.add(("uid", uid))
        return self._cluster.dependents(uid) if self._readable(EVERY_KIND) else ()

    def contents(self, namespace: str) -> Sequence[Manifest]:
        self.footprints.add(("namespace", namespace))
        return self._cluster.contents(namespace) if self._readable(EVERY_KIND) else ()

    def has_kind(self, kind: str) -> bool:
        self.footprints.add(("kind", kind))
        return self._readable(kind)

    def consult(self, source: str, question: Hashable) -> Any | None:
        self.questions.add((source, question))
        return self._known((source, question))

    def now(self) -> datetime:
        return self._now

    def _readable(self, kind: str) -> bool:
        if kind in self._followed:
            return True
        if kind in self._absent:
            return False
        raise NotMirrored(kind)


class Facts(Struct, frozen=True, gc=False):
    """What the index remembers of an object: what a change may have taken away from it."""

    labels: Mapping[str, str] = {}
    owners: tuple[str, ...] = ()


NO_FACTS = Facts()


class Askers:
    """Who has to be asked again after a change."""

    def __init__(self) -> None:
        self._exact: dict[Footprint, set[Job]] = {}
        self._selecting: dict[Hashable, dict[Selection, set[Job]]] = {}
        self._read: dict[Job, set[Footprint]] = {}
        self._facts: dict[Key, Facts] = {}

    def note(self, job: Job, footprints: set[Footprint]) -> None:
        """Replace what the job is known to have read."""
        before = self._read.get(job, set())
        for footprint in footprints - before:
            self._add(job, footprint)
        for footprint in before - footprints:
            self._remove(job, footprint)
        self._read[job] = footprints

    def forget(self, job: Job) -> None:
        for footprint in self._read.pop(job, ()):
            self._remove(job, footprint)

    def concerned(self, change: Change) -> set[Job]:
        """The jobs that read something which this change touches."""
        key = change.key
        old = self._facts.get(key, NO_FACTS)
        new = self._remember(change)
        jobs: set[Job] = set()
        jobs.update(self._exact.get(key, ()))
        if change.type != "MODIFIED" or meta.deleting(change.manifest):
            jobs.update(self._exact.get(("standing", key), ()))
        for uid in {*old.owners, *new.owners}:
            jobs.update(self._exact.get((uid, key.kind), ()), self._exact.get(("uid", uid), ()))
        if key.namespace:
            jobs.update(self._exact.get(("namespace", key.namespace), ()))
        if self._selecting:
            jobs.update(self._selecting_jobs(key, old.labels, new.labels))
        return jobs

    def reading_kind(self, kind: str) -> set[Job]:
        """The jobs that asked whether the kind is served."""
        return self._exact.get(("kind", kind), set())

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
                asked = self._selecting.get((key.kind, namespace, pair), {})
                for selection, jobs in asked.items():
                    if selection.selector.matches(new) or selection.selector.matches(old):
                        yield from jobs

    def _add(self, job: Job, footprint: Footprint) -> None:
        if isinstance(footprint, Selection):
            bucket = self._selecting.setdefault(footprint.bucket, {})
            bucket.setdefault(footprint, set()).add(job)
        else:
            self._exact.setdefault(footprint, set()).add(job)

    def _remove(self, job: Job, footprint: Footprint) -> None:
        if not isinstance(footprint, Selection):
            _discard(self._exact, footprint, job)
            return
        bucket = self._selecting[footprint.bucket]
        _discard(bucket, footprint, job)
        if not bucket:
            del self._selecting[footprint.bucket]


def _discard(index: dict[F, set[Job]], footprint: F, job: Job) -> None:
    jobs = index[footprint]
    jobs.discard(job)
    if not jobs:
        del index[footprint]
