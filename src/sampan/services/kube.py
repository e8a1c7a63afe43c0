"""Kube: the Kubernetes API as one caller sees it, with the caller's own credentials.

A service asks nothing that its caller may not ask: authentication, RBAC and admission are those of
the API server, so that a service needs no rights of its own. `Transport` is how a request gets
there: without a socket in the same process (`sampan.apiserver.loopback`), or over HTTP to a real
cluster.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Literal, Protocol
from urllib.parse import quote, urlencode

import orjson
from msgspec import Struct

from sampan.kube import names
from sampan.kube.errors import BadRequest, InternalError, Unauthorized, from_status
from sampan.kube.keys import Manifest

JSON = "application/json"
_PATCHES = {"merge": "application/merge-patch+json", "json": "application/json-patch+json"}
_AGENT = "argo-server"  # the field manager of what is written

Query = Mapping[str, str]
NOTHING: Query = {}


class Reply(Protocol):
    """An answer whose body comes bit by bit."""

    code: int

    def pieces(self) -> AsyncIterator[bytes]: ...

    async def read(self) -> bytes: ...


class Transport(Protocol):
    def open(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> AbstractAsyncContextManager[Reply]:
        """`target` is a path with its query, quoted."""
        ...


class Resource(Struct, frozen=True):
    """A resource of the API; `group` "" is the core."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", *parts: str) -> str:
        """Quoted. Raises BadRequest for a part that no name can be, such as `..`."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        where = ("namespaces", namespace) if self.namespaced and namespace else ()
        return "/".join([root, *map(_segment, (*where, self.plural, *parts))])


POD = Resource("", "v1", "pods", "Pod")
EVENT = Resource("", "v1", "events", "Event")
CONFIG_MAP = Resource("", "v1", "configmaps", "ConfigMap")
SECRET = Resource("", "v1", "secrets", "Secret")
PAUSES = tuple(0.01 * 2**n for n in range(8))
"""Seconds before a change is decided again that somebody else's write has overtaken: until that can
be read."""
_ME = Resource("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", False)
_MAY_I = Resource(
    "authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", False
)


class Kube:
    """`authorization` is the caller's header, as it came."""

    def __init__(self, transport: Transport, authorization: str) -> None:
        self._transport = transport
        self._headers = {"Authorization": authorization, "Accept": JSON, "User-Agent": _AGENT}

    async def who_am_i(self) -> Mapping[str, Any]:
        """The caller's `userInfo`. Raises Unauthorized."""
        if not self._headers["Authorization"]:
            raise Unauthorized("Unauthorized")
        found = await self.create(_ME, "", {})
        info: Mapping[str, Any] = found["status"]["userInfo"]
        return info

    async def may_i(self, verb: str, resource: Resource, namespace: str, name: str = "") -> bool:
        asks = {
            "verb": verb,
            "group": resource.group,
            "resource": resource.plural,
            "namespace": namespace,
            "name": name,
        }
        found = await self.create(_MAY_I, "", {"spec": {"resourceAttributes": asks}})
        return bool(found["status"]["allowed"])

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest:
        return await self._ask("GET", resource.path(namespace, name))

    async def list(self, resource: Resource, namespace: str, query: Query = NOTHING) -> Manifest:
        return await self._ask("GET", resource.path(namespace), query)

    async def create(
        self, resource: Resource, namespace: str, manifest: Manifest, query: Query = NOTHING
    ) -> Manifest:
        whole = {"apiVersion": resource.api_version, "kind": resource.kind, **manifest}
        return await self._ask("POST", resource.path(namespace), query, whole)

    async def replace(
        self, resource: Resource, namespace: str, manifest: Manifest, query: Query = NOTHING
    ) -> Manifest:
        whole = {"apiVersion": resource.api_version, "kind": resource.kind, **manifest}
        path = resource.path(namespace, manifest["metadata"]["name"])
        return await self._ask("PUT", path, query, whole)

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Any,
        *,
        type: Literal["merge", "json"] = "merge",
        subresource: str = "",
    ) -> Manifest:
        path = resource.path(namespace, name, *filter(None, [subresource]))
        return await self._ask("PATCH", path, NOTHING, patch, _PATCHES[type])

    async def delete(
        self, resource: Resource, namespace: str, name: str, options: Manifest | None = None
    ) -> None:
        await self._ask("DELETE", resource.path(namespace, name), NOTHING, options or None)

    @asynccontextmanager
    async def watch(
        self, resource: Resource, namespace: str, query: Query = NOTHING
    ) -> AsyncIterator[AsyncIterator[tuple[str, Manifest]]]:
        """Events until the server ends the watch, which has begun when this is entered. Raises
        ApiStatus, also for one that an ERROR event holds."""
        asked = {**query, "watch": "true"}
        async with self.stream(resource.path(namespace), asked) as pieces:
            yield _events(pieces)

    @asynccontextmanager
    async def stream(
        self, path: str, query: Query = NOTHING
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """A body without an end. Raises ApiStatus."""
        async with self._transport.open("GET", _target(path, query), self._headers) as reply:
            if reply.code >= 300:
                raise _error(reply.code, await reply.read())
            yield reply.pieces()

    async def _ask(
        self, method: str, path: str, query: Query = NOTHING, body: Any = None, type: str = JSON
    ) -> Manifest:
        try:
            data = b"" if body is None else orjson.dumps(body)
        except TypeError:
            raise BadRequest("the object is nested too deeply") from None
        headers = {**self._headers, "Content-Type": type} if data else self._headers
        async with self._transport.open(method, _target(path, query), headers, data) as reply:
            content = await reply.read()
            if reply.code >= 300:
                raise _error(reply.code, content)
            found: Manifest = orjson.loads(content)
            return found


async def _events(pieces: AsyncIterator[bytes]) -> AsyncIterator[tuple[str, Manifest]]:
    async for line in lines(pieces):
        event = orjson.loads(line)
        if event["type"] == "ERROR":
            raise from_status(event["object"])
        yield event["type"], event["object"]


async def lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Pieces joined and cut at line ends; none is empty."""
    rest: list[bytes] = []
    async for piece in pieces:
        *whole, tail = piece.split(b"\n")
        for line in whole:
            rest.append(line)
            if found := b"".join(rest):
                yield found
            rest.clear()
        if tail:
            rest.append(tail)
    if rest:
        yield b"".join(rest)


def workflows_resource(plural: str, kind: str, *, namespaced: bool = True) -> Resource:
    return Resource(names.ARGO_GROUP, "v1alpha1", plural, kind, namespaced)


def _segment(text: str) -> str:
    if text in ("", ".", "..") or "/" in text or "\x00" in text:
        raise BadRequest(f"{text!r} is no name")
    return quote(text, safe="")


def _target(path: str, query: Query) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _error(code: int, content: bytes) -> Exception:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        found = {"message": content.decode(errors="replace").strip(), "code": code}
    return from_status(found, code) if isinstance(found, dict) else InternalError(f"HTTP {code}")
