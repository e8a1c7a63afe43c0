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
from sampan.nodes.supervisor.zygotes import Zygote, Zygotes

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
        zygote, program = self._choose(spec)
        if zygote is None:
            return False
        wanted = {**spec["sandbox"], "tty": spec["tty"], "bounds": bounds, "program": program}
        wanted |= {"join": spec.get("join") or [], "overlay": spec.get("overlay")}
        told, answer = os.pipe()
        fds = [_described(wanted), answer, *files, spawn.status_file(container), _code(container)]
        asked = zygote.fork(fds)
        for fd in (fds[0], answer, *fds[5:]):
            os.close(fd)
        if not asked:
            os.close(told)
            return False
        container.record.forked = True
        self._listen(container, told)
        return True

    def _choose(self, spec: dict[str, Any]) -> tuple[Zygote | None, Any]:
        """(who is to be asked, which program it is to become instead of executing one)."""
        warm = spec.get("warm")
        if warm:
            zygote = self.zygotes.warm(warm)
            if zygote is not None:
                return zygote, warm["program"]
        return (None if spec.get("program") else self.zygotes.bare()), None

    def _listen(self, container: Container, told: int) -> None:
        self.waiting += 1
        heard = b""

        def listen() -> None:
            nonlocal heard
            try:
                data = os.read(told, 4096)
            except BlockingIOError:
                return
            heard += data
            if not data:
                self._loop.ignore(told)
                os.close(told)
                self._heard_all(container, heard)
            elif heard.startswith(b"pid ") and b"\n" in heard:
                container.record.warm = heard.endswith(b"warm\n")
                self._heard_pid(container, heard)

        os.set_blocking(told, False)
        container.listen = listen
        self._loop.watch(told, lambda _events: listen())

    def _heard_pid(self, container: Container, heard: bytes) -> None:
        if not container.record.pid:
            self.waiting -= 1
            self._born(container, int(heard.split()[1]))

    def _heard_all(self, container: Container, heard: bytes) -> None:
        container.listen = None
        if container.record.pid:
            container.begun = True
        else:
            self.waiting -= 1
            self._failed(container, heard.decode(errors="replace"))


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
