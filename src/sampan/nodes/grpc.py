"""One question of the gRPC health protocol, over as much HTTP/2 as that takes.

One stream, no compression, no table of headers: what a server says in headers is not read, since
the answer is the message, and no message is no answer. Not a gRPC client.
Upstream: grpc/grpc doc/health-checking.md, PROTOCOL-HTTP2.md; RFC 9113, RFC 7541.
"""

from __future__ import annotations

import asyncio
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END, ACK, END_HEADERS, PADDED = 0x1, 0x1, 0x4, 0x8
_STREAM = 1
_MOST = 65_536  # bytes of an answer: one byte of it counts
STATES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
SERVING = "SERVING"


class NoAnswer(Exception):
    """The server speaks something else, or does not know the health service."""


async def check(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, host: str, service: str
) -> str:
    """The state of a service, as the server names it. Raises NoAnswer and OSError."""
    writer.write(request(host, service))
    message = b""
    try:
        while len(message) < _MOST:
            head = await reader.readexactly(9)
            size = int.from_bytes(head[:3])
            kind, flags, stream = head[3], head[4], int.from_bytes(head[5:]) & 0x7FFFFFFF
            if size > _MOST:
                raise NoAnswer("this is no HTTP/2")
            body = await reader.readexactly(size)
            if kind in (SETTINGS, PING) and not flags & ACK:
                writer.write(frame(kind, ACK, 0, body if kind == PING else b""))
            elif stream == _STREAM and kind == DATA:
                message += body[1 : size - body[0]] if flags & PADDED and body else body
            if kind == GOAWAY or (stream == _STREAM and (kind == RESET or _ends(kind, flags))):
                break
    except asyncio.IncompleteReadError:
        pass  # what has been said may be enough
    return state(message)


def request(host: str, service: str) -> bytes:
    """All that is ever asked: settings, headers, a message."""
    # Names are indices of HPACK's own table (RFC 7541, appendix A); values are plain text.
    headers = b"\x83\x86" + b"\x04" + text_of("/grpc.health.v1.Health/Check")
    headers += b"\x01" + text_of(host) + b"\x0f\x10" + text_of("application/grpc")
    headers += b"\x00" + text_of("te") + text_of("trailers")
    name = service.encode()
    message = b"\x0a" + varint(len(name)) + name if name else b""
    return (
        PREFACE
        + frame(SETTINGS, 0, 0, b"")
        + frame(HEADERS, END_HEADERS, _STREAM, headers)
        + frame(DATA, END, _STREAM, struct.pack("!BI", 0, len(message)) + message)
    )


def state(message: bytes) -> str:
    """Of a HealthCheckResponse behind its five bytes of length. Raises NoAnswer."""
    if len(message) < 5 or message[0] != 0 or len(message) < 5 + int.from_bytes(message[1:5]):
        raise NoAnswer("the server does not answer to grpc.health.v1.Health/Check")
    body = message[5 : 5 + int.from_bytes(message[1:5])]
    # One field, an enum; its default, which is UNKNOWN, is not sent.
    number = body[1] if len(body) == 2 and body[0] == 0x08 else 0
    return STATES.get(number, str(number))


def _ends(kind: int, flags: int) -> bool:
    return kind in (DATA, HEADERS) and bool(flags & END)


def frame(kind: int, flags: int, stream: int, body: bytes) -> bytes:
    return len(body).to_bytes(3) + struct.pack("!BBI", kind, flags, stream) + body


def text_of(text: str) -> bytes:
    """A string of HPACK, not compressed. Up to 126 bytes are as long as the byte before says."""
    data = text.encode()
    if len(data) < 127:
        return bytes([len(data)]) + data
    return b"\x7f" + varint(len(data) - 127) + data


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])
