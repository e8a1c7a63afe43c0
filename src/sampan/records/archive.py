"""Archive: completed workflows, kept when they are deleted. Statements run in one thread.

Nothing is opened and SQLAlchemy is not loaded before something is kept or asked for; a SQLite file
that is not there yet is not made in order to find nothing in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

from sampan.kube.keys import Manifest
from sampan.lib.later import later
from sampan.records.selection import Selection


class Archive:
    """`url` as SQLAlchemy writes them. Methods raise ArchiveFailed."""

    def __init__(self, url: str, file: Path | None = None) -> None:
        self._url = url
        self._file = file
        self._threads: ThreadPoolExecutor | None = None
        self._rows: Any = None

    @classmethod
    def at(cls, file: Path) -> Archive:
        """In a SQLite file."""
        return cls(f"sqlite:///{file}", file)

    async def put(self, workflows: Iterable[Manifest]) -> None:
        """Keep these; one that is kept already is replaced."""
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        await self._run("put", list(workflows))

    async def uids(self, wanted: Selection) -> Sequence[str]:
        """The newest start first."""
        return [] if self._is_empty else await self._run("uids", wanted)

    async def summaries(self, uids: Sequence[str]) -> Sequence[Manifest]:
        """Without nodes and templates, in the order of the uids."""
        return [] if self._is_empty else await self._run("summaries", list(uids))

    async def count(self, wanted: Selection) -> int:
        return 0 if self._is_empty else await self._run("count", wanted)

    async def get(self, *, uid: str = "", namespace: str = "", name: str = "") -> Manifest | None:
        """By uid, or the latest of a name."""
        return None if self._is_empty else await self._run("get", uid, namespace, name)

    async def delete(self, uid: str) -> None:
        if not self._is_empty:
            await self._run("delete", uid)

    async def expire(self, before: datetime) -> int:
        """Delete those that finished before; answers with how many."""
        return 0 if self._is_empty else await self._run("expire", before)

    async def label_keys(self, namespace: str) -> Sequence[str]:
        return [] if self._is_empty else await self._run("label_keys", namespace)

    async def label_values(self, namespace: str, key: str) -> Sequence[str]:
        return [] if self._is_empty else await self._run("label_values", namespace, key)

    async def close(self) -> None:
        if self._threads is not None:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._shut)
            self._threads.shutdown(wait=True)
            self._threads = None

    @property
    def _is_empty(self) -> bool:
        return self._rows is None and self._file is not None and not self._file.exists()

    async def _run(self, method: str, *args: Any) -> Any:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(1, "archive")
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._call, method, args
        )

    def _call(self, method: str, args: tuple[Any, ...]) -> Any:
        if self._rows is None:
            self._rows = later("sampan.records.sql").Rows(self._url)
        return getattr(self._rows, method)(*args)

    def _shut(self) -> None:
        if self._rows is not None:
            self._rows.close()
            self._rows = None
