"""The control plane's side of the supervisor's protocol.

One connection carries requests, answers and events; each command that runs in a container has a
connection of its own, because descriptors travel with it and because it ends with it. `connect`
starts a supervisor when none answers. When the connection is lost, all that wait get `Gone`, and
the owner connects again: containers go on meanwhile.
"""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec import Struct

from sampan.nodes.supervisor import scope

_SOURCE = str(Path(__file__).parents[3])
_RUN = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    "from sampan.nodes.supervisor.main import main; sys.exit(main(*sys.argv[2:]))"
)
_SOCKET = "supervisor.sock"
_PATIENCE = 10.0  # seconds for a new supervisor to answer; it takes 0.05 on an idle machine


class Gone(Exception):
    """The supervisor has closed the connection, or never answered."""


class Refused(Exception):
    """The supervisor says that it cannot be done; the text says why."""


class Report(Struct, frozen=True):
    """One attempt of one container. Times are seconds since the epoch; `code` is None while it
    runs. `reason` is set when the exit code does not say it all: OOMKilled, StartError,
    ContainerCannotRun, ContainerStatusUnknown. `warm`: it was forked from an interpreter."""

    id: str
    started: float
    pid: int = 0
    finished: float | None = None
    code: int | None = None
    reason: str = ""
    message: str = ""
    warm: bool = False


class Kept(Struct, frozen=True):
    """How each limit is kept: "cgroup v1", "cgroup v2", "watch", "affinity", or "" for not at
    all. `why` is why not by a cgroup."""

    memory: str = ""
    cpu: str = ""
    pids: str = ""
    why: str = ""


class Zygote(Struct, frozen=True):
    """An interpreter that containers are forked from. `state` is "starting", "ready", or why it
    cannot be used."""

    python: str
    modules: tuple[str, ...]
    state: str
    forks: int


class Greeting(Struct, frozen=True):
    """What a supervisor has when we connect."""

    pid: int
    containers: list[Report]
    limits: Kept = Kept()
    zygotes: list[Zygote] = []


