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

    Files = tuple[int, int, int]  # stdin, stdout, stderr

_ARGS, _STATUS = 3, 4  # descriptors that bubblewrap is told of
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}
_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ)
MARK = "SAMPAN_CONTAINER"
"""In the environment of plain processes: how strays are found when the container ends."""


def streams(container: Container, spec: dict[str, Any]) -> Files:
    """The container's ends of its three streams, which are one with a terminal."""
    if spec.get("tty"):
        slave = container.streams.open_terminal()
        return slave, slave, slave
    return container.streams.open(stdin=bool(spec.get("stdin")))


def status_file(container: Container) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    status = os.open(container.directory + "/status", flags, 0o600)
    os.write(status, b"{}\n")  # a block of the disk: what is to be said will find room
    return status


def sandboxed(container: Container, spec: dict[str, Any], prefix: list[str], files: Files) -> int:
    """Answers its pid. OSError when it cannot be started."""
    status = status_file(container)
    arguments = os.memfd_create("args")
    os.write(arguments, "\0".join(spec["args"]).encode() + b"\0")
    os.lseek(arguments, 0, os.SEEK_SET)
    command = [spec["program"], "--args", str(_ARGS), "--json-status-fd", str(_STATUS)]
    command = [*prefix, *command, "--", *spec["argv"]]

    def child() -> None:
        _take(spec, files)
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


def _take(spec: dict[str, Any], files: Files) -> None:
    """The streams become the child's own, which has begun a session."""
    if spec.get("tty"):  # the first terminal that a session opens is its own
        fd = os.open(os.ttyname(files[0]), os.O_RDWR)
        files = (fd, fd, fd)
    for target, fd in enumerate(files):
        os.dup2(fd, target)


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


def plain(container: Container, spec: dict[str, Any], prefix: list[str], files: Files) -> int:
    if spec.get("tty"):
        raise OSError("a terminal for the main process needs a sandbox")
    program = spec["argv"][0]
    if not _found(program, spec["env"].get("PATH", os.defpath)):
        raise OSError(f'exec: "{program}": executable file not found in $PATH')
    env = {**spec["env"], MARK: container.record.id}
    return enter.run_plain([*prefix, *spec["argv"]], env, files, tty=False, cwd=spec["cwd"])


def _found(program: str, path: str) -> bool:
    places = [""] if "/" in program else [place + "/" for place in path.split(":")]
    return any(os.access(place + program, os.X_OK) for place in places)
