"""The port of Katib's gRPC services: who is there, and the way in.

A connection begins in one of three ways:

    PRI * HTTP/2.0            a program on this machine, which is the owner's or nobody's
    CONNECT host:port HTTP/1  a proxy is wanted: the URL with a word in it says for whom. The name
                              of the DB manager leads to the services here, others to where pods
                              find them, since a program that has a proxy asks it for everything
    POD <word> <address>      the network of pods carries on a pod's connection to the service

What speaks gRPC is loaded with the first that gets so far.
Upstream: cmd/db-manager.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from sampan.kube import names, nets
from sampan.kube.errors import SampanError
from sampan.lib import streams
from sampan.services.katib.callers import NOBODY, Caller, Words

log = logging.getLogger(__name__)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Address = tuple[str, int]
_LARGEST = 1 << 16  # bytes of a head
_PATIENCE = 30.0  # seconds until a connection has said what it wants
_MOST_OPEN = 1000  # connections
_MOST_OF_ONE = 500  # of one caller, so that nobody takes all
Wish = tuple[Caller, Coroutine[Any, Any, None]]
_SHORT = f"{names.MANAGER_SERVICE}.{names.PLATFORM_NAMESPACE}"
_NAMES = (_SHORT, f"{_SHORT}.svc", f"{_SHORT}.svc.{nets.ZONE}")
_DROPPED = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError)


class Serves(Protocol):
    async def serve(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        caller: Any,
        first: bytes = b"",
    ) -> None: ...


class Refused(Exception):
    """A status of HTTP and a sentence."""


class Door:
    """`services` makes the server, once. `namespace_at` tells whose pod has an address, "" for
    none; `is_owner` whether a connection (its end, ours) is held by a program of the owner; `dial`
    connects to a host and port as a pod of a namespace would, and raises OSError or SampanError."""

    def __init__(
        self,
        services: Callable[[], Serves],
        *,
        namespace_at: Callable[[str], str],
        is_owner: Callable[[Address, Address], bool],
        dial: Callable[[str, int, str], Awaitable[Streams]],
    ) -> None:
        self.words = Words()
        self._make = services
        self._services: Serves | None = None
        self._namespace_at = namespace_at
        self._is_owner = is_owner
        self._dial = dial
        self._server: asyncio.Server | None = None
        self._address: Address = ("", 0)
        self._open: set[asyncio.Task[None]] = set()
        self._silent: dict[asyncio.Task[None], None] = {}
        """Connections that have not said what they want, the oldest first."""
        self._of: Counter[Caller] = Counter()

    async def start(self, host: str, port: int, _secure: ssl.SSLContext | None = None) -> int:
        """Answers with the port."""
        self._server = await asyncio.start_server(self._accept, host, port, limit=_LARGEST)
        self._address = self._server.sockets[0].getsockname()[:2]
        return self._address[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    @property
    def owners_proxy(self) -> str:
        """The proxy's URL for programs of the owner."""
        return self._proxy(self.words.of_owner())

    def proxy_of(self, namespace: str) -> str:
        """The proxy's URL for pods of the namespace that have no network of their own."""
        return self._proxy(self.words.of_namespace(namespace))

    def _proxy(self, who: tuple[str, str]) -> str:
        host, port = self._address
        return f"http://{who[0]}:{who[1]}@{host}:{port}"

    # -- connections ------------------------------------------------------------------------------
    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._open) >= _MOST_OPEN and not self._made_room():
            writer.close()
            return
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        try:
            await self._greet(reader, writer)
        except Refused as refusal:
            code, _, text = str(refusal).partition(" ")
            head = f"HTTP/1.1 {code} {text}\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n"
            writer.write(f"{head}Connection: close\r\n\r\n".encode())
        except _DROPPED:
            pass  # it has gone, or says nothing that makes sense
        except asyncio.CancelledError:
            pass  # we leave it, which asyncio would tell of as a fault
        except Exception:
            log.exception("a connection to Katib's services")
        finally:
            with contextlib.suppress(OSError):
                writer.close()

    def _made_room(self) -> bool:
        """By leaving who has said nothing for longest."""
        oldest = next(iter(self._silent), None)
        if oldest is not None:
            del self._silent[oldest]
            oldest.cancel()
        return oldest is not None

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._silent[task] = None
        try:
            async with asyncio.timeout(_PATIENCE):
                caller, go_on = await self._wish(reader, writer)
        finally:
            self._silent.pop(task, None)
        if self._of[caller] >= _MOST_OF_ONE:
            go_on.close()
            return
        self._of[caller] += 1
        try:
            await go_on
        finally:
            self._of[caller] -= 1

    async def _wish(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Wish:
        """Who calls, and what is to be done for as long as it takes."""
        first = await reader.readexactly(4)
        if first == b"CONN":
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            return await self._proxied(head, reader, writer)
        if first == b"POD ":
            line = (await reader.readuntil(b"\n")).decode("latin-1").split()
            caller = self._pod(line)
            return caller, self._serve(reader, writer, caller)
        if first == b"PRI ":
            caller = await self._neighbour(writer)
            return caller, self._serve(reader, writer, caller, first)
        raise Refused("400 this port speaks gRPC")

    def _pod(self, line: list[str]) -> Caller:
        if len(line) != 2 or line[0] != self.words.relay:
            return NOBODY
        namespace = self._namespace_at(line[1])
        return Caller(namespace=namespace) if namespace else NOBODY

    async def _neighbour(self, writer: asyncio.StreamWriter) -> Caller:
        ends = [writer.get_extra_info(name)[:2] for name in ("peername", "sockname")]
        owned = await asyncio.to_thread(self._is_owner, ends[0], ends[1])
        return Caller(everywhere=True) if owned else NOBODY

    async def _serve(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        caller: Caller,
        first: bytes = b"",
    ) -> None:
        if self._services is None:
            self._services = self._make()
        await self._services.serve(reader, writer, caller, first)

    # -- the proxy --------------------------------------------------------------------------------
    async def _proxied(
        self, head: list[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Wish:
        target, _, version = head[0].removeprefix("ECT ").partition(" ")
        host, _, number = target.rpartition(":")
        if not number.isdecimal() or not host or not version.startswith("HTTP/1"):
            raise Refused("400 Bad Request")
        caller = await self._asked(head[1:], writer)
        if caller == NOBODY:
            raise Refused("407 Proxy Authentication Required")
        if host.rstrip(".").lower() in _NAMES:
            writer.write(f"{version} 200 OK\r\n\r\n".encode())
            return caller, self._serve(reader, writer, caller)
        namespace = caller.namespace or names.DEFAULT_USER_NAMESPACE
        try:
            there = await self._dial(host.strip("[]"), int(number), namespace)
        except (OSError, SampanError) as error:
            raise Refused(f"502 {' '.join(str(error).split())}") from error
        writer.write(f"{version} 200 OK\r\n\r\n".encode())
        return caller, _join((reader, writer), there)

    async def _asked(self, headers: list[str], writer: asyncio.StreamWriter) -> Caller:
        for header in headers:
            name, _, value = header.partition(":")
            if name.lower() == "proxy-authorization":
                return self.words.caller(value.strip())
        return await self._neighbour(writer)


async def _join(one: Streams, other: Streams) -> None:
    """Until both have ended."""
    try:
        await asyncio.gather(streams.pump(one[0], other[1]), streams.pump(other[0], one[1]))
    finally:
        other[1].close()
