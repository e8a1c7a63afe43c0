"""Frames: SPDY/3.1 bytes to values and back. Pure.

    control   1 version(15)=3 | type(16) | flags(8) length(24) | payload
    data      0 stream(31)               | flags(8) length(24) | payload

A control frame is given out whole and is small, or an error. The payload of a data frame is given
out in pieces as it arrives, so a frame of 16 MiB costs no memory. Any bytes either parse or raise
`ProtocolError`. Upstream: the SPDY/3.1 draft, section 2; moby/spdystream speaks the same subset.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from msgspec import Struct

MOST_CONTROL = 1 << 16  # bytes of a control frame's payload
MOST_DATA = (1 << 24) - 1  # bytes of a data frame's payload
WORD = 0x7FFF_FFFF  # 31 bits
_VERSION = 3
FIN, UNIDIRECTIONAL = 1, 2
SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS, WINDOW_UPDATE = (
    1, 2, 3, 4, 6, 7, 8, 9,
)  # fmt: skip
PROTOCOL_ERROR, REFUSED_STREAM, CANCEL, FLOW_CONTROL_ERROR = 1, 3, 5, 7  # of RST_STREAM
INITIAL_WINDOW_SIZE = 7  # of SETTINGS


class ProtocolError(Exception):
    """The peer does not speak SPDY/3.1; the connection cannot go on."""


class Opening(Struct, frozen=True):
    """SYN_STREAM."""

    stream: int
    block: bytes
    fin: bool
    unidirectional: bool


class Block(Struct, frozen=True):
    """SYN_REPLY or HEADERS. Its block has to be read, for the compression runs through all."""

    stream: int
    block: bytes
    fin: bool


class Reset(Struct, frozen=True):
    stream: int
    status: int


class Settings(Struct, frozen=True):
    """Value by id."""

    values: dict[int, int]


class Ping(Struct, frozen=True):
    id: int


class GoAway(Struct, frozen=True):
    last: int
    status: int


class Window(Struct, frozen=True):
    """WINDOW_UPDATE; stream 0 is the whole session."""

    stream: int
    delta: int


class Data(Struct, frozen=True):
    """A piece of a data frame; `fin` only with the last piece."""

    stream: int
    data: bytes
    fin: bool


Frame = Opening | Block | Reset | Settings | Ping | GoAway | Window | Data


class Splitter:
    """Cuts a stream of bytes into frames. Frames of a type that is not known are left out."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._stream = 0  # whose data frame has begun
        self._left = 0  # bytes of it that are to come
        self._fin = False

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are there now. Raises ProtocolError."""
        self._buffer += data
        while True:
            if self._stream:
                if not self._buffer and self._left:
                    return
                yield self._piece()
            elif len(self._buffer) < 8:
                return
            elif self._buffer[0] & 0x80:
                if not (whole := self._control()):
                    return
                frame = _parse(*whole)
                if frame is not None:
                    yield frame
            else:
                self._begin()

    def _begin(self) -> None:
        stream, size = struct.unpack_from(">II", self._buffer)
        if not stream:
            raise ProtocolError("data for stream 0")
        self._stream, self._left, self._fin = stream, size & MOST_DATA, bool(size >> 24 & FIN)
        del self._buffer[:8]

    def _piece(self) -> Data:
        piece = bytes(self._buffer[: self._left])
        del self._buffer[: len(piece)]
        self._left -= len(piece)
        found = Data(self._stream, piece, self._fin and not self._left)
        if not self._left:
            self._stream = 0
        return found

    def _control(self) -> tuple[int, int, bytes] | None:
        """(type, flags, payload) of the control frame in front; None until it is whole."""
        version, kind, size = struct.unpack_from(">HHI", self._buffer)
        flags, length = size >> 24, size & MOST_DATA
        if version & 0x7FFF != _VERSION:
            raise ProtocolError(f"version {version & 0x7FFF} of SPDY")
        if length > MOST_CONTROL:
            raise ProtocolError(f"a control frame of {length} bytes")
        if len(self._buffer) < 8 + length:
            return None
        payload = bytes(self._buffer[8 : 8 + length])
        del self._buffer[: 8 + length]
        return kind, flags, payload


def _parse(kind: int, flags: int, payload: bytes) -> Frame | None:
    parser = _PARSERS.get(kind)
    if parser is None:
        return None
    try:
        return parser(flags, payload)
    except struct.error:
        raise ProtocolError(f"a frame of type {kind} with {len(payload)} bytes") from None


def _stream(payload: bytes, size: int) -> int:
    """The stream that a payload of at least this size begins with."""
    if len(payload) < size:
        raise struct.error
    stream: int = struct.unpack_from(">I", payload)[0] & WORD
    if not stream:
        raise ProtocolError("a control frame for stream 0")
    return stream


def _opening(flags: int, payload: bytes) -> Opening:
    stream = _stream(payload, 10)
    return Opening(stream, payload[10:], bool(flags & FIN), bool(flags & UNIDIRECTIONAL))


def _block(flags: int, payload: bytes) -> Block:
    return Block(_stream(payload, 4), payload[4:], bool(flags & FIN))


def _reset(flags: int, payload: bytes) -> Reset:
    _, status = struct.unpack(">II", payload)
    return Reset(_stream(payload, 8), status)


def _settings(flags: int, payload: bytes) -> Settings:
    (count,) = struct.unpack_from(">I", payload)
    if len(payload) != 4 + 8 * count:
        raise struct.error
    return Settings(
        {id_ & 0xFFFFFF: value for id_, value in struct.iter_unpack(">II", payload[4:])}
    )


def _ping(flags: int, payload: bytes) -> Ping:
    return Ping(*struct.unpack(">I", payload))


def _go_away(flags: int, payload: bytes) -> GoAway:
    last, status = struct.unpack(">II", payload)
    return GoAway(last & WORD, status)


def _window(flags: int, payload: bytes) -> Window:
    stream, delta = struct.unpack(">II", payload)
    return Window(stream & WORD, delta & WORD)


_PARSERS: dict[int, Callable[[int, bytes], Frame]] = {
    SYN_STREAM: _opening,
    SYN_REPLY: _block,
    RST_STREAM: _reset,
    SETTINGS: _settings,
    PING: _ping,
    GOAWAY: _go_away,
    HEADERS: _block,
    WINDOW_UPDATE: _window,
}


def control(kind: int, payload: bytes, flags: int = 0) -> bytes:
    head = struct.pack(">HHI", 0x8000 | _VERSION, kind, flags << 24 | len(payload))
    return head + payload


def words(kind: int, *values: int) -> bytes:
    """A control frame whose payload is 32-bit numbers."""
    return control(kind, struct.pack(f">{len(values)}I", *values))


def data(stream: int, payload: bytes, *, fin: bool = False) -> bytes:
    return struct.pack(">II", stream, fin << 24 | len(payload)) + payload
