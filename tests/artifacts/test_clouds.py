"""Object stores that have no server here: what their drivers ask, of a server that says yes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from artifacts.makers import NONE, Namespaced

pytestmark = pytest.mark.slow  # a process for each artifact


class Handler(BaseHTTPRequestHandler):
    seen: ClassVar[list[tuple[str, str, dict[str, str]]]] = []

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
        body = b"hello" if self.command == "GET" else b""
        self.send_response(200 if self.command == "GET" else 201)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = _answer

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def port() -> Iterator[int]:
    Handler.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def secret(name: str, key: str) -> bytes:
    return b"c2VjcmV0"


SELECTOR = {"name": "s", "key": "k"}


def test_azure(artifacts: Namespaced, tmp_path: Path, port: int) -> None:
    place = {
        "azure": {
            "endpoint": f"http://127.0.0.1:{port}/account", "container": "box", "blob": "a/b",
            "accountKeySecret": SELECTOR,
        }, **NONE,
    }  # fmt: skip
    artifacts.load(place, tmp_path / "f", secret)
    assert (tmp_path / "f").read_text() == "hello"
    artifacts.save(place, tmp_path / "f", secret)
    assert [(method, path) for method, path, _ in Handler.seen] == [
        ("GET", "/account/box/a/b"), ("PUT", "/account/box/a/b"),
    ]  # fmt: skip
    assert all(
        said["authorization"].startswith("SharedKey account:") for _, _, said in Handler.seen
    )


@pytest.mark.parametrize(
    ("options", "header", "value"),
    [
        ({"enableEncryption": True}, "x-amz-server-side-encryption", "AES256"),
        ({"enableEncryption": True, "kmsKeyId": "id"},
         "x-amz-server-side-encryption-aws-kms-key-id", "id"),
        ({"serverSideCustomerKeySecret": SELECTOR},
         "x-amz-server-side-encryption-customer-algorithm", "AES256"),
    ],
    ids=["own", "kms", "customer"],
)  # fmt: skip
def test_s3_encrypts(
    artifacts: Namespaced, tmp_path: Path, port: int, options: Any, header: str, value: str
) -> None:
    (tmp_path / "f").write_text("x")
    place = {
        "s3": {
            "endpoint": f"127.0.0.1:{port}", "insecure": True, "bucket": "b", "key": "k",
            "region": "eu-west-1", "accessKeySecret": SELECTOR, "secretKeySecret": SELECTOR,
            "encryptionOptions": options,
        }, **NONE,
    }  # fmt: skip
    artifacts.save(place, tmp_path / "f", secret)
    ((method, path, said),) = Handler.seen
    assert (method, path, said[header]) == ("PUT", "/b/k", value)
    assert "/eu-west-1/s3/aws4_request" in said["authorization"]


def test_a_public_bucket_gets_no_signature(
    artifacts: Namespaced, tmp_path: Path, port: int
) -> None:
    place = {"s3": {"endpoint": f"127.0.0.1:{port}", "insecure": True, "bucket": "b", "key": "k"}}
    artifacts.load(place, tmp_path / "f", secret)
    assert "authorization" not in Handler.seen[0][2]
