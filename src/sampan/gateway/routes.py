"""The gateway's ASGI application: a table of paths.

It answers what it can say to anybody on this machine: that it lives, which components are ready,
and a front page made of that. It shows no object and passes nothing on: products and login are
mounted here when they exist; until then a path that Kubeflow would have is a plain 404.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from msgspec import Struct

from sampan.gateway import front

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


class Health(Struct, frozen=True):
    """Whether a component can do its work, and if not, why."""

    ready: bool
    message: str = ""


class Gateway:
    """`health` answers with the present health of each component, by name."""

    def __init__(self, health: Callable[[], Mapping[str, Health]], api: str) -> None:
        self._health = health
        self._api = api
        self._pages: dict[str, Callable[[], tuple[int, str, bytes]]] = {
            "/": self._front,
            "/healthz": lambda: (200, "text/plain", b"ok"),
            "/readyz": self._ready,
            "/readyz.json": self._components,
        }

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        page = self._pages.get(scope["path"])
        if scope["method"] not in ("GET", "HEAD"):
            status, kind, body = 405, "text/plain", b"only GET is served here\n"
        elif page is None:
            status, kind, body = 404, "text/plain", b"nothing is served at this path\n"
        else:
            status, kind, body = page()
        headers = [
            (b"content-type", f"{kind}; charset=utf-8".encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        shown = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": shown})

    def _front(self) -> tuple[int, str, bytes]:
        rows = [(name, one.ready, one.message) for name, one in self._health().items()]
        return 200, "text/html", front.page(front.Front(tuple(rows), self._api)).encode()

    def _ready(self) -> tuple[int, str, bytes]:
        waiting = [name for name, one in self._health().items() if not one.ready]
        return (503, "text/plain", ", ".join(waiting).encode()) if waiting else (
            200, "text/plain", b"ok",
        )  # fmt: skip

    def _components(self) -> tuple[int, str, bytes]:
        said = {
            name: {"ready": one.ready, "message": one.message}
            for name, one in self._health().items()
        }
        return 200, "application/json", orjson.dumps(said)
