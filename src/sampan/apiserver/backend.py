"""Backend: what every verb works on: the store, the resources, the rules, the clock.

`commit` is the only way to the disk. Decoded manifests are shared and kept in a small LRU by key
and revision, so that a write, the controllers it wakes and the next patch decode it once at most;
while a write is on its way, what it replaces is kept, too, for those who read what is committed.
Everybody treats a shared manifest as frozen; a verb that changes one copies the part it changes.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

import orjson
from msgspec import Struct

from sampan.apiserver.apply.managers import share
from sampan.apiserver.attempts import Hooks, NoHooks
from sampan.apiserver.calls import Call
from sampan.apiserver.metadata import ordered
from sampan.apiserver.resources import Resource, Resources
from sampan.apiserver.traits import selectable
from sampan.kube import labels as label_selectors
from sampan.kube import meta as metas
from sampan.kube import names
from sampan.kube.access import User
from sampan.kube.component import Rules
from sampan.kube.errors import BadRequest, NotFound, ServiceUnavailable
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Unanswered
from sampan.kube.times import rfc3339
from sampan.lib.clock import Clock
from sampan.store.objects import Store
from sampan.store.records import EventType, Index, Record, StorageFailed

_MOST_DECODED = 4096
_MOST_DECODED_BYTES = 8 << 20
_NO_INDEX = Index()
G = TypeVar("G")
T = TypeVar("T")
_NOT_KEPT = frozenset({names.CRD})
"""Large, and read seldom: what serves them keeps what it needs."""
_PASSING = frozenset({names.EVENT})
"""Many, and hardly read again: kept until those who follow have been told. Decoded they are ten
times as large, and a thousand of them would drive out what controllers look at all the time."""


def _agree(*_: object) -> None:
    return None


class Gate(Struct):
    """Who must agree to a write besides the rules of its kind; each raises Forbidden if not. The
    server puts its own in.

    may_create(resource, namespace, name, user): asked where the verb was not `create`.
    may_grant(resource, new, old, user): whether the user may give the rights that this gives.
    has_room(resource, new, old): asked right before a write is queued, with nothing awaited
    between, so that it counts exactly.
    queued(key): told when a write was queued, and again when it could not be stored.
    """

    may_create: Callable[[Resource, str, str, User], None] = _agree
    may_grant: Callable[[Resource, Manifest, Manifest | None, User], None] = _agree
    has_room: Callable[[Resource, Manifest, Manifest | None], None] = _agree
    queued: Callable[[Key], None] = _agree


class Stored(Struct, frozen=True):
    """What a write answers with: bytes for a client far away, the manifest (shared) for one in
    this process. Both are in the version in which the kind is stored, or a Status."""

    data: bytes
    manifest: Manifest


class Computed(Protocol):
    """Where objects of a kind come from that are made when they are read, and never stored."""

    async def refresh(self) -> None:
        """Bring them up to date, for those who can wait."""
        ...

    def manifests(self, kind: str, namespace: str) -> list[Manifest]:
        """Ordered by namespace and name; namespace "" is all."""
        ...


class Backend:
    """`rules`: per kind, the rules of each component that has some, in the components' order."""

    def __init__(
        self,
        store: Store,
        resources: Resources,
        rules: Mapping[str, Sequence[Rules]],
        clock: Clock,
    ) -> None:
        self.store = store
        self.resources = resources
        self.rules = rules
        self.clock = clock
        self.view = StoreView(self)
        self.computed: dict[str, Computed] = {}
        self.gate = Gate()
        self.hooks: Hooks = NoHooks()
        self._moment: tuple[datetime | None, str] = (None, "")
        self._decoded: OrderedDict[Key, tuple[int, Manifest, int]] = OrderedDict()
        self._decoded_bytes = 0
        self._replaced: dict[Key, dict[int, Manifest]] = {}

    def now(self) -> str:
        """The present as metadata has it."""
        moment = self.clock.now().replace(microsecond=0)
        if moment != self._moment[0]:
            self._moment = (moment, rfc3339(moment))
        return self._moment[1]

    # -- reading ------------------------------------------------------------------------------

    def manifest(self, record: Record) -> Manifest:
        """The record decoded; shared, so never change it."""
        if not record.revision:  # computed: the next one is another one
            return orjson.loads(record.data)  # type: ignore[no-any-return]
        known = self._decoded.get(record.key)
        if known is not None and known[0] == record.revision:
            self._decoded.move_to_end(record.key)
            return known[1]
        if known is not None and known[0] > record.revision:
            return self._earlier(record)
        decoded: Manifest = orjson.loads(record.data)
        if record.key.kind not in _PASSING:
            share(decoded["metadata"].get("managedFields"))
            self._remember(record.key, record.revision, decoded, len(record.data))
        return decoded

    def _earlier(self, record: Record) -> Manifest:
        """A state that is not the newest, and still the committed one while a write is going on."""
        replaced = self._replaced.get(record.key, {})
        found = replaced.get(record.revision)
        if found is None:
            found = replaced[record.revision] = orjson.loads(record.data)
        return found

    async def refresh(self, resource: Resource) -> None:
        """Bring computed objects up to date; stored ones always are."""
        if source := self.computed.get(resource.kind):
            await source.refresh()

    def records(self, kind: str, namespace: str = "") -> Iterable[Record]:
        """All that is committed, or computed now, in the order of namespaces and names."""
        source = self.computed.get(kind)
        if source is None:
            return self.store.records(kind, namespace)
        return [_computed(kind, each) for each in source.manifests(kind, namespace)]

    def record(self, key: Key) -> Record | None:
        """The same of one object."""
        if key.kind not in self.computed:
            return self.store.get(key)
        return next((r for r in self.records(key.kind, key.namespace) if r.key == key), None)

    def get(self, key: Key) -> Manifest | None:
        """The committed object."""
        record = self.record(key)
        return None if record is None else self.manifest(record)

    def newest(self, resource: Resource, namespace: str, name: str) -> tuple[Record, Manifest]:
        """What the next write builds on. Raises NotFound."""
        record = self.store.newest(resource.key(namespace, name))
        if record is None:
            raise resource.not_found(name)
        return record, self.manifest(record)

    # -- writing ------------------------------------------------------------------------------

    async def commit(
        self,
        type: EventType,
        resource: Resource,
        manifest: Manifest,
        old: Record | None,
        call: Call,
    ) -> Stored:
        """Store the manifest, wait until it is on the disk, answer with what was stored.

        The manifest belongs to the callee. Until the first await nothing else runs, so what the
        caller has read with `newest` still holds.
        """
        manifest = ordered(manifest)
        manifest["apiVersion"] = resource.stored_as
        meta = manifest["metadata"]
        if call.dry_run:
            if old is not None:
                meta["resourceVersion"] = str(old.revision)
            return Stored(_encode(manifest), manifest)
        key = old.key if old else resource.key(meta.get("namespace") or "", meta["name"])
        index = index_of(resource, manifest, old.index if old else _NO_INDEX)

        def build(revision: int) -> tuple[bytes, Index]:
            meta["resourceVersion"] = str(revision)
            data = _encode(manifest)
            if former := self._decoded.get(key):
                self._replaced.setdefault(key, {})[former[0]] = former[1]
            self._remember(key, revision, manifest, len(data))
            return data, index

        writing = self.store.write(
            type,
            key,
            build,
            expect=old.revision if old else 0,
            durable=not resource.trait.relaxed,
        )
        self.gate.queued(key)
        try:
            written = await writing
        except StorageFailed as error:
            self.gate.queued(key)
            self._unwritten(key)
            raise ServiceUnavailable(
                f"the object could not be stored: {error}; nothing was changed, and writing goes "
                "on once that is mended"
            ) from error
        except asyncio.CancelledError:
            self._replaced.pop(key, None)
            raise
        self._settled(key, written.revision)
        if type == "DELETED" or key.kind in _PASSING:  # all who follow have been told
            self._forget(key, written.revision)
        return Stored(written.data, manifest)

    def _remember(self, key: Key, revision: int, manifest: Manifest, size: int) -> None:
        if key.kind in _NOT_KEPT:
            return
        former = self._decoded.pop(key, None)
        self._decoded_bytes += size - (former[2] if former else 0)
        self._decoded[key] = (revision, manifest, size)
        while len(self._decoded) > _MOST_DECODED or self._decoded_bytes > _MOST_DECODED_BYTES:
            _, (_, _, size) = self._decoded.popitem(last=False)
            self._decoded_bytes -= size

    def _forget(self, key: Key, revision: int) -> None:
        known = self._decoded.get(key)
        if known is not None and known[0] == revision:
            del self._decoded[key]
            self._decoded_bytes -= known[2]

    def _settled(self, key: Key, revision: int) -> None:
        """This revision is committed: nobody reads earlier ones as the present any more."""
        replaced = self._replaced.get(key, {})
        for earlier in [each for each in replaced if each < revision]:
            del replaced[earlier]
        if not replaced:
            self._replaced.pop(key, None)

    def _unwritten(self, key: Key) -> None:
        """What was to be written never was."""
        self._replaced.pop(key, None)
        _, _, size = self._decoded.pop(key, (0, {}, 0))
        self._decoded_bytes -= size


