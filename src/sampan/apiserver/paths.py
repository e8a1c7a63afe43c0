"""Paths that name no resource: version, health, discovery, OpenAPI, published documents."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import orjson

from sampan.apiserver.asked import UNKNOWN
from sampan.apiserver.discovery import Discovery, Document
from sampan.apiserver.http import JSON, Headers, Request
from sampan.apiserver.openapi import Documents
from sampan.apiserver.resources import Resources
from sampan.apiserver.swagger import Swagger
from sampan.kube import names
from sampan.kube.errors import MethodNotAllowed, NotFound
from sampan.lib.clock import Clock

VERSION = {
    "major": "1",
    "minor": "33",
    "gitVersion": names.KUBERNETES_VERSION,
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-11-23T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}
_HEALTH = ("healthz", "livez", "readyz")
_TEXT = b"text/plain; charset=utf-8"
_KEYS = b"application/jwk-set+json"
_REVALIDATE = b"no-cache, private"
_PLACES = (
    "/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz",
    "/version",
)  # fmt: skip


Serve = Callable[[Request], Awaitable[None]]


class Paths:
    """`published`: JSON documents by path, such as the token issuer's keys. `served`: what answers
    other paths itself, once the caller has been authorised for it."""

    def __init__(
        self,
        resources: Resources,
        clock: Clock,
        published: Mapping[str, Any],
        served: Mapping[str, Serve] | None = None,
    ) -> None:
        self._served = served or {}
        self._discovery = Discovery(resources)
        self._documents = Documents(resources)
        self._swagger = Swagger(resources)
        self._clock = clock
        self._published = published
        self.ready = False

    async def serve(self, request: Request) -> None:
        path = request.path.rstrip("/")
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed("the server does not allow this method on the requested path")
        first = path.split("/")[1] if path else ""
        if path == "/version":
            await request.answer(200, orjson.dumps(VERSION))
        elif first in _HEALTH:
            code, text = (200, b"ok") if self.ready or first == "livez" else (503, b"starting")
            await request.answer(code, text, _TEXT)
        elif first == "openapi":
            await self._openapi(request, path)
        elif path in self._served:
            await self._served[path](request)
        elif path in self._published:
            kind = _KEYS if path.endswith("/jwks") else JSON
            body = orjson.dumps(self._published[path])
            await request.answer(200, body, kind, cache=b"public, max-age=3600")
        elif not path:
            await request.answer(200, orjson.dumps({"paths": _PLACES}))
        else:
            found = self._discovery.document(path, request.header(b"accept"))
            if found is None:
                await request.answer(404, b"404 page not found\n", _TEXT)
                return
            await _answer(request, found, b"public")

    async def _openapi(self, request: Request, path: str) -> None:
        parts = path.strip("/").split("/")
        if parts == ["openapi", "v2"]:
            whole = await self._swagger.serve(request.header(b"accept"))
            headers = _tagged(whole.tag)
            await _answer(request, Document(whole.body, whole.content_type.encode(), headers))
            return
        found = self._documents.serve(parts[2:]) if parts[:2] == ["openapi", "v3"] else None
        if found is None:
            raise NotFound(UNKNOWN)
        body, tag = found
        headers, cache = _tagged(tag), _REVALIDATE
        if request.query("hash"):  # the address changes with the document: keep it for ever
            cache = b"public, immutable"
            expires = self._clock.now() + timedelta(days=365)
            headers.append((b"expires", format_datetime(expires, usegmt=True).encode()))
        await _answer(request, Document(body, headers=headers), cache)


def _tagged(tag: str) -> Headers:
    return [(b"etag", b'"%b"' % tag.encode()), (b"vary", b"Accept")]


async def _answer(request: Request, found: Document, cache: bytes = _REVALIDATE) -> None:
    """Answer with a document, or with 304 when the client has this one."""
    tag = dict(found.headers).get(b"etag")
    same = tag is not None and request.headers.get(b"if-none-match") == tag
    code, body = (304, b"") if same else (200, found.body)
    await request.answer(code, body, found.content_type, found.headers, cache=cache)
