"""What the store holds: encoded bytes and the few fields that are looked up without decoding.

Bytes, not trees of dicts: CPython's collector walks dicts, and it never walks bytes. Nor does it
walk what is here and what names it (`gc=False`): none of these can be part of a cycle, and there
are several for each object and each event.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from sampan.kube.keys import Key

EventType = Literal["ADDED", "MODIFIED", "DELETED"]


class Index(Struct, frozen=True, omit_defaults=True, gc=False):
    """The part of an object that is known without decoding it.

    `owners` are the uids in ownerReferences; `fields` are values of field selectors, all strings.
    """

    uid: str = ""
    labels: dict[str, str] = {}
    owners: tuple[str, ...] = ()
    fields: dict[str, str] = {}


class Record(Struct, frozen=True, gc=False):
    """One state of one object. `data` is its JSON; it is b"" for a state from before a restart of
    which only the index is still known."""

    key: Key
    revision: int
    data: bytes
    index: Index


class Event(Struct, frozen=True, gc=False):
    """One committed write. `record` is the state after it (for DELETED: the last state, with the
    revision of the deletion); `previous` is the state before it, None for ADDED."""

    type: EventType
    record: Record
    previous: Record | None


class Stale(Exception):
    """Compare-and-swap failed: the newest record is another one than the writer expected."""

    def __init__(self, newest: Record | None) -> None:
        super().__init__(newest.revision if newest else 0)
        self.newest = newest


class Compacted(Exception):
    """The revision asked for is older than the history that is kept."""

    def __init__(self, floor: int) -> None:
        super().__init__(floor)
        self.floor = floor


class StorageFailed(Exception):
    """The disk refused a write (full, gone, broken). The write did not happen."""
