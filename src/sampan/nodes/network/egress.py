"""The way out: what pods send to addresses outside the cluster, carried on by this machine.

Connections are accepted in the name of whoever was meant, and made again from the machine's own
network, with everything that it reaches: routes, VPN, the lot. Only what is never meant to be
reached from a pod is not: this machine's loopback, where Sampan itself listens, and addresses
that no host has.
"""

from __future__ import annotations

import contextlib
import socket
import struct

from sampan.nodes.network.catch import PORT
from sampan.nodes.network.datagrams import Flows
from sampan.nodes.network.inside import Inside
from sampan.nodes.network.relay import Listener, Relay, refuse
from sampan.nodes.supervisor.loop import Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    Address = tuple[str, int]

_ORIGINAL_DESTINATION = 20  # IP_ORIGDSTADDR
_LOOPBACK = "127.0.0.1"
_DATAGRAM = 65_536
COMMON = (21, 22, 25, 53, 80, 443, 465, 587, 993, 1433, 2049, 3000, 3128, 3306, 5000, 5432, 5672,
          6379, 6443, 7077, 8000, 8080, 8081, 8443, 8888, 9000, 9042, 9092, 9200, 9418, 11211,
          11434, 27017)  # fmt: skip
"""Where the kernel catches nothing for us we listen on these, and no other port leads out."""
_INSIDE = ((10 << 24) + (244 << 16), (10 << 24) + (96 << 16))


def allowed(ip: str) -> bool:
    """Whether a pod may reach an address by way of this machine."""
    number = int.from_bytes(socket.inet_aton(ip))
    first = number >> 24
    if first in (0, 127) or first >= 224:
        return False
    return number & 0xFFFF0000 not in _INSIDE


class Egress:
    def __init__(self, loop: Loop, inside: Inside) -> None:
        self._loop = loop
        self._inside = inside
        self._flows = Flows(loop)
        if inside.egress() == "all":
            self._listen(_LOOPBACK, PORT)
            self._datagrams = inside.datagram(_LOOPBACK, PORT, transparent=True)
            loop.watch(self._datagrams.fileno(), self._datagram)
        else:
            for port in COMMON:
                self._listen("0.0.0.0", port)

    def _listen(self, ip: str, port: int) -> None:
        sock = self._inside.listener(ip, port, transparent=True)
        Listener(self._loop, sock, self._accepted)

    def _accepted(self, client: socket.socket, _who: str) -> None:
        target = client.getsockname()
        if allowed(target[0]):
            Relay(self._loop, client, iter([(socket.socket, target)]))
        else:
            refuse(client)
            client.close()

    # -- UDP --------------------------------------------------------------------------------------
    def _datagram(self, _events: int) -> None:
        try:
            data, notes, _, client = self._datagrams.recvmsg(_DATAGRAM, 256)
        except OSError:
            return
        for level, kind, value in notes:
            if (level, kind) == (socket.IPPROTO_IP, _ORIGINAL_DESTINATION):
                self._carry(data, client, target_of(value))

    def _carry(self, data: bytes, client: Address, target: Address) -> None:
        if not allowed(target[0]):
            return

        def out() -> socket.socket:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.connect(target)
            return sock

        self._flows.carry((client, target), data, out, lambda d: self._answer(d, client, target))

    def _answer(self, data: bytes, client: Address, target: Address) -> None:
        """In the name of the target."""
        with contextlib.suppress(OSError):
            sock = self._inside.datagram(*target, transparent=True)
            try:
                sock.sendto(data, client)
            finally:
                sock.close()


def target_of(value: bytes) -> Address:
    """Of a sockaddr_in."""
    port, packed = struct.unpack_from("!2xH4s", value)
    return socket.inet_ntoa(packed), port
