"""Files of events, as TensorFlow and PyTorch write them."""

from __future__ import annotations

import struct

from sampan.nodes.collector import records


def field(number: int, data: bytes, kind: int = 2) -> bytes:
    head = bytes([number << 3 | kind])
    return head + (bytes([len(data)]) if kind == 2 else b"") + data


def simple(value: float) -> bytes:
    return field(2, struct.pack("<f", value), 5)


def tensor(kind: int, *fields: bytes) -> bytes:
    return field(8, field(1, bytes([kind]), 0) + b"".join(fields))


def event(tag: str, value: bytes, time: float = 1700000000.5) -> bytes:
    summary = field(1, field(1, tag.encode()) + value)
    return field(1, struct.pack("<d", time), 1) + field(2, b"\x07", 0) + field(5, summary)


def record(data: bytes) -> bytes:
    head = struct.pack("<Q", len(data))
    return head + struct.pack("<I", records._masked(head)) + data + _check(data)


def _check(data: bytes) -> bytes:
    return struct.pack("<I", records._masked(data))
