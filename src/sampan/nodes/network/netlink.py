"""rtnetlink: links, addresses, routes and rules, as bytes, and a socket that sends them.

What `ip` would do, in one system call for several requests and without a process. Encoding is
pure; `Netlink` belongs to the network namespace in which it was made, also when the process goes
on to another one. Numbers are those of linux/rtnetlink.h, if_link.h, if_addr.h and fib_rules.h.
"""

from __future__ import annotations

import os
import socket
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_REQUEST, _ACK, _CREATE, _EXCLUSIVE = 0x1, 0x4, 0x400, 0x200
_NEWLINK, _DELLINK, _NEWADDR, _NEWROUTE, _NEWRULE = 16, 17, 20, 24, 32
_ERROR = 2
_UP = 0x1
_IFNAME, _LINKINFO, _NET_NS_FD = 3, 18, 28
_KIND, _DATA, _INFO_PEER = 1, 2, 1
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_DST, _OIF, _GATEWAY, _PREFSRC, _TABLE = 1, 4, 5, 7, 15
_RULE_PRIORITY, _RULE_MARK = 6, 10
_BOOT, _TO_TABLE = 3, 1
_UNIVERSE, _LINK, _HOST = 0, 253, 254
_UNICAST, _LOCAL, _UNREACHABLE = 1, 2, 7
MAIN, LOCAL = 254, 255  # routing tables
PEER = 2
LOOPBACK = 1  # the index of `lo`, the first device of every network namespace
_HEADER = struct.Struct("=IHHII")

Message = tuple[int, int, bytes]
"""Type, flags, and what follows the header."""


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute: length, type, value, padded to four bytes. Nested ones are values."""
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def pair(name: str, index: int, peer: str, namespace: int) -> Message:
    """A pair of Ethernet devices: `name` with this index here, up, and `peer` in the namespace
    that the descriptor stands for, where it gets the index PEER and is up when asked there."""
    other = struct.pack("=BxHiII", 0, 0, PEER, 0, 0) + attribute(_IFNAME, _text(peer))
    other += attribute(_NET_NS_FD, struct.pack("=I", namespace))
    info = attribute(_KIND, b"veth") + attribute(_DATA, attribute(_INFO_PEER, other))
    body = _link(index) + attribute(_IFNAME, _text(name)) + attribute(_LINKINFO, info)
    return _NEWLINK, _CREATE | _EXCLUSIVE, body


def up(index: int) -> Message:
    return _NEWLINK, 0, _link(index)


def remove(index: int) -> Message:
    return _DELLINK, 0, _link(index)


def address(ip: str, index: int) -> Message:
    """An address of its own, without a net around it."""
    packed = socket.inet_aton(ip)
    scope = _HOST if index == LOOPBACK else _UNIVERSE
    body = struct.pack("=BBBBI", socket.AF_INET, 32, 0, scope, index)
    body += attribute(_IFA_LOCAL, packed) + attribute(_IFA_ADDRESS, packed)
    return _NEWADDR, _CREATE | _EXCLUSIVE, body


def route(net: str, index: int, *, source: str = "") -> Message:
    """To what is right behind a device. `source` is the address that our own packets get."""
    extra = attribute(_PREFSRC, socket.inet_aton(source)) if source else b""
    return _route(net, MAIN, _LINK, _UNICAST, _oif(index) + extra)


def default_route(gateway: str, index: int) -> Message:
    via = attribute(_GATEWAY, socket.inet_aton(gateway))
    return _route("0.0.0.0/0", MAIN, _UNIVERSE, _UNICAST, via + _oif(index))


def local_route(net: str, table: int = LOCAL) -> Message:
    """All of a net is taken as our own addresses."""
    return _route(net, table, _HOST, _LOCAL, _oif(LOOPBACK))


def unreachable(net: str) -> Message:
    return _route(net, MAIN, _UNIVERSE, _UNREACHABLE, b"")


def rule_for_mark(mark: int, table: int, priority: int) -> Message:
    """Packets with this mark are routed by the table."""
    body = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, table, 0, 0, _TO_TABLE, 0)
    body += attribute(_RULE_PRIORITY, struct.pack("=I", priority))
    body += attribute(_RULE_MARK, struct.pack("=I", mark))
    return _NEWRULE, _CREATE | _EXCLUSIVE, body


def rule_for_source(net: str, table: int, priority: int) -> Message:
    """Packets from a net are routed by the table."""
    ip, _, length = net.partition("/")
    body = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, int(length), 0, table, 0, 0, _TO_TABLE, 0)
    body += attribute(2, socket.inet_aton(ip))
    body += attribute(_RULE_PRIORITY, struct.pack("=I", priority))
    return _NEWRULE, _CREATE | _EXCLUSIVE, body


def encode(message: Message, number: int) -> bytes:
    """With its header; it will be answered by an acknowledgement of the same number."""
    kind, flags, body = message
    header = _HEADER.pack(_HEADER.size + len(body), kind, flags | _REQUEST | _ACK, number, 0)
    return header + body + bytes(-len(body) % 4)


def failures(data: bytes) -> list[tuple[int, int]]:
    """(number, errno or 0) of each acknowledgement in a datagram."""
    found = []
    while len(data) >= _HEADER.size:
        length, kind, _, number, _ = _HEADER.unpack_from(data)
        if kind == _ERROR and len(data) >= _HEADER.size + 4:
            found.append((number, -struct.unpack_from("=i", data, _HEADER.size)[0]))
        if length < _HEADER.size:
            break
        data = data[length + (-length % 4) :]
    return found


class Netlink:
    """A connection to the kernel for the network namespace of whoever makes it."""

    def __init__(self, protocol: int = 0) -> None:
        """`protocol` is NETLINK_ROUTE, or another one whose requests are acknowledged alike."""
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        self._socket.bind((0, 0))
        self._number = 0

    def __call__(self, messages: Iterable[Message]) -> None:
        """Carry out all of them in order; OSError of the first that failed, after all."""
        batch, first = b"", self._number + 1
        for message in messages:
            self._number += 1
            batch += encode(message, self._number)
        self.send(batch, set(range(first, self._number + 1)))

    def send(self, batch: bytes, numbers: set[int]) -> None:
        """Send what is encoded and wait until all these numbers are acknowledged."""
        self._socket.send(batch)
        fault = 0
        while numbers:
            for number, error in failures(self._socket.recv(65_536)):
                numbers.discard(number)
                fault = fault or error
        if fault:
            raise OSError(fault, f"netlink: {os.strerror(fault)}")

    def close(self) -> None:
        self._socket.close()


def _link(index: int) -> bytes:
    return struct.pack("=BxHiII", 0, 0, index, _UP, _UP)


def _oif(index: int) -> bytes:
    return attribute(_OIF, struct.pack("=i", index))


def _route(net: str, table: int, scope: int, kind: int, rest: bytes) -> Message:
    ip, _, length = net.partition("/")
    head = struct.pack(
        "=BBBBBBBBI", socket.AF_INET, int(length), 0, 0, table, _BOOT, scope, kind, 0
    )
    if int(length):
        head += attribute(_DST, socket.inet_aton(ip))
    return _NEWROUTE, _CREATE | _EXCLUSIVE, head + rest


def _text(text: str) -> bytes:
    return text.encode() + b"\0"
