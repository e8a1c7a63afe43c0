"""nf_tables: everything that pods send out of the cluster comes to two sockets of ours.

One table with one chain before routing. Packets to the cluster's own nets pass; TCP and UDP to
anywhere else is given to the transparent sockets at 127.0.0.1:PORT and marked, so that a rule of
the routing tables takes it for local. The sockets see the address that was meant. What `nft`
would do, as bytes: numbers are those of linux/netfilter/nf_tables.h, in network byte order.
"""

from __future__ import annotations

import socket
import struct

from sampan.nodes.network.netlink import Netlink, attribute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

PORT = 15_001
MARK = 1
_NETFILTER = 12  # the netlink protocol
_SUBSYSTEM = 10 << 8
_NEWTABLE, _NEWCHAIN, _NEWRULE = 0, 3, 6
_BEGIN, _END = 16, 17
_REQUEST, _ACK, _CREATE, _APPEND = 0x1, 0x4, 0x400, 0x800
_NESTED = 0x8000
_PREROUTING, _MANGLE = 0, -150
_VERDICT_REGISTER, _ONE, _TWO = 0, 1, 2
_ACCEPT = 1
_TABLE, _CHAIN = b"sampan\0", b"egress\0"
_META_MARK, _META_L4PROTO = 3, 16


def install(passing: Iterable[str]) -> None:
    """In the namespace of the caller. OSError where the kernel has no nf_tables."""
    kernel = Netlink(_NETFILTER)
    try:
        batch, numbers = ruleset(passing)
        kernel.send(batch, numbers)
    finally:
        kernel.close()


def ruleset(passing: Iterable[str]) -> tuple[bytes, set[int]]:
    """(one transaction, the numbers in it that are acknowledged). Pure."""
    hook = attribute(1, _int(_PREROUTING)) + attribute(2, _int(_MANGLE))
    chain = attribute(1, _TABLE) + attribute(3, _CHAIN)
    chain += attribute(4 | _NESTED, hook) + attribute(7, b"filter\0")
    messages = [(_NEWTABLE, attribute(1, _TABLE)), (_NEWCHAIN, chain)]
    messages += [(_NEWRULE, _rule(_is_in(net), _verdict())) for net in passing]
    for protocol in (socket.IPPROTO_TCP, socket.IPPROTO_UDP):
        rule = _rule(_protocol(protocol), _proxy(), _mark(), _verdict())
        messages.append((_NEWRULE, rule))
    batch = _message(_BEGIN, _REQUEST, 0, b"", resource=10)
    for number, (kind, body) in enumerate(messages, 1):
        flags = _REQUEST | _ACK | _CREATE | (_APPEND if kind == _NEWRULE else 0)
        batch += _message(_SUBSYSTEM | kind, flags, number, body)
    batch += _message(_END, _REQUEST, len(messages) + 1, b"", resource=10)
    return batch, set(range(1, len(messages) + 1))


def _message(kind: int, flags: int, number: int, body: bytes, *, resource: int = 0) -> bytes:
    family = 0 if resource else socket.AF_INET
    body = struct.pack("!BBH", family, 0, resource) + body
    return struct.pack("=IHHII", 16 + len(body), kind, flags, number, 0) + body


def _rule(*parts: bytes) -> bytes:
    expressions = attribute(4 | _NESTED, b"".join(parts))
    return attribute(1, _TABLE) + attribute(2, _CHAIN) + expressions


def _expression(name: str, *data: bytes) -> bytes:
    inner = attribute(1, name.encode() + b"\0") + attribute(2 | _NESTED, b"".join(data))
    return attribute(1 | _NESTED, inner)


def _is_in(net: str) -> bytes:
    """Go on only for packets to this net."""
    ip, _, length = net.partition("/")
    mask = struct.pack("!I", (0xFFFFFFFF << (32 - int(length))) & 0xFFFFFFFF)
    destination = _expression(
        "payload", attribute(1, _int(_ONE)), attribute(2, _int(1)),
        attribute(3, _int(16)), attribute(4, _int(4)),
    )  # fmt: skip
    masked = _expression(
        "bitwise", attribute(1, _int(_ONE)), attribute(2, _int(_ONE)), attribute(3, _int(4)),
        attribute(4 | _NESTED, _value(mask)), attribute(5 | _NESTED, _value(bytes(4))),
    )  # fmt: skip
    return destination + masked + _equal(socket.inet_aton(ip))


def _protocol(number: int) -> bytes:
    """Go on only for packets of this protocol."""
    load = _expression("meta", attribute(2, _int(_META_L4PROTO)), attribute(1, _int(_ONE)))
    return load + _equal(bytes([number]))


def _proxy() -> bytes:
    port = _load(_TWO, struct.pack("!H", PORT))
    return _load(_ONE, socket.inet_aton("127.0.0.1")) + port + _expression(
        "tproxy", attribute(1, _int(socket.AF_INET)), attribute(2, _int(_ONE)),
        attribute(3, _int(_TWO)),
    )  # fmt: skip


def _mark() -> bytes:
    # The mark is a number of the machine's own byte order, unlike all others here.
    value = _load(_ONE, struct.pack("=I", MARK))
    return value + _expression("meta", attribute(2, _int(_META_MARK)), attribute(3, _int(_ONE)))


def _verdict() -> bytes:
    verdict = attribute(2 | _NESTED, attribute(1, _int(_ACCEPT)))
    to = attribute(1, _int(_VERDICT_REGISTER))
    return _expression("immediate", to, attribute(2 | _NESTED, verdict))


def _load(register: int, data: bytes) -> bytes:
    value = attribute(2 | _NESTED, _value(data))
    return _expression("immediate", attribute(1, _int(register)), value)


def _equal(data: bytes) -> bytes:
    value = attribute(3 | _NESTED, _value(data))
    return _expression("cmp", attribute(1, _int(_ONE)), attribute(2, _int(0)), value)


def _value(data: bytes) -> bytes:
    return attribute(1, data)


def _int(number: int) -> bytes:
    return struct.pack("!i", number)
