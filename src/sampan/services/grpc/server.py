"""A server of gRPC: methods by name, for one connection at a time.

    serve(reader, writer, caller)     until the connection ends

Who calls (`caller`, whatever it is) is found out before, from the connection itself, and handed to
each method: nothing that is sent can change it. A method that raises `Failed` ends the call with
that status; what else goes wrong is INTERNAL for the caller and stands in the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any

from h2.events import DataReceived, Event, RequestReceived, StreamEnded, StreamReset
from msgspec import Struct

from sampan.kube.errors import SampanError
from sampan.lib.proto import Broken, Message, Schema
from sampan.services.grpc import messages
from sampan.services.grpc.connection import Connection, Gone, headers_of
from sampan.services.grpc.messages import Failed, Frames

log = logging.getLogger(__name__)

Unary = Callable[[Any, Message], Awaitable[Message]]
"""(caller, request) -> answer."""
Stream = Callable[[Any, AsyncIterator[Message]], AsyncIterator[Message]]
"""(caller, requests) -> answers."""
_LONGEST = 300.0  # seconds of a call
_ANSWER = (
    (":status", "200"),
    ("content-type", "application/grpc"),
    ("grpc-accept-encoding", "identity,gzip,deflate"),
)
_WAITING = 16  # requests of a stream that are not answered yet
MOST_HELD = 64 << 20
"""Bytes of requests and answers, of all connections together, that are held at once."""


class Service(Struct, frozen=True):
    """A service of a schema; those of its methods that are not here are UNIMPLEMENTED."""

    schema: Schema
    name: str
    unary: Mapping[str, Unary] = {}
    streams: Mapping[str, Stream] = {}

    @property
    def full_name(self) -> str:
        return f"{self.schema.package}.{self.name}"


class _Room:
    """What requests and answers take up."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0


class Server:
    def __init__(self, services: Iterable[Service], *, most_held: int = MOST_HELD) -> None:
        self._room = _Room(most_held)
        self._methods = {
            f"/{service.full_name}/{name}": (service, name)
            for service in services
            for name in (*service.unary, *service.streams)
        }

    async def serve(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        caller: Any,
        first: bytes = b"",
    ) -> None:
        """`first` was read from the connection before."""
        await _Serving((self._methods, self._room), caller, reader, writer).run(first)


class _Call:
    """What is known of a stream."""

    def __init__(self, headers: Mapping[str, str], room: _Room) -> None:
        self.headers = headers
        self._room = room
        self._size = 0
        self.frames = Frames(headers.get("grpc-encoding", "identity"))
        self.requests: asyncio.Queue[bytes | Failed | None] = asyncio.Queue()
        self.task: asyncio.Task[None] | None = None
        self.has_begun = False
        """Whether the answer has."""

    def hold(self, size: int) -> None:
        """So many bytes more, until the end of the call. Failed when there is no room."""
        self._size += size
        self._room.taken += size
        if self._room.taken > self._room.most:
            raise Failed(messages.RESOURCE_EXHAUSTED, "the server has too much to do")

    def take(self, data: bytes) -> None:
        try:
            self.hold(len(data))
            for message in self.frames.add(data):
                if self.requests.qsize() >= _WAITING:
                    raise Failed(messages.RESOURCE_EXHAUSTED, "too many requests at once")
                self.requests.put_nowait(message)
        except Failed as fault:
            self.requests.put_nowait(fault)

    def end(self) -> None:
        if self.frames.is_within:
            self.requests.put_nowait(Failed(messages.INTERNAL, "it ends within a message"))
        self.requests.put_nowait(None)

    def leave(self) -> None:
        self._room.taken -= self._size
        self._size = 0

    async def request(self) -> bytes | None:
        """The next one; None at the end. Raises Failed."""
        found = await self.requests.get()
        if isinstance(found, Failed):
            raise found
        return found


class _Serving:
    """One connection."""

    def __init__(
        self,
        server: tuple[Mapping[str, tuple[Service, str]], _Room],
        caller: Any,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._methods, self._room = server
        self._caller = caller
        self._connection = Connection(reader, writer, self._took)
        self._calls: dict[int, _Call] = {}

    async def run(self, first: bytes) -> None:
        try:
            await self._connection.run(first)
        finally:
            tasks = [call.task for call in self._calls.values() if call.task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _took(self, event: Event) -> None:
        match event:
            case RequestReceived():
                call = _Call(headers_of(event), self._room)
                number = event.stream_id
                self._calls[number] = call
                call.task = asyncio.create_task(self._answer(number, call))
                call.task.add_done_callback(lambda _: self._ended(number))
            case DataReceived() if event.stream_id in self._calls:
                self._calls[event.stream_id].take(event.data or b"")
            case StreamEnded() if event.stream_id in self._calls:
                self._calls[event.stream_id].end()
            case StreamReset() if event.stream_id in self._calls:
                task = self._calls[event.stream_id].task
                if task is not None:
                    task.cancel()

    def _ended(self, number: int) -> None:
        self._connection.forget(number)
        call = self._calls.pop(number, None)
        if call is not None:
            call.leave()

    async def _answer(self, number: int, call: _Call) -> None:
        try:
            if not call.headers.get("content-type", "").startswith("application/grpc"):
                await self._connection.headers(number, [(":status", "415")], end=True)
                return
            code, message = await self._outcome(number, call)
            trailers = messages.status(code, message)
            if not call.has_begun:
                trailers = [*_ANSWER, *trailers]
            await self._connection.headers(number, trailers, end=True)
        except (Gone, OSError):
            return

    async def _outcome(self, number: int, call: _Call) -> tuple[int, str]:
        given = messages.seconds(call.headers.get("grpc-timeout", ""))
        try:
            async with asyncio.timeout(min(given or _LONGEST, _LONGEST)):
                await self._call(number, call)
        except Failed as fault:
            return fault.code, fault.message
        except Broken as fault:
            return messages.INTERNAL, f"the request cannot be read: {fault}"
        except TimeoutError:
            return messages.DEADLINE_EXCEEDED, "Deadline Exceeded"
        except (Gone, OSError):
            raise
        except SampanError as fault:
            return messages.UNAVAILABLE, str(fault)
        except Exception:
            log.exception("%s", call.headers.get(":path"))
            return messages.INTERNAL, "internal error: see the log"
        return messages.OK, ""

    async def _call(self, number: int, call: _Call) -> None:
        path = call.headers.get(":path", "")
        if path not in self._methods:
            raise Failed(messages.UNIMPLEMENTED, f"unknown method {path}")
        service, name = self._methods[path]
        request, answer = (each.removeprefix("stream ") for each in _types(service, name))
        if name in service.streams:
            requests = self._requests(call, service.schema, request)
            async for message in service.streams[name](self._caller, requests):
                await self._send(number, call, service.schema.encode(answer, message))
            return
        data = await call.request()
        if data is None or await call.request() is not None:
            raise Failed(messages.INTERNAL, f"{path} takes one request")
        found = await service.unary[name](self._caller, service.schema.decode(request, data))
        await self._send(number, call, service.schema.encode(answer, found))

    async def _requests(self, call: _Call, schema: Schema, name: str) -> AsyncIterator[Message]:
        while (data := await call.request()) is not None:
            yield schema.decode(name, data)

    async def _send(self, number: int, call: _Call, message: bytes) -> None:
        call.hold(len(message))
        if not call.has_begun:
            await self._connection.headers(number, _ANSWER)
            call.has_begun = True
        await self._connection.data(number, messages.framed(message))


def _types(service: Service, method: str) -> tuple[str, str]:
    return service.schema.services[service.name][method]
