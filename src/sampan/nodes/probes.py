"""Probes and hooks: is the container well, and what to run after its start and before its end.

exec, httpGet, tcpSocket, and grpc by the health protocol.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from msgspec import Struct

from sampan.kube.errors import ApiStatus
from sampan.nodes import execute, grpc
from sampan.nodes.supervisor.client import Client

_BODY = 10_240
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
    a failure below it; the message of a failure."""
    counter = Counter(probe)
    await asyncio.sleep(float(probe.get("initialDelaySeconds") or 0))
    while True:
        try:
            await asyncio.wait_for(perform(target, probe), float(probe.get("timeoutSeconds") or 1))
            verdict, message = counter.count(True), ""
        except Failure as failure:
            verdict, message = counter.count(False), str(failure)
        except TimeoutError:
            seconds = probe.get("timeoutSeconds") or 1
            verdict, message = counter.count(False), f"timed out after {seconds}s"
        if verdict is not None or message:
            told(verdict, message)
        await asyncio.sleep(float(probe.get("periodSeconds") or 10))


async def perform(target: Target, handler: Mapping[str, Any]) -> None:
    """Carry out one probe or hook handler; Failure says what was wrong."""
    if "exec" in handler:
        await _exec(target, handler["exec"])
    elif "httpGet" in handler:
        await _http(target, handler["httpGet"])
    elif "tcpSocket" in handler:
        await _tcp(target, handler["tcpSocket"])
    elif "sleep" in handler:
        await asyncio.sleep(float(handler["sleep"].get("seconds") or 0))
    elif "grpc" in handler:
        await _grpc(target, handler["grpc"])


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


async def _http(target: Target, body: Mapping[str, Any]) -> None:
    host, port = body.get("host") or target.address, _port(target, body["port"])
    secure = str(body.get("scheme") or "HTTP").upper() == "HTTPS"
    path = body.get("path") or "/"
    url = f"{'https' if secure else 'http'}://{host}:{port}{path}"
    try:
        reader, writer = await target.open(host, port, tls=_anyone() if secure else None)
    except OSError as error:
        raise Failure(f'Get "{url}": {error.strerror or error}') from error
    try:
        writer.write(_request(body, f"{host}:{port}", path))
        code = _status(await reader.readline())
    except (OSError, ValueError, asyncio.IncompleteReadError) as error:
        raise Failure(f'Get "{url}": {error}') from error
    finally:
        writer.close()
    if not 200 <= code < 400:
        raise Failure(f"HTTP probe failed with statuscode: {code}")


def _request(body: Mapping[str, Any], host: str, path: str) -> bytes:
    headers = {"Host": host, "User-Agent": "kube-probe/sampan", "Accept": "*/*"}
    for header in body.get("httpHeaders") or ():
        headers[header["name"]] = header.get("value", "")
    lines = [f"GET {path if path.startswith('/') else '/' + path} HTTP/1.1"]
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


def _anyone() -> ssl.SSLContext:
    """As the kubelet: a probe checks that the server answers, not who it is."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
