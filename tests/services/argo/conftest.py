"""An Argo Server over a real API server with the kinds of workflows, without controllers."""

import asyncio
import contextlib

import orjson
import pytest
from msgspec import Struct

from sampan.apiserver.api import ApiServer
from sampan.apiserver.loopback import Loopback
from sampan.kinds.core import COMPONENT as CORE
from sampan.kinds.workflows import COMPONENT as WORKFLOWS
from sampan.kube import names
from sampan.kube.access import User
from sampan.kube.keys import Key
from sampan.lib.clock import SystemClock
from sampan.services.argo import workflows
from sampan.services.argo.routes import Routes
from sampan.services.argo.server import ArgoServer
from sampan.store.objects import Store
from services.argo.makers import workflow

ACCOUNT = "system:serviceaccount:a:robot"
USERS = {
    "admin": User("ada@example.com", (names.GROUP_MASTERS, names.GROUP_AUTHENTICATED)),
    "reader": User(ACCOUNT, (names.GROUP_AUTHENTICATED,)),
}


class Doors:
    """admin may all, reader may read namespace a, but no secrets."""

    def user(self, token):
        return USERS.get(token)

    def allowed(self, user, asks):
        if names.GROUP_MASTERS in user.groups or asks.resource.startswith("selfsubject"):
            return True
        reads = asks.verb in ("get", "list", "watch") and asks.namespace == "a"
        return user.name == ACCOUNT and reads and asks.resource != "secrets"

    def reason(self, user, asks):
        return ""

    def rules(self, user, namespace):
        return []


class Answer(Struct):
    code: int
    headers: dict
    raw: bytes

    @property
    def body(self):
        return orjson.loads(self.raw)

    @property
    def lines(self):
        return [orjson.loads(line) for line in self.raw.splitlines() if line]

    @property
    def names(self):
        return [each["metadata"]["name"] for each in self.body["items"]]


class Argo:
    """Sends requests to the server as ASGI, and knows the cluster behind it."""

    def __init__(self, app, api):
        self.app = app
        self.api = api
        self.cluster = api.inprocess

    async def __call__(
        self, method, path, body=None, *, token="admin", headers=(), leave=None, raw=None,
        pieces=None,
    ):  # fmt: skip
        """`leave`: hang up after so many pieces of the answer, or after one that begins like
        this; it ends a stream. `pieces`: a queue that gets each piece as it comes."""
        path, _, query = path.partition("?")
        sent = [(key.lower().encode(), value.encode()) for key, value in headers]
        if token:
            sent.append((b"authorization", f"Bearer {token}".encode()))
        data = raw if raw is not None else b"" if body is None else orjson.dumps(body)
        scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(),
                 "headers": sent, "raw_path": path.encode()}  # fmt: skip
        messages, parts, gone = [], [], asyncio.Event()
        waiting = [{"type": "http.request", "body": data}]

        async def receive():
            if waiting:
                return waiting.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            messages.append(message)
            parts.append(message.get("body", b""))
            if pieces is not None and parts[-1]:
                pieces.put_nowait(parts[-1])
            said = list(filter(None, parts))
            if isinstance(leave, bytes):
                over = bool(said) and said[-1].startswith(leave)
            else:
                over = leave is not None and len(said) >= leave
            if over:
                gone.set()

        await asyncio.wait_for(self.app(scope, receive, send), 20)
        head = {key.decode(): value.decode() for key, value in messages[0]["headers"]}
        return Answer(messages[0]["status"], head, b"".join(parts))

    async def get(self, path, **more):
        return await self("GET", path, **more)

    async def post(self, path, body, **more):
        return await self("POST", path, body, **more)

    async def put(self, path, body=None, **more):
        return await self("PUT", path, body or {}, **more)

    async def submit(self, name="w", status=None, namespace="a", **meta):
        """A workflow as kubectl would create it; with a status, as the controller left it."""
        made = await self.cluster.create(workflow(name, namespace, **meta), manager="test")
        return made if status is None else await self.told(name, status, namespace)

    async def appears(self, kind):
        """Wait until there is an object of the kind."""
        there = asyncio.Event()
        stop = self.cluster.subscribe(kind, lambda _: there.set())
        await there.wait()
        stop()

    async def told(self, name, status, namespace="a"):
        key = Key(names.WORKFLOW, namespace, name)
        return await self.cluster.patch(
            key, {"status": status}, type="merge", subresource="", manager="test", force=True
        )


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Run a scenario against a server that has the namespaces `a` and `b`."""
    monkeypatch.setattr(workflows, "FIRST_LOOK", 0.05)  # nobody looks here

    async def run(scenario, **parts):
        store = Store(tmp_path / "objects.db")
        doors = Doors()
        components = (CORE, WORKFLOWS)
        api = ApiServer(store, authenticator=doors, authorizer=doors, components=components)
        try:
            for crd in WORKFLOWS.crds:
                with contextlib.suppress(Exception):
                    await api.inprocess.create(orjson.loads(orjson.dumps(crd)), manager="test")
            for name in ("a", "b"):
                made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
                await api.inprocess.create(made, manager="test")
            app = ArgoServer(
                Loopback(api.asgi), Routes(**parts), clock=SystemClock(), below="/argo"
            )
            await scenario(Argo(app, api))
        finally:
            await api.stop()
            await store.close()

    return lambda scenario, **parts: asyncio.run(run(scenario, **parts))
