"""UDP carried on: each client of each address has a flow of its own, until nobody uses it.

A flow is a socket connected to where the packets go; what comes back over it goes to the client,
from the address that the client has spoken to.
"""

from __future__ import annotations

import contextlib
import socket
import time

from sampan.nodes.supervisor.loop import Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Address = tuple[str, int]

_IDLE = 60.0  # seconds
_MOST = 2_048  # flows; the one that was used least recently goes when there are more
_DATAGRAM = 65_536


class _Flow:
    def __init__(self, sock: socket.socket, back: Callable[[bytes], object]) -> None:
        self.socket = sock
        self.back = back
        self.used = time.monotonic()


class Flows:
    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._flows: dict[tuple[Address, Address], _Flow] = {}
        self._sweeping = False

    def carry(
        self,
        between: tuple[Address, Address],
        data: bytes,
        out: Callable[[], socket.socket | None],
        back: Callable[[bytes], object],
    ) -> None:
        """Send a datagram of the client `between[0]` to `between[1]` on. `out` makes the connected
        socket of a new flow, None when there is no way; `back` sends an answer to the client."""
        flow = self._flows.pop(between, None)
        if flow is None:
            try:
                sock = out()
            except OSError:
                return
            if sock is None:
                return
            flow = self._begin(sock, back)
        flow.used = time.monotonic()
        self._flows[between] = flow
        with contextlib.suppress(OSError):  # as a lost packet
            flow.socket.send(data)
        if len(self._flows) > _MOST:
            self._end(next(iter(self._flows)))

    def forget(self, target: Address) -> None:
        """End all flows to an address."""
        for between in [each for each in self._flows if each[1] == target]:
            self._end(between)

    def _begin(self, sock: socket.socket, back: Callable[[bytes], object]) -> _Flow:
        sock.setblocking(False)
        flow = _Flow(sock, back)
        self._loop.watch(sock.fileno(), lambda _events: self._answered(flow))
        if not self._sweeping:
            self._sweeping = True
            self._loop.later(_IDLE / 2, self._sweep)
        return flow

    def _answered(self, flow: _Flow) -> None:
        with contextlib.suppress(OSError):  # "connection refused" comes this way, too
            flow.back(flow.socket.recv(_DATAGRAM))
            flow.used = time.monotonic()

    def _sweep(self) -> None:
        old = time.monotonic() - _IDLE
        for between in [each for each, flow in self._flows.items() if flow.used < old]:
            self._end(between)
        self._sweeping = bool(self._flows)
        if self._sweeping:
            self._loop.later(_IDLE / 2, self._sweep)

    def _end(self, between: tuple[Address, Address]) -> None:
        sock = self._flows.pop(between).socket
        self._loop.ignore(sock.fileno())
        sock.close()
