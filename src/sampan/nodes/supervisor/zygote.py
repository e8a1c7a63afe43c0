"""A zygote: an interpreter that has done its imports and forks containers from itself.

It runs outside any sandbox with a clean environment and never sees what a container is to run:
each request is a datagram with descriptors, among them the file with the description, and only the
child that was forked for it reads that. It ends with the supervisor, or after `IDLE` seconds.

The loop runs where Python would start an interactive session: `sys.__interactivehook__` is called
by the interpreter's C code when the main program (`boot.py`) is over and no frame of Python is
left. The hook itself is C, too: a list that is extended by calling a list of callables. So when a
child returns from `serve`, the program of the container is called with nothing below it, exactly as
in a fresh interpreter: the same tracebacks, the same `sys._getframe`, the same end.
"""

from __future__ import annotations

import _socket
import array
import json
import os
import select
import sys
from contextlib import suppress
from functools import partial

from sampan.nodes.supervisor import baseline, component, interpreter, launch, shell
from sampan.nodes.supervisor.baseline import Baseline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

IDLE = 300.0
LARGEST = 1 << 30  # bytes of a zygote's memory; what is larger costs more than it saves
_FDS = 8  # more than any request has
_TRIAL: dict[str, Any] = {
    "bounds": {"groups": [], "cpus": [], "oom": 0}, "join": [],
    "overlay": None, "capabilities": 0, "uid": 0, "gid": 0,
    "hostname": "pod", "cwd": "/", "tty": False,
    "steps": [
        ["bind", "/usr", "/usr", True, False, False], ["devices", "/dev"], ["processes", "/proc"],
    ],
}  # fmt: skip


def boot(control: int, fresh: set[str], named: set[str], sites: list[str]) -> None:
    """Try a sandbox, tell the supervisor, and arrange for the loop to be called."""
    zygote = Zygote(control, Baseline(fresh, named, sites))
    reason = zygote.obstacle()
    message = {"reason": reason, "watch": zygote.baseline.files()}
    zygote.control.send(json.dumps(message).encode())
    if reason:
        os._exit(0)
    zygote.baseline.settle()
    if sys.flags.isolated:  # the one that starts other programs needs no empty stack
        zygote.serve()
    terminal = os.openpty()[1]  # without a terminal there is no interactive session
    os.dup2(terminal, 0)
    os.environ["PYTHONINSPECT"] = "1"
    calls: list[Callable[[], Any]] = [zygote.serve]
    zygote.calls, zygote.results = calls, []
    sys.__interactivehook__ = partial(
        zygote.results.extend, map(partial.__call__, map(partial, calls))
    )


class Zygote:
    def __init__(self, control: int, baseline: Baseline) -> None:
        self.control = _socket.socket(fileno=control)
        self.baseline = baseline
        self.calls: list[Callable[[], Any]] = []
        self.results: list[Any] = []

    def serve(self) -> None:
        """The loop. Returns in the children that are to become the interpreter."""
        poll = select.poll()
        poll.register(self.control.fileno(), select.POLLIN)
        while poll.poll(IDLE * 1000):
            self._reap()
            fds = self._receive()
            if not fds:
                break
            if os.fork() == 0:
                self._begin(fds)
                return
            for fd in fds:
                os.close(fd)
        os._exit(0)

    def obstacle(self) -> str:
        """Why nothing can be forked from here; "" if it can. A fork is tried, which also makes
        libraries that know how to fork end their threads."""
        said, answer = os.pipe()
        code, written = os.pipe()
        null = os.open(os.devnull, os.O_RDWR)
        files = [answer, null, null, 2, null, written]
        child = os.fork()
        if child == 0:
            self._guard(lambda: self._trial(files))
        for fd in {*files} - {2}:
            os.close(fd)
        os.waitpid(child, 0)
        heard, ended = _read_all(said), _read_all(code)
        if not heard.startswith(b"pid") or ended != b"0":
            return f"a sandbox cannot be made: {heard.decode(errors='replace')}"
        if len(os.listdir("/proc/self/task")) > 1:
            return "a module has started threads"
        if baseline.resident() > LARGEST:
            return "the modules take too much memory"
        return baseline.obstacle()

    def _trial(self, files: list[int]) -> None:
        self.control.detach()
        launch.main_process(dict(_TRIAL), files)
        interpreter.show(["trial"], {})
        os._exit(0)

    def _begin(self, fds: list[int]) -> None:
        """In the child: read what is wanted and come back as the main process of the sandbox."""
        files = fds[1:]
        self.control.detach()  # the number will be somebody else's

        def work() -> None:
            with open(fds[0], "rb") as file:
                spec = json.load(file)
            launch.main_process(spec, files)
            program = spec.get("program")
            if program is None or not self._fits(spec):
                launch.execute(spec)
            self.calls += interpreter.become(spec, self.baseline, self.results, self.calls)
            with suppress(BrokenPipeError):  # the supervisor may have died meanwhile
                os.write(files[launch.ANSWER], b"warm\n")
            if program.get("shell"):
                os.write(spec["failure"], shell.WARM)
            os.close(spec["failure"])
            os.close(files[launch.ANSWER])

        self._guard(work, leave=False)

    def _fits(self, spec: dict[str, Any]) -> bool:
        """Whether this interpreter can become the program, and all is there that it wants."""
        return (
            self.baseline.matches(spec)
            and component.write(spec)
            and shell.redirect(spec["program"])
        )

    def _guard(self, work: Callable[[], None], *, leave: bool = True) -> None:
        """Nothing may come back into the loop as somebody else."""
        done = False
        try:
            work()
            done = True
        except BaseException as error:
            launch.refuse(f"{type(error).__name__}: {error}")
        finally:
            if leave or not done:
                os._exit(1)

    def _receive(self) -> list[int]:
        """The descriptors of one request; [] when the supervisor has gone."""
        fds = array.array("i")
        room = _socket.CMSG_SPACE(_FDS * fds.itemsize)
        data, ancillary, _, _ = self.control.recvmsg(16, room, _socket.MSG_CMSG_CLOEXEC)
        for _, _, piece in ancillary if data else ():
            fds.frombytes(piece[: len(piece) - len(piece) % fds.itemsize])
        return list(fds)

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _read_all(fd: int) -> bytes:
    with open(fd, "rb") as file:
        return file.read()
