"""The control plane's side of the pod network.

`start` finds the data path and the ground of an earlier control plane or starts them. Sockets that
are asked for here live in the pods' network although this process does not. When the ground has
gone, whoever waits gets `Gone`, and `lost` is called once: the owner starts anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_SOURCE = str(Path(__file__).parents[3])
_RUN = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    "from sampan.nodes.network.main import main; sys.exit(main(sys.argv[2]))"
)
_GROUND, _PATH = "ground.sock", "network.sock"
_MOST = 65_536
_PATIENCE = 10.0  # seconds for a data path that starts elsewhere


class Gone(OSError):
    """The ground has closed the connection, or never answered."""


class Unavailable(Exception):
    """There can be no pod network on this machine; the text says why."""


def arguments(directory: Path) -> list[str]:
    """Of the interpreter, to start the data path with the standard library alone."""
    return ["-I", "-S", "-c", _RUN, _SOURCE, str(directory)]


class Network:
    """`egress` says how far pods get: "all", or "ports" for a list of common ones."""

    def __init__(self, directory: Path, lost: Callable[[], None] = lambda: None) -> None:
        """`directory` is the node's own (mode 0700)."""
        self._directory = directory
        self._lost = lost
        self._ground: socket.socket | None = None
        self._path: socket.socket | None = None
        self._waiting: deque[asyncio.Future[tuple[dict[str, Any], int]]] = deque()
        self._child: subprocess.Popen[bytes] | None = None
        self._unsent = b""
        self.egress = ""

    async def start(self) -> dict[str, str]:
        """Answers the pods that have a network: uid and address. Raises Unavailable."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _PATIENCE
        while not self._connect():
            if loop.time() > deadline:
                raise Unavailable("the network's processes do not answer")
            said = await asyncio.to_thread(self._launch)
            if said not in ("ready", ""):
                raise Unavailable(said)
        facts, _ = await self._ask(op="list")
        self.egress = facts["egress"]
        return dict(facts["pods"])

    async def join(self, uid: str, ip: str) -> list[str]:
        """What a child has to enter to be in the pod's network, which is made if need be."""
        answer, _ = await self._ask(op="pod", uid=uid, ip=ip)
        return list(answer["join"])

    def drop(self, uid: str) -> None:
        """The pod has ended; nobody waits for its network to go."""
        with contextlib.suppress(Gone):
            self._send(op="drop", uid=uid)

    async def unconnected(self, uid: str = "") -> socket.socket:
        """To connect with: in a pod's own network, or in that of all pods."""
        _, fd = await self._ask(op="socket", kind="stream", place=uid)
        made = socket.socket(fileno=fd)
        made.setblocking(False)
        return made

    async def dial(self, ip: str, port: int, *, uid: str = "") -> socket.socket:
        """A connection to a pod's address, or with `uid` to what the pod finds there. OSError."""
        made = await self.unconnected(uid)
        try:
            await asyncio.get_running_loop().sock_connect(made, (ip, port))
        except BaseException:
            made.close()
            raise
        return made

    def tell(self, table: Mapping[str, Any], *, reset: bool = False) -> None:
        """Services that have changed, or all there are. A data path that is gone hears of all of
        them when it is there again."""
        if self._path is None:
            return
        message = {"op": "services", "reset": reset, "table": table}
        self._unsent += json.dumps(message).encode() + b"\n"
        self._flush()

    async def end(self) -> None:
        """End both processes; returns when they have gone."""
        path, self._path = self._path, None
        self.close()
        if path is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(path)
        loop.remove_writer(path)
        with contextlib.suppress(OSError):
            await loop.sock_sendall(path, b'{"op": "end"}\n')
            while await loop.sock_recv(path, _MOST):
                pass
        path.close()
        if self._child is not None:
            await asyncio.to_thread(self._child.wait)

    def close(self) -> None:
        """Leave; everything goes on."""
        loop = asyncio.get_running_loop()
        for sock in (self._ground, self._path):
            if sock is not None:
                loop.remove_reader(sock)
                loop.remove_writer(sock)
                sock.close()
        self._ground = self._path = None
        self._fail()
        self._disown()

    # -- connections ------------------------------------------------------------------------------
    def _connect(self) -> bool:
        self._ground = self._ground or _connected(self._directory, _GROUND, socket.SOCK_SEQPACKET)
        self._path = self._path or _connected(self._directory, _PATH, socket.SOCK_STREAM)
        if self._ground is None or self._path is None:
            return False
        loop = asyncio.get_running_loop()
        loop.add_reader(self._ground, self._answered)
        loop.add_reader(self._path, self._heard)
        return True

    def _launch(self) -> str:
        """Start the data path; answers what it says, "" when another one is just starting."""
        self._disown()
        with open(self._directory / "network.log", "ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, *arguments(self._directory)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                cwd="/",
            )
        assert self._child.stdout is not None
        with self._child.stdout as out:
            return out.read().decode().strip()

    def _disown(self) -> None:
        """It is meant to outlive us: nobody has to wait for it, and Popen must not complain."""
        if self._child is not None and self._child.poll() is None:
            self._child.returncode = 0
        self._child = None

    async def _ask(self, **request: Any) -> tuple[dict[str, Any], int]:
        answer, fd = await self._send(**request)
        if "error" in answer:
            raise OSError(answer["error"])
        return answer, fd

    def _send(self, **request: Any) -> asyncio.Future[tuple[dict[str, Any], int]]:
        if self._ground is None:
            raise Gone("not connected to the pod network")
        try:
            self._ground.send(json.dumps(request).encode())
        except OSError as error:
            raise Gone(str(error)) from error
        future: asyncio.Future[tuple[dict[str, Any], int]]
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        return future

    def _answered(self) -> None:
        """Answers come in the order of the questions."""
        assert self._ground is not None
        try:
            data, fds, _, _ = socket.recv_fds(self._ground, _MOST, 1)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        if not data:
            self._break()
            return
        future = self._waiting.popleft()
        fd = fds[0] if fds else -1
        if not future.done():
            future.set_result((json.loads(data), fd))
        elif fd >= 0:
            os.close(fd)

    def _heard(self) -> None:
        """The data path only ever says that it has understood, or that it is gone."""
        assert self._path is not None
        try:
            data = self._path.recv(_MOST)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._break()

    def _flush(self) -> None:
        if self._path is None:
            return
        loop = asyncio.get_running_loop()
        try:
            self._unsent = self._unsent[self._path.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent = b""
        if self._unsent:
            loop.add_writer(self._path, self._flush)
        else:
            loop.remove_writer(self._path)

    def _break(self) -> None:
        self._unsent = b""
        self.close()
        self._lost()

    def _fail(self) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(Gone("the pod network has gone"))
                future.exception()  # nobody waits for the end of a network that was dropped


def end(directory: Path) -> None:
    """End what serves the network in `directory`, from outside an event loop: for a control plane
    that was killed. Harmless when there is nothing."""
    if is_there(directory):
        asyncio.run(end_everything(directory))


def is_there(directory: Path) -> bool:
    """Whether something may serve a network there."""
    return (directory / _PATH).exists() or (directory / _GROUND).exists()


async def end_everything(directory: Path) -> None:
    """As `end`. A ground whose data path was killed gets another one, which ends it."""
    network = Network(directory)
    with contextlib.suppress(Unavailable, OSError):
        await network.start()
    await network.end()


def _connected(directory: Path, name: str, kind: int) -> socket.socket | None:
    """None when nobody listens. Reached through the directory: a path may be too long."""
    sock = socket.socket(socket.AF_UNIX, kind)
    try:
        fd = os.open(directory, os.O_RDONLY)
        try:
            sock.connect(f"/proc/self/fd/{fd}/{name}")
        finally:
            os.close(fd)
    except OSError:
        sock.close()
        return None
    sock.setblocking(False)
    return sock
