"""The name server of pods: the cluster's names from the table, all others from this machine's.

Questions that are not ours go to the servers of the machine's /etc/resolv.conf, one after another,
and come back with the number that they had. By TCP, a connection whose question is not ours is
carried on to such a server as a whole.
"""

from __future__ import annotations

import contextlib
import os
import socket

from sampan.kube.nets import DNS, ZONE
from sampan.nodes.network import dns
from sampan.nodes.network.inside import Inside
from sampan.nodes.network.naming import Names
from sampan.nodes.network.relay import Listener, Relay
from sampan.nodes.supervisor.loop import Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PORT = 53
_HOST_FILE = "/etc/resolv.conf"
_PATIENCE = 2.0  # seconds for one server
_SILENCE = 10.0  # seconds that a connection may take for a question
_MOST = 512  # questions under way to servers outside; more are not answered
_DATAGRAM = 4_096


class Resolver:
    def __init__(self, loop: Loop, inside: Inside, names: Names, ip: str = DNS) -> None:
        self._loop = loop
        self._names = names
        self._socket = inside.datagram(ip, PORT)
        self._upstream = Upstream(loop)
        loop.watch(self._socket.fileno(), self._ready)
        Listener(loop, inside.listener(ip, PORT), self._accepted)

    def _ready(self, _events: int) -> None:
        try:
            data, client = self._socket.recvfrom(_DATAGRAM)
        except OSError:
            return

        def reply(message: bytes) -> None:
            with contextlib.suppress(OSError):
                self._socket.sendto(message, client)

        said = respond(self._names, data, by_udp=True)
        if said is None:
            self._upstream.ask(data, reply)
        elif said:
            reply(said)

    def _accepted(self, client: socket.socket, _who: str) -> None:
        _Conversation(self._loop, client, self._names)


def respond(names: Names, data: bytes, *, by_udp: bool) -> bytes | None:
    """The answer to a query; None when others have to be asked, b"" when there is none to be."""
    try:
        asked = dns.question(data)
    except dns.Malformed:
        return dns.refusal(data, dns.FORMAT_ERROR)
    if asked.flags & 0x7800:
        return dns.refusal(data, dns.NOT_IMPLEMENTED)
    found = names.find(asked.name, asked.kind)
    if found is None:
        return None
    code, records = found
    room = asked.room if by_udp else 65_535
    zone = ZONE if asked.name.endswith(ZONE) else ""
    return dns.answer(asked, code, records, room=room, zone=zone)


class Upstream:
    """Questions under way to this machine's own servers."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._under_way = 0

    def ask(self, query: bytes, reply: Callable[[bytes], None]) -> None:
        """`reply` gets the answer, or a failure when no server has one."""
        if self._under_way < _MOST:
            self._under_way += 1
            self._try(query, reply, servers())

    def _try(self, query: bytes, reply: Callable[[bytes], None], left: list[str]) -> None:
        if not left:
            self._under_way -= 1
            reply(dns.refusal(query, dns.FAILURE))
            return
        # Number and port are new each time, so that nobody else can guess an answer.
        number = int.from_bytes(os.urandom(2))
        family = socket.AF_INET6 if ":" in left[0] else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.setblocking(False)
        done = False

        def finish() -> bool:
            nonlocal done
            first, done = not done, True
            if first:
                self._loop.ignore(sock.fileno())
                sock.close()
            return first

        def answered(_events: int) -> None:
            data = b""
            with contextlib.suppress(OSError):
                data = sock.recv(65_536)
            if data and data[:2] != number.to_bytes(2):
                return
            if finish():
                if data:
                    self._under_way -= 1
                    reply(dns.renumbered(data, int.from_bytes(query[:2])))
                else:  # refused: nobody serves there
                    self._try(query, reply, left[1:])

        def patience_ends() -> None:
            if finish():
                self._try(query, reply, left[1:])

        self._loop.watch(sock.fileno(), answered)
        self._loop.later(_PATIENCE, patience_ends)
        with contextlib.suppress(OSError):
            sock.connect((left[0], PORT))
            sock.send(dns.renumbered(query, number))


class _Conversation:
    """Questions over one TCP connection, each after its length."""

    def __init__(self, loop: Loop, client: socket.socket, names: Names) -> None:
        self._loop = loop
        self._client = client
        self._names = names
        self._read = b""
        self._open = True
        self._turn = 0
        client.setblocking(False)
        loop.watch(client.fileno(), self._ready)
        self._expect()

    def _ready(self, _events: int) -> None:
        try:
            data = self._client.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close()
            return
        self._read += data
        while self._open and len(self._read) >= 2:
            size = int.from_bytes(self._read[:2]) + 2
            if len(self._read) < size:
                break
            query, rest = self._read[2:size], self._read[size:]
            if not self._answer(query):
                return
            self._read = rest
        self._expect()

    def _answer(self, query: bytes) -> bool:
        """Whether the conversation goes on with us."""
        said = respond(self._names, query, by_udp=False)
        if said is None:
            self._open = False
            self._loop.ignore(self._client.fileno())
            ways = iter([(socket.socket, (server, PORT)) for server in servers() if "." in server])
            Relay(self._loop, self._client, ways, self._read)
            return False
        try:
            self._client.send(len(said).to_bytes(2) + said)
        except OSError:
            self._close()
        return self._open

    def _expect(self) -> None:
        """Leave when nothing is asked for some time."""
        self._turn += 1
        turn = self._turn
        self._loop.later(_SILENCE, lambda: self._close() if self._turn == turn else None)

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._loop.ignore(self._client.fileno())
            self._client.close()


_cache: tuple[float, list[str]] = (-1.0, [])


def servers() -> list[str]:
    """This machine's name servers, as its file says now."""
    global _cache
    try:
        changed = os.stat(_HOST_FILE).st_mtime
        if changed != _cache[0]:
            with open(_HOST_FILE) as file:
                _cache = changed, parsed(file.read())
    except OSError:
        return []
    return _cache[1]


def parsed(text: str) -> list[str]:
    words = (line.split() for line in text.splitlines())
    return [each[1] for each in words if len(each) > 1 and each[0] == "nameserver"][:3]