class StoreView:
    """What admission rules see (`sampan.kube.plan.View`): the committed state."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def get(self, key: Key) -> Manifest | None:
        """Namespaces and the like are looked up in their newest state: what a client has just
        created counts, even if another client's write is still on its way to the disk."""
        record = self._backend.store.newest(key)
        return None if record is None else self._backend.manifest(record)

    def standing(self, key: Key) -> Manifest | None:
        return self.get(key)

    def owned(self, owner: Manifest, kind: str) -> Sequence[Manifest]:
        namespace = metas.namespace_of(owner)
        return [
            found
            for key in self._backend.store.owned(metas.uid_of(owner))
            if key.kind == kind
            and (not namespace or key.namespace == namespace)
            and (found := self._backend.get(key)) is not None
        ]

    def owned_as(
        self, owner: Manifest, kind: str, read: Callable[[Manifest, G], T], given: G
    ) -> Sequence[T]:
        return [read(each, given) for each in self.owned(owner, kind)]

    def select(
        self, kind: str, namespace: str = "", labels: Mapping[str, Any] | None = None
    ) -> Sequence[Manifest]:
        records = self._backend.store.records(kind, namespace)
        return [
            self._backend.manifest(record)
            for record in records
            if labels is None or label_selectors.matches(labels, record.index.labels)
        ]

    def dependents(self, uid: str) -> Sequence[Manifest]:
        found = (self._backend.get(key) for key in self._backend.store.owned(uid))
        return [manifest for manifest in found if manifest is not None]

    def contents(self, namespace: str) -> Sequence[Manifest]:
        store = self._backend.store
        return [
            self._backend.manifest(record)
            for kind in store.kinds()
            for record in store.records(kind, namespace)
        ]

    def has_kind(self, kind: str) -> bool:
        return self._backend.resources.stored(kind) is not None

    def consult(self, source: str, question: Hashable) -> Unanswered:
        """A rule judges by what is stored."""
        return Unanswered("admission asks nobody")

    def now(self) -> datetime:
        return self._backend.clock.now()


