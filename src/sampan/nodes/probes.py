"""Probes and hooks: is the container well, and what to run after its start and before its end.

exec, httpGet, tcpSocket, and grpc by the health protocol.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit, urlunsplit

from msgspec import Struct

from sampan.kube.errors import ApiStatus
from sampan.nodes import dial, execute, grpc
from sampan.nodes.supervisor.client import Client

_BODY = 10_240  # bytes
_BODY_SECONDS = 0.2
_MOST_REDIRECTS = 10
_HOOK_SECONDS = 120.0


class Open(Protocol):
    """Connects to a host and port as the node sees them, by TLS with `tls`."""

    async def __call__(
        self, host: str, port: int, *, tls: ssl.SSLContext | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]: ...


class Target(Struct, frozen=True):
    """The container that is asked."""

    client: Client
    identity: str
    address: str
    spec: Mapping[str, Any]
    open: Open


class Failure(Exception):
    """What the probe found, for the event."""


class Counter:
    """Successes and failures in a row against the probe's thresholds. Pure."""

    def __init__(self, probe: Mapping[str, Any]) -> None:
        self._needed = {
            True: int(probe.get("successThreshold", 1)),
            False: int(probe.get("failureThreshold", 3)),
        }
        self._same = 0
        self._last: bool | None = None

    def count(self, success: bool) -> bool | None:
        """Take one result; the verdict when the threshold has been reached just now or before
        in this row, None when it has not."""
        self._same = self._same + 1 if success == self._last else 1
        self._last = success
        if self._same < self._needed[success]:
            return None
        return success


async def watch(
    target: Target,
    probe: Mapping[str, Any],
    told: Callable[[bool | None, str], None],
) -> None:
    """Probe for ever. `told(verdict, message)`: the verdict once a threshold is reached, None for
    a failure below it; the message of a failure, or with True a warning."""
    counter = Counter(probe)
    await asyncio.sleep(float(probe.get("initialDelaySeconds") or 0))
    while True:
        try:
            seconds = float(probe.get("timeoutSeconds") or 1)
            warning = await asyncio.wait_for(perform(target, probe), seconds)
            verdict = counter.count(True)
            message = warning if verdict else ""
        except Failure as failure:
            verdict, message = counter.count(False), str(failure)
        except TimeoutError:
            verdict, message = counter.count(False), f"timed out after {seconds:g}s"
        if verdict is not None or message:
            told(verdict, message)
        await asyncio.sleep(float(probe.get("periodSeconds") or 10))


async def perform(target: Target, handler: Mapping[str, Any]) -> str:
    """Carry out one probe or hook handler; Failure says what was wrong, the answer what was odd."""
    if "exec" in handler:
        await _exec(target, handler["exec"])
    elif "httpGet" in handler:
        return await _http(target, handler["httpGet"])
    elif "tcpSocket" in handler:
        await _tcp(target, handler["tcpSocket"])
    elif "sleep" in handler:
        await asyncio.sleep(float(handler["sleep"].get("seconds") or 0))
    elif "grpc" in handler:
        await _grpc(target, handler["grpc"])
    return ""


async def _exec(target: Target, body: Mapping[str, Any]) -> None:
    argv = body.get("command") or ()
    if not argv:
        raise Failure("exec needs a command")
    try:
        code, said = await execute.collect(
            target.client, target.identity, argv, seconds=_HOOK_SECONDS
        )
    except ApiStatus as error:
        raise Failure(error.message) from error
    if code:
        raise Failure(said.strip() or f"command exited with {code}")


async def _tcp(target: Target, body: Mapping[str, Any]) -> None:
    host, port = body.get("host") or target.address, _port(target, body["port"])
    try:
        _, writer = await target.open(host, port)
    except OSError as error:
        raise Failure(f"dial tcp {host}:{port}: {error.strerror or error}") from error
    writer.close()


async def _grpc(target: Target, body: Mapping[str, Any]) -> None:
    host = f"{target.address}:{body['port']}"
    try:
        reader, writer = await target.open(target.address, int(body["port"]))
    except OSError as error:
        raise Failure(f"dial tcp {host}: {error.strerror or error}") from error
    try:
        found = await grpc.check(reader, writer, host=host, service=body.get("service") or "")
    except (OSError, grpc.NoAnswer) as error:
        raise Failure(f"grpc {host}: {error}") from error
    finally:
        writer.close()
    if found != grpc.SERVING:
        raise Failure(f'service unhealthy (responded with "{found}")')


async def _http(target: Target, body: Mapping[str, Any]) -> str:
    """Redirects within the host are followed; one that leaves it is a success with a warning."""
    host, port = body.get("host") or target.address, _port(target, body["port"])
    scheme = str(body.get("scheme") or "HTTP").lower()
    path = str(body.get("path") or "/")
    url = f"{scheme}://{host}:{port}{path if path.startswith('/') else '/' + path}"
    for _ in range(_MOST_REDIRECTS):
        code, location, said = await _get(target, body, url)
        if not 200 <= code < 400:
            raise Failure(f"HTTP probe failed with statuscode: {code}")
        if code < 300:
            return ""
        following = _within(url, location)
        if not following:
            return f"Probe terminated redirects, Response body: {said}"
        url = following
    raise Failure(f'Get "{url}": stopped after {_MOST_REDIRECTS} redirects')


def _within(url: str, location: str) -> str:
    """Where a redirect leads; "" when that is another host."""
    try:
        following = urljoin(url, location)
        stays = urlsplit(following).hostname == urlsplit(url).hostname
    except ValueError as error:
        raise Failure(f'Get "{url}": bad redirect: {error}') from error
    return following if location and stays else ""


async def _get(target: Target, body: Mapping[str, Any], url: str) -> tuple[int, str, str]:
    """(status code, Location, the begin of a redirect's body)."""
    writer = None
    try:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        host, port = parts.hostname or "", parts.port or (443 if secure else 80)
        reader, writer = await target.open(host, port, tls=dial.anyone() if secure else None)
        path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        writer.write(_request(body, f"{host}:{port}", path))
        code = _status(await reader.readline())
        if not 300 <= code < 400:
            return code, "", ""
        return code, await _location(reader), await _begin(reader)
    except OSError as error:
        raise Failure(f'Get "{url}": {error.strerror or error}') from error
    except ValueError as error:
        raise Failure(f'Get "{url}": {error}') from error
    finally:
        if writer is not None:
            writer.close()


async def _location(reader: asyncio.StreamReader) -> str:
    found = ""
    while (line := await reader.readline()).strip():
        name, _, value = line.decode("latin-1").partition(":")
        if name.strip().lower() == "location":
            found = value.strip()
    return found


async def _begin(reader: asyncio.StreamReader) -> str:
    """What has come of a body, for a message: nobody waits long for that."""
    try:
        data = await asyncio.wait_for(reader.read(_BODY), _BODY_SECONDS)
    except TimeoutError:
        return ""
    return data.decode(errors="replace")


def _request(body: Mapping[str, Any], host: str, path: str) -> bytes:
    headers = {"Host": host, "User-Agent": "kube-probe/sampan", "Accept": "*/*"}
    for header in body.get("httpHeaders") or ():
        headers[header["name"]] = header.get("value", "")
    lines = [f"GET {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode()


def _status(line: bytes) -> int:
    words = line.split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/"):
        raise ValueError("malformed HTTP response")
    return int(words[1])


def _port(target: Target, port: int | str) -> int:
    if isinstance(port, int) or port.isdigit():
        return int(port)
    for each in target.spec.get("ports") or ():
        if each.get("name") == port:
            return int(each["containerPort"])
    raise Failure(f"container has no port named {port}")
