"""A real API server on a free loopback port, and a small client that shows whole answers."""

from __future__ import annotations

import asyncio
import contextlib
import io
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from msgspec import Struct

from sampan.apiserver import certificates
from sampan.apiserver.api import ApiServer
from sampan.kinds.core import COMPONENT as CORE
from sampan.kinds.workloads import COMPONENT as WORKLOADS
from sampan.kube import names
from sampan.kube.access import Attributes, User
from sampan.kube.keys import Key
from sampan.lib.clock import SystemClock
from sampan.store.objects import Store

USERS = {
    "admin": User("admin", (names.GROUP_MASTERS, names.GROUP_AUTHENTICATED)),
    "reader": User("reader", (names.GROUP_AUTHENTICATED,)),
    "deputy": User("deputy", (names.GROUP_AUTHENTICATED,)),
}


class Doors:
    """Authenticator and authorizer: admin may all, reader may read, deputy may be the reader."""

    def user(self, token: str) -> User | None:
        return USERS.get(token)

    def allowed(self, user: User, asks: Attributes) -> bool:
        if names.GROUP_MASTERS in user.groups:
            return True
        if asks.resource.startswith("selfsubject"):
            return True
        if user.name == "deputy":
            return asks.verb == "impersonate" and asks.name == "reader"
        return user.name == "reader" and asks.verb in ("get", "list", "watch")

    def reason(self, user: User, asks: Attributes) -> str:
        return "as the test says"

    def rules(self, user: User, namespace: str) -> list[Any]:
        return [
            {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]},
            {"verbs": ["get"], "nonResourceURLs": ["/api"]},
        ]


class Answer(Struct):
    code: int
    body: Any
    headers: Any

    @property
    def message(self) -> str:
        return str(self.body["message"])

    @property
    def meta(self) -> dict[str, Any]:
        return self.body["metadata"]


class Client:
    """`token` "" is anonymous."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, server: ApiServer, authority: Path
    ) -> None:
        self.session = session
        self.url = url
        self.server = server
        self.authority = authority

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        type: str | None = "application/json",
        token: str = "admin",
        accept: str = "",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        sent = dict(headers or {})
        if token:
            sent["Authorization"] = f"Bearer {token}"
        if accept:
            sent["Accept"] = accept
        raw = body if isinstance(body, bytes | None) else orjson.dumps(body)
        data = None if raw is None else io.BytesIO(raw)
        if data is not None and type is not None:
            sent["Content-Type"] = type
        skip = ["Content-Type"] if type is None else []
        async with self.session.request(
            method, self.url + path, data=data, headers=sent, skip_auto_headers=skip
        ) as response:
            raw = await response.read()
            try:
                found = orjson.loads(raw)
            except orjson.JSONDecodeError:
                found = raw.decode()
            return Answer(response.status, found, response.headers)

    async def get(self, path: str, **more: Any) -> Answer:
        return await self("GET", path, **more)

    async def post(self, path: str, body: Any, **more: Any) -> Answer:
        return await self("POST", path, body, **more)

    async def merge(self, path: str, body: Any, **more: Any) -> Answer:
        return await self("PATCH", path, body, type="application/merge-patch+json", **more)

    async def apply(self, path: str, body: Any, **more: Any) -> Answer:
        return await self("PATCH", path, body, type="application/apply-patch+yaml", **more)

    @contextlib.asynccontextmanager
    async def watch(self, path: str, **headers: str) -> AsyncIterator[Watching]:
        sent = {"Authorization": "Bearer admin", **headers}
        async with self.session.get(self.url + path, headers=sent) as response:
            yield Watching(response)


class Watching:
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def next(self) -> tuple[str, Any]:
        """The type and the object of the next event."""
        line = await asyncio.wait_for(self.response.content.readline(), 5)
        event = orjson.loads(line)
        return event["type"], event["object"]

    async def names(self, count: int) -> list[tuple[str, str]]:
        found = [await self.next() for _ in range(count)]
        return [(type_, each["metadata"].get("name", "")) for type_, each in found]

    async def rest(self) -> list[Any]:
        text = await asyncio.wait_for(self.response.content.read(), 10)
        return [orjson.loads(line) for line in text.splitlines()]


Scenario = Callable[[Client], Coroutine[Any, Any, None]]


@pytest.fixture(scope="session")
def certs(tmp_path_factory: pytest.TempPathFactory) -> certificates.Certificates:
    return certificates.ensure(tmp_path_factory.mktemp("keys"), SystemClock())


@pytest.fixture
def serve(tmp_path: Path, certs: certificates.Certificates) -> Callable[..., None]:
    """Run a scenario against a fresh server that has the namespaces `a` and `b`."""

    async def run(scenario: Scenario, **parts: Any) -> None:
        store = Store(tmp_path / "objects.db")
        doors = Doors()
        server = ApiServer(
            store,
            authenticator=doors,
            authorizer=doors,
            components=(CORE, WORKLOADS, *parts.pop("components", ())),
            **parts,
        )
        port = await server.start("127.0.0.1", 0, certs)
        server.ready()
        context = ssl.create_default_context(cafile=str(certs.ca))
        connector = aiohttp.TCPConnector(ssl=context, limit=0)
        try:
            async with aiohttp.ClientSession(connector=connector) as session:
                client = Client(session, f"https://127.0.0.1:{port}", server, certs.ca)
                if store.get(Key(names.NAMESPACE, "", "a")) is None:
                    for name in ("a", "b"):
                        made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
                        await server.inprocess.create(made, manager="test")
                await scenario(client)
        finally:
            await server.stop()
            await store.close()

    def start(scenario: Scenario, **parts: Any) -> None:
        asyncio.run(run(scenario, **parts))

    return start
