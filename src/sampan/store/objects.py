"""Store: every object of the cluster, with revisions, compare-and-swap, and a history to watch.

    write -> compare with the newest record (committed or not) -> queue -> one transaction
          -> committed state, history, subscribers, then the writer's future

Reading shows only what is committed, so nobody acts on a write that a crash would undo. Everything
but the writer's thread happens on the event loop, so comparing and queueing are one step. One
counter numbers all writes; events reach each subscriber in that order, without gaps.

A list at an earlier revision (the second page of a long list) is the present state with the later
events undone, so nothing is kept for readers that may never come back.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from sampan.kube.keys import Key
from sampan.store.database import Database
from sampan.store.history import History
from sampan.store.records import Compacted, Event, EventType, Index, Record, Stale, StorageFailed
from sampan.store.tables import Tables
from sampan.store.writer import Copy, Trim, Write, Writer

_log = logging.getLogger(__name__)

KEEP_SECONDS = 300.0
KEEP_EVENTS = 10_000
# Not more than this in memory, however fast the writers are: a watcher that is further behind
# than 8 MiB of changes is better off with a new list.
KEEP_BYTES = 8 << 20
MOST_EVENTS = 100_000
TRIM_EVERY = 20.0

Build = Callable[[int], tuple[bytes, Index]]
Tell = Callable[[Event], None]


class Store:
    """Open it inside the running event loop; `await close()` writes what is still queued."""

    def __init__(self, path: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self.path = path
        self._database = Database(path)
        loaded = self._database.load()
        self._tables = Tables()
        self._tables.load(loaded.records)
        self.history = History(loaded.floor)
        for event in loaded.events:
            self.history.append(event)
        self.revision = loaded.revision
        """The newest committed revision."""
        self._next = loaded.revision
        self._epoch = 0
        self._pending: dict[Key, Event] = {}
        self._subscribers: dict[str, tuple[Tell, ...]] = {}
        self._marks: deque[tuple[float, int]] = deque()
        self._old = 0
        self._writer = Writer(self._database, self._written)
        self._leaving: list[Write] = []
        self.failures = 0
        """Batches that the disk has refused."""
        self._timer = self._loop.call_later(TRIM_EVERY, self._trim_again)

    # -- reading ------------------------------------------------------------------------------

    def get(self, key: Key) -> Record | None:
        """The committed record."""
        return self._tables.get(key)

    def newest(self, key: Key) -> Record | None:
        """The record that the next write has to build on; it may not be committed yet."""
        event = self._pending.get(key)
        if event is None:
            return self._tables.get(key)
        return None if event.type == "DELETED" else event.record

    def count(self, kind: str) -> int:
        return self._tables.count(kind)

    def kinds(self) -> list[str]:
        """Kinds that have objects."""
        return self._tables.kinds()

    def records(self, kind: str, namespace: str = "") -> Iterator[Record]:
        """Committed records, ordered by namespace and name."""
        return self._tables.records(kind, namespace)

    def newest_in(self, namespace: str) -> list[Key]:
        """Keys of all that is in a namespace, committed or not, and of what is about to go."""
        keys = {record.key for kind in self.kinds() for record in self.records(kind, namespace)}
        keys.update(key for key in self._pending if key.namespace == namespace)
        return sorted(keys)

    def owned(self, uid: str) -> list[Key]:
        """Keys of the objects whose ownerReferences name `uid`."""
        return self._tables.owned(uid)

    def children(self, uid: str) -> Iterator[Record]:
        """The same objects, in no order."""
        return self._tables.children(uid)

    def page(
        self, kind: str, namespace: str = "", *, after: Key | None = None, revision: int = 0
    ) -> Iterator[Record]:
        """Records beyond `after` as they were at `revision` (0: now). Raises Compacted, also when
        the revision is older than is promised: a list that takes so long has lost its reader."""
        if 0 < revision < self._old:
            raise Compacted(self._old)
        keys = self._tables.keys(kind, namespace, after)
        undone = self.history.undone(revision, kind) if 0 < revision < self.revision else {}
        if undone:
            extra = {
                key
                for key in undone
                if (not namespace or key.namespace == namespace) and (after is None or key > after)
            }
            keys = sorted(extra.union(keys))
        return self._at(keys, undone)

    def _at(self, keys: list[Key], undone: dict[Key, Record | None]) -> Iterator[Record]:
        for key in keys:
            record = undone[key] if key in undone else self._tables.get(key)
            if record is not None:
                yield record

    # -- following ----------------------------------------------------------------------------

    def subscribe(self, kind: str, tell: Tell) -> Callable[[], None]:
        """Call `tell` on the event loop for each event of `kind` ("*": all), in order."""
        self._subscribers[kind] = (*self._subscribers.get(kind, ()), tell)

        def stop() -> None:
            left = tuple(other for other in self._subscribers.get(kind, ()) if other is not tell)
            if left:
                self._subscribers[kind] = left
            else:
                self._subscribers.pop(kind, None)

        return stop

    # -- writing ------------------------------------------------------------------------------

    def write(
        self, type: EventType, key: Key, build: Build, *, expect: int, durable: bool = True
    ) -> asyncio.Future[Record]:
        """Queue a write; the future resolves when it is committed (StorageFailed when not).

        `expect` is the revision of the newest record, 0 when there must be none; Stale if it is
        another. `build(revision)` encodes the object; what it raises leaves the store unchanged.
        """
        newest = self.newest(key)
        if (newest.revision if newest else 0) != expect:
            raise Stale(newest)
        revision = self._next + 1
        data, index = build(revision)
        self._next = revision
        event = Event(type, Record(key, revision, data, index), newest)
        self._pending[key] = event
        future: asyncio.Future[Record] = self._loop.create_future()
        # What one turn of the loop writes goes to the writer together: each time that it is woken
        # it takes the interpreter's lock from the loop.
        if not self._leaving:
            self._loop.call_soon(self._hand_over)
        self._leaving.append(Write(event, durable, self._epoch, future))
        return future

    def _hand_over(self) -> None:
        if self._leaving:
            self._writer.submit(self._leaving)
            self._leaving = []

    async def close(self) -> None:
        self._timer.cancel()
        self._hand_over()
        await self._loop.run_in_executor(None, self._writer.close)
        # The last batches report through the loop: let them in before the file is closed.
        await asyncio.sleep(0)
        self._database.close()

    def size(self) -> int:
        """Bytes of the files on the disk."""
        files = (self.path.with_name(self.path.name + end) for end in ("", "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    async def copy(self, path: Path) -> None:
        """Write all that was acknowledged so far into another SQLite file, mode 0600. Writes wait
        meanwhile, a second for some hundred MB; reads do not. StorageFailed when it cannot be."""
        self._hand_over()
        copied: asyncio.Future[None] = self._loop.create_future()

        def done(error: StorageFailed | None) -> None:
            self._loop.call_soon_threadsafe(tell, error)

        def tell(error: StorageFailed | None) -> None:
            if copied.done():
                return
            if error is None:
                copied.set_result(None)
            else:
                copied.set_exception(error)

        self._writer.submit(Copy(path, done))
        await copied

    def compact(self, floor: int) -> None:
        """Forget the history up to and including `floor`."""
        self.history.trim(min(floor, self.revision))
        self._writer.submit(Trim(self.history.floor))

    # -- after the commit ---------------------------------------------------------------------

    def _written(self, batch: list[Write], error: StorageFailed | None) -> None:
        if error is None:
            self._loop.call_soon_threadsafe(self._committed, batch)
        else:
            self._loop.call_soon_threadsafe(self._failed, batch, error)

    def _committed(self, batch: list[Write]) -> None:
        for write in batch:
            event = write.event
            record = event.record
            if event.type == "DELETED":
                self._tables.remove(record.key)
            else:
                self._tables.put(record)
            if self._pending.get(record.key) is event:
                del self._pending[record.key]
            self.revision = record.revision
            self.history.append(event)
            self._tell(event)
        for write in batch:
            future: asyncio.Future[Record] = write.tag  # type: ignore[assignment]
            if not future.done():
                future.set_result(write.event.record)
        if self.history.bytes > 1.5 * KEEP_BYTES or len(self.history) > 2 * MOST_EVENTS:
            self._trim()

    def _failed(self, batch: list[Write], error: StorageFailed) -> None:
        self.failures += 1
        _log.error("the store could not write %d objects: %s", len(batch), error)
        if batch[-1].epoch == self._epoch:
            self._epoch += 1
            self._pending.clear()
        for write in batch:
            future: asyncio.Future[Record] = write.tag  # type: ignore[assignment]
            if not future.done():
                future.set_exception(error)

    def _tell(self, event: Event) -> None:
        for kind in (event.record.key.kind, "*"):
            for tell in self._subscribers.get(kind, ()):
                try:
                    tell(event)
                except Exception:
                    _log.exception("a subscriber of %s failed on %s", kind, event.record.key)

    # -- compaction ---------------------------------------------------------------------------

    def _trim_again(self) -> None:
        self._marks.append((self._loop.time(), self.revision))
        self._trim()
        self._timer = self._loop.call_later(TRIM_EVERY, self._trim_again)

    def _trim(self) -> None:
        """Keep five minutes and ten thousand events, whichever is more, within the memory bound."""
        while self._marks and self._marks[0][0] < self._loop.time() - KEEP_SECONDS:
            self._old = self._marks.popleft()[1]
        plenty = self.history.floor_for(count=KEEP_EVENTS, max_bytes=KEEP_BYTES)
        limit = self.history.floor_for(count=MOST_EVENTS, max_bytes=KEEP_BYTES)
        floor = max(limit, min(self._old, plenty))
        if floor > self.history.floor:
            self.compact(floor)
