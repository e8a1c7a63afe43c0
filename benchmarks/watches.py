"""How late a watch event is after the acknowledged write, with 100 watchers.

Writer and watchers share one process, so what it costs to receive 100 events is counted too.
"""

from __future__ import annotations

import asyncio
import json
import time
from urllib.parse import urlsplit

import uvloop

from benchmarks import http
from benchmarks.program import Program, program
from benchmarks.table import Table

WATCHERS = 100
WRITES = 300
PAUSE = 0.005  # seconds between two writes: the latency of one event, not of a queue
SETTLE = 1.0  # seconds in which the synthetic first events and the last ones come


def run(table: Table) -> None:
    with program() as sampan:
        after_ack, after_write = uvloop.run(measure(sampan))
    at = int(len(after_ack) * 0.99)
    table.at_most("watch event after the ack, p99", 1000 * after_ack[at], "ms", 5)
    table.at_most("watch event after the request, p99", 1000 * after_write[at], "ms", 10)


class Watcher(asyncio.Protocol):
    """Notes when each event came."""

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.times: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(self.request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self.times.extend(now for _ in range(data.count(b'"type":"ADDED"')))


async def measure(sampan: Program) -> tuple[list[float], list[float]]:
    """Seconds from the acknowledgement, and from the request, to the event; for every watcher and
    write, sorted. An event that came before the acknowledgement counts as 0."""
    parts = urlsplit(sampan.api)
    loop = asyncio.get_running_loop()
    tls = http.trusting(sampan.ca)
    collection = f"{sampan.api}/api/v1/namespaces/default/secrets"
    watch = http.request("GET", f"{collection}?watch=true", sampan.token)
    watchers = [Watcher(watch) for _ in range(WATCHERS)]
    for watcher in watchers:
        await loop.create_connection(lambda w=watcher: w, parts.hostname, parts.port, ssl=tls)
    await asyncio.sleep(SETTLE)
    for watcher in watchers:
        watcher.times.clear()
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=tls)
    acknowledged: list[float] = []
    asked: list[float] = []
    for number in range(WRITES):
        manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"s-{number}"}}
        asked.append(time.perf_counter())
        writer.write(http.request("POST", collection, sampan.token, json.dumps(manifest).encode()))
        await read_answer(reader)
        acknowledged.append(time.perf_counter())
        await asyncio.sleep(PAUSE)
    await asyncio.sleep(SETTLE)
    came = [pair for watcher in watchers for pair in enumerate(watcher.times)]
    return (
        sorted(max(0.0, at - acknowledged[number]) for number, at in came),
        sorted(at - asked[number] for number, at in came),
    )


async def read_answer(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(line for line in lines if line.startswith(b"content-length"))
    await reader.readexactly(int(length.partition(b":")[2]))
