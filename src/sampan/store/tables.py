"""The committed state in memory: per kind a dict and a sorted list of keys; owners by uid.

Sorted keys make lists of one namespace and pages of a list a bisect away; nothing here grows with
the number of objects except the copying of pointers on insert.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Mapping

from sampan.kube.keys import Key
from sampan.store.records import Record

_NONE: Mapping[Key, Record] = {}
_AFTER_ALL_NAMES = "\U0010ffff"


class Tables:
    def __init__(self) -> None:
        self._records: dict[str, dict[Key, Record]] = {}
        self._sorted: dict[str, list[Key]] = {}
        self._owned: dict[str, set[Key]] = {}

    def get(self, key: Key) -> Record | None:
        return self._records.get(key.kind, _NONE).get(key)

    def kinds(self) -> list[str]:
        return [kind for kind, records in self._records.items() if records]

    def count(self, kind: str) -> int:
        return len(self._records.get(kind, _NONE))

    def keys(self, kind: str, namespace: str = "", after: Key | None = None) -> list[Key]:
        """Keys in order, of one namespace when it is given, beyond `after` when it is given."""
        ordered = self._sorted.get(kind, [])
        if namespace:
            start = bisect_left(ordered, Key(kind, namespace, ""))
            end = bisect_right(ordered, Key(kind, namespace, _AFTER_ALL_NAMES))
        else:
            start, end = 0, len(ordered)
        if after is not None:
            start = max(start, bisect_right(ordered, after))
        return ordered[start:end]

    def records(self, kind: str, namespace: str = "") -> Iterator[Record]:
        records = self._records.get(kind, _NONE)
        return (records[key] for key in self.keys(kind, namespace))

    def owned(self, uid: str) -> list[Key]:
        """Keys of the objects that name `uid` as an owner, in order."""
        return sorted(self._owned.get(uid, ()))

    def children(self, uid: str) -> Iterator[Record]:
        """The objects that name `uid` as an owner, in no order."""
        return (self._records[key.kind][key] for key in self._owned.get(uid, ()))

    def put(self, record: Record) -> None:
        key = record.key
        records = self._records.setdefault(key.kind, {})
        old = records.get(key)
        if old is None:
            insort(self._sorted.setdefault(key.kind, []), key)
        elif old.index.owners != record.index.owners:
            self._disown(old)
        records[key] = record
        for uid in record.index.owners:
            self._owned.setdefault(uid, set()).add(key)

    def remove(self, key: Key) -> None:
        old = self._records.get(key.kind, {}).pop(key, None)
        if old is None:
            return
        ordered = self._sorted[key.kind]
        del ordered[bisect_left(ordered, key)]
        self._disown(old)

    def load(self, records: list[Record]) -> None:
        """Fill an empty state at once, sorting each kind a single time."""
        for record in records:
            self._records.setdefault(record.key.kind, {})[record.key] = record
            for uid in record.index.owners:
                self._owned.setdefault(uid, set()).add(record.key)
        self._sorted = {kind: sorted(found) for kind, found in self._records.items()}

    def _disown(self, record: Record) -> None:
        for uid in record.index.owners:
            keys = self._owned.get(uid)
            if keys is not None:
                keys.discard(record.key)
                if not keys:
                    del self._owned[uid]
