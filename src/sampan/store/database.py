"""The SQLite file: what the objects are now (`obj`), and what happened lately (`log`).

Only the log is written to; triggers keep the objects in step with it.
WAL mode, one connection, used by one thread at a time, locked against a second process.
A batch is one transaction. `durable` decides whether its commit is synced to the disk: with
`synchronous=NORMAL` SQLite appends to the WAL without a sync, so Events and Leases cost none; the
next durable batch syncs the same file, and with it everything before. So there is one order on the
disk, a power cut can only lose a tail of relaxed writes, and `kill -9` loses nothing at all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from sampan.kube.keys import Key
from sampan.store import schema
from sampan.store.records import Event, EventType, Index, Record, StorageFailed

_MOST_ROWS = 64
_LOG = tuple(
    f"insert into log values{','.join(['(?,?,?,?,?,?,?,?)'] * rows)}"
    for rows in range(_MOST_ROWS + 1)
)
"""The statement for so many rows."""
_MARK = "insert into mark values(?,?) on conflict do update set value=excluded.value"
_TYPES: tuple[EventType, ...] = ("ADDED", "MODIFIED", "DELETED")
_NUMBERS = {type_: number for number, type_ in enumerate(_TYPES)}

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Index).decode


class Loaded(Struct):
    """What was on the disk: `events` are those after `floor`."""

    records: list[Record]
    events: list[Event]
    revision: int
    floor: int


class Database:
    """Errors of SQLite come out as StorageFailed."""

    def __init__(self, path: Path) -> None:
        self._durable: bool | None = None
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._connection.execute("pragma locking_mode=exclusive")
            self._connection.execute("pragma journal_mode=wal")
            self._connection.execute("pragma wal_autocheckpoint=4000")
            self._connection.execute("pragma temp_store=memory")
            schema.prepare(self._connection, path)
        except (sqlite3.Error, OSError) as error:
            raise StorageFailed(f"cannot open {path}: {error}") from error

    def load(self) -> Loaded:
        try:
            marks = dict(self._connection.execute("select name, value from mark"))
            records = [
                Record(Key(kind, namespace, name), revision, data, _decode(meta))
                for kind, namespace, name, revision, meta, data in self._connection.execute(
                    "select kind, namespace, name, revision, meta, data from obj"
                )
            ]
            floor = marks.get("floor", 0)
            events = self._events(floor)
        except (sqlite3.Error, msgspec.DecodeError) as error:
            raise StorageFailed(f"cannot read the stored objects: {error}") from error
        revision = max(
            floor,
            max((record.revision for record in records), default=0),
            events[-1].record.revision if events else 0,
        )
        return Loaded(records, events, revision, floor)

    def write(self, events: Sequence[Event], *, durable: bool) -> None:
        """Commit the events in one transaction."""
        try:
            self._synchronise(durable)
            if len(events) <= _MOST_ROWS:
                self._insert(events)
                return
            self._connection.execute("begin immediate")
            for at in range(0, len(events), _MOST_ROWS):
                self._insert(events[at : at + _MOST_ROWS])
            self._connection.execute("commit")
        except sqlite3.Error as error:
            self._roll_back()
            raise StorageFailed(str(error)) from error

    def trim(self, floor: int, at_most: int) -> bool:
        """Delete up to `at_most` log rows of revisions up to `floor`. True when none is left."""
        try:
            self._synchronise(False)
            self._connection.execute("begin immediate")
            gone = self._connection.execute(
                "delete from log where revision in "
                "(select revision from log where revision <= ? order by revision limit ?)",
                (floor, at_most),
            ).rowcount
            # With the first step, so that a crash between two steps leaves no gap in the history.
            self._connection.execute(_MARK, ("floor", floor))
            self._connection.execute("commit")
            done = gone < at_most
            if done:
                self._connection.execute("pragma wal_checkpoint(truncate)")
        except sqlite3.Error as error:
            self._roll_back()
            raise StorageFailed(str(error)) from error
        return done

    def copy(self, path: Path) -> None:
        """The file as it is after the last commit, as another one."""
        try:
            schema.copy(self._connection, path)
        except (sqlite3.Error, OSError) as error:
            raise StorageFailed(f"cannot copy the stored objects to {path}: {error}") from error

    def limit_pages(self, pages: int) -> None:
        """Let the file grow no further than `pages` (4 KiB each): a disk that is full."""
        self._connection.execute(f"pragma max_page_count={pages:d}")

    def close(self) -> None:
        self._connection.close()

    def _insert(self, events: Sequence[Event]) -> None:
        """Many rows in one statement: SQLite gives up the interpreter's lock several times for each
        statement, and getting it back from a busy event loop is what costs. For the same reason
        the objects follow the log by triggers, and a statement alone is a transaction."""
        values = [value for event in events for value in _log_row(event)]
        self._connection.execute(_LOG[len(events)], values)

    def _synchronise(self, durable: bool) -> None:
        if durable is not self._durable:
            self._connection.execute(f"pragma synchronous={'full' if durable else 'normal'}")
            self._durable = durable

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("rollback")

    def _events(self, floor: int) -> list[Event]:
        rows: Iterable[tuple[int, int, str, str, str, bytes | None, bytes, bytes]]
        rows = self._connection.execute(
            "select revision, type, kind, namespace, name, before, meta, data from log "
            "where revision > ? order by revision",
            (floor,),
        )
        latest: dict[Key, Record] = {}
        events = []
        for revision, number, kind, namespace, name, before, meta, data in rows:
            index = _decode(meta)
            record = Record(Key(kind, namespace, name), revision, data, index)
            previous = None
            if _TYPES[number] != "ADDED":
                known_index = _decode(before) if before else index
                previous = latest.get(record.key) or Record(record.key, 0, b"", known_index)
            latest[record.key] = record
            events.append(Event(_TYPES[number], record, previous))
        return events


def _log_row(event: Event) -> tuple[int, int, str, str, str, bytes | None, bytes, bytes]:
    record, previous = event.record, event.previous
    before = None
    # The index of the state before is written only where it differs: it says whether the object
    # has entered or left a selector, for a watch that is resumed after a restart.
    if previous is not None and previous.index != record.index:
        before = _encode(previous.index)
    key = record.key
    return (
        record.revision,
        _NUMBERS[event.type],
        key.kind,
        key.namespace,
        key.name,
        before,
        _encode(record.index),
        record.data,
    )
