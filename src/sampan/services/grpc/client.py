"""Calls to somebody else: one connection, one request, one answer at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from h2.events import (
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)

from sampan.lib.proto import Broken, Message, Schema
from sampan.services.grpc import messages
from sampan.services.grpc.connection import Connection, Gone, headers_of
from sampan.services.grpc.messages import Failed, Frames


async def call(
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    authority: str,
    schema: Schema,
    method: tuple[str, str],
    request: Mapping[str, Any],
) -> Message:
    """The answer of `method` (service, name) on a connection that is then closed. Failed with the
    status that the other side gave, or UNAVAILABLE when it gave none. Who calls sets the time."""
    service, name = method
    asked, answered = schema.services[service][name]
    asking = _Asking(streams)
    try:
        data = schema.encode(asked, request)
        found = await asking.ask(authority, f"/{schema.package}.{service}/{name}", data)
        return schema.decode(answered, found)
    except Broken as fault:
        raise Failed(messages.INTERNAL, f"the answer cannot be read: {fault}") from fault
    except (Gone, OSError) as fault:
        raise Failed(messages.UNAVAILABLE, str(fault) or "the connection has ended") from fault
    finally:
        await asking.close()


class _Asking:
    def __init__(self, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        self._connection = Connection(*streams, self._took, client=True)
        self._running = asyncio.create_task(self._run())
        self._over = asyncio.Event()
        self._frames = Frames()
        self._headers: dict[str, str] = {}
        self._answers: list[bytes] = []
        self._fault: Failed | None = None

    async def ask(self, authority: str, path: str, data: bytes) -> bytes:
        await asyncio.sleep(0)  # it begins
        stream = self._connection.open()
        headers = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", authority),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", "sampan"),
            ("grpc-accept-encoding", "identity,gzip,deflate"),
        ]
        await self._connection.headers(stream, headers)
        await self._connection.data(stream, messages.framed(data), end=True)
        await self._over.wait()
        return self._outcome()

    async def close(self) -> None:
        self._connection.close()
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        try:
            await self._connection.run()
        finally:
            self._over.set()

    def _took(self, event: Event) -> None:
        match event:
            case ResponseReceived():
                self._headers |= headers_of(event)
                self._frames = Frames(self._headers.get("grpc-encoding", "identity"))
            case TrailersReceived():
                self._headers |= headers_of(event)
            case DataReceived():
                try:
                    self._answers += self._frames.add(event.data or b"")
                    if len(self._answers) > 1:
                        raise _many()
                except Failed as fault:
                    self._fault = fault
                    self._over.set()
            case StreamEnded() | StreamReset():
                self._over.set()

    def _outcome(self) -> bytes:
        if self._fault is not None:
            raise self._fault
        if self._headers.get(":status", "200") != "200":
            text = f"it answers with HTTP {self._headers[':status']}"
            raise Failed(messages.UNAVAILABLE, text)
        if "grpc-status" not in self._headers:
            raise Failed(messages.UNAVAILABLE, "the connection has ended")
        code, message = messages.read_status(self._headers)
        if code != messages.OK:
            raise Failed(code, message)
        if len(self._answers) != 1:
            raise _many()
        return self._answers[0]


def _many() -> Failed:
    return Failed(messages.INTERNAL, "it has not answered with one message")