def index_of(resource: Resource, manifest: Manifest, before: Index = _NO_INDEX) -> Index:
    """What the store knows of the object without decoding it. The history has one of these for
    each write: what is as it was before is the same in memory too."""
    meta = manifest["metadata"]
    fields = resource.trait.fields
    owners = metas.owner_uids(manifest) if meta.get("ownerReferences") else ()
    return Index(
        uid=_shared(meta.get("uid") or "", before.uid),
        labels=_shared(meta.get("labels") or {}, before.labels),
        owners=_shared(owners, before.owners),
        fields=_shared(selectable(fields, manifest) if fields else {}, before.fields),
    )


def _shared(value: T, before: T) -> T:
    return before if value == before else value


def _computed(kind: str, manifest: Manifest) -> Record:
    """Revision 0: it is in no history."""
    meta = manifest["metadata"]
    key = Key(kind, meta.get("namespace") or "", meta["name"])
    return Record(key, 0, orjson.dumps(manifest), Index(labels=meta.get("labels") or {}))


def namespace_is_open(backend: Backend, resource: Resource, namespace: str, name: str) -> None:
    """Raise NotFound or Forbidden unless objects may be created in the namespace."""
    found = backend.view.get(Key(names.NAMESPACE, "", namespace))
    if found is None:
        raise NotFound(
            f'namespaces "{namespace}" not found', {"name": namespace, "kind": "namespaces"}
        )
    if metas.deleting(found):
        error = resource.forbidden(
            name,
            f"unable to create new content in namespace {namespace} because it is being terminated",
        )
        error.details["causes"] = [
            {
                "reason": "NamespaceTerminating",
                "message": f"namespace {namespace} is being terminated",
                "field": "metadata.namespace",
            }
        ]
        raise error


def _encode(manifest: Manifest) -> bytes:
    """The JSON in a block of just its size: orjson hands out its roomy working buffer, which may
    be seven times as large and would be kept for as long as the object lives."""
    try:
        return bytes(memoryview(orjson.dumps(manifest)))
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise BadRequest(f"the object cannot be stored as JSON: {error}") from error
