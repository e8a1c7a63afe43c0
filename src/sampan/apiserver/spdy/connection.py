"""Connection: a session over a pipe, as streams that tasks read from and write to.

One task reads the pipe (`run`); whoever writes waits until the peer's windows and the pipe take it.
Memory is bounded both ways: when streams hold `MOST_HELD` unread bytes together the pipe is read no
further, and a writer puts one chunk at a time into the pipe, under a lock. One stream that nobody
reads therefore holds up the others of its connection, as in Go's spdystream.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

from sampan.apiserver.spdy.frames import CANCEL, REFUSED_STREAM, ProtocolError
from sampan.apiserver.spdy.session import Cancelled, Ended, Event, Moved, Opened, Received, Session
from sampan.apiserver.waiting import until_either

MOST_HELD = 1 << 20  # bytes that were received and not read yet, of all streams
_CHUNK = 1 << 15  # bytes of a data frame
_BEAT = 30.0  # seconds between pings: they find out that a silent peer is gone


class Closed(ConnectionError):
    """The stream or the whole connection is no more."""


class Pipe(Protocol):
    """Bytes both ways, in order."""

    async def read(self) -> bytes:
        """b"" at the end, which is also when the peer is gone."""
        ...

    async def write(self, data: bytes) -> None:
        """Waits while the peer does not read, then writes all at once; who is cancelled while it
        waits has written nothing. Raises OSError when the peer is gone."""
        ...


class Stream:
    """One stream that the peer has opened. Header names are lower-case."""

    def __init__(self, connection: Connection, number: int, headers: Mapping[str, str]) -> None:
        self._connection = connection
        self.number = number
        self.headers = headers
        self.cancelled = False  # dropped by the peer, or gone with the connection
        self._pieces: deque[bytes] = deque()
        self._ended = False
        self._ignored = False
        self._news = asyncio.Event()

    async def read(self) -> bytes:
        """The next bytes; b"" at the end, or when the stream was cancelled."""
        while not self._pieces:
            if self._ended or self.cancelled:
                return b""
            self._news.clear()
            await self._news.wait()
        data = self._pieces.popleft()
        await self._connection.consumed(self.number, len(data))
        return data

    async def dropped(self) -> None:
        """Return when the peer has dropped the stream, or is gone."""
        while not self.cancelled:
            self._news.clear()
            await self._news.wait()

    async def write(self, data: bytes) -> None:
        """Raises OSError when nobody hears it any more."""
        for at in range(0, len(data), _CHUNK):
            await self._connection.send(self.number, data[at : at + _CHUNK])

    async def end(self) -> None:
        """Nothing more is written. Never raises."""
        await self._connection.end(self.number)

    async def reset(self) -> None:
        """Drop the stream, both ways. Never raises."""
        self.ignore()
        await self._connection.reset(self.number)

    def refuse(self) -> None:
        """Drop a stream that is not wanted, while it is being opened."""
        self._connection.drop(self.number, REFUSED_STREAM)

    def ignore(self) -> None:
        """Throw away what comes, and what is there."""
        self._ignored = True
        self._connection.threw(self.number, sum(map(len, self._pieces)))
        self._pieces.clear()

    # -- for the connection -------------------------------------------------------------------

    def take(self, data: bytes) -> bool:
        """False when nobody wants it."""
        if self._ignored:
            return False
        self._pieces.append(data)
        self._news.set()
        return True

    def finish(self, *, cancelled: bool) -> None:
        if cancelled:
            self.ignore()
            self.cancelled = True
        self._ended = True
        self._news.set()


class Connection:
    """`opened` hears of each stream, from within `run`."""

    def __init__(self, pipe: Pipe, opened: Callable[[Stream], None]) -> None:
        self._pipe = pipe
        self._opened = opened
        self._session = Session()
        self._streams: dict[int, Stream] = {}
        self._held = 0
        self._closed = False
        self._unsent = b""  # taken from the session, not by the pipe yet
        self._writing = asyncio.Lock()
        self._drained = asyncio.Event()
        self._moved = asyncio.Event()

    async def run(self) -> None:
        """Serve the peer until it leaves or breaks the protocol. Never raises for what it does."""
        try:
            with contextlib.suppress(OSError):
                await until_either(self._serve(), self._beat())
        finally:
            self._closed = True
            for stream in list(self._streams.values()):
                stream.finish(cancelled=True)
            self._streams.clear()
            self._wake()

    async def _serve(self) -> None:
        while not self._session.finished and (data := await self._pipe.read()):
            try:
                events = self._session.receive(data)
            except ProtocolError:
                self._session.leave(fault=True)
                await self._flush()
                return
            for event in events:
                self._hear(event)
            await self._flush()
            while self._held > MOST_HELD:
                self._drained.clear()
                await self._drained.wait()

    def _hear(self, event: Event) -> None:
        match event:
            case Opened():
                stream = Stream(self, event.stream, event.headers)
                self._streams[event.stream] = stream
                self._opened(stream)
            case Received():
                self._held += len(event.data)
                found = self._streams.get(event.stream)
                if found is None or not found.take(event.data):
                    self.threw(event.stream, len(event.data))
            case Ended():
                if found := self._streams.get(event.stream):
                    found.finish(cancelled=False)
                self._forget(event.stream)
            case Cancelled():
                if found := self._streams.pop(event.stream, None):
                    found.finish(cancelled=True)
                self._wake()
            case Moved():
                self._wake()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT)
            self._session.ping()
            await self._flush()

    # -- for the streams ----------------------------------------------------------------------

    async def send(self, number: int, data: bytes) -> None:
        while data:
            async with self._writing:
                room = self._session.room(number)
                if self._closed or not self._session.is_open(number):
                    raise Closed(f"stream {number} is closed")
                if room:
                    self._session.send(number, data[:room])
                    data = data[room:]
                    await self._put()
                    continue
                moved = self._moved
            await moved.wait()

    async def end(self, number: int) -> None:
        self._session.end(number)
        self._forget(number)
        await self._try_flush()

    async def reset(self, number: int) -> None:
        self.drop(number, CANCEL)
        await self._try_flush()

    def drop(self, number: int, status: int) -> None:
        self._session.reset(number, status)
        if found := self._streams.pop(number, None):
            found.finish(cancelled=True)

    async def consumed(self, number: int, count: int) -> None:
        self.threw(number, count)
        if self._session.waiting:
            await self._try_flush()

    def threw(self, number: int, count: int) -> None:
        """So many held bytes are held no more."""
        self._held -= count
        self._session.consumed(number, count)
        self._drained.set()

    def _forget(self, number: int) -> None:
        """A stream that has ended both ways is kept by its reader alone."""
        if not self._session.knows(number):
            self._streams.pop(number, None)

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def _try_flush(self) -> None:
        with contextlib.suppress(OSError):
            await self._flush()

    async def _flush(self) -> None:
        async with self._writing:
            if not self._closed and (self._session.waiting or self._unsent):
                await self._put()

    async def _put(self) -> None:
        """Under the lock. What a cancelled writer leaves behind is written by the next one."""
        self._unsent += self._session.take()
        await self._pipe.write(self._unsent)
        self._unsent = b""
