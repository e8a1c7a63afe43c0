"""One question over HTTPS: to a URL, or to a pod behind a service.

The certificate is always checked, against the webhook's caBundle or, without one, the machine's.
Whether a URL may be called is decided by whoever may write webhook configurations, as upstream.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import ssl
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from sampan.apiserver.admitting.reviews import BadAnswer
from sampan.apiserver.backend import Backend
from sampan.apiserver.proxy import targets
from sampan.apiserver.proxy.exchange import Exchange
from sampan.apiserver.proxy.secured import secured
from sampan.kube import names
from sampan.kube.errors import ApiStatus
from sampan.kube.streams import Link, NodeAgent

_CHUNK = 1 << 15  # bytes
_LARGEST = 8 << 20  # bytes of an answer


class Place(Struct, frozen=True):
    """Where a webhook is: at `host` and `port`, or behind the service `namespace`/`name`."""

    url: str
    host: str
    port: int
    path: str
    authority: str = ""
    service: tuple[str, str] | None = None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Place:
        """From a clientConfig that has been validated."""
        authority = config.get("caBundle") or ""
        if service := config.get("service"):
            name, namespace = service["name"], service["namespace"]
            port, path = service.get("port") or 443, service.get("path") or "/"
            host = f"{name}.{namespace}.svc"
            path = path if path.startswith("/") else f"/{path}"
            return cls(f"https://{host}:{port}{path}", host, port, path, authority,
                       (namespace, name))  # fmt: skip
        parts = urlsplit(config["url"])
        return cls(
            config["url"], parts.hostname or "", parts.port or 443, parts.path or "/", authority
        )


class Transport(Struct, frozen=True):
    """`node` answers with the agent that reaches pods. Raises ApiStatus while there is none."""

    backend: Backend
    node: Callable[[], NodeAgent]

    async def post(self, place: Place, body: bytes, seconds: int) -> bytes:
        """The body of the answer. Raises BadAnswer with the reason when there is none."""
        url = f"{place.url}?timeout={seconds}s"
        try:
            async with asyncio.timeout(seconds):
                return await self._post(place, body, seconds)
        except TimeoutError:
            raise BadAnswer(f'Post "{url}": context deadline exceeded') from None
        except ApiStatus as error:
            raise BadAnswer(f'Post "{url}": {error.message}') from None
        except OSError as error:
            raise BadAnswer(f'Post "{url}": {_reason(place, error)}') from None

    async def _post(self, place: Place, body: bytes, seconds: int) -> bytes:
        link = await self._connect(place)
        try:
            tls = await secured(link, place.host, _context(place.authority))
            exchange = Exchange(tls)
            host = place.host if place.port == 443 else f"{place.host}:{place.port}"
            await exchange.send(
                "POST",
                f"{place.path}?timeout={seconds}s".encode(),
                [
                    (b"Host", host.encode()),
                    (b"Content-Type", b"application/json"),
                    (b"Accept", b"application/json, */*"),
                    (b"User-Agent", b"kube-apiserver-admission"),
                    (b"Content-Length", str(len(body)).encode()),
                    (b"Connection", b"close"),
                ],
            )
            await tls.write(body)
            head = await exchange.head()
            answer = bytearray()
            async for piece in exchange.body():
                answer += piece
                if len(answer) > _LARGEST:
                    raise BadAnswer(f"the answer is larger than {_LARGEST} bytes")
        finally:
            link.close()
        if head.status != 200:
            said = bytes(answer[:200]).decode("utf-8", "replace").strip()
            raise BadAnswer(f"the server answered with HTTP {head.status}: {said}")
        return bytes(answer)

    async def _connect(self, place: Place) -> Link:
        if place.service is None:
            return _Stream(*await asyncio.open_connection(place.host, place.port, limit=_CHUNK))
        namespace, name = place.service
        services = self.backend.resources.stored(names.SERVICE)
        assert services is not None
        found = targets.find(self.backend, services, namespace, f"https:{name}:{place.port}")
        return await self.node().dial(found.pod, found.port)


class _Stream:
    """A connection of this process as a `Link`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        return await self._reader.read(_CHUNK)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def end(self) -> None:
        self._writer.write_eof()

    def close(self) -> None:
        self._writer.close()


@lru_cache(64)
def _context(authority: str) -> ssl.SSLContext:
    """Trusts the bundle (PEM in base64), or what the machine trusts. Raises OSError."""
    if not authority:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=bundle(authority))
    return context


def bundle(authority: str) -> str:
    """The certificates of a caBundle as PEM. Raises ValueError when there are none."""
    try:
        text = base64.b64decode(authority, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError("unable to load root certificates: not PEM in base64") from None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        raise ValueError("unable to load root certificates: no certificate was found") from None
    return text


def _reason(place: Place, error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"tls: failed to verify certificate: x509: {error.verify_message}"
    if isinstance(error, ConnectionRefusedError):
        return f"dial tcp {place.host}:{place.port}: connect: connection refused"
    return str(error.strerror or error)
