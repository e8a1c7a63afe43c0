"""A program that is to end early: a mark that says so, a signal to all that its shell started.

The shell itself goes on: it finds the mark under the number of its process, as it knows it inside,
and ends with success. Upstream signals the shell's child and gives up where there are several.
Upstream: file-metricscollector/main.go, pkg/metricscollector/v1beta1/common/pns.go.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from sampan.kube import katib
from sampan.nodes.executor.view import View
from sampan.nodes.supervisor import process


def shell_below(pid: int) -> int:
    """The shell of a container that leaves a mark; 0 when there is none."""
    if not pid:
        return 0
    mark = f"&& echo {katib.COMPLETED} > "  # where depends on the sandbox
    for each in process.descendants(pid):
        words = _command(each)
        # What wraps the shell has the same words behind many of its own.
        if len(words) == 3 and words[1] == "-c" and mark in words[2]:
            return each
    return 0


def number_inside(pid: int) -> int:
    """The number that a process has for itself; 0 for one that has ended."""
    with suppress(OSError), open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("NSpid:"):
                return int(line.split()[-1])
    return 0


def stop(shell: int, number: int, view: View, directory: str) -> None:
    """Leave the mark and end what the shell has started. `number` is the shell's own. OSError."""
    with view.pinned(directory) as found:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(f"{found.path}/{number}{katib.MARK}", flags, 0o666)
        with os.fdopen(fd, "w") as file:
            os.fchmod(fd, 0o666)  # the shell may be somebody else's, and writes to it last
            file.write(katib.EARLY_STOPPED)
    for each in process.descendants(shell)[1:]:
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGTERM)


def has_completed(view: View, directory: str) -> bool:
    """Whether a shell has left its mark."""
    with suppress(OSError), view.pinned(directory) as found:
        names = [name for name in os.listdir(found.path) if name.endswith(katib.MARK)]
        return any(_text(view, f"{directory}/{name}") == katib.COMPLETED for name in names)
    return False


def _text(view: View, path: str) -> str:
    try:
        return view.read(path, 64).decode(errors="replace").strip()
    except OSError:
        return ""


def _command(pid: int) -> list[str]:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:
        return []
