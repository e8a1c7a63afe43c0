"""What tests of services have in common: who may what, and requests to them as ASGI."""

import asyncio

import orjson
from msgspec import Struct

from sampan.kube import names
from sampan.kube.access import User

ACCOUNT = "system:serviceaccount:a:robot"
OTHER = "system:serviceaccount:b:robot"
USERS = {
    "admin": User("ada@example.com", (names.GROUP_MASTERS, names.GROUP_AUTHENTICATED)),
    "reader": User(ACCOUNT, (names.GROUP_AUTHENTICATED,)),
    "other": User(OTHER, (names.GROUP_AUTHENTICATED,)),
}


class Doors:
    """admin may all, reader may read namespace a, but no secrets; to other namespace b is all."""

    def user(self, token):
        return USERS.get(token)

    def allowed(self, user, asks):
        if names.GROUP_MASTERS in user.groups or asks.resource.startswith("selfsubject"):
            return True
        if user.name == OTHER:
            return asks.namespace == "b"
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


class Service:
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
