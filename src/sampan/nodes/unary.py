"""One call of a gRPC method: a message there, a message back, over a connection of its own.

As `grpc`, which asks for health, no compression and no table of headers; the trailers, which say
why there is no message, are read as far as they are spelled out (`hpack`). Messages are bytes here.
Upstream: grpc/grpc doc/PROTOCOL-HTTP2.md; RFC 9113.
"""

from __future__ import annotations

import asyncio
import struct

from sampan.nodes import hpack
from sampan.nodes.grpc import (
    ACK,
    DATA,
    END,
    END_HEADERS,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PREFACE,
    RESET,
    SETTINGS,
    frame,
    text_of,
)

_PRIORITY, _CONTINUATION = 0x20, 9
_STREAM = 1
_LARGEST_FRAME = 16_384
_WINDOW = 65_535  # bytes that may be sent before the server says more
_MOST = 4 << 20  # bytes of an answer, as gRPC's own clients have it
_STATUS = (
    "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound",
    "AlreadyExists", "PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted",
    "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated",
)  # fmt: skip


class Unanswered(Exception):
    """There is no message; the text is what a gRPC client says of it."""

    def __init__(self, code: str, said: str) -> None:
        super().__init__(f"rpc error: code = {code} desc = {said}")


async def call(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str, message: bytes
) -> bytes:
    """The answer to a message. Raises Unanswered and OSError."""
    if len(message) > _WINDOW - 5:
        raise Unanswered("ResourceExhausted", "the message is too long")
    writer.write(_request(method, message))
    answer = b""
    headers: dict[str, str] = {}
    try:
        while len(answer) <= _MOST:
            kind, flags, stream, body = await _next(reader)
            if kind in (SETTINGS, PING) and not flags & ACK:
                writer.write(frame(kind, ACK, 0, body if kind == PING else b""))
            elif stream == _STREAM and kind == DATA:
                answer += _plain(body, flags)
            elif kind in (HEADERS, _CONTINUATION):
                headers |= hpack.decode(await _block(reader, kind, flags, body))
            if kind == GOAWAY or (stream == _STREAM and _ends(kind, flags)):
                break
        else:
            raise Unanswered("ResourceExhausted", "the answer is too long")
    except asyncio.IncompleteReadError:
        pass  # what has been said may be enough
    return _message(answer, headers)


def _request(method: str, message: bytes) -> bytes:
    # Names are indices of HPACK's own table (RFC 7541, appendix A); values are plain text.
    headers = b"\x83\x86" + b"\x04" + text_of(method)
    headers += b"\x01" + text_of("localhost") + b"\x0f\x10" + text_of("application/grpc")
    headers += b"\x00" + text_of("te") + text_of("trailers")
    data = struct.pack("!BI", 0, len(message)) + message
    pieces = [data[at : at + _LARGEST_FRAME] for at in range(0, len(data), _LARGEST_FRAME)]
    # No table of headers, and as much as we take at once: the answer needs no more words from us.
    settings = struct.pack("!HIHI", 1, 0, 4, _MOST * 2)
    return (
        PREFACE
        + frame(SETTINGS, 0, 0, settings)
        + frame(8, 0, 0, struct.pack("!I", _MOST * 2))
        + frame(HEADERS, END_HEADERS, _STREAM, headers)
        + b"".join(frame(DATA, 0, _STREAM, piece) for piece in pieces[:-1])
        + frame(DATA, END, _STREAM, pieces[-1])
    )


async def _next(reader: asyncio.StreamReader) -> tuple[int, int, int, bytes]:
    """(kind, flags, stream, body) of a frame."""
    head = await reader.readexactly(9)
    size = int.from_bytes(head[:3])
    if size > _MOST:
        raise Unanswered("Unavailable", "this is no HTTP/2")
    stream = int.from_bytes(head[5:]) & 0x7FFFFFFF
    return head[3], head[4], stream, await reader.readexactly(size)


async def _block(reader: asyncio.StreamReader, kind: int, flags: int, body: bytes) -> bytes:
    """All of a block of headers."""
    block = _plain(body, flags) if kind == HEADERS else body
    if kind == HEADERS and flags & _PRIORITY:
        block = block[5:]
    while not flags & END_HEADERS:
        _, flags, _, more = await _next(reader)
        block += more
    return block


def _plain(body: bytes, flags: int) -> bytes:
    return body[1 : len(body) - body[0]] if flags & PADDED and body else body


def _ends(kind: int, flags: int) -> bool:
    return kind == RESET or (kind in (DATA, HEADERS) and bool(flags & END))


def _message(answer: bytes, headers: dict[str, str]) -> bytes:
    status = headers.get("grpc-status", "")
    if status not in ("", "0"):
        known = status.isdigit() and int(status) < len(_STATUS)
        code = _STATUS[int(status)] if known else f"Code({status})"
        raise Unanswered(code, hpack.unescaped(headers.get("grpc-message", "")))
    if len(answer) < 5 or answer[0] != 0 or len(answer) < 5 + int.from_bytes(answer[1:5]):
        raise Unanswered("Unavailable", "the connection ended before there was an answer")
    return answer[5 : 5 + int.from_bytes(answer[1:5])]
