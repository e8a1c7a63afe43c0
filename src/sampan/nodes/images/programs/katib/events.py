"""Files of events as TensorBoard reads them: scalars as TensorFlow 2 writes them, nothing else.

A record is the length of an event (8 bytes), a checksum of these, the event, and its checksum. The
checksum is CRC-32C, turned by 15 bits and with a constant added. The event is protobuf: fields of
`Event`, `Summary`, `SummaryMetadata` and `TensorProto` by their numbers
(tensorflow core/util/event.proto, core/framework/summary.proto, tensor.proto).
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Mapping

_FLOAT = 1  # DataType.DT_FLOAT


class Events:
    """One file in a directory, each event written at once."""

    def __init__(self, directory: str) -> None:
        os.makedirs(directory, exist_ok=True)
        name = f"events.out.tfevents.{time.time():.0f}.{socket.gethostname()}.{os.getpid()}.0.v2"
        self._path = os.path.join(directory, name)
        self._append(_text(3, b"brain.Event:2"))

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Scalars of one step."""
        for tag, value in values.items():
            self._append(_whole(2, step) + _text(5, _text(1, _scalar(tag, value))))

    def _append(self, fields: bytes) -> None:
        event = _key(1, 1) + struct.pack("<d", time.time()) + fields
        length = struct.pack("<Q", len(event))
        with open(self._path, "ab") as file:
            file.write(length + _checksum(length) + event + _checksum(event))


def _scalar(tag: str, value: float) -> bytes:
    """A `Summary.Value`."""
    plugin = _text(1, _text(1, b"scalars"))
    tensor = _whole(1, _FLOAT) + _text(2, b"") + _text(4, struct.pack("<f", value))
    return _text(1, tag.encode()) + _text(9, plugin) + _text(8, tensor)


def _key(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _whole(number: int, value: int) -> bytes:
    return _key(number, 0) + _varint(value)


def _text(number: int, value: bytes) -> bytes:
    return _key(number, 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*found, value))


def _row(index: int) -> int:
    for _ in range(8):
        index = index >> 1 ^ (0x82F63B78 if index & 1 else 0)
    return index


_TABLE = tuple(map(_row, range(256)))


def _checksum(data: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
