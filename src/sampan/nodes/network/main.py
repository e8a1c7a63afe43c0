"""The data path process: names, services and the way out, and the start of the ground under them.

    sampan.nodes.network.main <directory>     serve there; print "ready", or why not, when known

It finds the ground of an earlier one or forks it, then answers on `network.sock`, one line of JSON
for each message:

    services {reset, table: {key: entry or null}}    what there is now, or what has changed
    end                                              leave, and the ground as well

What it was told holds until it is told otherwise: services go on while there is no control plane.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import resource
import socket
import sys

from sampan.nodes.network import ground, mapping
from sampan.nodes.network.egress import Egress
from sampan.nodes.network.inside import Inside
from sampan.nodes.network.naming import Names
from sampan.nodes.network.resolver import Resolver
from sampan.nodes.network.services import Services
from sampan.nodes.supervisor.loop import Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SOCKET = "network.sock"
_CHUNK = 262_144


class Datapath:
    """Make it in the directory of the ground."""

    def __init__(self, listener: socket.socket, inside: Inside) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))
        self.loop = Loop(lambda _pid, _status: None)
        self._inside = inside
        self._listener = listener
        self._keys: set[str] = set()
        self._names = Names()
        self._services = Services(self.loop, inside)
        Resolver(self.loop, inside, self._names)
        Egress(self.loop, inside)
        self.loop.watch(listener.fileno(), self._accept)
        self.loop.watch(inside.fileno(), lambda _events: self.loop.stop())

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["op"] == "services":
            self._update(request["table"], reset=bool(request.get("reset")))
            return {"services": len(self._keys)}
        if request["op"] == "end":
            self.loop.ignore(self._inside.fileno())
            self._inside.end()
            self.loop.later(0.0, self.loop.stop)
            return {}
        raise ValueError(f"there is no operation {request['op']}")

    def _update(self, table: dict[str, Any], *, reset: bool) -> None:
        gone: dict[str, Any] = dict.fromkeys(self._keys - table.keys()) if reset else {}
        for key, entry in {**gone, **table}.items():
            self._names.update(key, entry)
            self._services.update(key, entry)
            if entry is None:
                self._keys.discard(key)
            else:
                self._keys.add(key)

    def _accept(self, _events: int) -> None:
        with contextlib.suppress(OSError):
            sock, _ = self._listener.accept()
            _Connection(self, sock)


class _Connection:
    """One control plane, or whoever may read our directory."""

    def __init__(self, path: Datapath, sock: socket.socket) -> None:
        self._path = path
        self._socket = sock
        self._rest = b""
        path.loop.watch(sock.fileno(), self._ready)

    def _ready(self, _events: int) -> None:
        try:
            data = self._socket.recv(_CHUNK)
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self._socket.sendall(json.dumps(self._answer(line)).encode() + b"\n")
        except OSError:
            data = b""
        if not data:
            self._path.loop.ignore(self._socket.fileno())
            self._socket.close()

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            return self._path.handle(json.loads(line))
        except Exception as error:  # one bad request must not end every service
            return {"error": f"{type(error).__name__}: {error}"}


def main(directory: str) -> int:
    """0 as well when another one already serves there."""
    os.umask(0o077)
    os.chdir(directory)
    lock = os.open("network.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    try:
        inside = _found() or _made(lock)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(SOCKET)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(SOCKET)
        path = Datapath(listener, inside)
        listener.listen(16)
        listener.setblocking(False)
    except OSError as error:
        _say(str(error))
        return 1
    _say("ready")
    path.loop.run()
    os.unlink(SOCKET)
    os.chdir("/")  # who hears our connection close may take the directory away
    return 0


def _found() -> Inside | None:
    """The ground that an earlier data path has left."""
    try:
        return Inside()
    except OSError:
        return None


def _made(lock: int) -> Inside:
    """A new one. OSError says why there can be none."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        os.close(lock)
        ours.close()
        _become_ground(theirs)
    theirs.close()
    with ours:
        if _line(ours) == "made":
            mapping.write(pid)
            ours.sendall(b"mapped\n")
            said = _line(ours)
            if said == "ready":
                return Inside()
        else:
            said = "this machine does not let an ordinary user make a user namespace"
        os.waitpid(pid, 0)
        raise OSError(said or "the ground has ended")


def _become_ground(parent: socket.socket) -> None:
    """The child's whole life."""

    def wait_for_mapping() -> None:
        parent.sendall(b"made\n")
        _line(parent)

    def ready() -> None:
        parent.sendall(b"ready\n")
        parent.close()
        _say("")

    try:
        ground.main(wait_for_mapping, ready)
    except BaseException as error:
        with contextlib.suppress(OSError):
            parent.sendall(f"{error}\n".encode())
        raise
    finally:
        os._exit(0)


def _line(sock: socket.socket) -> str:
    data = b""
    while not data.endswith(b"\n") and (piece := sock.recv(4096)):
        data += piece
    return data.decode().strip()


def _say(text: str) -> None:
    """To whoever has started us, once; then the descriptor goes, so that nobody waits for it."""
    with contextlib.suppress(OSError):
        os.write(1, text.encode())
    os.dup2(2, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
