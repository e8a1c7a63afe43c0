"""Rows of a database, used from the event loop. Statements run in two threads, one that writes and
one that reads, so that a look does not wait for what is being kept.

Nothing is opened and SQLAlchemy is not loaded before something is kept or asked for; a SQLite file
that is not there yet is not made in order to find nothing in it.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sampan.lib.later import later


class Threads:
    """What asks and keeps is called by its name of the class `Rows` of `module`, which is made with
    `url`, as SQLAlchemy writes them. Methods raise ArchiveFailed."""

    def __init__(self, module: str, url: str, file: Path | None) -> None:
        """`file`: of SQLite; None for a server's database, which is there."""
        self._module = module
        self._url = url
        self._file = file
        self._lock = threading.Lock()
        self._rows: Any = None
        self._writer: ThreadPoolExecutor | None = None
        self._reader: ThreadPoolExecutor | None = None

    @property
    def is_open(self) -> bool:
        return self._rows is not None

    @property
    def is_empty(self) -> bool:
        """Without a look: nothing was kept yet."""
        return self._rows is None and self._file is not None and not self._file.exists()

    def make_room(self) -> None:
        """The file's directory, before the first write."""
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def write(self, method: str, *args: Any) -> Any:
        if self._writer is None:
            self._writer = ThreadPoolExecutor(1, f"{self._module}-write")
        return await self._run(self._writer, method, args)

    async def read(self, method: str, *args: Any) -> Any:
        if self._reader is None:
            self._reader = ThreadPoolExecutor(1, f"{self._module}-read")
        return await self._run(self._reader, method, args)

    async def close(self) -> None:
        for pool in (self._writer, self._reader):
            if pool is not None:
                await asyncio.to_thread(pool.shutdown)
        self._writer = self._reader = None
        if self._rows is not None:
            self._rows.close()
            self._rows = None

    async def _run(self, pool: ThreadPoolExecutor, method: str, args: tuple[Any, ...]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(pool, self._call, method, args)

    def _call(self, method: str, args: tuple[Any, ...]) -> Any:
        with self._lock:
            if self._rows is None:
                self._rows = later(self._module).Rows(self._url)
        return getattr(self._rows, method)(*args)
