"""A load generator that costs little: N connections, each sends its next request on the answer.

Raw asyncio protocols on uvloop, TLS as a client would use it, no parsing but of Content-Length.
It is no HTTP client: answers must have a Content-Length and come in order.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import uvloop


@dataclass
class Load:
    """What a run measured. `latencies` in seconds, sorted."""

    per_second: float
    latencies: list[float]
    errors: int

    def percentile(self, part: float) -> float:
        return self.latencies[min(int(len(self.latencies) * part), len(self.latencies) - 1)]


class _Connection(asyncio.Protocol):
    def __init__(self, load: _Run) -> None:
        self.load = load
        self.buffer = b""
        self.sent_at = 0.0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.next()

    def next(self) -> None:
        request = self.load.take()
        if request is None:
            self.transport.close()
            self.load.closed()
            return
        self.sent_at = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, blank, body = self.buffer.partition(b"\r\n\r\n")
        if not blank:
            return
        at = head.lower().index(b"content-length:") + 15
        length = int(head[at : head.find(b"\r", at) if b"\r" in head[at:] else None])
        if len(body) < length:
            return
        self.buffer = body[length:]
        self.load.done(time.perf_counter() - self.sent_at, head[9:10] == b"2")
        self.next()


class _Run:
    def __init__(self, count: int, make: Callable[[int], bytes], connections: int) -> None:
        self.left, self.make, self.number = count, make, 0
        self.latencies: list[float] = []
        self.errors = 0
        self.open = connections
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def take(self) -> bytes | None:
        if self.number >= self.left:
            return None
        self.number += 1
        return self.make(self.number)

    def done(self, seconds: float, good: bool) -> None:
        self.latencies.append(seconds)
        self.errors += not good

    def closed(self) -> None:
        self.open -= 1
        if not self.open:
            self.finished.set_result(None)


def request(method: str, url: str, token: str, body: bytes = b"") -> bytes:
    """One HTTP/1.1 request as bytes."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    return (
        f"{method} {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def trusting(ca: str) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=ca)


def drive(url: str, ca: str, make: Callable[[int], bytes], *, count: int, connections: int) -> Load:
    """Send `count` requests, made by number, over so many connections."""
    parts = urlsplit(url)

    async def run() -> Load:
        run = _Run(count, make, connections)
        loop = asyncio.get_running_loop()
        start = time.perf_counter()
        for _ in range(connections):
            await loop.create_connection(
                lambda: _Connection(run),
                parts.hostname,
                parts.port,
                ssl=trusting(ca) if parts.scheme == "https" else None,
            )
        await run.finished
        elapsed = time.perf_counter() - start
        return Load(count / elapsed, sorted(run.latencies), run.errors)

    return uvloop.run(run())