class Client(asyncio.Protocol):
    """`exited` is told of each end of a container, `lost` of a connection that broke."""

    def __init__(
        self,
        directory: Path,
        exited: Callable[[Report], None],
        lost: Callable[[], None],
        *,
        cgroups: bool = True,
    ) -> None:
        """`directory` is the node's own (mode 0700); pods lie in its `pods`. Without `cgroups`
        limits are kept by other means."""
        self.directory = directory
        self._cgroups = cgroups
        self._scope = scope.command() if cgroups else []
        self._exited = exited
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._number = 0
        self._rest = b""
        self._child: subprocess.Popen[bytes] | None = None
        self._leaving: asyncio.Event | None = None
        self._greeted = False
        self._pid = 0

    async def connect(self) -> Greeting:
        """Find the supervisor or start one; from now on its events come."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _PATIENCE
        while loop.time() < deadline:
            sock = _connect(self.directory)
            if sock is not None:
                with contextlib.suppress(Gone):  # one that dies may still accept
                    return await self._greet(sock)
            elif self._child is None or self._child.poll() is not None:
                self._launch()
            await asyncio.sleep(0.01)
        raise Gone(f"no supervisor answers; see {self.directory}/supervisor.log")

    async def _greet(self, sock: socket.socket) -> Greeting:
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: self, sock=sock)
        greeting = msgspec.convert(await self._ask("events"), Greeting)
        self._greeted, self._pid = True, greeting.pid
        return greeting

    async def list(self) -> builtins.list[Report]:
        """What the supervisor knows now."""
        return msgspec.convert(await self._ask("list"), Greeting).containers

    async def zygotes(self) -> builtins.list[Zygote]:
        """The interpreters that it keeps warm."""
        return msgspec.convert(await self._ask("list"), Greeting).zygotes

    async def start(self, spec: dict[str, Any]) -> Report:
        """Start a container; the same id again answers what became of the first."""
        return msgspec.convert(await self._ask("start", **spec), Report)

    async def bound(self, limits: dict[str, int]) -> None:
        """What all pods together may have: `memory` in bytes, `pids`; 0 is without a limit."""
        await self._ask("node", limits=limits)

    async def stop(self, identity: str, grace: float) -> None:
        await self._ask("stop", id=identity, grace=grace)

    def forget(self, identities: Sequence[str]) -> None:
        """The ends of these containers are known for good; no answer is waited for."""
        if self._transport is not None and identities:
            self._send({"op": "forget", "n": 0, "ids": list(identities)})

    async def grown(self, identity: str, size: int) -> None:
        """Wait until the log has another size than this, or the container has ended."""
        await self._ask("grown", id=identity, size=size)

    async def close_stdin(self, identity: str) -> None:
        await self._ask("close-stdin", id=identity)

    async def attach(self, identity: str) -> tuple[int, int]:
        """(descriptor of its standard input or -1, size of its log so far)."""
        sock = self._side_connection()
        try:
            sock.sendall(_line({"op": "attach", "n": 1, "id": identity}))
            await _readable(sock)
            data, fds, _, _ = socket.recv_fds(sock, 65_536, 1)
        finally:
            sock.close()
        answer = msgspec.json.decode(data or b"{}")
        return (fds[0] if fds else -1), answer.get("size", 0)

    async def execute(self, request: dict[str, Any], fds: Sequence[int]) -> Command:
        """Run a command in a container with these descriptors (three, or one terminal), which
        are closed here. Refused when the container is not running."""
        try:
            sock = self._side_connection()
            socket.send_fds(sock, [_line({"op": "exec", "n": 1, **request})], list(fds))
        except OSError as error:
            raise Gone(str(error)) from error
        finally:
            for fd in fds:
                os.close(fd)
        loop = asyncio.get_running_loop()
        _, command = await loop.create_unix_connection(Command, sock=sock)
        try:
            await command.started
        except BaseException:
            command.kill()
            raise
        return command

    async def shutdown(self, grace: float) -> None:
        """Stop every container, then the supervisor itself; returns when it has gone."""
        self._leaving = asyncio.Event()
        await self._ask("shutdown", grace=grace)
        await self._leaving.wait()
        if self._child is not None:
            if self._child.pid != self._pid:
                # One that we had started too many: it may have waited until the first had gone.
                self._child.kill()
            await asyncio.to_thread(self._child.wait)  # our own child must not stay as a zombie

    def close(self) -> None:
        """Leave; everything goes on running."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()
        self._disown()

    # -- asyncio.Protocol -------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            message = msgspec.json.decode(line)
            if "event" in message:
                self._exited(msgspec.convert(message, Report))
            else:
                self._answer(message)

    def connection_lost(self, exc: Exception | None) -> None:
        expected = self._transport is None or not self._greeted
        self._greeted = False
        self._transport = None
        self._rest = b""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(Gone("the supervisor has gone"))
        self._waiting.clear()
        if self._leaving is not None:
            self._leaving.set()
        elif not expected:
            self._lost()

    def _answer(self, message: dict[str, Any]) -> None:
        future = self._waiting.pop(message.get("n", 0), None)
        if future is None or future.done():
            return
        if "error" in message:
            future.set_exception(Refused(message["error"]))
        else:
            future.set_result(message)

    async def _ask(self, operation: str, **request: Any) -> dict[str, Any]:
        if self._transport is None:
            raise Gone("not connected to the supervisor")
        self._number += 1
        number = self._number
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        self._send({"op": operation, "n": number, **request})
        try:
            return await future
        finally:
            self._waiting.pop(number, None)

    def _send(self, message: dict[str, Any]) -> None:
        assert self._transport is not None
        self._transport.write(_line(message))

    def _side_connection(self) -> socket.socket:
        sock = _connect(self.directory)
        if sock is None:
            raise Gone("the supervisor does not answer")
        return sock

    def _disown(self) -> None:
        """It is meant to outlive us: nobody has to wait for it, and Popen must not complain."""
        if self._child is not None and self._child.poll() is None:
            self._child.returncode = 0
        self._child = None

    def _launch(self) -> None:
        self._disown()
        prefix, self._scope = self._scope, []  # where it fails, the next attempt does without
        arguments = [str(self.directory), *([] if self._cgroups else ["no-cgroups"])]
        path = self.directory / "supervisor.log"
        path.touch(mode=0o600)
        with path.open("ab") as log:
            self._child = subprocess.Popen(
                [*prefix, sys.executable, "-I", "-S", "-c", _RUN, _SOURCE, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
            )


class Command(asyncio.Protocol):
    """One command in a container."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.started: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[int] = loop.create_future()
        self._transport: asyncio.BaseTransport | None = None
        self._rest = b""

    async def wait(self) -> int:
        """The exit code; Gone when the supervisor went away first."""
        return await asyncio.shield(self.ended)

    def kill(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            message = msgspec.json.decode(line)
            if "error" in message:
                self.started.set_exception(Refused(message["error"]))
            elif message.get("event") == "ended":
                self.ended.set_result(message["code"])
                self.kill()
            else:
                self.started.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self.started.done():
            self.started.set_exception(Gone("the supervisor has gone"))
        if not self.ended.done():
            self.ended.set_result(137)


def _line(message: dict[str, Any]) -> bytes:
    return msgspec.json.encode(message) + b"\n"


def _connect(directory: Path) -> socket.socket | None:
    """A connected socket, or None when nobody listens. The path of a unix socket may have 107
    bytes, and a home can be deeper: then it is reached through a descriptor of its directory."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    path = str(directory / _SOCKET)
    fd = -1
    try:
        if len(os.fsencode(path)) > 100:
            fd = os.open(directory, os.O_RDONLY)
            path = f"/proc/self/fd/{fd}/{_SOCKET}"
        sock.connect(path)
    except OSError:
        sock.close()
        return None
    finally:
        if fd >= 0:
            os.close(fd)
    sock.setblocking(False)
    return sock


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sock, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sock)


def shut_down(directory: Path, grace: float = 2.0) -> None:
    """End every container of the node in `directory` and the supervisor, from outside an event
    loop: for a control plane that was killed. Harmless when there is nothing to end."""
    if (directory / "pods").is_dir() or (directory / _SOCKET).exists():
        asyncio.run(end_everything(directory, grace))


async def end_everything(directory: Path, grace: float) -> None:
    """As `shut_down`; Gone when no supervisor can be reached or started."""
    client = Client(directory, lambda _report: None, lambda: None)
    try:
        await client.connect()
        await client.shutdown(grace)
    finally:
        client.close()
