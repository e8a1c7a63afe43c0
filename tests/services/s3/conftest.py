"""The S3 server on a port, with keys for two namespaces."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sampan.apiserver.server import Server
from sampan.lib.clock import SystemClock
from sampan.services.s3.server import S3Server

KEYS = {"ns.key": ("ns", "secret"), "other.key": ("other", "other-secret")}


class Place:
    """`endpoint` is host:port; `root` the local repository's directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.endpoint = ""
        self._ready = threading.Event()
        self._over: asyncio.Event
        self._loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> Place:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = Server(S3Server(self.root, KEYS.get, SystemClock()))
        self.endpoint = f"127.0.0.1:{await server.start('127.0.0.1', 0, None)}"
        self._ready.set()
        await self._over.wait()
        await server.stop()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("repository")) as found:
        yield found
