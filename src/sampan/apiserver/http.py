"""Requests and answers on raw ASGI: headers, queries, bodies with a limit, streams.

Nothing here knows Kubernetes but the form of a Warning header. Answers and watches are written
straight to the connection (`sampan.connection` in the scope, put there by `server.py`): one TLS
record for head and body, and no coroutine step per watcher and event.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import parse_qs

import orjson

from sampan.apiserver.pipes import Socket
from sampan.kube.access import Attributes, User
from sampan.kube.errors import ApiStatus, BadRequest, TooLarge

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

MOST_BODY = 3 << 20  # bytes; as upstream
# Bytes that a stream's client may leave unread before it is cut off; what a stream begins with (all
# objects that there are) comes on top.
MOST_UNSENT = 16 << 20
JSON = b"application/json"
_MOST_INDENTED = 1 << 20  # bytes: nobody reads more, and others would wait for it
_PEOPLE = (b"curl/", b"Wget/", b"Mozilla/5.0")
_NO_CACHE = (b"cache-control", b"no-cache, private")
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"", "0", "f", "F", "FALSE", "false", "False"})


class Gone(Exception):
    """The client has hung up."""


@lru_cache(2000)
def _parsed(raw: bytes) -> Mapping[str, list[str]]:
    return parse_qs(raw.decode("latin-1"), keep_blank_values=True)


class Request:
    """One HTTP request. Header names are lower-case bytes."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self._query = _parsed(scope["query_string"])
        self._receive = receive
        self.send = send
        # What it was about and what became of it, for those who count.
        self.code = 0
        self.user: User | None = None
        self.impersonator: User | None = None
        self.about: Attributes | None = None
        self.version = ""

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1")

    def every_header(self, name: bytes) -> list[str]:
        return [value.decode("latin-1") for key, value in self.scope["headers"] if key == name]

    def query(self, name: str) -> str:
        """The first value of a query parameter, "" when it is absent."""
        values = self._query.get(name)
        return values[0] if values else ""

    def queries(self, name: str) -> list[str]:
        return self._query.get(name, [])

    def asks(self, name: str) -> bool:
        """A boolean parameter, as Go's ParseBool reads it."""
        value = self.query(name)
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
        raise BadRequest(f'strconv.ParseBool: parsing "{value}": invalid syntax')

    @property
    def content_type(self) -> str:
        return self.header(b"content-type").partition(";")[0].strip().lower()

    async def body(self) -> bytes:
        """The whole body. Raises TooLarge, Gone."""
        if int(self.headers.get(b"content-length", b"0")) > MOST_BODY:
            raise _too_large()
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            whole: bytes = message["body"]
            if len(whole) > MOST_BODY:
                raise _too_large()
            return whole
        parts, size = [], 0
        while message["type"] == "http.request":
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > MOST_BODY:
                raise _too_large()
            if not message.get("more_body"):
                return b"".join(parts)
            message = await self._receive()
        raise Gone

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes, however long and however slowly. Raises Gone."""
        connection: Connection = self.scope["sampan.connection"]
        connection.began = None
        while (message := await self._receive())["type"] == "http.request":
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body"):
                return
        raise Gone

    async def cut(self) -> None:
        """Break the connection off, so that half an answer is not taken for a whole one."""
        connection: Connection = self.scope["sampan.connection"]
        connection.transport.abort()
        await self.gone()

    async def gone(self) -> None:
        """Return when the client has hung up."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def answer(
        self,
        code: int,
        body: bytes,
        content_type: bytes = JSON,
        more: Iterable[tuple[bytes, bytes]] = (),
        *,
        cache: bytes = b"no-cache, private",
    ) -> None:
        """JSON ends with a line break, as upstream's encoder ends it; clients compare texts."""
        if body and content_type == JSON:
            plain = len(body) > _MOST_INDENTED or not self._for_people
            body = body + b"\n" if plain else _indented(body)
        self.code = code
        head = b"content-type: %b\r\ncontent-length: %d\r\ncache-control: %b\r\n" % (
            content_type,
            len(body),
            cache,
        )
        for name, value in more:
            head += b"%b: %b\r\n" % (name, value)
        connection: Connection = self.scope["sampan.connection"]
        await connection.answer(self.send, code, head, b"" if self.method == "HEAD" else body)

    @property
    def _for_people(self) -> bool:
        """Whether a person reads the answer: one who says so, or who uses curl or a browser."""
        if b"pretty" in self.scope["query_string"] and (said := self.query("pretty")):
            return said in _TRUE
        return self.headers.get(b"user-agent", b"").startswith(_PEOPLE)

    async def refuse(self, error: ApiStatus) -> None:
        retry = error.details.get("retryAfterSeconds")
        more = [(b"retry-after", b"%d" % retry)] if retry else []
        await self.answer(error.code, orjson.dumps(error.status()), JSON, more)

    def upgrade(self, protocol: str, more: Iterable[tuple[bytes, bytes]] = ()) -> Socket:
        """Take the bare connection over, for a protocol that is not HTTP. Raises pipes.Gone."""
        head = b"upgrade: %b\r\nconnection: Upgrade\r\n" % protocol.encode()
        for name, value in more:
            head += b"%b: %b\r\n" % (name, value)
        self.code = 101
        connection: Connection = self.scope["sampan.connection"]
        return connection.upgrade(self.send, head)

    async def stream(self, content_type: bytes = JSON) -> Stream:
        """Start an answer without an end."""
        self.code = 200
        headers = [(b"content-type", content_type), (b"transfer-encoding", b"chunked"), _NO_CACHE]
        await self.send({"type": "http.response.start", "status": 200, "headers": headers})
        return Stream(self, self.scope["sampan.connection"])


class Connection(Protocol):
    """What is needed of the protocol that holds the socket."""

    transport: asyncio.Transport
    began: float | None

    async def answer(self, send: Send, code: int, head: bytes, body: bytes) -> None:
        """Send a whole answer; `head` is the header lines. Nothing when the client has left."""
        ...

    def upgrade(self, send: Send, head: bytes) -> Socket:
        """Answer 101 and hand the bare connection over; `head` is the header lines."""
        ...

    def on_lost(self, tell: Callable[[], None]) -> None:
        """Call `tell` once, when the connection ends."""
        ...


def framed(data: bytes) -> bytes:
    """One chunk of a chunked answer; built once for all streams that get the same data."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Stream:
    """A chunked answer that others write to. `ended` is done when it is over."""

    def __init__(self, request: Request, connection: Connection) -> None:
        self._request = request
        self._transport = connection.transport
        self._allowed = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        connection.on_lost(self.end)

    def write(self, frame: bytes) -> None:
        """Write what `framed` made. A client that does not read is cut off, not waited for."""
        transport = self._transport
        if transport.is_closing():
            return
        self._allowed = self._allowed or MOST_UNSENT + len(frame)
        transport.write(frame)
        if transport.get_write_buffer_size() > self._allowed:
            transport.abort()
            self.end()

    def end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    async def finish(self) -> None:
        """Say that this was all."""
        await self._request.send({"type": "http.response.body", "body": b""})


def _indented(body: bytes) -> bytes:
    return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2) + b"\n"


def warnings(texts: Iterable[str]) -> Headers:
    """Warning headers."""
    return [
        (b"warning", b'299 - "' + _quoted(text).encode("latin-1", "replace") + b'"')
        for text in texts
    ]


def _quoted(text: str) -> str:
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    return plain.replace("\\", "\\\\").replace('"', '\\"')


def _too_large() -> TooLarge:
    return TooLarge(f"Request entity too large: limit is {MOST_BODY}")
