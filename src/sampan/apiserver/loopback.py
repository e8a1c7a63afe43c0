"""Loopback: requests to this API server from a service of the same process, without a socket.

A service that acts for somebody sends that person's own Authorization header, so that tokens,
roles, admission and the audit trail are those of a request that came over the network: a service
has no rights of its own that it could be tricked into using. Fulfils
`sampan.services.kube.Transport`.
It is no shortcut for controllers: those have `inprocess`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import unquote

from sampan.apiserver.http import Receive, Scope, Send
from sampan.apiserver.pipes import Gone, Socket

_ENDING = 2.0  # seconds that a handler has to notice that its client has left
_MOST_AHEAD = 1 << 20  # bytes that a log may be ahead of who reads it


class Loopback:
    """`app` is the API server's ASGI application."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Any]) -> None:
        self._app = app

    @contextlib.asynccontextmanager
    async def open(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> AsyncIterator[Reply]:
        """Send a request; the answer has begun when this is entered. `target` is quoted."""
        path, _, query = target.partition("?")
        reply = Reply(body)
        scope: Scope = {
            "type": "http",
            "method": method,
            "path": unquote(path),
            "query_string": query.encode(),
            "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in headers.items()],
            "sampan.connection": reply,
        }
        task = asyncio.ensure_future(self._app(scope, reply.receive, reply.send))
        task.add_done_callback(lambda _: reply.over())
        try:
            await reply.begun
            yield reply
        finally:
            reply.abort()
            _, late = await asyncio.wait({task}, timeout=_ENDING)
            for each in late:
                each.cancel()


class Reply:
    """An answer as it comes. To the API server it is the connection and its transport."""

    code = 0

    def __init__(self, body: bytes) -> None:
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.began: float | None = None
        self._body: bytes | None = body
        self._parts: deque[bytes] = deque()
        self._unread = 0
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._left = asyncio.Event()
        self._complete = False
        self._lost: list[Callable[[], None]] = []

    # -- for the service ----------------------------------------------------------------------

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes; it ends when the answer does."""
        while True:
            while self._parts:
                part = self._parts.popleft()
                self._unread -= len(part)
                self._room.set()
                yield part
            if self._complete:
                return
            self._news.clear()
            await self._news.wait()

    async def read(self) -> bytes:
        return b"".join([piece async for piece in self.pieces()])

    # -- for the API server: ASGI -------------------------------------------------------------

    async def receive(self) -> dict[str, Any]:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        """Waits for a service that does not read: logs are as long as somebody wrote them."""
        if message["type"] == "http.response.start":
            self._begin(message["status"])
            return
        if message.get("body"):
            self._add(message["body"])
        if not message.get("more_body"):
            self.over()
        while self._unread > _MOST_AHEAD and not self._left.is_set():
            self._room.clear()
            await self._room.wait()

    # -- for the API server: what `http.Connection` asks --------------------------------------

    @property
    def transport(self) -> Any:
        return self

    async def answer(self, send: Send, code: int, head: bytes, body: bytes) -> None:
        self._begin(code)
        self._add(body)
        self.over()

    def upgrade(self, send: Send, head: bytes) -> Socket:
        raise Gone("nothing but HTTP is spoken here")

    def on_lost(self, tell: Callable[[], None]) -> None:
        self._lost.append(tell)

    # -- for the API server: what a stream asks of its transport ------------------------------

    def write(self, frames: bytes) -> None:
        """Chunks of a chunked answer, whole ones."""
        at = 0
        while at < len(frames):
            end = frames.index(b"\r\n", at)
            size = int(frames[at:end], 16)
            self._add(frames[end + 2 : end + 2 + size])
            at = end + 2 + size + 2

    def is_closing(self) -> bool:
        return self._left.is_set()

    def get_write_buffer_size(self) -> int:
        return self._unread

    def abort(self) -> None:
        """The one side has left, or the other has broken off."""
        self._left.set()
        self._room.set()
        self.over()
        for tell in self._lost:
            tell()
        self._lost.clear()

    def over(self) -> None:
        self._complete = True
        self._begin(self.code or 500)
        self._news.set()

    def _begin(self, code: int) -> None:
        if not self.begun.done():
            self.code = code
            self.begun.set_result(None)

    def _add(self, data: bytes) -> None:
        if data:
            self._parts.append(data)
            self._unread += len(data)
            self._news.set()
