"""Answers of HTTP from pods."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.nodes import answer

HEAD = b"HTTP/1.1 200 OK\r\n"


class Pieces:
    """A link that has these bytes to say."""

    def __init__(self, data: bytes, size: int = 7) -> None:
        self._left = [data[at : at + size] for at in range(0, len(data), size)]

    async def read(self) -> bytes:
        return self._left.pop(0) if self._left else b""

    async def write(self, data: bytes) -> None:
        raise NotImplementedError

    async def end(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


def read(data: bytes, most: int = 100, size: int = 7) -> tuple[int, bytes]:
    return asyncio.run(answer.read(Pieces(data, size), most))


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (HEAD + b"\r\nloss 1\n", (200, b"loss 1\n")),
        (HEAD + b"Content-Length: 3\r\n\r\nabcdef", (200, b"abc")),
        (b"HTTP/1.0 404 Not Found\r\ncontent-length: 0\r\n\r\n", (404, b"")),
        (
            HEAD
            + b"Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
            (200, b"abc0123456789"),
        ),
    ],
)
def test_where_an_answer_ends(data: bytes, found: tuple[int, bytes]) -> None:
    assert read(data) == found


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"\r\n" + b"x" * 200,
        HEAD + b"x" * 100_000,
        HEAD + b"content-length: 999999999999\r\n\r\n" + b"x" * 200,
        HEAD + b"content-length: -1\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\nffffffff\r\n" + b"x" * 200,
        HEAD + b"transfer-encoding: chunked\r\n\r\n-1\r\n" + b"x" * 200,
        HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"x" * 200,
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_answer_or_too_long_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"malformed|longer"):
        read(data)


def test_an_answer_of_a_million_pieces_is_read_in_time() -> None:
    body = b"1\r\nx\r\n" * 1_000_000
    data = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"
    began = time.process_time()
    assert read(data, 3_000_000, 1 << 15) == (200, b"x" * 1_000_000)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("data", [b"", HEAD, HEAD + b"content-length: 3\r\n\r\nab"])
def test_an_answer_that_breaks_off_is_none(data: bytes) -> None:
    with pytest.raises(EOFError):
        read(data)


@given(st.binary(max_size=60), st.integers(1, 9))
def test_an_answer_in_pieces_is_the_same(body: bytes, size: int) -> None:
    chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    assert read(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk, size=size) == (200, body)
