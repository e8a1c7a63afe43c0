"""One TCP connection carried on over another one, both ways, until both sides have ended.

The first way that leads somewhere is taken; when none does, the client is reset, which is the
nearest to the refusal that it would have met. A side that is not read holds up the other one.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
from functools import partial

from sampan.nodes.supervisor.loop import READ, WRITE, Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Way = tuple[Callable[[], socket.socket], tuple[str, int]]

_CHUNK = 262_144  # bytes
_PATIENCE = 5.0  # seconds for one way
_UNDER_WAY = (0, errno.EINPROGRESS)


class Relay:
    """It keeps itself alive by what it watches."""

    def __init__(
        self, loop: Loop, client: socket.socket, ways: Iterator[Way], first: bytes = b""
    ) -> None:
        """A way is (how to make a socket, where to connect it). `first` is sent before what the
        client sends."""
        self._loop = loop
        self._ways = ways
        self._client = client
        self._server: socket.socket | None = None
        self._towards = {client: b""}
        self._first = first
        self._ended: set[socket.socket] = set()
        self._watched: set[int] = set()
        client.setblocking(False)
        with contextlib.suppress(OSError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._next_way()

    # -- finding a way ----------------------------------------------------------------------------
    def _next_way(self) -> None:
        for make, address in self._ways:
            try:
                sock = make()
                sock.setblocking(False)
            except OSError:
                continue
            if sock.connect_ex(address) in _UNDER_WAY:
                self._server = sock
                self._watch(sock, self._connected, WRITE)
                self._loop.later(_PATIENCE, partial(self._give_up, sock))
                return
            sock.close()
        self._reset()

    def _connected(self, _events: int) -> None:
        server = self._server
        assert server is not None
        if server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._drop(server)
            self._server = None
            self._next_way()
            return
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._towards[server] = self._first
        self._look()

    def _give_up(self, sock: socket.socket) -> None:
        """Only while it is not connected yet."""
        if self._server is sock and sock not in self._towards:
            self._drop(sock)
            self._server = None
            self._next_way()

    # -- carrying on ------------------------------------------------------------------------------
    def _look(self) -> None:
        """Wait for what can happen next; leave when that is nothing."""
        for sock, waiting in self._towards.items():
            other = self._other(sock)
            events = WRITE if waiting else 0
            if sock not in self._ended and not self._towards[other]:
                events |= READ
            self._watch(sock, partial(self._ready, sock), events)
        if len(self._ended) == 2 and not any(self._towards.values()):
            self._leave()

    def _ready(self, sock: socket.socket, events: int) -> None:
        try:
            if events & WRITE:
                self._send(sock)
            if events & READ:
                self._take(sock)
        except BlockingIOError:
            pass
        except OSError:
            self._reset()
            return
        self._look()

    def _take(self, sock: socket.socket) -> None:
        other = self._other(sock)
        data = sock.recv(_CHUNK)
        if data:
            self._towards[other] = data
        else:
            self._ended.add(sock)
        self._send(other)

    def _send(self, sock: socket.socket) -> None:
        waiting = self._towards[sock]
        if waiting:
            with contextlib.suppress(BlockingIOError):
                waiting = waiting[sock.send(waiting) :]
            self._towards[sock] = waiting
        if not waiting and self._other(sock) in self._ended:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_WR)

    def _other(self, sock: socket.socket) -> socket.socket:
        assert self._server is not None
        return self._server if sock is self._client else self._client

    # -- ends -------------------------------------------------------------------------------------
    def _reset(self) -> None:
        """Both sides learn that it broke, not that it ended."""
        for sock in (self._client, self._server):
            if sock is not None:
                refuse(sock)
        self._leave()

    def _leave(self) -> None:
        for sock in (self._client, self._server):
            if sock is not None:
                self._drop(sock)

    def _drop(self, sock: socket.socket) -> None:
        self._watch(sock, lambda _events: None, 0)
        sock.close()

    def _watch(self, sock: socket.socket, call: Callable[[int], None], events: int) -> None:
        fd = sock.fileno()
        if events:
            self._watched.add(fd)
            self._loop.watch(fd, call, events)
        elif fd in self._watched:
            self._watched.discard(fd)
            self._loop.ignore(fd)


class Listener:
    """Accepts from a socket for as long as it is open. `accepted(socket, client's address)`."""

    def __init__(
        self, loop: Loop, sock: socket.socket, accepted: Callable[[socket.socket, str], None]
    ) -> None:
        self._loop = loop
        self._socket = sock
        self._accepted = accepted
        self._open = True
        sock.setblocking(False)
        loop.watch(sock.fileno(), self._accept)

    def close(self) -> None:
        if self._open:
            self._open = False
            with contextlib.suppress(KeyError):
                self._loop.ignore(self._socket.fileno())
            self._socket.close()

    def _accept(self, _events: int) -> None:
        try:
            client, address = self._socket.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                self._loop.ignore(self._socket.fileno())
                self._loop.later(0.1, self._again)
            return
        self._accepted(client, address[0])

    def _again(self) -> None:
        if self._open:
            self._loop.watch(self._socket.fileno(), self._accept)


def refuse(sock: socket.socket) -> None:
    """Closing it will send a reset."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
