"""The owner: known by who holds the other end of a connection, and by nothing that is sent."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sampan.auth import owner

_CONNECT = (
    "import socket, sys\n"
    "held = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
    "print('there', flush=True)\n"
    "sys.stdin.read()\n"
)
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc/net")
Scope = dict[str, Any]


@contextmanager
def called(*prefix: str, code: str = _CONNECT, last: tuple[str, ...] = ()) -> Iterator[Scope]:
    """The scope of a request by a program that was started with these words before it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        command = [*prefix, sys.executable, "-c", code, str(port), *last]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:  # fmt: skip
            assert process.stdout is not None
            assert process.stdout.readline() == b"there\n"
            ours, _ = server.accept()
            with ours:
                yield {"type": "http", "client": ours.getpeername(),
                       "server": ours.getsockname(), "headers": []}  # fmt: skip
            assert process.stdin is not None
            process.stdin.close()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if these tests, which start the callers, were not Sampan itself."""
    monkeypatch.setattr(owner.os, "getpid", lambda: 0)


@linux
@pytest.mark.usefixtures("elsewhere")
def test_a_program_of_our_user_is_the_owner() -> None:
    with called() as scope:
        assert owner.is_ours(scope)


@linux
@pytest.mark.usefixtures("elsewhere")
def test_a_library_may_have_a_socket_of_ipv6() -> None:
    code = _CONNECT.replace(
        "held = socket.create_connection(('127.0.0.1', int(sys.argv[1])))",
        "held = socket.socket(socket.AF_INET6)\n"
        "held.connect(('::ffff:127.0.0.1', int(sys.argv[1])))",
    )
    assert code != _CONNECT
    with called(code=code) as scope:
        assert owner.is_ours(scope)


@linux
def test_what_we_have_started_ourselves_is_not() -> None:
    with called() as scope:
        assert not owner.is_ours(scope)


@linux
@pytest.mark.usefixtures("elsewhere")
def test_a_process_that_lives_on_without_us_is_not() -> None:
    with called(last=("from sampan.nodes.network",)) as scope:
        assert not owner.is_ours(scope)


@linux
@pytest.mark.usefixtures("elsewhere")
@pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed")
def test_a_program_in_a_sandbox_is_not_even_in_the_machines_network() -> None:
    with called("bwrap", "--bind", "/", "/", "--dev", "/dev", "--unshare-user") as scope:
        assert not owner.is_ours(scope)


@linux
@pytest.mark.usefixtures("elsewhere")
@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_another_user_is_not() -> None:
    code = _CONNECT.replace("sys\n", "sys, os, encodings.idna\nos.setuid(65534)\n", 1)
    with called(code=code) as scope:
        assert not owner.is_ours(scope)


def test_a_connection_that_is_not_there_is_nobodys() -> None:
    scope = {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2)}
    assert not owner.is_ours(scope)
    assert not owner.is_ours({"client": ("192.0.2.1", 1), "server": ("192.0.2.2", 2)})
    assert not owner.is_ours({})


@pytest.mark.parametrize(
    "header",
    [
        "Origin",
        "sec-fetch-site",
        "Sec-Fetch-Dest",
        "Cookie",
        "Authorization",
        "X-Forwarded-For",
        "X-Forwarded-Host",
    ],
)
def test_a_header_only_takes_the_identity_away(header: str) -> None:
    assert owner.speaks_for_itself({"headers": [(b"user-agent", b"kfp")]})
    assert not owner.speaks_for_itself({"headers": [(header.encode(), b"anything")]})


@linux
@pytest.mark.usefixtures("elsewhere")
def test_the_owner_gets_a_token() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        seen.append(scope)

    with called() as scope:
        run(owner.Owned(app, lambda: "t"), scope)
        run(owner.Owned(app, lambda: "t"), {**scope, "headers": [(b"cookie", b"a=b")]})
    assert seen[0]["headers"] == [(b"authorization", b"Bearer t")]
    assert seen[1]["headers"] == [(b"cookie", b"a=b")]


def run(app: owner.Owned, scope: Scope) -> None:
    async def nothing(*_: Any) -> Any:
        raise AssertionError

    with pytest.raises(StopIteration):
        app(scope, nothing, nothing).send(None)
