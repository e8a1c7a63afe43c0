"""Durable creates and reads of 2 KB objects over TLS, next to a bare server that does the same."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

from benchmarks import http
from benchmarks.program import Program, program
from benchmarks.table import Table

PAYLOAD = {"filler": "x" * 1800}
COUNT = 6000


def body(number: int, prefix: str) -> bytes:
    meta = {"name": f"{prefix}-{number}", "labels": {"app": "bench"}}
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": PAYLOAD}
    return json.dumps(manifest).encode()


def run(table: Table) -> None:
    with program() as sampan, floor(sampan) as bare:
        collection = f"{sampan.api}/api/v1/namespaces/default/configmaps"
        for connections, target in ((16, 3000), (1, 1000)):
            count = COUNT if connections > 1 else COUNT // 3
            mine = load(collection, sampan, creates(collection, sampan, f"c{connections}"),
                        count, connections)  # fmt: skip
            theirs = load(bare, sampan, creates(bare, sampan, f"c{connections}"), count,
                          connections)  # fmt: skip
            table.at_least(
                f"creates, durable, {connections} connections", mine, "/s", target,
                floor=theirs, floor_name="bare server",
            )  # fmt: skip
        read = http.request("GET", f"{collection}/c16-1", sampan.token)
        bare_read = http.request("GET", f"{bare}/c16-1", sampan.token)
        mine = load(collection, sampan, lambda _: read, 3 * COUNT, 16)
        theirs = load(bare, sampan, lambda _: bare_read, 3 * COUNT, 16)
        table.at_least(
            "reads, 16 connections", mine, "/s", 7000, floor=theirs, floor_name="bare server"
        )


def creates(collection: str, sampan: Program, prefix: str) -> Callable[[int], bytes]:
    return lambda number: http.request("POST", collection, sampan.token, body(number, prefix))


def load(
    url: str, sampan: Program, make: Callable[[int], bytes], count: int, connections: int
) -> float:
    http.drive(url, sampan.ca, lambda n: make(n + 10_000_000), count=200, connections=connections)
    done = http.drive(url, sampan.ca, make, count=count, connections=connections)
    if done.errors:
        raise SystemExit(f"{done.errors} of {count} requests to {url} failed")
    return done.per_second


@contextlib.contextmanager
def floor(sampan: Program) -> Iterator[str]:
    """The bare server, with the same certificate."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    keys = sampan.home / "keys"
    with tempfile.TemporaryDirectory() as directory:
        server = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.floor", directory, str(port),
             keys / "server.crt", keys / "server.key"]
        )  # fmt: skip
        try:
            until_open(port)
            yield f"https://127.0.0.1:{port}/objects"
        finally:
            server.terminate()
            server.wait()


def until_open(port: int) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise SystemExit("the bare server did not start")
