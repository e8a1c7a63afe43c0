"""Making a container's first process: bubblewrap around the program, or the program alone.

A fork, since the child has to enter the pod's network first: this process is small enough for that.
bubblewrap reads its options from one descriptor and writes what happens to another one.
"""

from __future__ import annotations

import os
import signal

from sampan.nodes.supervisor import enter, join, overlay, process
from sampan.nodes.supervisor.container import Container

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_ARGS, _STATUS = 3, 4  # descriptors that bubblewrap is told of
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}
_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ)
MARK = "SAMPAN_CONTAINER"
"""In the environment of plain processes: how strays are found when the container ends."""


def sandboxed(container: Container, spec: dict[str, Any], prefix: list[str]) -> int:
    """Answers its pid. OSError when it cannot be started."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    status = os.open(container.directory + "/status", flags, 0o600)
    os.write(status, b"{}\n")  # a block of the disk: what bubblewrap has to say will find room
    arguments = os.memfd_create("args")
    os.write(arguments, "\0".join(spec["args"]).encode() + b"\0")
    os.lseek(arguments, 0, os.SEEK_SET)
    command = [spec["program"], "--args", str(_ARGS), "--json-status-fd", str(_STATUS)]
    command = [*prefix, *command, "--", *spec["argv"]]
    take = _streams(container, spec)

    def child() -> None:
        take()
        os.dup2(arguments, _ARGS)
        os.dup2(status, _STATUS)
        join.join(spec.get("join") or ())
        os.umask(process.UMASK)
        if spec.get("overlay"):
            overlay.mount(spec["overlay"])
        os.execve(command[0], command, {"PATH": os.defpath, "LC_ALL": "C"})

    try:
        return _forked(child)
    finally:
        os.close(status)
        os.close(arguments)


def _streams(container: Container, spec: dict[str, Any]) -> Callable[[], None]:
    """Make them; what is answered makes them the child's own, after it has begun a session."""
    if spec.get("tty"):
        name = container.streams.open_terminal()

        def terminal() -> None:
            fd = os.open(name, os.O_RDWR)  # the first one that a session opens is its own
            for target in range(3):
                os.dup2(fd, target)

        return terminal
    stdin, out, err = container.streams.open(stdin=bool(spec.get("stdin")))

    def pipes() -> None:
        os.dup2(stdin if stdin >= 0 else os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)

    return pipes


def _forked(child: Callable[[], None]) -> int:
    """`child` becomes another program; what keeps it from that is raised here as OSError."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            os.setsid()
            child()
        except BaseException as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(127)
    os.close(writer)
    with open(reader, "rb") as file:
        fault = file.read().decode(errors="replace")
    if fault:
        os.waitpid(pid, 0)
        raise OSError(fault)
    return pid


def plain(container: Container, spec: dict[str, Any], prefix: list[str]) -> int:
    if spec.get("tty"):
        raise OSError("a terminal for the main process needs bubblewrap")
    program = spec["argv"][0]
    if not _found(program, spec["env"].get("PATH", os.defpath)):
        raise OSError(f'exec: "{program}": executable file not found in $PATH')
    stdin, out, err = container.streams.open(stdin=bool(spec.get("stdin")))
    null = os.open(os.devnull, os.O_RDONLY)
    try:
        fds = [stdin if stdin >= 0 else null, out, err]
        env = {**spec["env"], MARK: container.record.id}
        return enter.run_plain([*prefix, *spec["argv"]], env, fds, tty=False, cwd=spec["cwd"])
    finally:
        os.close(null)


def _found(program: str, path: str) -> bool:
    places = [""] if "/" in program else [place + "/" for place in path.split(":")]
    return any(os.access(place + program, os.X_OK) for place in places)
