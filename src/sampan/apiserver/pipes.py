"""Pipes: bytes both ways over what was an HTTP connection until it was upgraded.

`Socket` is the bare connection after a 101, `Messages` the binary messages of a websocket. Both
hold back: they read no further while nobody takes what is there, and a writer waits while the peer
does not read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

_MOST_UNREAD = 1 << 18  # bytes


class Gone(ConnectionError):
    """The peer has left."""


class Socket(asyncio.Protocol):
    """A transport that was taken over from HTTP. `lost` is called once, when it is closed."""

    def __init__(self, transport: asyncio.Transport, lost: Callable[[Socket], None]) -> None:
        self.transport = transport
        self.waits_since: float | None = None  # when the client stopped to read
        self._lost = lost
        self._unread = bytearray()
        self._closed = False
        self._paused = False
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    async def read(self) -> bytes:
        """b"" at the end."""
        while not self._unread:
            if self._closed:
                return b""
            self._news.clear()
            await self._news.wait()
        data = bytes(self._unread)
        self._unread.clear()
        if self._paused and not self._closed:
            self._paused = False
            self.transport.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        await self._writable.wait()
        if self._closed or self.transport.is_closing():
            raise Gone("the client has left")
        self.transport.write(data)

    async def close(self) -> None:
        """Nothing more is written; what was written still goes out."""
        self.transport.close()

    def shutdown(self) -> None:
        """The server stops."""
        self.transport.close()

    # -- called by the transport --------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._unread += data
        self._news.set()
        if len(self._unread) > _MOST_UNREAD and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        self._writable.clear()
        self.waits_since = asyncio.get_running_loop().time()

    def resume_writing(self) -> None:
        self._writable.set()
        self.waits_since = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self._news.set()
        self._writable.set()
        self._lost(self)


class Messages:
    """A websocket that was accepted; the bounds of its messages mean nothing."""

    def __init__(
        self, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        self._receive = receive
        self._send = send

    async def read(self) -> bytes:
        """b"" at the end."""
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return b""
            if data := message.get("bytes"):
                return bytes(data)

    async def write(self, data: bytes) -> None:
        await self._send({"type": "websocket.send", "bytes": data})
