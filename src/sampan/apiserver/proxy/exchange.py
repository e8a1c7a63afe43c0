"""One HTTP/1.1 request over a connection of its own, and its answer piece by piece."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httptools
from msgspec import Struct

from sampan.apiserver.http import Headers
from sampan.kube.streams import Link

_LONGEST_HEAD = 1 << 16  # bytes of status line and headers


class Head(Struct, frozen=True):
    """Status and headers of an answer."""

    status: int
    headers: Headers


class Malformed(ConnectionError):
    """What the pod sends is no HTTP."""


class Exchange:
    """Call `send`, then `head`, then read `body` to its end; or `rest` after a 101."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._parser = httptools.HttpResponseParser(self)
        self._headers: Headers = []
        self._head: Head | None = None
        self._pieces: list[bytes] = []
        self._done = False
        self._bodiless = False
        self.rest = b""

    async def send(self, method: str, target: bytes, headers: Headers) -> None:
        """The request's head. `target` is the path with its query, as it came."""
        self._bodiless = method == "HEAD"
        lines = [method.encode() + b" " + target + b" HTTP/1.1"]
        lines += [name + b": " + value for name, value in headers]
        await self._link.write(b"\r\n".join(lines) + b"\r\n\r\n")

    async def head(self) -> Head:
        """Raises ConnectionError when there is none."""
        size = 0
        while self._head is None:
            data = await self._link.read()
            size += len(data)
            if not data:
                raise ConnectionError("EOF")
            if size > _LONGEST_HEAD:
                raise Malformed(f"the headers of the answer are longer than {_LONGEST_HEAD} bytes")
            self._feed(data)
        return self._head

    async def body(self) -> AsyncIterator[bytes]:
        """Raises ConnectionError when it breaks off."""
        while True:
            pieces, self._pieces = self._pieces, []
            for piece in pieces:
                yield piece
            if self._done or self._bodiless:
                return
            data = await self._link.read()
            if data:
                self._feed(data)
            elif self._bounded():
                raise ConnectionError("the answer breaks off")
            else:
                return

    def _bounded(self) -> bool:
        """Whether the answer says where it ends."""
        assert self._head is not None
        names = {name.lower() for name, _ in self._head.headers}
        return bool(names & {b"content-length", b"transfer-encoding"})

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.rest = data[upgrade.args[0] :]
            self._done = True
        except httptools.HttpParserError as error:
            if self._done:  # what follows the end is nobody's business: the connection ends here
                return
            raise Malformed(f"malformed HTTP response: {error}") from error

    # -- called by the parser -----------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head is None:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._head is None and (status >= 200 or status == 101):
            self._head = Head(status, self._headers)

    def on_body(self, data: bytes) -> None:
        self._pieces.append(data)

    def on_message_complete(self) -> None:
        if self._head is not None:
            self._done = True
