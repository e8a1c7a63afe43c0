"""Containers that are forked by a zygote: the request, and what becomes of it.

An answer comes in two parts: the pid of the sandbox's init, and the end of the pipe when the
program runs. As long as there is no pid nothing has happened, so the container can still be
started in another way.
"""

from __future__ import annotations

import json
import os

from sampan.nodes.supervisor import spawn
from sampan.nodes.supervisor.container import Container
from sampan.nodes.supervisor.loop import Loop
from sampan.nodes.supervisor.zygotes import Zygotes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Files = tuple[int, int, int]


class Forks:
    def __init__(
        self,
        loop: Loop,
        born: Callable[[Container, int], None],
        failed: Callable[[Container, str], None],
    ) -> None:
        """`born(container, pid)` is told of an init, `failed(container, why)` of none."""
        self.zygotes = Zygotes(loop)
        self.waiting = 0
        """Containers of which it is not yet known which process is theirs."""
        self._loop = loop
        self._born = born
        self._failed = failed

    def start(
        self, container: Container, spec: dict[str, Any], bounds: dict[str, Any], files: Files
    ) -> bool:
        """Whether a zygote was asked for the container. `files` are its streams."""
        warm = spec.get("warm")
        zygote = self.zygotes.warm(warm) if warm else None
        if zygote is None and not spec.get("program"):
            zygote, warm = self.zygotes.bare(), None
        if zygote is None:
            return False
        wanted = {**spec["sandbox"], "tty": spec["tty"], "bounds": bounds}
        wanted |= {"join": spec.get("join") or [], "overlay": spec.get("overlay")}
        if warm:
            wanted["program"] = warm["program"]
        told, answer = os.pipe()
        fds = [_described(wanted), answer, *files, spawn.status_file(container), _code(container)]
        asked = zygote.fork(fds)
        for fd in (fds[0], answer, *fds[5:]):
            os.close(fd)
        if not asked:
            os.close(told)
            return False
        container.record.forked = True
        self.waiting += 1
        heard = b""

        def listen(_events: int) -> None:
            nonlocal heard
            data = os.read(told, 4096)
            if data:
                heard += data
                if heard.startswith(b"pid ") and heard.endswith(b"\n"):
                    self._tell_pid(container, heard)
                return
            self._loop.ignore(told)
            os.close(told)
            if container.record.pid:
                container.begun = True
            else:
                self.waiting -= 1
                self._failed(container, heard.decode(errors="replace"))

        self._loop.watch(told, listen)
        return True

    def _tell_pid(self, container: Container, heard: bytes) -> None:
        self.waiting -= 1
        self._born(container, int(heard.split()[1]))


def _described(wanted: dict[str, Any]) -> int:
    fd = os.memfd_create("container")
    data = json.dumps(wanted).encode()
    while data:
        data = data[os.write(fd, data) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _code(container: Container) -> int:
    code = os.open(container.directory + "/code", os.O_WRONLY | os.O_CREAT, 0o600)
    os.pwrite(code, b"\n", 0)  # a block of the disk, as in `spawn.status_file`
    return code
