"""ArgoServer: the ASGI application that speaks the REST API of the Argo Server.

    authenticate -> find the route -> read the body -> a function of this package -> answer

Who calls is what the API server says of the Authorization header; no other header and no cookie
counts, so that another site's page, which cannot set that header, does nothing in a user's name.
It is no gRPC server, and it serves no user interface.
Upstream: argo-workflows api/openapi-spec/swagger.json, server/apiserver/argoserver.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import orjson

from sampan.kube.errors import ApiStatus
from sampan.lib.clock import Clock
from sampan.services import errors
from sampan.services.answering import answered, authorization
from sampan.services.argo.call import Call, Caller, Download, Page, Stream
from sampan.services.argo.routes import Routes
from sampan.services.errors import Refused
from sampan.services.files import SANDBOX
from sampan.services.http import Receive, Request, Scope, Send
from sampan.services.kube import Kube, Transport

_EVENTS = "text/event-stream"
_ALIVE = b":\n\n"  # a comment, which nobody is told of
QUIET = 15.0  # seconds without an event before the next comment


class ArgoServer:
    """`below` is the path that the server lives under, such as /argo."""

    def __init__(
        self, transport: Transport, routes: Routes, *, clock: Clock, below: str = ""
    ) -> None:
        self._transport = transport
        self._routes = routes
        self._clock = clock
        self._below = below

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive, send)
        await answered(request, self._serve, _refuse)

    async def _serve(self, request: Request) -> None:
        kube = Kube(self._transport, authorization(request))
        me = await kube.who_am_i()
        caller = Caller(me.get("username") or "", tuple(me.get("groups") or ()))
        handler, path = self._routes.find(request.method, request.segments(self._below))
        body = await _body(request) if request.method in ("POST", "PUT") else {}
        answer = await handler(Call(request, kube, caller, path, body, self._clock))
        if isinstance(answer, Stream):
            await self._stream(request, answer)
        elif isinstance(answer, Download):
            await _download(request, answer)
        elif isinstance(answer, Page):
            more = [*answer.headers.items(), *SANDBOX]
            await request.answer(answer.code, answer.body, "text/html; charset=utf-8", more)
        else:
            await request.json(200, answer)

    async def _stream(self, request: Request, stream: Stream) -> None:
        """As grpc-gateway tells them: one JSON text a line, or server-sent events."""
        events = _EVENTS in request.header("accept")
        content_type = _EVENTS if events else "application/json"
        await request.stream(_framed(stream.results, events), content_type)


async def _refuse(request: Request, refused: Refused) -> None:
    said = {"code": refused.code, "message": refused.message, "error": refused.message}
    await request.json(refused.http, said)


async def _framed(results: AsyncGenerator[bytes, None], events: bool) -> AsyncGenerator[bytes]:
    """What fails when the answer has begun is its last line."""
    begun = False
    async with aclosing(results):
        try:
            async for result in _alive(results) if events else results:
                begun = True
                if not result:
                    yield _ALIVE if events else b""
                elif events:
                    yield b'data: {"result":' + result + b"}\n\n"
                else:
                    yield b'{"result":' + result + b"}\n"
        except (ApiStatus, Refused) as error:
            if not begun:
                raise
            refused = error if isinstance(error, Refused) else errors.of_status(error)
            text = orjson.dumps({"error": _said(refused)})
            yield b"data: " + text + b"\n\n" if events else text + b"\n"


async def _alive(results: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes]:
    """The same, with an empty one whenever there was none for a while: proxies and browsers take
    a connection that says nothing for dead."""
    coming: asyncio.Future[bytes] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(results))
            done, _ = await asyncio.wait({coming}, timeout=QUIET)
            if not done:
                yield b""
                continue
            try:
                result = coming.result()
            except StopAsyncIteration:
                return
            coming = None
            yield result
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


def _said(refused: Refused) -> dict[str, Any]:
    return {"grpc_code": refused.code, "http_code": refused.http, "message": refused.message}


async def _body(request: Request) -> Any:
    """The JSON of the body; {} for none. Raises Refused."""
    raw = await request.body()
    if not raw.strip():
        return {}
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise errors.invalid(f"the body is no JSON: {error}") from None
    return found


async def _download(request: Request, found: Download) -> None:
    name = found.name.replace("\\", "_").replace('"', "_")
    more = [("content-disposition", f'inline; filename="{name}"'), *SANDBOX]
    if found.size is not None:
        more.append(("content-length", str(found.size)))
    await request.stream(found.pieces, found.content_type, more)
