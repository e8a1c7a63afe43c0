"""HTTP/2 on a connection, for both sides: h2 knows the protocol, here are the bytes and windows.

What arrives is handed on as events of h2; data is acknowledged at once, since messages have a
largest size. Who sends waits for the window. A side that breaks the protocol is told so, and left,
and so is one that says nothing for long, does not take what it asked for, or takes back nearly all
that it asks (CVE-2023-44487). Frames without an end, and headers without one, are h2's to bound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RequestReceived,
    ResponseReceived,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import H2Error, ProtocolError
from h2.settings import SettingCodes

_CHUNK = 1 << 14  # bytes that are looked at without a pause: some thousand frames
_IDLE = 300.0  # seconds without a byte
_STALLED = 60.0  # seconds in which nothing that was written is taken
_MOST_RESET = 200  # streams that were taken back, beyond those that were answered
_SETTINGS: dict[SettingCodes | int, int] = {
    SettingCodes.INITIAL_WINDOW_SIZE: 1 << 20,  # bytes before a stream hears from us
    SettingCodes.MAX_HEADER_LIST_SIZE: 1 << 14,
}


class Gone(ConnectionError):
    """The other side is not there any more, or does not want the stream."""


class Connection:
    """`took` is called for each event, in order."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        took: Callable[[Event], None],
        *,
        client: bool = False,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._took = took
        self._h2 = H2Connection(H2Configuration(client_side=client, header_encoding="utf-8"))
        self._room = asyncio.Event()
        self._reset: set[int] = set()
        self._regrets = 0
        self.is_over = False

    async def run(self, first: bytes = b"") -> None:
        """Until one of the sides has ended it. `first` was read before."""
        try:
            self._h2.initiate_connection()
            self._h2.update_settings(_SETTINGS)
            self._flush()
            data = first or await self._read()
            while data and not self.is_over:
                self._receive(data)
                async with asyncio.timeout(_STALLED):
                    await self._writer.drain()
                await asyncio.sleep(0)  # others' turn, however much there is to read
                data = await self._read()
        except OSError:  # a timeout is one
            pass
        finally:
            self.close()

    async def _read(self) -> bytes:
        async with asyncio.timeout(_IDLE):
            return await self._reader.read(_CHUNK)

    def close(self) -> None:
        if not self.is_over:
            self.is_over = True
            self._room.set()
            try:
                self._h2.close_connection()
                self._flush()
            except (H2Error, OSError):
                pass
        self._writer.close()

    def open(self) -> int:
        """A stream for a request. Gone when there can be none."""
        try:
            return self._h2.get_next_available_stream_id()
        except H2Error as error:
            raise Gone(str(error)) from error

    async def headers(
        self, stream: int, headers: Iterable[tuple[str, str]], *, end: bool = False
    ) -> None:
        """Gone when nobody listens."""
        self._checked(stream)
        try:
            self._h2.send_headers(stream, list(headers), end_stream=end)
        except H2Error as error:
            raise Gone(str(error)) from error
        self._flush()
        await self._writer.drain()

    async def data(self, stream: int, data: bytes, *, end: bool = False) -> None:
        """As the windows allow. Gone when nobody listens."""
        left = memoryview(data)
        while left:
            size = min(await self._window(stream), self._h2.max_outbound_frame_size, len(left))
            part, left = left[:size], left[size:]
            self._send(stream, bytes(part), end=end and not left)
            await self._writer.drain()
        if end and not data:
            self._send(stream, b"", end=True)

    def reset(self, stream: int) -> None:
        """What comes of it is not wanted."""
        if not self.is_over:
            try:
                self._h2.reset_stream(stream)
            except H2Error:
                return  # it has ended
            self._flush()

    async def _window(self, stream: int) -> int:
        while True:
            self._checked(stream)
            try:
                room = self._h2.local_flow_control_window(stream)
            except H2Error as error:
                raise Gone(str(error)) from error
            if room > 0:
                return room
            self._room.clear()
            await self._room.wait()

    def _send(self, stream: int, data: bytes, *, end: bool) -> None:
        self._checked(stream)
        try:
            self._h2.send_data(stream, data, end_stream=end)
        except H2Error as error:
            raise Gone(str(error)) from error
        self._flush()

    def _checked(self, stream: int) -> None:
        if self.is_over or stream in self._reset:
            raise Gone("the other side has gone")

    def _receive(self, data: bytes) -> None:
        try:
            events = self._h2.receive_data(data)
        except ProtocolError:
            self.is_over = True
            self._flush()  # why, for the other side
            return
        for event in events:
            match event:
                case DataReceived() if event.flow_controlled_length:
                    self._h2.acknowledge_received_data(
                        event.flow_controlled_length, event.stream_id
                    )
                case WindowUpdated():
                    self._room.set()
                case StreamReset():
                    self._regret(event.stream_id)
                case ConnectionTerminated():
                    self.is_over = True
                    self._room.set()
            self._took(event)
        self._flush()

    def _regret(self, stream: int) -> None:
        self._reset.add(stream)
        self._room.set()
        self._regrets += 1
        if self._regrets > _MOST_RESET and not self.is_over:
            self._h2.close_connection(ErrorCodes.ENHANCE_YOUR_CALM)
            self.is_over = True

    def forget(self, stream: int) -> None:
        """It has ended, and nothing more is sent on it."""
        if stream in self._reset:
            self._reset.discard(stream)
        else:
            self._regrets = max(self._regrets - 1, 0)

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and not self._writer.is_closing():
            self._writer.write(data)


def headers_of(event: RequestReceived | ResponseReceived | TrailersReceived) -> dict[str, str]:
    return {str(name): str(value) for name, value in event.headers or ()}
