"""The supervisor process: requests over a unix socket, events back.

    start {spec} · stop {id, grace} · list · forget {ids} · events · grown {id, size}
    exec {id, argv, tty, cwd} + descriptors · attach {id} · close-stdin {id} · node {limits}
    shutdown {grace}

Each message is one line of JSON. A request has a number `n`, its answer the same one; events have
`event` instead. Descriptors travel by SCM_RIGHTS with the request that needs them. The socket lies
in a directory of mode 0700, which is all the authentication that a user's own files have either.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys

from sampan.nodes.supervisor import limits, process
from sampan.nodes.supervisor.cgroups import Groups
from sampan.nodes.supervisor.containers import Containers
from sampan.nodes.supervisor.loop import READ, WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sampan.nodes.supervisor.records import Record

VERSION = 1
SOCKET = "supervisor.sock"
_SOON, _PATIENCE = 0.003, 5.0  # seconds: between two looks at a sandbox that is being made
_RESERVED = 10  # descriptors below are for children; ours start here


class Connection:
    """One client. Its commands (`exec`) end with it."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        self.server = server
        self.socket = sock
        self.listening = False
        self.execs: set[int] = set()
        self._fds: list[int] = []
        self._in = b""
        self._out = b""
        sock.setblocking(False)
        server.loop.watch(sock.fileno(), self._ready)

    def send(self, message: dict[str, Any]) -> None:
        self._out += json.dumps(message).encode() + b"\n"
        self._flush()

    def send_fd(self, message: dict[str, Any], fd: int) -> None:
        """With a descriptor; only on connections that carry nothing else."""
        socket.send_fds(self.socket, [json.dumps(message).encode() + b"\n"], [fd])

    def take_fds(self) -> list[int]:
        fds, self._fds = self._fds, []
        return fds

    def close(self) -> None:
        if self not in self.server.connections:
            return
        self.server.connections.discard(self)
        self.server.loop.ignore(self.socket.fileno())
        self.socket.close()
        for fd in self.take_fds():
            os.close(fd)
        for pid in self.execs:
            self.server.containers.kill_exec(pid)

    def _ready(self, events: int) -> None:
        if events & WRITE:
            self._flush()
        if events & READ:
            self._receive()

    def _receive(self) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(self.socket, 262_144, 4)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        for fd in fds:
            os.set_inheritable(fd, False)  # what starts meanwhile must not keep it open
        self._fds += fds
        if not data:
            self.close()
            return
        *lines, self._in = (self._in + data).split(b"\n")
        for line in lines:
            try:
                request = json.loads(line)
            except ValueError:
                self.close()
                return
            self.server.handle(self, request)

    def _flush(self) -> None:
        try:
            sent = self.socket.send(self._out)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        self._out = self._out[sent:]
        self.server.loop.watch(
            self.socket.fileno(), self._ready, READ | WRITE if self._out else READ
        )


