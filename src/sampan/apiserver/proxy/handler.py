"""A request that is passed on to a pod: body up and answer down at the same time, upgrades too.

Each request gets a connection of its own, which ends with it. What goes wrong before the first byte
of an answer is a Status; after that the client's connection is cut, so that half an answer is not
taken for a whole one.
"""

from __future__ import annotations

import contextlib
import posixpath
from urllib.parse import quote, unquote, unquote_to_bytes

from sampan.apiserver.asked import Asked
from sampan.apiserver.backend import Backend
from sampan.apiserver.http import Gone, Headers, Request
from sampan.apiserver.pipes import Socket
from sampan.apiserver.proxy import headers, targets
from sampan.apiserver.proxy.exchange import Exchange, Head, Malformed
from sampan.apiserver.proxy.links import Links
from sampan.apiserver.proxy.secured import secured
from sampan.apiserver.streams import Streams
from sampan.apiserver.waiting import until_either
from sampan.kube.errors import ApiStatus, BadRequest, ServiceUnavailable
from sampan.kube.streams import Link

_SAFE = "/:"  # stays as it is in our own paths
_IN_PATH = "$&+,/:;=@"  # stays as it is in a pod's, as Go writes them
_FRAMED = frozenset({b"content-length", b"transfer-encoding"})


class Proxy:
    def __init__(self, backend: Backend, streams: Streams) -> None:
        self._backend = backend
        self._streams = streams

    async def serve(self, asked: Asked) -> None:
        """Any method on `pods/proxy` or `services/proxy`."""
        request = asked.request
        prefix, rest = _split(request)
        if not rest and request.method in ("GET", "HEAD"):
            await _add_slash(request)
            return
        found = targets.find(self._backend, asked.resource, asked.namespace, asked.name)
        link = await self._dial(found)
        try:
            await _Passing(request, link, prefix, _hosts(found)).run(rest or b"/")
        finally:
            link.close()

    async def _dial(self, target: targets.Target) -> Link:
        """Raises ServiceUnavailable."""
        try:
            link = await self._streams.agent().dial(target.pod, target.port)
            return await secured(link, target.pod["metadata"]["name"]) if target.secure else link
        except (OSError, ApiStatus) as fault:
            raise _unreachable(fault) from fault


