"""HTTP: what is sent, what is followed, what is said of a refusal."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from artifacts.makers import NONE, Namespaced, no_secret
from sampan.artifacts import Artifacts, Fault, NotThere, Refused, Unreachable

pytestmark = pytest.mark.slow  # a process for each artifact


class Handler(BaseHTTPRequestHandler):
    seen: ClassVar[list[tuple[str, str, dict[str, str], bytes]]] = []
    other = ""

    def _note(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.command, self.path, dict(self.headers), body))
        return body

    def _say(self, code: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self._note()
        if self.path == "/file":
            self._say(200, b"hello")
        elif self.path == "/loop":
            self._say(302, Location="/loop")
        elif self.path == "/read-this-machine":
            self._say(302, Location="file:///etc/passwd")
        elif self.path == "/elsewhere":
            self._say(302, Location=f"{self.other}/file")
        elif self.path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"x")
        else:
            self._say({"/secret": 401, "/broken": 500}.get(self.path, 404))

    def do_POST(self) -> None:
        self._note()
        self._say(200, b'{"access_token": "token", "token_type": "Bearer"}')

    def do_PUT(self) -> None:
        self._note()
        if self.path == "/moved":
            self._say(307, Location=f"{self.other}/kept")
        else:
            self._say(403 if self.path == "/secret" else 201)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def server() -> Iterator[str]:
    Handler.seen = []
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
    urls = [f"http://127.0.0.1:{each.server_port}" for each in servers]
    Handler.other = urls[1]
    threads = [threading.Thread(target=each.serve_forever, args=(0.01,)) for each in servers]
    for thread in threads:
        thread.start()
    yield urls[0]
    for each, thread in zip(servers, threads, strict=True):
        each.shutdown()
        thread.join()
        each.server_close()


def http(url: str, **more: Any) -> dict[str, Any]:
    return {"http": {"url": url, **more}}


def passwords(name: str, key: str) -> bytes:
    return f"{name}-{key}".encode()


def selector(name: str) -> dict[str, str]:
    return {"name": name, "key": "k"}


def test_a_file_is_loaded_with_headers(artifacts: Namespaced, tmp_path: Path, server: str) -> None:
    place = http(f"{server}/file", headers=[{"name": "X-Mine", "value": "1"}])
    artifacts.load({**place, "mode": 0o755}, tmp_path / "f", no_secret)
    assert (tmp_path / "f").read_text() == "hello"
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o755
    assert Handler.seen[0][2]["X-Mine"] == "1"
    opened = artifacts.open(place, no_secret)
    with opened.file as file:
        assert (file.read(), opened.size, opened.name) == (b"hello", 5, "file")


def test_who_we_are_is_told_to_one_host_only(
    artifacts: Namespaced, tmp_path: Path, server: str
) -> None:
    basic = {"basicAuth": {"usernameSecret": selector("u"), "passwordSecret": selector("p")}}
    artifacts.load(http(f"{server}/elsewhere", auth=basic), tmp_path / "f", passwords)
    wanted = "Basic " + base64.b64encode(b"u-k:p-k").decode()
    assert Handler.seen[0][2]["Authorization"] == wanted
    assert "Authorization" not in Handler.seen[1][2]
    place = {"artifactory": {"url": f"{server}/file", "usernameSecret": selector("u"),
                             "passwordSecret": selector("p")}}  # fmt: skip
    artifacts.load(place, tmp_path / "g", passwords)
    assert Handler.seen[2][2]["Authorization"] == wanted


def test_a_token_is_asked_for(artifacts: Namespaced, tmp_path: Path, server: str) -> None:
    oauth2 = {
        "clientIDSecret": selector("id"), "clientSecretSecret": selector("s"),
        "tokenURLSecret": selector("url"), "scopes": ["a", "b"],
        "endpointParams": [{"key": "audience", "value": "me"}],
    }  # fmt: skip

    def secrets(name: str, key: str) -> bytes:
        return f"{server}/token".encode() if name == "url" else passwords(name, key)

    artifacts.load(http(f"{server}/file", auth={"oauth2": oauth2}), tmp_path / "f", secrets)
    asked, got = Handler.seen
    assert asked[3] == b"grant_type=client_credentials&scope=a+b&audience=me"
    assert asked[2]["Authorization"] == "Basic " + base64.b64encode(b"id-k:s-k").decode()
    assert got[2]["Authorization"] == "Bearer token"


def test_a_file_is_saved_also_where_that_has_moved(
    artifacts: Namespaced, tmp_path: Path, server: str
) -> None:
    (tmp_path / "f").write_text("hello")
    artifacts.save({**http(f"{server}/moved"), **NONE}, tmp_path / "f", no_secret)
    assert [(verb, path, body) for verb, path, _, body in Handler.seen] == [
        ("PUT", "/moved", b"hello"), ("PUT", "/kept", b"hello"),
    ]  # fmt: skip
    (tmp_path / "d").mkdir()
    with pytest.raises(Fault, match="a directory cannot be saved to a URL without an archive"):
        artifacts.save({**http(f"{server}/x"), **NONE}, tmp_path / "d", no_secret)
    artifacts.save(http(f"{server}/x"), tmp_path / "d", no_secret)
    assert Handler.seen[2][3][:2] == b"\x1f\x8b"


@pytest.mark.parametrize(
    ("path", "kind", "said"),
    [
        ("/missing", NotThere, "failed with reason: 404 Not Found"),
        ("/secret", Refused, "401"),
        ("/broken", Fault, "500"),
        ("/loop", Fault, "infinite loop|30[0-9]"),
        ("/read-this-machine", Fault, "file:///etc/passwd.* is not allowed"),
        ("/cut", Unreachable, "broke off"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_told_apart(
    artifacts: Namespaced, tmp_path: Path, server: str, path: str, kind: type[Fault], said: str
) -> None:
    with pytest.raises(Fault, match=said) as found:
        artifacts.load(http(f"{server}{path}"), tmp_path / "f", no_secret)
    assert type(found.value) is kind
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/y", "/etc/passwd", "http://[::1"])
def test_only_http_is(artifacts: Namespaced, tmp_path: Path, url: str) -> None:
    with pytest.raises(Fault):
        artifacts.load(http(url), tmp_path / "f", no_secret)


def test_what_goes_on_ends_when_the_program_does(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        artifacts = Artifacts(tmp_path / "repository")
        place = http(f"http://127.0.0.1:{silent.getsockname()[1]}/x")
        said: list[BaseException] = []

        def load() -> None:
            try:
                artifacts.load(place, tmp_path / "f", no_secret, namespace="ns")
            except Fault as fault:
                said.append(fault)

        thread = threading.Thread(target=load)
        thread.start()
        connection, _ = silent.accept()
        artifacts.close()
        thread.join(10)
        connection.close()
    assert [str(each) for each in said] == [
        "the process that moves artifacts ended before it was done"
    ]
    with pytest.raises(Fault, match="is being stopped"):
        artifacts.load(place, tmp_path / "f", no_secret, namespace="ns")
