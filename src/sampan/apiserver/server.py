"""The socket: uvicorn's HTTP/1.1 protocol on a TLS listener, without uvicorn's process handling.

`Connection` adds five things to uvicorn's protocol class: an answer goes out in one write, streams
may write to the transport and hear when it is lost, a request that stays half sent is cut off, the
client's certificate (which TLS has verified) is shown to the application, and a request may take
the bare connection over (SPDY), which uvicorn does for websockets only.
It relies on what uvicorn does not promise, hence the narrow version pin and the tests.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from sampan.apiserver.certificates import Certificates
from sampan.apiserver.pipes import Gone, Socket
from sampan.apiserver.websocket import WebSocket

HALF_SENT = 30.0  # seconds within which a request must be sent whole, and a handshake done
UNREAD = 3600.0  # seconds that a client may read nothing while there is something for it
_KEEP_ALIVE = 600  # seconds that an idle connection is kept
_BACKLOG = 2048
_PROXIED = re.compile(rb"/api/v1/namespaces/[^/?]+/(?:pods|services)/[^/?]+/proxy(?:[/?]|$)")
SWEEP = 5.0  # seconds between two looks for such requests


class Connection(HttpToolsProtocol):
    """One client. `began` is when a request began that is not whole yet, `waits_since` when it
    stopped to read what we have for it."""

    began: float | None = None
    waits_since: float | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self.waits_since = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.waits_since = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._lost: list[Callable[[], None]] = []
        self._certificate = transport.get_extra_info("peercert")
        self.began = self.loop.time()

    async def answer(self, send: Any, code: int, head: bytes, body: bytes) -> None:
        """What two calls of `send` would do, in one write. `send` belongs to the request's cycle,
        which is not always the newest one: clients may pipeline."""
        cycle: RequestResponseCycle = send.__self__
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if cycle.disconnected:
            return
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        closing = b"" if cycle.keep_alive else b"connection: close\r\n"
        cycle.transport.write(b"".join((STATUS_LINE[code], head, closing, b"\r\n", body)))
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()

    def upgrade(self, send: Any, head: bytes) -> Socket:
        """Answer 101 with these header lines and hand the connection over. Raises pipes.Gone."""
        cycle: RequestResponseCycle = send.__self__
        if cycle.disconnected or cycle is not self.cycle:
            raise Gone("the client has left, or has asked for more already")
        cycle.response_started = cycle.response_complete = True
        self.began = None
        self._unset_keepalive_if_required()
        self.connections.discard(self)
        socket = Socket(self.transport, self._dropped)
        self.connections.add(socket)  # type: ignore[arg-type]
        self.transport.set_protocol(socket)
        self.transport.write(b"".join((STATUS_LINE[101], head, b"\r\n")))
        self.flow.resume_reading()
        return socket

    def _dropped(self, socket: Socket) -> None:
        self.connections.discard(socket)

    def _should_upgrade(self) -> bool:
        """Whether a websocket ends here. One that is meant for a pod goes on to it as it is."""
        return super()._should_upgrade() and not _PROXIED.match(self.url)

    def _unsupported_upgrade_warning(self) -> None:
        """Called for an upgrade that is not a websocket of ours, after its request was handed to
        the application. What follows may not be HTTP: it waits until that is known."""
        if (self._get_upgrade() or b"").startswith(b"spdy/") or _PROXIED.match(self.url):
            self.flow.pause_reading()

    def on_lost(self, tell: Callable[[], None]) -> None:
        self._lost.append(tell)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for tell in self._lost:
            tell()
        self._lost.clear()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.began = self.loop.time()
        self.scope["sampan.connection"] = self  # type: ignore[typeddict-unknown-key]
        self.scope["sampan.certificate"] = self._certificate  # type: ignore[typeddict-unknown-key]

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.began = None
        self._lost.clear()


class Server:
    """Serves one ASGI application on one address, inside a running event loop."""

    def __init__(self, app: Any) -> None:
        self._config = uvicorn.Config(
            app,
            http=Connection,
            ws=WebSocket,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE,
            ws_ping_interval=None,
        )
        self._state = ServerState()
        self._listener: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    async def start(self, host: str, port: int, certificates: Certificates | None) -> int:
        """Listen; answers with the port, which matters when 0 was asked for."""
        logger = logging.getLogger("uvicorn.error")
        logger.setLevel(logging.ERROR)
        logger.addFilter(_worth_saying)
        self._config.load()
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: Connection(self._config, self._state, {}, loop),
            host,
            port,
            ssl=_context(certificates) if certificates else None,
            backlog=_BACKLOG,
            ssl_handshake_timeout=HALF_SENT if certificates else None,
        )
        self._sweeper = loop.call_later(SWEEP, self._sweep)
        bound: int = self._listener.sockets[0].getsockname()[1]
        return bound

    async def stop(self, seconds: float = 5.0) -> None:
        """Take no more connections, let what is under way finish, then close."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._listener is None:
            return
        self._listener.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        waiting = set(self._state.tasks)
        if waiting:
            _, waiting = await asyncio.wait(waiting, timeout=seconds)
        for task in waiting:
            task.cancel()
        for connection in list(self._state.connections):
            if isinstance(connection, Connection | Socket):
                connection.transport.close()

    def _sweep(self) -> None:
        """A client that is paused, such as a pager, is waited for, as what it leaves unread is
        bounded; but not for ever."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in list(self._state.connections):
            begun = getattr(connection, "began", None)
            waits = getattr(connection, "waits_since", None)
            half_sent = begun is not None and begun < now - HALF_SENT
            if half_sent or (waits is not None and waits < now - UNREAD):
                connection.transport.abort()
        self._sweeper = loop.call_later(SWEEP, self._sweep)


def _worth_saying(record: logging.LogRecord) -> bool:
    """uvicorn calls a websocket that was refused with a status an error of the application."""
    return "without completing handshake" not in str(record.msg)


def _context(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificates.certificate, certificates.key)
    context.verify_mode = ssl.CERT_OPTIONAL  # a client may say who it is by a certificate of our CA
    context.load_verify_locations(certificates.ca)
    return context
