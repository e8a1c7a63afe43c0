"""The frames of gRPC, and the statuses with which calls end. Pure.

Upstream: grpc doc/PROTOCOL-HTTP2.md, doc/statuscodes.md.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from urllib.parse import quote, unquote

LARGEST = 16 << 20
"""Bytes of a message."""
OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND = range(6)
PERMISSION_DENIED, RESOURCE_EXHAUSTED, FAILED_PRECONDITION = 7, 8, 9
UNIMPLEMENTED, INTERNAL, UNAVAILABLE = 12, 13, 14
_HEAD = 5  # bytes
_LONGEST_MESSAGE = 4096  # characters of a status
_UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_TIMEOUT = re.compile(r"([0-9]{1,8})([HMSmun])")
_PLAIN = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
_INFLATE = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class Failed(Exception):
    """A call has ended with a status that is not OK."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def framed(message: bytes) -> bytes:
    return b"\0" + len(message).to_bytes(4) + message


class Frames:
    """Puts messages together from what arrives. `encoding` as the header `grpc-encoding` says."""

    def __init__(self, encoding: str = "identity") -> None:
        self._encoding = encoding
        self._data = bytearray()

    def add(self, data: bytes) -> Iterator[bytes]:
        """The messages that are complete now. Failed for what is none."""
        self._data += data
        while len(self._data) >= _HEAD:
            size = int.from_bytes(self._data[1:_HEAD])
            if size > LARGEST:
                text = f"Received message larger than max ({size} vs. {LARGEST})"
                raise Failed(RESOURCE_EXHAUSTED, text)
            if len(self._data) < _HEAD + size:
                return
            packed = self._data[0]
            message = bytes(self._data[_HEAD : _HEAD + size])
            del self._data[: _HEAD + size]
            yield self._unpacked(message) if packed else message

    @property
    def is_within(self) -> bool:
        """Whether a message has begun that is not complete."""
        return bool(self._data)

    def _unpacked(self, message: bytes) -> bytes:
        if self._encoding not in _INFLATE:
            raise Failed(UNIMPLEMENTED, f"compression {self._encoding} is not supported")
        inflate = zlib.decompressobj(_INFLATE[self._encoding])
        try:
            found = inflate.decompress(message, LARGEST)
        except zlib.error as error:
            raise Failed(INTERNAL, f"a message is broken: {error}") from error
        if inflate.unconsumed_tail:
            raise Failed(RESOURCE_EXHAUSTED, f"Received message larger than max ({LARGEST})")
        return found


def seconds(timeout: str) -> float | None:
    """Of the header `grpc-timeout`; None without one that can be read."""
    found = _TIMEOUT.fullmatch(timeout)
    return float(found[1]) * _UNITS[found[2]] if found else None


def status(code: int, message: str = "") -> list[tuple[str, str]]:
    """The trailers of a call."""
    found = [("grpc-status", str(code))]
    if message:
        found.append(("grpc-message", quote(message[:_LONGEST_MESSAGE], safe=_PLAIN)))
    return found


def read_status(headers: dict[str, str]) -> tuple[int, str]:
    code = headers.get("grpc-status", "")
    return int(code) if code.isdecimal() else UNKNOWN, unquote(headers.get("grpc-message", ""))
