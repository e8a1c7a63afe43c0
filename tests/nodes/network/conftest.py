"""A pod network of one's own, without pods: sockets stand for them."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sampan.nodes.network import client


class Ground:
    """Asks the ground and the data path as the control plane does."""

    def __init__(self, directory: Path, *, before: str = "pass") -> None:
        """`before` is Python to run first in the process."""
        self.directory = directory
        flags, (script, *words) = client.arguments(directory)[:3], client.arguments(directory)[3:]
        command = [
            sys.executable,
            *flags,
            script.replace("sys.exit", f"{before}; sys.exit"),
            *words,
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        with self.process.stdout as out:
            self.said = out.read().decode()
        self._ground = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._path = socket.socket(socket.AF_UNIX)

    def connect(self) -> None:
        for sock, name in ((self._ground, "ground.sock"), (self._path, "network.sock")):
            fd = os.open(self.directory, os.O_RDONLY)
            sock.connect(f"/proc/self/fd/{fd}/{name}")
            os.close(fd)

    def ask(self, **request: Any) -> tuple[dict[str, Any], list[int]]:
        self._ground.send(json.dumps(request).encode())
        data, fds, _, _ = socket.recv_fds(self._ground, 65_536, 1)
        return json.loads(data), fds

    def tell(self, **request: Any) -> dict[str, Any]:
        self._path.sendall(json.dumps(request).encode() + b"\n")
        answer = json.loads(self._path.recv(65_536))
        assert "error" not in answer, answer
        return dict(answer)

    def services(self, **table: Any) -> None:
        self.tell(op="services", reset=True, table=table)

    def pod(self, uid: str, ip: str) -> str:
        answer, _ = self.ask(op="pod", uid=uid, ip=ip)
        assert answer["join"], answer
        return uid

    def socket(self, place: str = "", kind: str = "stream", **more: Any) -> socket.socket:
        answer, fds = self.ask(op="socket", kind=kind, place=place, **more)
        assert fds, answer
        sock = socket.socket(fileno=fds[0])
        sock.settimeout(5)
        return sock

    def listen(self, place: str, port: int) -> socket.socket:
        return self.socket(place, bind=["0.0.0.0", port], listen=True)

    def dial(self, place: str, ip: str, port: int) -> socket.socket:
        sock = self.socket(place)
        try:
            sock.connect((ip, port))
        except OSError:
            sock.close()
            raise
        return sock

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.tell(op="end")
        self._ground.close()
        self._path.close()
        self.process.wait(10)


@pytest.fixture
def old_kernel(tmp_path: Path) -> Iterator[Ground]:
    """A network on a kernel without nf_tables."""
    fail = "from sampan.nodes.network import catch; catch._NETFILTER = 99"
    yield from _running(Ground(tmp_path, before=fail))


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    yield from _running(Ground(tmp_path))


def _running(made: Ground) -> Iterator[Ground]:
    assert made.said, "the data path has ended without a word"
    if made.said != "ready":
        made.close()
        pytest.skip(made.said)
    made.connect()
    yield made
    made.close()
