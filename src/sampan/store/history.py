"""The recent past: committed events in order, and the state of a kind at an earlier revision.

Bounded twice: by age and number (what `floor` a trim asks for), and by bytes, because memory must
not grow with the speed of writers. A watcher or list that asks for more gets `Compacted`.
"""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter

from sampan.kube.keys import Key
from sampan.store.records import Compacted, Event, Record

_revision = attrgetter("record.revision")


class History:
    """Every event with a revision above `floor` is here."""

    def __init__(self, floor: int = 0) -> None:
        self.floor = floor
        self.bytes = 0
        self._events: list[Event] = []

    def __len__(self) -> int:
        return len(self._events)

    def append(self, event: Event) -> None:
        self._events.append(event)
        self.bytes += len(event.record.data)

    def since(self, revision: int) -> list[Event]:
        """Events after `revision`, oldest first. Compacted when some are gone."""
        if revision < self.floor:
            raise Compacted(self.floor)
        return self._events[bisect_right(self._events, revision, key=_revision) :]

    def undone(self, revision: int, kind: str) -> dict[Key, Record | None]:
        """For each key of `kind` that changed after `revision`: its record at that revision."""
        before: dict[Key, Record | None] = {}
        for event in reversed(self.since(revision)):
            if event.record.key.kind == kind:
                before[event.record.key] = event.previous
        if any(record is not None and not record.data for record in before.values()):
            raise Compacted(self.floor)
        return before

    def trim(self, floor: int) -> None:
        """Forget the events up to and including `floor`."""
        if floor <= self.floor:
            return
        end = bisect_right(self._events, floor, key=_revision)
        self.bytes -= sum(len(event.record.data) for event in self._events[:end])
        del self._events[:end]
        self.floor = floor

    def floor_for(self, *, count: int, max_bytes: int) -> int:
        """The floor that leaves the newest `count` events, and fewer when they are over
        `max_bytes`."""
        size = 0
        for kept, event in enumerate(reversed(self._events)):
            size += len(event.record.data)
            if kept == count or size > max_bytes:
                return event.record.revision
        return self.floor
