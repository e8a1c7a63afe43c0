"""DNS messages: one question in, one answer out, as bytes. Pure, and afraid of nothing.

Only what a cluster's names need: A, SRV, CNAME, PTR, SOA records of class IN, and questions of any
type. RFC 1035, 2782.
"""

from __future__ import annotations

import socket
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

A, CNAME, SOA, PTR, AAAA, SRV, ANY = 1, 5, 6, 12, 28, 33, 255
OK, FORMAT_ERROR, FAILURE, NO_NAME, NOT_IMPLEMENTED = 0, 1, 2, 3, 4
TTL = 5  # seconds: endpoints come and go
_HEADER = struct.Struct("!HHHHHH")
_RESPONSE, _AUTHORITATIVE, _TRUNCATED, _RECURSION = 0x8000, 0x0400, 0x0200, 0x0080
_OPCODE, _KEPT = 0x7800, 0x0100
_IN = 1
_PLAIN_UDP = 512  # bytes, for who does not say that more will do
_OPT = 41


class Question:
    """`name` is in lower case without the last dot; `raw` the bytes of the question itself."""

    __slots__ = ("flags", "kind", "name", "number", "raw", "room")

    def __init__(
        self, number: int, flags: int, name: str, kind: int, raw: bytes, room: int
    ) -> None:
        self.number, self.flags = number, flags
        self.name, self.kind = name, kind
        self.raw = raw
        self.room = room


class Record:
    """`value` is an address (A), a name (CNAME, PTR), or (port, name) for SRV."""

    __slots__ = ("kind", "name", "value")

    def __init__(self, name: str, kind: int, value: str | tuple[int, str]) -> None:
        self.name, self.kind, self.value = name, kind, value


class Malformed(Exception):
    """It is no question that could be answered."""


def question(data: bytes) -> Question:
    """Of a query. Raises Malformed."""
    if len(data) < _HEADER.size:
        raise Malformed("shorter than a header")
    number, flags, questions, answers, authorities, extra = _HEADER.unpack_from(data)
    if flags & _RESPONSE or questions != 1:
        raise Malformed("not one question")
    labels, at = _name(data, _HEADER.size)
    if at + 4 > len(data):
        raise Malformed("cut off")
    kind, _ = struct.unpack_from("!HH", data, at)
    room = _room(data, at + 4) if extra and not answers and not authorities else _PLAIN_UDP
    raw = data[_HEADER.size : at + 4]
    return Question(number, flags, ".".join(labels), kind, raw, room)


def refusal(data: bytes, code: int) -> bytes:
    """An answer to what could not be understood; b"" when there is not even a number."""
    if len(data) < _HEADER.size or data[2] & 0x80:
        return b""
    number, flags = struct.unpack_from("!HH", data)
    return _HEADER.pack(number, _RESPONSE | (flags & (_OPCODE | _KEPT)) | code, 0, 0, 0, 0)


def answer(
    asked: Question, code: int, records: Sequence[Record], *, room: int = 65_535, zone: str = ""
) -> bytes:
    """Within `room` bytes, marked as cut off when it does not fit. `zone` is named as the one
    that says so when there is no record."""
    flags = _RESPONSE | _AUTHORITATIVE | _RECURSION | (asked.flags & (_OPCODE | _KEPT)) | code
    sections = b"".join(_record(record, asked.name) for record in records)
    authority = _start_of(zone) if zone and not records else b""
    counts = (1, len(records), int(bool(authority)), 0)
    message = _HEADER.pack(asked.number, flags, *counts) + asked.raw + sections + authority
    if len(message) <= room:
        return message
    return _HEADER.pack(asked.number, flags | _TRUNCATED, 1, 0, 0, 0) + asked.raw


def renumbered(message: bytes, number: int) -> bytes:
    """The same message with another number."""
    return struct.pack("!H", number) + message[2:]


def _name(data: bytes, at: int) -> tuple[list[str], int]:
    """(labels, where it ends). A question is the first name, so there is nothing to point to."""
    labels: list[str] = []
    length = 0
    while True:
        if at >= len(data):
            raise Malformed("a name without an end")
        size = data[at]
        at += 1
        if size == 0:
            return labels, at
        length += size + 1
        if size > 63 or length > 254 or at + size > len(data):
            raise Malformed("a label that cannot be")
        labels.append(data[at : at + size].decode("latin-1").lower())
        at += size


def _room(data: bytes, at: int) -> int:
    """How much the client takes by UDP (EDNS, RFC 6891), when that is what comes first."""
    if len(data) < at + 11 or data[at] != 0:
        return _PLAIN_UDP
    kind, size = struct.unpack_from("!HH", data, at + 1)
    return min(max(size, _PLAIN_UDP), 4096) if kind == _OPT else _PLAIN_UDP


def _record(record: Record, asked: str) -> bytes:
    owner = b"\xc0\x0c" if record.name == asked else _encoded(record.name)
    if record.kind == A:
        assert isinstance(record.value, str)
        value = socket.inet_aton(record.value)
    elif record.kind == SRV:
        assert isinstance(record.value, tuple)
        value = struct.pack("!HHH", 0, 100, record.value[0]) + _encoded(record.value[1])
    else:
        assert isinstance(record.value, str)
        value = _encoded(record.value)
    return owner + struct.pack("!HHIH", record.kind, _IN, TTL, len(value)) + value


def _start_of(zone: str) -> bytes:
    """The zone's SOA: by its last number a client knows how long nothing stays nothing."""
    value = _encoded(f"ns.dns.{zone}") + _encoded(f"hostmaster.{zone}")
    value += struct.pack("!IIIII", 1, 7200, 1800, 86_400, TTL)
    return _encoded(zone) + struct.pack("!HHIH", SOA, _IN, TTL, len(value)) + value


def _encoded(name: str) -> bytes:
    labels = [label.encode("latin-1", "replace")[:63] for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
