"""What everybody asks of the observations of trials. Statements run in two threads, one that
writes and one that reads, so that a look does not wait for what is being kept.

Nothing is opened and SQLAlchemy is not loaded before something is kept or asked for; a SQLite file
that is not there yet is not made in order to find nothing in it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sampan.kube.searching import Metric
from sampan.lib.later import later
from sampan.records.katib.log import Entry, Of, Wanted


class Store:
    """`url` as SQLAlchemy writes them. `present` tells the uids of the trials that there are, when
    the database is opened: what is of others goes. Methods raise ArchiveFailed."""

    def __init__(
        self, url: str, file: Path | None = None, *, present: Callable[[], frozenset[str]]
    ) -> None:
        self._url = url
        self._file = file
        self._present = present
        self._lock = threading.Lock()
        self._rows: Any = None
        self._writer: ThreadPoolExecutor | None = None
        self._reader: ThreadPoolExecutor | None = None
        self._swept = False

    @classmethod
    def at(cls, file: Path, *, present: Callable[[], frozenset[str]]) -> Store:
        """In a SQLite file."""
        return cls(f"sqlite:///{file}", file, present=present)

    async def keep(self, of: Of, entries: Sequence[Entry], source: str = "", first: int = 0) -> int:
        """All of them, or none. They are number `first` and so on of the source: those that are
        kept already are not kept again. A source without a name tells nothing twice. Answers with
        how many were new."""
        await self._open()
        found: int = await self._write("keep", of, entries, source, first)
        return found

    async def note(self, of: Of, why: str) -> None:
        """What was looked for and not found, for people; "" when all is well."""
        if why:
            await self._open()
        if not self._is_empty:
            await self._write("note", of.uid, why)

    async def retract(self, uid: str, source: str) -> None:
        """What the sources told whose names begin so does not count."""
        if not self._is_empty:
            await self._write("retract", uid, source)

    async def log(self, uid: str, wanted: Wanted) -> Sequence[Entry]:
        """In the order of their times."""
        return [] if self._is_empty else await self._read("log", uid, wanted)

    async def summaries(
        self, wanted: Sequence[tuple[str, Sequence[str]]]
    ) -> Sequence[tuple[tuple[Metric, ...], str]]:
        """Of each uid those of its metrics that were reported, and why others were not."""
        if self._is_empty:
            return [((), "")] * len(wanted)
        found: Sequence[tuple[tuple[Metric, ...], str]] = await self._read("summaries", wanted)
        return found

    async def series(self, uids: Sequence[str], metric: str) -> Mapping[str, Sequence[str]]:
        """The values of a metric in the order of their times, by uid."""
        return {} if self._is_empty else await self._read("series", uids, metric)

    async def delete(self, uids: Sequence[str]) -> None:
        if not self._is_empty:
            await self._write("delete", uids)

    async def close(self) -> None:
        for pool in (self._writer, self._reader):
            if pool is not None:
                await asyncio.to_thread(pool.shutdown)
        self._writer = self._reader = None
        if self._rows is not None:
            self._rows.close()
            self._rows = None

    async def _open(self) -> None:
        """Make the database. Trials may have been deleted while nobody was here to hear of it."""
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._swept:
            self._swept = True
            await self._write("keep_only", self._present())

    @property
    def _is_empty(self) -> bool:
        return self._rows is None and self._file is not None and not self._file.exists()

    async def _write(self, method: str, *args: Any) -> Any:
        if self._writer is None:
            self._writer = ThreadPoolExecutor(1, "observations-write")
        return await self._run(self._writer, method, args)

    async def _read(self, method: str, *args: Any) -> Any:
        if self._reader is None:
            self._reader = ThreadPoolExecutor(1, "observations-read")
        return await self._run(self._reader, method, args)

    async def _run(self, pool: ThreadPoolExecutor, method: str, args: tuple[Any, ...]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(pool, self._call, method, args)

    def _call(self, method: str, args: tuple[Any, ...]) -> Any:
        with self._lock:
            if self._rows is None:
                self._rows = later("sampan.records.katib.rows").Rows(self._url)
        return getattr(self._rows, method)(*args)
