"""GET /sampan/snapshot: the whole store as one SQLite file, consistent while writes go on.

It holds every Secret, so only who may `get` this path of no resource gets it: the administrator.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from sampan.apiserver.http import Request
from sampan.kube.errors import ServiceUnavailable
from sampan.store.objects import Store
from sampan.store.records import StorageFailed

PATH = "/sampan/snapshot"
_PIECE = 1 << 20  # bytes


class Snapshot:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def serve(self, request: Request) -> None:
        directory = self._store.path.parent
        with tempfile.TemporaryDirectory(dir=directory, prefix="snapshot.") as place:
            copied = Path(place, "objects.db")
            try:
                await self._store.copy(copied)
            except StorageFailed as error:
                raise ServiceUnavailable(str(error)) from error
            await _send(request, copied)


async def _send(request: Request, path: Path) -> None:
    headers = [
        (b"content-type", b"application/vnd.sqlite3"),
        (b"content-length", b"%d" % _size(path)),
        (b"cache-control", b"no-store"),
    ]
    request.code = 200
    await request.send({"type": "http.response.start", "status": 200, "headers": headers})
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            await request.send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(0)
    await request.send({"type": "http.response.body", "body": b""})


def _size(path: Path) -> int:
    return path.stat().st_size
