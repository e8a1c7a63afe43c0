"""The addresses of services: a listening socket for each port that somebody stands behind.

All of the services' net is local to the ground, so a port that nobody listens on refuses by
itself: that is what a service without ready endpoints does. A node port listens on this machine's
loopback if it is free there.
"""

from __future__ import annotations

import socket
import time

from sampan.kube.nets import GATEWAY
from sampan.nodes.network.balance import Balancer
from sampan.nodes.network.datagrams import Flows
from sampan.nodes.network.egress import allowed
from sampan.nodes.network.inside import Inside
from sampan.nodes.network.relay import Listener, Relay
from sampan.nodes.supervisor.loop import Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from sampan.nodes.network.balance import Backend
    from sampan.nodes.network.relay import Way

    Place = tuple[str, int, str]

NODE = "127.0.0.1"
_DATAGRAM = 65_536


class Services:
    """`update` is all there is. An entry is what `table.entry` makes of a service."""

    def __init__(self, loop: Loop, inside: Inside) -> None:
        self._loop = loop
        self._inside = inside
        self._flows = Flows(loop)
        self._of: dict[str, set[Place]] = {}
        self._balancers: dict[Place, Balancer] = {}
        self._open: dict[Place, Listener | _Datagrams] = {}
        self._outside: set[Place] = set()
        self._words: dict[Place, str] = {}

    def update(self, key: str, entry: dict[str, Any] | None) -> None:
        """The service has this state now; None when it is gone."""
        before, after = self._of.pop(key, set()), set()
        for port in (entry or {}).get("ports", ()):
            backends = [(ip, number) for ip, number in port["to"]]
            for place in _places(entry or {}, port) if backends else ():
                after.add(place)
                self._serve(place, backends, entry or {})
        for place in before - after:
            self._close(place)
        if after:
            self._of[key] = after

    def _serve(self, place: Place, backends: list[Backend], entry: dict[str, Any]) -> None:
        balancer = self._balancers.setdefault(place, Balancer())
        balancer.update(backends, entry.get("affinity", 0))
        if entry.get("outside"):
            self._outside.add(place)
        self._words[place] = entry.get("word", "")
        if place in self._open:
            return
        ip, port, protocol = place
        try:
            if protocol == "UDP":
                self._open[place] = _Datagrams(self, place, self._bound(ip, port))
            else:
                sock = self._listening(ip, port)
                self._open[place] = Listener(
                    self._loop, sock, lambda client, who: self._accepted(place, client, who)
                )
        except OSError:
            return  # a node port that a program of this machine has

    def _close(self, place: Place) -> None:
        self._balancers.pop(place, None)
        self._outside.discard(place)
        self._words.pop(place, None)
        opened = self._open.pop(place, None)
        if opened is not None:
            opened.close()
        self._flows.forget(place[:2])

    def _accepted(self, place: Place, client: socket.socket, who: str) -> None:
        word = self._words.get(place)
        first = f"POD {word} {who}\n".encode() if word else b""
        Relay(self._loop, client, self._ways(place, who), first)

    def _ways(self, place: Place, who: str) -> Iterator[Way]:
        balancer = self._balancers.get(place)
        for backend in balancer.order(who, time.monotonic()) if balancer else ():
            if self._leaves(place, backend):
                yield socket.socket, backend
            else:
                yield self._inside.stream, backend

    def _leaves(self, place: Place, backend: Backend) -> bool:
        """Whether an endpoint lies in this machine's own network: Sampan's API, or addresses of
        others that somebody has written into a slice."""
        return place in self._outside or allowed(backend[0])

    def carry(self, place: Place, data: bytes, client: tuple[str, int], back: Any) -> None:
        """A datagram to the service's address."""

        def out() -> socket.socket | None:
            balancer = self._balancers.get(place)
            for backend in balancer.order(client[0], time.monotonic()) if balancer else ():
                if self._leaves(place, backend):
                    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                else:
                    sock = self._inside.datagram()
                sock.connect(backend)
                return sock
            return None

        self._flows.carry((client, place[:2]), data, out, back)

    def _listening(self, ip: str, port: int) -> socket.socket:
        if ip != NODE:
            return self._inside.listener(ip, port)
        return socket.create_server((ip, port), backlog=128)

    def _bound(self, ip: str, port: int) -> socket.socket:
        if ip != NODE:
            return self._inside.datagram(ip, port)
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.bind((ip, port))
        except OSError:
            sock.close()
            raise
        return sock

    def watch(self, sock: socket.socket, call: Any) -> None:
        self._loop.watch(sock.fileno(), call)

    def ignore(self, sock: socket.socket) -> None:
        self._loop.ignore(sock.fileno())


class _Datagrams:
    """A UDP port of a service."""

    def __init__(self, services: Services, place: Place, sock: socket.socket) -> None:
        self._services = services
        self._place = place
        self._socket = sock
        sock.setblocking(False)
        services.watch(sock, self._ready)

    def close(self) -> None:
        self._services.ignore(self._socket)
        self._socket.close()

    def _ready(self, _events: int) -> None:
        try:
            data, client = self._socket.recvfrom(_DATAGRAM)
        except OSError:
            return
        self._services.carry(
            self._place, data, client, lambda answer: self._socket.sendto(answer, client)
        )


def _places(entry: dict[str, Any], port: dict[str, Any]) -> Iterator[Place]:
    protocol = port["protocol"]
    if entry.get("ip"):
        yield entry["ip"], port["port"], protocol
    if port.get("node"):
        yield NODE, port["node"], protocol
    if entry.get("outside"):  # the node's own service, at the node's address as well
        for _, number in port["to"]:
            yield GATEWAY, number, protocol
