"""Completed workflows, kept when they are deleted, without waiting for the database (`threads`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from sampan.kube.keys import Manifest
from sampan.records.selection import Selection
from sampan.records.threads import Threads


class Archive:
    """`url` as SQLAlchemy writes them. Methods raise ArchiveFailed."""

    def __init__(self, url: str, file: Path | None = None) -> None:
        self._rows = Threads("sampan.records.sql", url, file)

    @classmethod
    def at(cls, file: Path) -> Archive:
        """In a SQLite file."""
        return cls(f"sqlite:///{file}", file)

    async def put(self, workflows: Iterable[Manifest]) -> None:
        """Keep these; one that is kept already is replaced."""
        self._rows.make_room()
        await self._rows.write("put", list(workflows))

    async def uids(self, wanted: Selection) -> Sequence[str]:
        """The newest start first."""
        return [] if self._rows.is_empty else await self._rows.read("uids", wanted)

    async def summaries(self, uids: Sequence[str]) -> Sequence[Manifest]:
        """Without nodes and templates, in the order of the uids."""
        return [] if self._rows.is_empty else await self._rows.read("summaries", list(uids))

    async def count(self, wanted: Selection) -> int:
        return 0 if self._rows.is_empty else await self._rows.read("count", wanted)

    async def get(self, *, uid: str = "", namespace: str = "", name: str = "") -> Manifest | None:
        """By uid, or the latest of a name."""
        return None if self._rows.is_empty else await self._rows.read("get", uid, namespace, name)

    async def delete(self, uid: str) -> None:
        if not self._rows.is_empty:
            await self._rows.write("delete", uid)

    async def expire(self, before: datetime) -> int:
        """Delete those that finished before; answers with how many."""
        return 0 if self._rows.is_empty else await self._rows.write("expire", before)

    async def label_keys(self, namespace: str) -> Sequence[str]:
        return [] if self._rows.is_empty else await self._rows.read("label_keys", namespace)

    async def label_values(self, namespace: str, key: str) -> Sequence[str]:
        return [] if self._rows.is_empty else await self._rows.read("label_values", namespace, key)

    async def close(self) -> None:
        await self._rows.close()
