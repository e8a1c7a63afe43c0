"""The gRPC health protocol: what is asked, what answers mean, what nonsense does."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.nodes import grpc


def frame(kind: int, flags: int, stream: int, body: bytes) -> bytes:
    return len(body).to_bytes(3) + struct.pack("!BBI", kind, flags, stream) + body


def message(body: bytes) -> bytes:
    return struct.pack("!BI", 0, len(body)) + body


class Writer:
    def __init__(self) -> None:
        self.sent = b""

    def write(self, data: bytes) -> None:
        self.sent += data


def ask(answer: bytes, writer: Any = None) -> str:
    async def story() -> str:
        reader = asyncio.StreamReader()
        reader.feed_data(answer)
        reader.feed_eof()
        return await grpc.check(reader, writer or Writer(), host="h:1", service="")

    return asyncio.run(story())


SETTINGS = frame(4, 0, 0, b"")
PING = frame(6, 0, 0, b"12345678")
HEADERS = frame(1, 0x4, 1, b"\x88")
TRAILERS = frame(1, 0x5, 1, b"")


@pytest.mark.parametrize(
    ("body", "expected"),
    [(b"\x08\x01", "SERVING"), (b"\x08\x02", "NOT_SERVING"), (b"", "UNKNOWN"),
     (b"\x08\x03", "SERVICE_UNKNOWN"), (b"\x08\x09", "9")],
)  # fmt: skip
def test_states(body: bytes, expected: str) -> None:
    said = message(body)
    cut = frame(0, 0, 1, said[:3]) + frame(0, 0x8, 1, b"\x02" + said[3:] + b"\0\0")
    assert ask(SETTINGS + HEADERS + cut + TRAILERS) == expected


def test_settings_and_pings_are_acknowledged() -> None:
    writer = Writer()
    ask(SETTINGS + PING + HEADERS + frame(0, 0x1, 1, message(b"\x08\x01")), writer)
    assert writer.sent.startswith(b"PRI * HTTP/2.0\r\n")
    assert writer.sent.endswith(frame(4, 1, 0, b"") + frame(6, 1, 0, b"12345678"))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", id="http-1"),
        pytest.param(SETTINGS + TRAILERS, id="no-such-service"),
        pytest.param(SETTINGS + frame(3, 0, 1, b"\0\0\0\1"), id="reset"),
        pytest.param(frame(7, 0, 0, b"\0" * 8), id="goodbye"),
        pytest.param(SETTINGS + frame(0, 1, 1, message(b"\x08\x01")[:-1]), id="cut-off"),
    ],
)
def test_what_is_no_answer(answer: bytes) -> None:
    with pytest.raises(grpc.NoAnswer):
        ask(answer)


@given(st.binary(max_size=200))
def test_nonsense_ends(answer: bytes) -> None:
    with contextlib.suppress(grpc.NoAnswer):
        assert isinstance(ask(SETTINGS + answer), str)


@given(st.text(max_size=300))
def test_a_question_is_well_formed(service: str) -> None:
    rest = grpc.request("10.244.0.5:50051", service)[24:]
    kinds = []
    while rest:
        size = int.from_bytes(rest[:3])
        kinds.append(rest[3])
        body, rest = rest[9 : 9 + size], rest[9 + size :]
    assert kinds == [4, 1, 0]
    assert service.encode() in body
