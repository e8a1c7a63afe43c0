"""The floor: a bare ASGI application that stores what it gets with group commit, over TLS.

It has no validation, no admission, no users, no watch: what remains is what Python, uvicorn, TLS
and a durable write cost on this machine. Run as `python -m benchmarks.floor DIR`; prints its URL.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any

import orjson
import uvicorn


class Log:
    """One writer thread, one transaction for all that waits."""

    def __init__(self, path: Path) -> None:
        self.waiting: queue.SimpleQueue[tuple[str, bytes, asyncio.Future[None]]]
        self.waiting = queue.SimpleQueue()
        self.path = path
        self.rows: dict[str, bytes] = {}

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        threading.Thread(target=self.write, args=(loop,), daemon=True).start()

    def write(self, loop: asyncio.AbstractEventLoop) -> None:
        db = sqlite3.connect(self.path, isolation_level=None)
        db.execute("pragma journal_mode=wal")
        db.execute("pragma synchronous=full")
        db.execute("create table rows (key text primary key, value blob) without rowid")
        while True:
            batch = [self.waiting.get()]
            while not self.waiting.empty():
                batch.append(self.waiting.get())
            db.execute("begin")
            db.executemany("insert or replace into rows values (?, ?)", [b[:2] for b in batch])
            db.execute("commit")
            loop.call_soon_threadsafe(lambda done=batch: [one[2].set_result(None) for one in done])


def application(log: Log) -> Any:
    started = False

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal started
        if scope["type"] == "lifespan":
            return
        if not started:
            started = True
            log.start(asyncio.get_running_loop())
        if scope["method"] == "POST":
            body = b""
            while True:
                message = await receive()
                body += message.get("body", b"")
                if not message.get("more_body"):
                    break
            value = orjson.loads(body)
            answer = orjson.dumps(value)
            stored = asyncio.get_running_loop().create_future()
            log.waiting.put((value["metadata"]["name"], answer, stored))
            await stored
            log.rows[value["metadata"]["name"]] = answer
            status = 201
        else:
            answer = log.rows.get(scope["path"].rpartition("/")[2], b"{}")
            status = 200
        length = [(b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": length})
        await send({"type": "http.response.body", "body": answer})

    return app


def main() -> None:
    home = Path(sys.argv[1])
    config = uvicorn.Config(
        application(Log(home / "floor.db")),
        port=int(sys.argv[2]),
        log_level="error",
        lifespan="off",
        ssl_certfile=sys.argv[3],
        ssl_keyfile=sys.argv[4],
    )
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
