"""A registry on loopback that answers what a test says, and can break off in the middle."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sampan.nodes.images.oci import manifest


class Answer:
    """`cut` bytes of the body are sent, then the connection is closed."""

    def __init__(
        self, status: int, body: bytes = b"", *, cut: int | None = None, **headers: str
    ) -> None:
        self.status, self.body, self.cut = status, body, cut
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


Script = Callable[["Request"], Answer]


class Request:
    def __init__(self, path: str, headers: dict[str, str], number: int) -> None:
        """`number` counts the requests for this path, from 0."""
        self.path, self.headers, self.number = path, headers, number


class Scripted:
    """`answers` are by path without the query. All requests are kept in `seen`."""

    def __init__(self, answers: dict[str, Script | Answer]) -> None:
        self.answers = answers
        self.seen: list[Request] = []
        self.name = ""


def image(
    layer: bytes, *, diff: str = "", size: int | None = None, blob: bytes = b""
) -> tuple[dict[str, Script | Answer], str]:
    """Answers for the image `x` with one layer (a tar), and the digest of the layer's blob, which
    is the tar compressed by gzip if it is not given."""
    blob = blob or gzip.compress(layer, mtime=0)
    config = json.dumps({
        "architecture": manifest.this_machine(), "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [diff or digest(layer)]},
    }).encode()  # fmt: skip
    whole = {
        "schemaVersion": 2,
        "mediaType": manifest.MANIFEST,
        "config": {"digest": digest(config), "size": len(config)},
        "layers": [{"digest": digest(blob), "size": len(blob) if size is None else size}],
    }
    answers: dict[str, Script | Answer] = {
        "/v2/x/manifests/latest": Answer(200, json.dumps(whole).encode()),
        f"/v2/x/blobs/{digest(config)}": Answer(200, config),
        f"/v2/x/blobs/{digest(blob)}": Answer(200, blob),
    }
    return answers, digest(blob)


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@contextlib.contextmanager
def serve(answers: dict[str, Script | Answer]) -> Iterator[Scripted]:
    script = Scripted(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            count = sum(each.path.partition("?")[0] == path for each in script.seen)
            request = Request(self.path, dict(self.headers), count)
            script.seen.append(request)
            found = script.answers.get(path, Answer(404))
            answer = found if isinstance(found, Answer) else found(request)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body[: answer.cut])
            if answer.cut is not None:
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)

        def do_HEAD(self) -> None:
            self.send_response(405)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    script.name = f"127.0.0.1:{server.server_address[1]}"
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
