"""The supervisor's zygotes: at most one for each environment, started by its first container.

Nobody waits for a zygote: while it does its imports, containers start as usual. It is used when it
has said that it can be, and no longer than its files stay as they were. The one without an
environment (`BARE`) is the supervisor's own Python and starts the programs of machines that have
no bubblewrap; there it is waited for, as there is no other way.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time

from sampan.nodes.supervisor import process
from sampan.nodes.supervisor.loop import Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Key = tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]

MOST = 4
YOUNG = 10.0  # seconds: an environment that changes all the time must not start one for each pod
_CONTROL = 3
_SOURCE = __file__.rsplit("/", 4)[0]
_BOOT = "exec(compile(open({0!r}).read(), {0!r}, 'exec'), {{}})".format(
    __file__.rsplit("/", 1)[0] + "/boot.py"
)
BARE: Key = ("", (), (), ())


class Zygote:
    """One forking interpreter. `state` is "starting", "ready", or why it cannot be used."""

    def __init__(self, key: Key, control: socket.socket) -> None:
        self.key = key
        self.control = control
        self.state = "starting"
        self.pid = 0
        self.born = self.used = time.monotonic()
        self.forks = 0
        self._born_at = time.time_ns()
        self._watched: dict[str, int] = {}

    def heard(self, message: dict[str, Any]) -> None:
        """What it says once, when its imports are done."""
        self.state = message["reason"] or "ready"
        self._watched = {path: _changed(path) for path in message["watch"]}
        for path, at in self._watched.items():
            if at > self._born_at:  # perhaps after it was read
                self._watched[path] = 0

    @property
    def current(self) -> bool:
        """Whether its files are as they were."""
        return all(_changed(path) == at for path, at in self._watched.items())

    def fork(self, fds: Sequence[int]) -> bool:
        """Ask for one container; whether it could be asked."""
        try:
            socket.send_fds(self.control, [b"fork"], list(fds))
        except OSError:
            return False
        self.used = time.monotonic()
        self.forks += 1
        return True


class Zygotes:
    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._by_key: dict[Key, Zygote] = {}

    def warm(self, environment: dict[str, Any]) -> Zygote | None:
        """The zygote of this environment if it can be used now; otherwise it is started."""
        parts = (tuple(environment.get(part) or ()) for part in ("variables", "modules", "sites"))
        key: Key = (environment["python"], *parts)
        zygote = self._by_key.get(key)
        if zygote is not None and not zygote.current:
            if time.monotonic() < zygote.born + YOUNG:
                return None
            self._end(zygote)
            zygote = None
        if zygote is None:
            self._make_room()
            zygote = self._start(key)
        return zygote if zygote.state == "ready" else None

    def bare(self) -> Zygote:
        """The zygote for programs of any kind, ready or not yet."""
        return self._by_key.get(BARE) or self._start(BARE)

    def facts(self) -> list[dict[str, Any]]:
        return [
            {"python": z.key[0], "modules": z.key[2], "state": z.state, "forks": z.forks}
            for z in self._by_key.values()
            if z.key != BARE
        ]

    def close(self) -> None:
        """End them all; returns when they have gone, so that nothing of ours is in use."""
        for zygote in self._by_key.values():
            self._close(zygote)
            if zygote.pid:
                process.kill(zygote.pid)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(zygote.pid, 0)

    def reaped(self, pid: int) -> None:
        """A child of ours has ended; its number may be another's from now on."""
        for zygote in self._by_key.values():
            if zygote.pid == pid:
                zygote.pid = 0

    def _start(self, key: Key) -> Zygote:
        python, variables, modules, sites = key
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        own = dict(pair.split("=", 1) for pair in variables)
        env = {"PATH": os.defpath, "HOME": "/nonexistent", **own}
        if key == BARE:
            words = bare_command(_CONTROL)
        else:
            words = [python, "-c", _BOOT, _SOURCE, str(_CONTROL), str(len(sites)), *sites, *modules]
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, 2, 1),
            (os.POSIX_SPAWN_DUP2, theirs.fileno(), _CONTROL),
        ]
        zygote = self._by_key[key] = Zygote(key, ours)
        self._loop.watch(ours.fileno(), lambda _events: self._hear(zygote))
        try:
            zygote.pid = os.posix_spawn(words[0], words, env, file_actions=actions, setsid=True)
        except OSError as error:
            zygote.state = str(error)  # and our end hears that nobody is there
        finally:
            theirs.close()
        return zygote

    def _hear(self, zygote: Zygote) -> None:
        try:
            data = zygote.control.recv(65_536)
        except OSError:
            data = b""
        if data:
            zygote.heard(json.loads(data))
            return
        self._close(zygote)
        if zygote.state == "starting":
            zygote.state = "it ended while it was starting"
        if zygote.state == "ready" or zygote.key == BARE:
            self._by_key.pop(zygote.key, None)
        else:
            print(f"{zygote.key[0]} is not kept warm: {zygote.state}", file=sys.stderr, flush=True)

    def _make_room(self) -> None:
        others = [zygote for key, zygote in self._by_key.items() if key != BARE]
        if len(others) >= MOST:
            self._end(min(others, key=lambda zygote: zygote.used))

    def _end(self, zygote: Zygote) -> None:
        """It leaves when its connection closes; what it has forked stays."""
        self._close(zygote)
        del self._by_key[zygote.key]

    def _close(self, zygote: Zygote) -> None:
        if zygote.control.fileno() >= 0:
            self._loop.ignore(zygote.control.fileno())
            zygote.control.close()


def bare_command(control: int) -> list[str]:
    """Starts a zygote of our own Python, which hears and speaks through this descriptor."""
    return [sys.executable, "-I", "-S", "-c", _BOOT, _SOURCE, str(control), "0"]


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
