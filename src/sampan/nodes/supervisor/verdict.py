"""How a container ended, from the wait status of its first process and what bubblewrap wrote.

bubblewrap writes an exit code only if it could start the program; when it could not, it exits with
1 and has said why on standard error, which is in the container's log.
"""

from __future__ import annotations

import os

from sampan.nodes.supervisor import records
from sampan.nodes.supervisor.container import Container
from sampan.nodes.supervisor.launch import SAID


def judge(container: Container, status: int, at: float) -> tuple[int, float, str, str]:
    """(exit code, when, reason, message) from bubblewrap's own end and what it wrote down."""
    code = exit_code(status)
    if container.record.plain:
        return code, at, "", ""
    facts = records.status(container.directory)
    if "exit-code" in facts:
        return int(facts["exit-code"]), at, "", ""
    if code != 1:
        return code, at, "", ""
    return 128, at, *_start_error(container.directory)


def _start_error(directory: str) -> tuple[str, str]:
    """bubblewrap said on standard error why it could not start the program."""
    try:
        with open(directory + "/log", "rb") as file:
            last = file.read()[-4096:].decode(errors="replace").strip().rpartition("\n")[2]
    except OSError:
        last = ""
    said = last.partition("bwrap: ")[2] or last.partition(SAID)[2]
    said = said or "the sandbox could not be set up"
    if said.startswith("execvp "):
        program, _, cause = said.removeprefix("execvp ").rpartition(": ")
        if cause == "No such file or directory":
            cause = "executable file not found in $PATH"
        return "StartError", f'exec: "{program}": {cause}'
    return "ContainerCannotRun", said


def exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
