"""An answer of HTTP/1.1, read from a link to a port of a pod.

It ends with the connection, or where its head says. What the pod sends is not believed: there is a
limit, and nonsense is a ValueError. Not a client: requests are few and written where they are made.
"""

from __future__ import annotations

from httptools import HttpParserError, HttpResponseParser

from sampan.kube.streams import Link

_AROUND = 64 << 10
"""Bytes of a head. Chunks may also be as long again as what is in them."""


async def read(link: Link, most: int) -> tuple[int, bytes]:
    """Status and body, of so many bytes at most. Raises ValueError, EOFError and OSError."""
    answer, size = _Answer(), 0
    parser = HttpResponseParser(answer)
    while not answer.whole and (piece := await link.read()):
        size += len(piece)
        try:
            parser.feed_data(piece)
        except HttpParserError as error:
            if not answer.whole:  # what follows it is no answer to anything
                raise ValueError(f"malformed HTTP response: {error}") from None
        if len(answer.body) > most or size > 2 * most + _AROUND:
            raise ValueError(f"the answer is longer than {most} bytes")
    if not (answer.whole or answer.is_open):
        raise EOFError("the answer ends too early")
    return parser.get_status_code(), bytes(answer.body)


class _Answer:
    """What a parser tells."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.whole = False
        self.is_open = False
        """Whether it ends with the connection: it has a head, and that says nothing of its end."""
        self._framed = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self._framed = self._framed or name.lower() in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        self.is_open = not self._framed

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.whole = True
