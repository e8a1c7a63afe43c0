"""PipelinesServer: the ASGI application that speaks the REST API of Kubeflow Pipelines.

    find the route -> who calls -> a function of this package -> answer

Who calls is what the API server says of the Authorization header; no other header and no cookie
counts, `kubeflow-userid` neither. It is no gRPC server, and it serves no user interface.
Upstream: kubeflow/pipelines backend/src/apiserver/main.go.
"""

from __future__ import annotations

from typing import Any

from sampan.services.answering import answered, authorization
from sampan.services.errors import Refused
from sampan.services.http import Receive, Request, Scope, Send
from sampan.services.kube import Kube, Transport
from sampan.services.pipelines.call import Call, Caller, Parts, Streamed
from sampan.services.pipelines.routes import FOR_ANYBODY, TABLE

_PLAIN = ("/upload", "/upload_version", ":read")
"""How paths end whose errors are not those of grpc-gateway."""


class PipelinesServer:
    """`below` is the path that the server lives under, such as /pipeline."""

    def __init__(self, transport: Transport, parts: Parts, *, below: str = "") -> None:
        self._transport = transport
        self._parts = parts
        self._below = below

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await answered(Request(scope, receive, send), self._serve, _refuse)

    async def _serve(self, request: Request) -> None:
        handler, path = TABLE.find(request.method, request.segments(self._below))
        known = handler not in FOR_ANYBODY
        kube = Kube(self._transport, authorization(request) if known else "")
        me = await kube.who_am_i() if known else {}
        caller = Caller(me.get("username") or "", tuple(me.get("groups") or ()))
        await self._parts.ids.follow()
        answer = await handler(Call(request, kube, caller, path, self._parts))
        if isinstance(answer, Streamed):
            await request.stream(answer.pieces, answer.content_type, answer.headers)
        else:
            await request.json(200, answer)


async def _refuse(request: Request, refused: Refused) -> None:
    said: dict[str, Any]
    if request.path.endswith(_PLAIN):
        said = {"error_message": refused.detail, "error_details": refused.message}
    else:
        detail = {"code": refused.code, "message": refused.detail}
        status = {"@type": "type.googleapis.com/google.rpc.Status", **detail}
        said = {"code": refused.code, "message": refused.message, "details": [status]}
    await request.json(refused.http, said)
