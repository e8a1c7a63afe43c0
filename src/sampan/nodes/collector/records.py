"""Files of events that TensorFlow, PyTorch and others write for TensorBoard.

A file is a sequence of records (length, its checksum, data, its checksum); a record is an Event
message, of which scalars matter here: as `simple_value` or as tensors of one element. Only what
that takes of protocol buffers is read. A record that is not whole yet is read later; one that is
damaged ends the file, as it does for TensorBoard.
Upstream: tensorflow/core/lib/io/record_reader.cc, core/util/event.proto, framework/{summary,tensor}
.proto; text of values as upstream's tfevent-metricscollector writes it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from functools import cache
from typing import BinaryIO

from msgspec import Struct

from sampan.lib import proto

MOST = 1 << 24
"""Bytes of a record that is looked into; larger ones hold images and the like."""
MANY = 5_000
"""Scalars that are read at once."""
_CHECKED = 4_096
"""Bytes of a record whose checksum is computed, which takes a while here; scalars need fewer."""
_HEADER = struct.Struct("<QI")
_FOOTER = 4
_MASK = 0xA282EAD8
_FLOAT = 1
_TYPES: Mapping[int | bytes, tuple[str, int]] = {
    _FLOAT: ("<f", 5), 2: ("<d", 6), 3: ("<i", 7), 9: ("<q", 10),
}  # fmt: skip
"""Of tensors: how an element lies in memory, and the field with a list of them."""
Field = tuple[int, int | bytes]


class Damaged(ValueError):
    """What follows cannot be read."""


class Scalar(Struct, frozen=True):
    """`time`: seconds since the epoch. `value`: as text."""

    time: float
    tag: str
    value: str


class Piece(Struct, frozen=True):
    """What was read of a file. offset: where the next record begins. damage: why nothing behind it
    is read; "" where more may come."""

    scalars: list[Scalar]
    offset: int
    damage: str = ""


def read(file: BinaryIO, offset: int, size: int) -> Piece:
    """The scalars of whole records from this offset on in a file of so many bytes, not many more
    than `MANY` of them."""
    found: list[Scalar] = []
    while offset + _HEADER.size <= size and len(found) < MANY:
        file.seek(offset)
        head = file.read(_HEADER.size)
        length, check = _HEADER.unpack(head)
        if _masked(head[:8]) != check:
            return Piece(found, offset, f"the record at byte {offset} has another checksum")
        end = offset + _HEADER.size + length + _FOOTER
        if end > size:
            break
        try:
            found += _of(file, length)
        except Damaged as wrong:
            return Piece(found, offset, f"the record at byte {offset} has {wrong}")
        offset = end
    return Piece(found, offset)


def _of(file: BinaryIO, length: int) -> list[Scalar]:
    """Of the record that the file stands at."""
    if length > MOST:
        return []
    data = file.read(length)
    if length <= _CHECKED and _masked(data).to_bytes(4, "little") != file.read(_FOOTER):
        raise Damaged("another checksum")
    return list(scalars(data))


def scalars(event: bytes) -> Iterator[Scalar]:
    """Of one Event message. Damaged."""
    time, values = 0.0, []
    for number, value in _fields(event):
        if number == 1 and isinstance(value, bytes):
            time = _unpacked("<d", value)
        elif number == 5 and isinstance(value, bytes):
            values += [each for at, each in _fields(value) if at == 1]
    for each in values:
        if isinstance(each, bytes) and (found := _scalar(each)) is not None:
            yield Scalar(time, *found)


def _scalar(summary: bytes) -> tuple[str, str] | None:
    """(tag, value) of a Summary.Value."""
    tag, text = "", None
    for number, value in _fields(summary):
        if not isinstance(value, bytes):
            continue
        if number == 1:
            tag = value.decode(errors="replace")
        elif number == 2:
            text = repr(_unpacked("<f", value))
        elif number == 8:
            text = _tensor(value)
    return None if text is None else (tag, text)


def _tensor(message: bytes) -> str | None:
    """A tensor of one element; None for others. It is in `tensor_content`, or in the list of its
    type, packed or not."""
    given: dict[int, int | bytes] = {}
    for number, value in _fields(message):
        given.setdefault(number, value)
    kind, shape, content = given.get(1, 0), given.get(2, b""), given.get(4)
    if kind not in _TYPES or not isinstance(shape, bytes) or _elements(shape) != 1:
        return None
    form, at = _TYPES[kind]
    listed = given.get(at, b"")
    if isinstance(content, bytes) and content:
        return _text(kind, struct.unpack(form, content)[0]) if _fits(form, content) else None
    if form in ("<i", "<q"):
        number = listed if isinstance(listed, int) else _first(listed)
        return str(number - (1 << 64) if number >> 63 else number)
    if isinstance(listed, bytes) and _fits(form, listed):
        return _text(kind, struct.unpack(form, listed)[0])
    return None


def _first(packed: bytes) -> int:
    try:
        return proto.read_varint(packed, 0)[0]
    except proto.Broken as fault:
        raise Damaged(str(fault)) from None


def _unpacked(form: str, data: bytes) -> float:
    if not _fits(form, data):
        raise Damaged("a number of another size")
    number: float = struct.unpack(form, data)[0]
    return number


def _fits(form: str, data: bytes) -> bool:
    return struct.calcsize(form) == len(data)


def _text(kind: int | bytes, value: float) -> str:
    return _shortest(value) if kind == _FLOAT else str(value)


def _elements(shape: bytes) -> int:
    """How many elements a TensorShapeProto has."""
    count = 1
    for number, dimension in _fields(shape):
        if number == 2 and isinstance(dimension, bytes):
            sizes = [value for at, value in _fields(dimension) if at == 1]
            count *= next((size for size in sizes if isinstance(size, int)), 0)
    return count


def _shortest(value: float) -> str:
    """The shortest text of a number of 32 bits, as NumPy writes it."""
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if struct.pack("<f", float(text)) == struct.pack("<f", value):
            return repr(float(text))
    return repr(value)


def _fields(message: bytes) -> Iterator[Field]:
    """(number, varint or bytes) of each field. Damaged."""
    try:
        for number, _, value in proto.pieces(message):
            yield number, value
    except proto.Broken as fault:
        raise Damaged(str(fault)) from None


def _masked(data: bytes) -> int:
    """CRC-32C, turned by 15 bits and moved on, as these files have it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _table()[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + _MASK) & 0xFFFFFFFF


@cache
def _table() -> tuple[int, ...]:
    def entry(number: int) -> int:
        for _ in range(8):
            number = (number >> 1) ^ (0x82F63B78 if number & 1 else 0)
        return number

    return tuple(map(entry, range(256)))
