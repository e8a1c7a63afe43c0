"""A way for helper processes of the node to what only pods can reach: an HTTP proxy on loopback.

`route` tells whether a host is one of the cluster's, as a pod of a namespace would find it: a
service by its name or address, or a pod. If so it answers the proxy's URL, with the namespace as
its user and a word that only those know who were told. Connections are dialled to one of the
service's endpoints; other hosts, which a server may redirect to, are dialled as everybody does.

It forwards bytes, and of HTTP it reads the head of a connection's first request alone.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ipaddress
import random
import secrets
from collections.abc import Iterable
from urllib.parse import urlsplit

from sampan.engine.cluster import Cluster
from sampan.kube import names, nets
from sampan.kube.keys import Key, Manifest
from sampan.kube.locations import LOCAL_ENDPOINT
from sampan.lib import streams
from sampan.nodes import hosts
from sampan.nodes.network.table import entry, service_of
from sampan.nodes.networking import Networking, Streams

_LARGEST = 1 << 16  # bytes of a request's head
_PATIENCE = 10.0  # seconds to connect
_DROPPED = ("connection:", "proxy-", "keep-alive:")
_STORE = Key(names.SERVICE, names.PLATFORM_NAMESPACE, names.ARTIFACT_SERVICE)
Place = tuple[str, int]


class Refused(Exception):
    """The request cannot be forwarded: a status of HTTP and a sentence."""


class Forward:
    def __init__(self, cluster: Cluster, networking: Networking) -> None:
        self._cluster = cluster
        self._networking = networking
        self._word = secrets.token_urlsafe(24)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: asyncio.Server | None = None
        self._lock = asyncio.Lock()

    def start(self) -> None:
        """Called by the loop that will serve; nothing listens before somebody needs it."""
        self._loop = asyncio.get_running_loop()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()

    def route(self, host: str, port: int, namespace: str) -> str:
        """The proxy's URL, or "" where none is needed; `LOCAL_ENDPOINT` for a service that stands
        for the local repository. Called by threads that may wait."""
        if self._loop is None:
            return ""
        task = asyncio.run_coroutine_threadsafe(self._route(host, namespace), self._loop)
        return task.result()

    async def _route(self, host: str, namespace: str) -> str:
        service = self._service(host, namespace)
        if service is None and not hosts.is_of_pod(host):
            return ""
        if service is not None and (
            service["spec"].get("externalName") == LOCAL_ENDPOINT
            or (_key(service) == _STORE and self._networking.serves(_STORE))
        ):
            return LOCAL_ENDPOINT
        async with self._lock:
            if self._server is None:
                self._server = await asyncio.start_server(
                    self._serve, "127.0.0.1", 0, limit=_LARGEST
                )
        port = self._server.sockets[0].getsockname()[1]
        return f"http://{namespace}:{self._word}@127.0.0.1:{port}"

    async def open(self, host: str, port: int, namespace: str) -> Streams:
        """Connect as a pod of the namespace would. OSError when that cannot be."""
        try:
            return await self._dial(self._place(host, port, namespace))
        except Refused as refusal:
            raise ConnectionError(str(refusal).partition(" ")[2]) from refusal

    # -- names ------------------------------------------------------------------------------------
    def _service(self, host: str, namespace: str) -> Manifest | None:
        """What a pod of the namespace finds by that name or address."""
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(host)
            found = self._cluster.list(names.SERVICE)
            return next((each for each in found if each["spec"].get("clusterIP") == host), None)
        name = host.rstrip(".").lower().removesuffix(f".{nets.ZONE}").removesuffix(".svc")
        name, dot, other = name.partition(".")
        if not name or "." in other:
            return None
        return self._cluster.get(Key(names.SERVICE, other if dot else namespace, name))

    def _place(self, host: str, port: int, namespace: str) -> Place:
        """Where to dial. Refused when nobody serves there."""
        service = self._service(host, namespace)
        if service is None:
            return host, port
        about = service["metadata"]
        slices = [
            each
            for each in self._cluster.list(names.ENDPOINT_SLICE, about["namespace"])
            if service_of(each) == about["name"]
        ]
        known = entry(service, slices) or {"ports": [], "addresses": []}
        if "external" in known:
            return known["external"], port
        if known["ip"]:
            found = [tuple(to) for each in known["ports"] if each["port"] == port
                     for to in each["to"] if each["protocol"] == "TCP"]  # fmt: skip
        else:
            found = [(address, port) for address, _ in known["addresses"]]
        if not found:
            raise Refused(f'502 no endpoints of service "{about["name"]}" at port {port}')
        address, number = random.choice(found)
        if address == nets.GATEWAY and self._networking.serves(_key(service)):
            address = "127.0.0.1"  # pods reach what is ours there; nothing else of this machine
        return str(address), int(number)

    # -- requests ---------------------------------------------------------------------------------
    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._forward(reader, writer)
        except Refused as refusal:
            code, _, text = str(refusal).partition(" ")
            writer.write(
                f"HTTP/1.1 {code} {text}\r\nProxy-Authenticate: Basic\r\n"
                "Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # one of the two has gone
        finally:
            with contextlib.suppress(OSError):
                await writer.drain()
            writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, _, rest = head[0].partition(" ")
        url, _, version = rest.rpartition(" ")
        namespace = self._namespace(head[1:])
        parts = urlsplit(f"//{url}" if method == "CONNECT" else url)
        try:
            host, port = parts.hostname, parts.port or 80
        except ValueError:
            host = None
        if not host or (method != "CONNECT" and parts.scheme != "http"):
            raise Refused("400 no URL that can be forwarded")
        there, sink = await self._dial(self._place(host, port, namespace))
        if method == "CONNECT":
            writer.write(f"{version} 200 OK\r\n\r\n".encode("latin-1"))
        else:
            path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
            sink.write(_head(f"{method} {path} {version}", head[1:]))
        sending = asyncio.ensure_future(streams.pump(reader, sink))
        try:
            await streams.pump(there, writer)
        finally:
            sending.cancel()
            sink.close()

    async def _dial(self, place: Place) -> Streams:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._networking.open(*place)
        except OSError as error:
            raise Refused(f"502 dial tcp {place[0]}:{place[1]}: {error}") from error

    def _namespace(self, headers: Iterable[str]) -> str:
        """Of whoever asks. Refused when they were told nothing."""
        for header in headers:
            name, _, value = header.partition(":")
            if name.lower() == "proxy-authorization":
                with contextlib.suppress(ValueError):
                    said = base64.b64decode(value.strip().partition(" ")[2]).decode()
                    namespace, _, word = said.partition(":")
                    if secrets.compare_digest(word.encode(), self._word.encode()):
                        return namespace
        raise Refused("407 Proxy Authentication Required")


def _head(request: str, headers: Iterable[str]) -> bytes:
    """Of a connection that carries one request."""
    kept = [each for each in headers if each and not each.lower().startswith(_DROPPED)]
    return "\r\n".join([request, *kept, "Connection: close", "", ""]).encode("latin-1")


def _key(service: Manifest) -> Key:
    meta = service["metadata"]
    return Key(names.SERVICE, meta["namespace"], meta["name"])
