"""What a fork does instead of the shell that would have started its program (`sandbox.trials`).

    sh -c "python3 … 1>FILE 2>&1 && echo completed > MARK"

The program becomes the main process of its sandbox; what its shell would have done after it is done
by the init. Runs in users' interpreters, from Python 3.9.
"""

from __future__ import annotations

import os
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

WARM = b"w"
"""What the main process tells the init when it has become the program itself."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


def redirect(program: Mapping[str, Any]) -> bool:
    """Where the output goes; False when a shell has to say why it cannot."""
    shell = program.get("shell")
    if not shell or not shell["stdout"]:
        return True
    try:
        fd = os.open(shell["stdout"], _NEW, 0o666)
    except OSError:
        return False
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    os.close(fd)
    return True


def end(shell: Mapping[str, Any], code: int, out: int) -> int:
    """The shell's own exit code, when the program has ended with this one. `out` is its output."""
    completed, stopped = shell["marks"]
    if code and shell["judged"]:
        early = _first_line(shell["mark"]) == stopped
        _say(out, shell["said"][0 if early else 1])
        code = 0 if early else 1
    if code:
        return code
    try:
        with open(os.open(shell["mark"], _NEW, 0o666), "w", encoding="utf-8") as file:
            file.write(f"{completed}\n")
    except OSError as error:
        _say(out, f"sh: cannot create {shell['mark']}: {error.strerror}")
        return 2
    return 0


def _say(out: int, line: str) -> None:
    with suppress(OSError):  # nobody may listen any more
        os.write(out, line.encode() + b"\n")


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return ""
