"""The one thread that writes: everything that waits goes into one transaction (group commit).

While one batch is synced, the next one gathers; so a sync is paid once per batch and not per write.
When a batch fails, the writes that were queued behind it were decided on a state that never came to
be: they carry the same `epoch` and fail with it. The owner clears its pending state when it hears
of the failure and goes on with the next epoch.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue

from msgspec import Struct

from sampan.store.database import Database
from sampan.store.records import Event, StorageFailed

_MOST_AT_ONCE = 2000
_TRIM_STEP = 1000


class Write(Struct, frozen=True):
    """One event on its way to the disk. `tag` belongs to the caller."""

    event: Event
    durable: bool
    epoch: int
    tag: object = None


class Trim(Struct, frozen=True):
    """Forget the log up to and including `floor`, in small steps between the batches."""

    floor: int


class Copy(Struct, frozen=True):
    """Copy the file with all that was queued before; `done(error)` is called on this thread."""

    path: Path
    done: Callable[[StorageFailed | None], None]


Done = Callable[[list[Write], StorageFailed | None], None]


class Writer:
    """`done(batch, error)` is called on the writer's thread, in the order of the batches."""

    def __init__(self, database: Database, done: Done) -> None:
        self._database = database
        self._done = done
        self._queue: SimpleQueue[list[Write] | Trim | Copy | None] = SimpleQueue()
        self._failed: tuple[int, StorageFailed] | None = None
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, item: list[Write] | Trim | Copy) -> None:
        """The list belongs to the writer from now on."""
        self._queue.put(item)

    def close(self) -> None:
        """Write what is queued, then end."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            batch, chores, ended = self._drain()
            if batch:
                self._commit(batch)
            for chore in chores:
                if isinstance(chore, Copy):
                    self._copy(chore)
                else:
                    self._trim(chore, again=not ended)
            if ended:
                return

    def _drain(self) -> tuple[list[Write], list[Trim | Copy], bool]:
        batch: list[Write] = []
        chores: list[Trim | Copy] = []
        item = self._queue.get()
        while item is not None:
            if isinstance(item, list):
                batch += item
            else:
                chores.append(item)
            if len(batch) >= _MOST_AT_ONCE:
                return batch, chores, False
            try:
                item = self._queue.get_nowait()
            except Empty:
                return batch, chores, False
        return batch, chores, True

    def _commit(self, batch: list[Write]) -> None:
        if self._failed is not None:
            epoch, error = self._failed
            dead = [write for write in batch if write.epoch <= epoch]
            batch = [write for write in batch if write.epoch > epoch]
            if dead:
                self._done(dead, error)
            if not batch:
                return
        try:
            self._database.write(
                [write.event for write in batch], durable=any(write.durable for write in batch)
            )
        except StorageFailed as error:
            self._failed = (batch[-1].epoch, error)
            self._done(batch, error)
        else:
            self._done(batch, None)

    def _trim(self, trim: Trim, *, again: bool) -> None:
        try:
            if not self._database.trim(trim.floor, _TRIM_STEP) and again:
                self._queue.put(trim)
        except StorageFailed:
            # A later trim deletes the same rows; the history in memory is trimmed already.
            return

    def _copy(self, wanted: Copy) -> None:
        try:
            self._database.copy(wanted.path)
        except StorageFailed as error:
            wanted.done(error)
        else:
            wanted.done(None)
