"""The gateway's ASGI application: a table of paths.

It answers what it can say to anybody on this machine: that it lives, which components are ready,
and a front page made of that. Products are mounted below a prefix (`/argo`) and ask everybody who
they are; until all are there, a path that Kubeflow would have is a plain 404.

A name in the Host header that nobody here has given this machine is refused: a page of another
site that makes its own name point at 127.0.0.1 (DNS rebinding) would be same-origin with the rest.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from ipaddress import ip_address
from typing import Any

import orjson
from msgspec import Struct

from sampan.gateway import front

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


class Health(Struct, frozen=True):
    """Whether a component can do its work, and if not, why."""

    ready: bool
    message: str = ""


class Gateway:
    """`health` answers with the present health of each component, by name. `mounted` are the
    products by their prefixes; `hosts` the names that this machine is known by beyond localhost."""

    def __init__(
        self,
        health: Callable[[], Mapping[str, Health]],
        api: str,
        mounted: Mapping[str, App] | None = None,
        hosts: Collection[str] = (),
    ) -> None:
        self._health = health
        self._api = api
        self._mounted = mounted or {}
        self._hosts = hosts
        self._pages: dict[str, Callable[[], tuple[int, str, bytes]]] = {
            "/": self._front,
            "/healthz": lambda: (200, "text/plain", b"ok"),
            "/readyz": self._ready,
            "/readyz.json": self._components,
        }

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # refused before it is one: the answer is 403
            await send({"type": "websocket.close", "code": 1008})
        if scope["type"] != "http":
            return
        known = knows(scope.get("headers", ()), self._hosts)
        product = self._mounted.get("/" + scope["path"].split("/")[1]) if known else None
        if product is not None:
            await product(scope, receive, send)
            return
        page = self._pages.get(scope["path"])
        if not known:
            status, kind, body = 421, "text/plain", b"this host is not served here: see `hosts`\n"
        elif scope["method"] not in ("GET", "HEAD"):
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


def knows(headers: Collection[tuple[bytes, bytes]], hosts: Collection[str]) -> bool:
    """Whether the request is for this machine: by an address, as localhost, or by one of `hosts`.
    Without a Host header nobody can have been led astray by a name."""
    given = next((value for key, value in headers if key == b"host"), b"").decode("latin-1")
    name = given.rpartition(":")[0] if given.rpartition(":")[2].isdecimal() else given
    name = name.strip("[]").rstrip(".").lower()
    if not name or name == "localhost" or name.endswith(".localhost") or name in hosts:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
