"""Transport: HTTP to a Kubernetes API server, with TLS, credentials and errors put right.

Raw on purpose: paths in, decoded JSON, lines, chunks or a websocket out. Any answer that is not
2xx is raised as the `ApiStatus` that it holds; a server that cannot be reached is `Unreachable`.
What the paths mean is known to `discovery.py` and `remote.py`.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson
from yarl import URL

from sampan.engine.kubeconfig import Access
from sampan.kube.errors import ApiStatus, UserMistake, from_status

JSON = "application/json"
TIMEOUT = 60.0
"""Seconds for a plain request: as long as a real server works on one."""
CONNECT = 10.0


class Unreachable(UserMistake):
    """No answer: nobody listens, the name is unknown, the certificate is not trusted…"""


class Transport:
    """Opens its connections when they are first used, so that it can be made outside a loop."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._session: aiohttp.ClientSession | None = None
        self._tls = _tls(access)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
            # The library aborts its TLS connections; the loop has to turn for each of their layers
            # until the sockets are closed.
            for _ in range(10):
                await asyncio.sleep(0)

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        accept: str = JSON,
        content_type: str = JSON,
    ) -> Any:
        """The decoded answer; text when it is no JSON. `path` has its query and is quoted."""
        data = None if body is None else orjson.dumps(body)
        headers = {"Accept": accept}
        if data is not None:
            headers["Content-Type"] = content_type
        timeout = aiohttp.ClientTimeout(total=TIMEOUT, sock_connect=CONNECT)
        async with self._open(method, path, headers, data, timeout) as answer:
            content = await answer.read()
            if answer.content_type == JSON:
                return orjson.loads(content)
            return content.decode(errors="replace")

    async def chunks(
        self, path: str, *, accept: str = "*/*", silence: float | None = None
    ) -> AsyncIterator[bytes]:
        """The body as it comes, for as long as it takes: logs. `silence`: seconds without a byte
        after which the connection is taken for dead."""
        headers = {"Accept": accept}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=silence)
        async with self._open("GET", path, headers, None, timeout) as answer:
            async for chunk in answer.content.iter_any():
                yield chunk

    async def lines(
        self, path: str, *, accept: str = JSON, silence: float | None = None
    ) -> AsyncIterator[bytes]:
        """The body by lines of any length: watches."""
        rest: list[bytes] = []
        async for chunk in self.chunks(path, accept=accept, silence=silence):
            *complete, tail = chunk.split(b"\n")
            for line in complete:
                rest.append(line)
                whole = b"".join(rest)
                rest.clear()
                if whole:
                    yield whole
            if tail:
                rest.append(tail)
        if rest:
            yield b"".join(rest)

    @asynccontextmanager
    async def websocket(
        self, path: str, protocols: Sequence[str]
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A websocket: exec, attach. Raises ApiStatus when the server refuses the upgrade."""
        session = self._started()
        try:
            socket = await session.ws_connect(
                self._url(path),
                protocols=protocols,
                headers=self._headers({}),
                ssl=self._tls,
                server_hostname=self.access.server_name or None,
                max_msg_size=0,
            )
        except aiohttp.WSServerHandshakeError as error:
            raise from_status({"message": error.message}, error.status) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreachable(error) from error
        try:
            yield socket
        finally:
            await socket.close()

    @asynccontextmanager
    async def _open(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        data: bytes | None,
        timeout: aiohttp.ClientTimeout,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        session = self._started()
        try:
            async with session.request(
                method,
                self._url(path),
                data=data,
                headers=self._headers(headers),
                timeout=timeout,
                ssl=self._tls,
                server_hostname=self.access.server_name or None,
                allow_redirects=False,
            ) as answer:
                if answer.status >= 300:
                    raise _refused(answer.status, await answer.read())
                try:
                    yield answer
                finally:
                    _abandon(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreachable(error) from error

    def _started(self) -> aiohttp.ClientSession:
        if self._session is None:
            # A watch for each kind and many writes at once: the server sets the limit, not we.
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(
                connector=connector,
                headers={"User-Agent": "sampan"},
                read_bufsize=1 << 18,
            )
        return self._session

    def _url(self, path: str) -> URL:
        return URL(self.access.server + path, encoded=True)

    def _headers(self, given: Mapping[str, str]) -> dict[str, str]:
        token = self.access.token
        if self.access.token_file:
            # A short read each time: the kubelet replaces the file before the token ends.
            token = Path(self.access.token_file).read_text().strip()
        return {**given, "Authorization": f"Bearer {token}"} if token else dict(given)

    def _unreachable(self, error: BaseException) -> Unreachable:
        server = self.access.server
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return Unreachable(f"{server} has a certificate that is not trusted: {error}")
        if isinstance(error, aiohttp.ClientPayloadError):
            return Unreachable(f"the connection to {server} was lost")
        if isinstance(error, asyncio.TimeoutError):
            return Unreachable(f"{server} does not answer in time")
        return Unreachable(f"{server} cannot be reached: {_why(error)}")


def _why(error: BaseException) -> str:
    """In the system's words: asyncio's repeat the address, aiohttp's tell its settings of TLS."""
    if not isinstance(error, aiohttp.ClientConnectorError):
        return str(error)
    found = error.os_error
    if isinstance(found, ssl.SSLError):
        return f"it does not speak TLS ({found.reason})"
    number = found.errno or 0  # of a name that is not known less than 0
    return os.strerror(number) if number > 0 else str(found.strerror)


def _abandon(answer: aiohttp.ClientResponse) -> None:
    """Cut off a body that was not read to its end. Closed in the polite way, TLS would wait for the
    server's word, and the loop may have ended before it comes."""
    connection = answer.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()


def _refused(status: int, content: bytes) -> ApiStatus:
    """The error that the answer holds; an answer which is no Status is quoted."""
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        found = None
    if isinstance(found, dict) and found.get("kind") == "Status":
        return from_status(found, status)
    return from_status({"message": content.decode(errors="replace").strip()[:500]}, status)


def _tls(access: Access) -> ssl.SSLContext | bool:
    if not access.server.startswith("https:"):
        return True
    context = ssl.create_default_context()
    if access.authority:
        context = ssl.create_default_context(cadata=access.authority.decode("ascii"))
    if access.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if access.certificate:
        _load_certificate(context, access)
    return context


def _load_certificate(context: ssl.SSLContext, access: Access) -> None:
    """The library reads key files only: one is written for a moment, for this user alone."""
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:  # made with mode 0600
        file.write(access.certificate + b"\n" + access.key)
        file.flush()
        try:
            context.load_cert_chain(file.name)
        except ssl.SSLError as error:
            raise UserMistake(f"the client certificate cannot be used: {error}") from error
