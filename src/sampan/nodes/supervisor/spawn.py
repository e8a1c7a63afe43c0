"""Making a container's first process: bubblewrap around the program, or the program alone.

posix_spawn, so that this process is not copied. bubblewrap reads its options from one descriptor
and writes what happens to another one.
"""

from __future__ import annotations

import os
import signal

from sampan.nodes.supervisor import enter
from sampan.nodes.supervisor.container import Container

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ARGS, _STATUS = 3, 4  # descriptors that bubblewrap is told of
MARK = "SAMPAN_CONTAINER"
"""In the environment of plain processes: how strays are found when the container ends."""


def sandboxed(container: Container, spec: dict[str, Any], prefix: list[str]) -> int:
    actions: list[tuple[Any, ...]] = []
    if spec.get("tty"):
        name = container.streams.open_terminal()
        actions += [(os.POSIX_SPAWN_OPEN, 0, name, os.O_RDWR, 0)]
        actions += [(os.POSIX_SPAWN_DUP2, 0, 1), (os.POSIX_SPAWN_DUP2, 0, 2)]
    else:
        stdin, out, err = container.streams.open(stdin=bool(spec.get("stdin")))
        if stdin >= 0:
            actions.append((os.POSIX_SPAWN_DUP2, stdin, 0))
        else:
            actions.append((os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0))
        actions += [(os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, err, 2)]
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    status = os.open(container.directory + "/status", flags, 0o600)
    os.write(status, b"{}\n")  # a block of the disk: what bubblewrap has to say will find room
    arguments = os.memfd_create("args")
    os.write(arguments, "\0".join(spec["args"]).encode() + b"\0")
    os.lseek(arguments, 0, os.SEEK_SET)
    actions += [(os.POSIX_SPAWN_DUP2, arguments, _ARGS), (os.POSIX_SPAWN_DUP2, status, _STATUS)]
    command = [spec["program"], "--args", str(_ARGS), "--json-status-fd", str(_STATUS)]
    command = [*prefix, *command, "--", *spec["argv"]]
    try:
        return os.posix_spawn(
            command[0],
            command,
            {"PATH": os.defpath, "LC_ALL": "C"},
            file_actions=actions,
            setsid=True,
            setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),
        )
    finally:
        os.close(status)
        os.close(arguments)


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