class Server:
    def __init__(self, root: str, listener: socket.socket, groups: Groups) -> None:
        self.connections: set[Connection] = set()
        self.containers = Containers(root, groups, self._changed, self._grown)
        self.loop = self.containers.loop
        self._listener = listener
        self._waiting: dict[str, list[tuple[Connection, int, int]]] = {}
        self._closing = False
        self._operations: dict[str, Callable[[Connection, dict[str, Any]], Any]] = {
            "start": self._start,
            "stop": self._stop,
            "list": self._list,
            "forget": self._forget,
            "events": self._events,
            "grown": self._wait_for_output,
            "exec": self._exec,
            "attach": self._attach,
            "close-stdin": self._close_stdin,
            "node": self._node,
            "shutdown": self._shutdown,
        }
        self.containers.recover()
        self.loop.watch(listener.fileno(), self._accept)

    def handle(self, connection: Connection, request: dict[str, Any]) -> None:
        try:
            answer = self._operations[request["op"]](connection, request)
        except Exception as error:  # one bad request must not end all containers' supervisor
            connection.send({"n": request.get("n"), "error": f"{type(error).__name__}: {error}"})
            return
        if answer is not None:
            connection.send({"n": request["n"], **answer})

    def _accept(self, _events: int) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        self.connections.add(Connection(self, sock))

    def _changed(self, record: Record) -> None:
        message = {"event": "exited", **record.facts()}
        for connection in list(self.connections):
            if connection.listening:
                connection.send(message)
        self._grown(record.id)
        if self._closing and not self.containers.live:
            self.loop.stop()

    def _grown(self, identity: str) -> None:
        waiting = self._waiting.pop(identity, None)
        for connection, number, _ in waiting or ():
            connection.send({"n": number})

    # -- operations: what they answer is sent back; None is for those that answer later -----------
    def _start(self, connection: Connection, request: dict[str, Any]) -> None:
        def started(record: Record) -> None:
            if connection in self.connections:
                connection.send({"n": request["n"], **record.facts()})

        self.containers.start(request, started)

    def _stop(self, _connection: Connection, request: dict[str, Any]) -> dict[str, Any]:
        self.containers.stop(request["id"], float(request["grace"]))
        return {}

    def _list(self, _connection: Connection, _request: dict[str, Any]) -> dict[str, Any]:
        facts = [record.facts() for record in self.containers.known.values()]
        kept = limits.facts(self.containers.limits.groups)
        zygotes = self.containers.forks.zygotes.facts()
        return {
            "version": VERSION, "pid": os.getpid(), "limits": kept, "containers": facts,
            "zygotes": zygotes,
        }  # fmt: skip

    def _forget(self, _connection: Connection, request: dict[str, Any]) -> dict[str, Any]:
        for identity in request["ids"]:
            self.containers.forget(identity)
        return {}

    def _events(self, connection: Connection, request: dict[str, Any]) -> dict[str, Any]:
        connection.listening = True
        return self._list(connection, request)

    def _wait_for_output(
        self, connection: Connection, request: dict[str, Any]
    ) -> dict[str, Any] | None:
        container = self.containers.get(request["id"])
        if container is None or container.streams.log.size != request["size"]:
            return {}
        entry = (connection, request["n"], request["size"])
        self._waiting.setdefault(request["id"], []).append(entry)
        return None

    def _exec(self, connection: Connection, request: dict[str, Any]) -> None:
        self._try_exec(connection, request, connection.take_fds(), _PATIENCE)

    def _try_exec(
        self, connection: Connection, request: dict[str, Any], fds: list[int], patience: float
    ) -> None:
        """Start the command, or try again soon while the sandbox is still being made."""
        alive = connection in self.connections
        if alive and patience > 0 and self.containers.starting(request["id"]):
            left = patience - _SOON
            self.loop.later(_SOON, lambda: self._try_exec(connection, request, fds, left))
            return
        pid = 0

        def ended(code: int) -> None:
            connection.execs.discard(pid)
            if connection in self.connections:
                connection.send({"event": "ended", "code": code})

        try:
            if alive:
                pid = self.containers.run_inside(request["id"], request, fds, ended)
                connection.execs.add(pid)
                connection.send({"n": request["n"], "pid": pid})
        except OSError as error:
            connection.send({"n": request["n"], "error": str(error)})
        finally:
            for fd in fds:
                os.close(fd)

    def _attach(self, connection: Connection, request: dict[str, Any]) -> dict[str, Any] | None:
        container = self.containers.get(request["id"])
        fd = container.streams.stdin() if container else -1
        if container is None or fd < 0:
            return {"size": container.streams.log.size if container else 0}
        try:
            connection.send_fd({"n": request["n"], "size": container.streams.log.size}, fd)
        finally:
            os.close(fd)
        return None

    def _node(self, _connection: Connection, request: dict[str, Any]) -> dict[str, Any]:
        """What all pods may have together. We join the group after the answer: it takes a while."""
        groups = self.containers.limits.groups
        groups.limit_node(request["limits"])
        self.loop.later(0.0, groups.join)
        return {}

    def _close_stdin(self, _connection: Connection, request: dict[str, Any]) -> dict[str, Any]:
        container = self.containers.get(request["id"])
        if container is not None:
            container.streams.close_stdin()
        return {}

    def _shutdown(self, _connection: Connection, request: dict[str, Any]) -> dict[str, Any]:
        self._closing = True
        for record in list(self.containers.known.values()):
            self.containers.stop(record.id, float(request["grace"]))
        if not self.containers.live:
            self.loop.later(0.0, self.loop.stop)
        return {"live": self.containers.live}


def main(directory: str, cgroups: str = "") -> int:
    """Serve in `directory` until told to shut down. 0 as well when another one already does.
    `cgroups` is "no-cgroups" when none are to be made."""
    os.umask(0o077)
    os.makedirs(directory + "/pods", exist_ok=True)
    os.chdir(directory)  # the path of a unix socket may have 107 bytes; home can be deeper
    _reserve()
    lock = os.open("supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    if os.path.exists(SOCKET):
        os.unlink(SOCKET)
    process.become_subreaper()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(SOCKET)
    server = Server(os.getcwd() + "/pods", listener, _groups(cgroups))
    listener.listen(64)
    listener.setblocking(False)
    server.loop.run()
    server.containers.forks.zygotes.close()
    server.containers.limits.groups.close()
    os.unlink(SOCKET)
    return 0


def _groups(wish: str) -> Groups:
    """Named after the directory, so that two supervisors of one machine keep apart."""
    name = str(os.stat(".").st_ino)
    groups = Groups(name, mount="/nonexistent") if wish == "no-cgroups" else Groups(name)
    if wish == "no-cgroups":
        groups.why = "config.yaml says node.cgroups: false"
    return groups


def _reserve() -> None:
    """Fill the descriptors that children get, so that none of ours has such a number."""
    null = os.open(os.devnull, os.O_RDWR)
    while null < _RESERVED:
        null = os.dup(null)
    os.close(null)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
