"""Requests and answers of the services on plain ASGI: bodies with a limit, JSON, endless streams.

It knows nothing of Kubernetes and relies on no server of ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

MOST_BODY = 4 << 20  # bytes; more than the API server takes, which then says so itself
_THROWN_AWAY = 64 << 20
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_PLAIN: Iterable[tuple[str, str]] = (
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
)


class TooMuch(Exception):
    """The body is longer than was allowed."""


class Left(Exception):
    """The client has hung up."""


class Request:
    """One HTTP request. Header names are lower-case."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        raw: bytes = scope.get("raw_path") or b""
        self.raw_path: str = raw.partition(b"?")[0].decode("latin-1") or self.path
        self.headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]]
        self._query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        self._receive = receive
        self._send = send
        self.answered = False

    def header(self, name: str) -> str:
        """The first header of this name, "" when there is none."""
        return next((value for key, value in self.headers if key == name), "")

    def query(self, name: str) -> str:
        """The first value of a query parameter, "" when it is absent."""
        values = self._query.get(name)
        return values[0] if values else ""

    def queries(self, name: str) -> Sequence[str]:
        """All values of a query parameter."""
        return self._query.get(name, ())

    def asks(self, name: str) -> bool:
        return self.query(name) in _TRUE

    def segments(self, below: str = "") -> list[str]:
        """The parts of the path between slashes, each unquoted by itself, so that a quoted slash
        is part of a name."""
        return [unquote(part) for part in self.raw_path.removeprefix(below).split("/")[1:]]

    async def body(self, most: int = MOST_BODY) -> bytes:
        """The whole body, of `most` bytes. Raises TooMuch, Left. Of a longer one some more is
        taken and thrown away: many clients send all before they read why it was refused."""
        parts, size = [], 0
        while (message := await self._receive())["type"] == "http.request":
            piece = message.get("body", b"")
            size += len(piece)
            if size <= most:
                parts.append(piece)
            else:
                parts.clear()
            if size > most + _THROWN_AWAY or (size > most and not message.get("more_body")):
                raise TooMuch
            if not message.get("more_body"):
                return b"".join(parts)
        raise Left

    async def answer(
        self,
        code: int,
        body: bytes,
        content_type: str = "application/json",
        more: Iterable[tuple[str, str]] = (),
    ) -> None:
        await self._begin(code, content_type, (*more, ("content-length", str(len(body)))))
        shown = b"" if self.method == "HEAD" else body
        await self._send({"type": "http.response.body", "body": shown})

    async def empty(
        self, code: int, content_type: str, more: Iterable[tuple[str, str]] = ()
    ) -> None:
        """An answer that has no body, whatever its headers say of one."""
        await self._begin(code, content_type, more)
        await self._send({"type": "http.response.body", "body": b""})

    async def json(self, code: int, value: Any) -> None:
        await self.answer(code, orjson.dumps(value))

    async def stream(
        self,
        pieces: AsyncGenerator[bytes, None],
        content_type: str,
        more: Iterable[tuple[str, str]] = (),
        code: int = 200,
    ) -> None:
        """Send pieces until they end or the client leaves, and close them then."""
        speaking = asyncio.ensure_future(self._speak(pieces, content_type, more, code))
        gone = asyncio.ensure_future(self._gone())
        try:
            await asyncio.wait({speaking, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (speaking, gone):
                if not task.done():
                    task.cancel()
            await asyncio.gather(speaking, gone, return_exceptions=True)
        if not speaking.cancelled():
            speaking.result()

    async def _speak(
        self, pieces: AsyncGenerator[bytes, None], content_type: str, more: Any, code: int
    ) -> None:
        """The answer begins with the first piece, so that what fails before can still be said."""
        async with aclosing(pieces):
            first = await anext(pieces, b"")
            await self._begin(code, content_type, more)
            if self.method != "HEAD":
                await self._send({"type": "http.response.body", "body": first, "more_body": True})
                async for piece in pieces:
                    whole = {"type": "http.response.body", "body": piece, "more_body": True}
                    await self._send(whole)
        await self._send({"type": "http.response.body", "body": b""})

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _begin(
        self, code: int, content_type: str, more: Iterable[tuple[str, str]] = ()
    ) -> None:
        self.answered = True
        headers = [("content-type", content_type), *_PLAIN, *more]
        coded = [(k.encode(), v.encode("latin-1", "replace")) for k, v in headers]
        await self._send({"type": "http.response.start", "status": code, "headers": coded})
