"""Wire: requests of services to an API server over HTTP, such as that of a real cluster.

Fulfils `sampan.services.kube.Transport` as `sampan.apiserver.loopback` does for the server in the
same process; both pass the same tests. It has no credentials: each request brings its caller's.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from yarl import URL

from sampan.kube.errors import ServiceUnavailable

_CONNECT = 10.0  # seconds


class Wire:
    """`server` is a URL; `authority` the PEM of who its certificate is to be believed by. Close it
    when nobody needs it any more."""

    def __init__(self, server: str, authority: str = "") -> None:
        self._server = server.rstrip("/")
        secure = self._server.startswith("https:")
        context = ssl.create_default_context(cadata=authority or None) if secure else True
        self._tls: ssl.SSLContext | bool = context
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def open(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> AsyncIterator[Reply]:
        """Raises ServiceUnavailable when nobody answers."""
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT)
        asking = self._session.request(
            method,
            URL(self._server + target, encoded=True),
            headers=headers,
            data=body or None,
            ssl=self._tls,
            timeout=timeout,
            allow_redirects=False,
        )
        try:
            answer = await asking
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ServiceUnavailable(f"{self._server} does not answer: {error}") from error
        try:
            yield Reply(answer)
        finally:
            answer.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
            for _ in range(10):  # until the loop has closed what lies below TLS
                await asyncio.sleep(0)


class Reply:
    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.code = answer.status
        self._answer = answer

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises ServiceUnavailable when it breaks off."""
        try:
            async for piece in self._answer.content.iter_any():
                yield piece
        except (aiohttp.ClientError, OSError) as error:
            raise ServiceUnavailable(f"the connection was lost: {error}") from error

    async def read(self) -> bytes:
        return b"".join([piece async for piece in self.pieces()])