class _Passing:
    """One request on its way. `prefix` is the path up to and including `proxy`, quoted; `hosts`
    are what the pod may call itself in a redirect."""

    def __init__(self, request: Request, link: Link, prefix: str, hosts: tuple[str, ...]) -> None:
        self._request = request
        self._link = link
        self._prefix = prefix
        self._exchange = Exchange(link)
        self._hosts = (request.header(b"host"), *hosts)
        self._begun = False

    async def run(self, rest: bytes) -> None:
        try:
            await self._exchange.send(self._request.method, self._target(rest), self._head(rest))
            if self._request.headers.get(b"upgrade"):
                await self._upgrade()
            else:
                await until_either(self._down(), self._up())
        except OSError as fault:
            if not self._begun:
                raise _unreachable(fault) from fault
            await self._request.cut()
            raise Gone from fault

    def _target(self, rest: bytes) -> bytes:
        query = self._request.scope["query_string"]
        return rest + (b"?" + query if query else b"")

    def _head(self, rest: bytes) -> Headers:
        given: Headers = list(self._request.scope["headers"])
        found = headers.forwarded(given)
        found.insert(0, (b"host", self._hosts[0].encode("latin-1")))
        found.append((b"x-forwarded-uri", self._prefix.encode() + rest))
        found.append((b"accept-encoding", b"identity"))
        if upgrade := self._request.headers.get(b"upgrade"):
            found += [(b"connection", b"Upgrade"), (b"upgrade", upgrade)]
        else:
            found.append((b"connection", b"close"))
        length = self._request.headers.get(b"content-length")
        if length is not None:
            found.append((b"content-length", length))
        elif self._chunked:
            found.append((b"transfer-encoding", b"chunked"))
        return found

    @property
    def _chunked(self) -> bool:
        return b"content-length" not in self._request.headers and (
            b"transfer-encoding" in self._request.headers
        )

    # -- up: the request's body ---------------------------------------------------------------

    async def _up(self) -> None:
        """Returns when the client has left, not when it has said everything."""
        chunked = self._chunked
        with contextlib.suppress(OSError):  # a pod may answer without reading; it is heard
            async for piece in self._request.pieces():
                await self._link.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            if chunked:
                await self._link.write(b"0\r\n\r\n")
        await self._request.gone()

    # -- down: the answer ---------------------------------------------------------------------

    async def _down(self) -> None:
        head = await self._exchange.head()
        if head.status == 101:
            raise Malformed("the pod upgrades a connection that it was not asked to upgrade")
        await self._answer(head)

    async def _answer(self, head: Head) -> None:
        send = self._request.send
        back = self._returned(head)
        page = _is_page(back)
        if page:
            back = [(name, value) for name, value in back if name not in _FRAMED]
        self._begun = True
        self._request.code = head.status
        await send({"type": "http.response.start", "status": head.status, "headers": back})
        links = Links(self._beneath) if page else None
        async for piece in self._exchange.body():
            data = links.feed(piece) if links else piece
            if data:
                await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": links.end() if links else b""})

    def _returned(self, head: Head) -> Headers:
        return [
            (name, self._beneath(value.decode("latin-1")).encode("latin-1"))
            if name == b"location"
            else (name, value)
            for name, value in headers.returned(head.headers)
        ]

    def _beneath(self, link: str) -> str:
        return headers.beneath(self._prefix, link, self._hosts)

    # -- upgrades -----------------------------------------------------------------------------

    async def _upgrade(self) -> None:
        head = await self._exchange.head()
        if head.status != 101:
            await self._answer(head)
            return
        protocol = self._request.header(b"upgrade")
        self._begun = True
        try:
            socket = self._request.upgrade(protocol, headers.returned(head.headers))
        except ConnectionError:
            raise Gone from None
        try:
            await until_either(self._receive(socket), self._give(socket))
        except OSError:
            return  # one of both has left
        finally:
            await socket.close()

    async def _receive(self, socket: Socket) -> None:
        if self._exchange.rest:
            await socket.write(self._exchange.rest)
        while data := await self._link.read():
            await socket.write(data)

    async def _give(self, socket: Socket) -> None:
        while data := await socket.read():
            await self._link.write(data)


def _split(request: Request) -> tuple[str, bytes]:
    """(the path up to and including `proxy`, what follows it as the pod gets it or b"")."""
    raw: bytes = request.scope["raw_path"]
    # /api/v1/namespaces/NAMESPACE/KIND/NAME/proxy; empty segments do not count
    at, left = 0, 7
    for segment in raw.split(b"/"):
        at += len(segment)
        left -= bool(segment)
        if not left:
            break
        at += 1
    prefix = unquote(raw[:at].decode())
    if prefix.count("/") != raw[:at].count(b"/") or not prefix.endswith("/proxy"):
        raise BadRequest("a path to a proxy has no encoded slashes")
    return quote(prefix, safe=_SAFE), _cleaned(raw[at:])


def _cleaned(raw: bytes) -> bytes:
    """A path decoded, freed of `..` and of empty segments, and encoded again, as upstream does:
    clients rely on it that an encoded slash becomes one."""
    if not raw:
        return b""
    decoded = unquote_to_bytes(raw)
    clean = b"/" + posixpath.normpath(b"/" + decoded.lstrip(b"/")).lstrip(b"/")
    if decoded.endswith(b"/") and not clean.endswith(b"/"):
        clean += b"/"
    return quote(clean, safe=_IN_PATH).encode()


async def _add_slash(request: Request) -> None:
    """So that relative links of the page lead below the proxy."""
    query: bytes = request.scope["query_string"]
    place = quote(request.path, safe=_SAFE).encode() + b"/" + (b"?" + query if query else b"")
    await request.answer(301, b"", b"text/plain", [(b"location", place)])


def _is_page(found: Headers) -> bool:
    kinds = dict(found)
    media = kinds.get(b"content-type", b"").partition(b";")[0].strip().lower()
    return media == b"text/html" and b"content-encoding" not in kinds


def _hosts(target: targets.Target) -> tuple[str, ...]:
    address = (target.pod.get("status") or {}).get("podIP") or ""
    return (f"{address}:{target.port}", address)


def _unreachable(fault: Exception) -> ServiceUnavailable:
    said = fault.message if isinstance(fault, ApiStatus) else str(fault) or type(fault).__name__
    return ServiceUnavailable(f"error trying to reach service: {said}")
