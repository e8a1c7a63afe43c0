"""What is known of one container, in memory and on disk, so that a restart can judge honestly.

A container's directory holds:
    record      pid and start time of the process that we started, the boot it belongs to
    status      written by bubblewrap: the pid of the sandbox's init, then the exit code; for a
                forked container (`launch`) the first line only
    code        the exit code of a forked container, written from inside: a number or nonsense
    exit        how it ended, written by us
    out, err    named pipes for its output: they stay open for the container if we die
    log, log.1  its output (`logs`)
    inside      says that the control plane is the container: none of ours (`nodes/executor`)
Making the directory is the claim: an id whose directory exists is never started again.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os

from sampan.nodes.supervisor import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

UNKNOWN_CODE = 137
UNKNOWN_REASON = "ContainerStatusUnknown"


class Record:
    """One attempt of one container. Times are seconds since the epoch."""

    __slots__ = (
        "code", "finished", "forked", "groups", "id", "limits", "message", "pid", "plain",
        "reason", "started", "ticks", "warm",
    )  # fmt: skip

    def __init__(
        self, identity: str, *, plain: bool = False, limits: dict[str, Any] | None = None
    ) -> None:
        self.id = identity
        self.plain = plain
        self.forked = False  # by `launch`, not started by bubblewrap
        self.warm = False  # a fork of an interpreter, known when it runs
        self.limits = limits or {}
        self.groups: list[str] = []  # directories of its cgroup
        self.pid = 0
        self.ticks = 0
        self.started = 0.0
        self.finished = 0.0
        self.code = -1
        self.reason = ""
        self.message = ""

    @property
    def running(self) -> bool:
        return self.code < 0

    def facts(self) -> dict[str, Any]:
        """As it goes over the wire; `code` is null while it runs."""
        return {
            "id": self.id,
            "pid": self.pid,
            "started": self.started,
            "finished": self.finished or None,
            "code": None if self.running else self.code,
            "reason": self.reason,
            "message": self.message,
            "warm": self.warm,
        }

    def end(self, code: int, at: float, reason: str = "", message: str = "") -> None:
        self.code, self.finished, self.reason, self.message = code, at, reason, message

    def save_start(self, directory: str) -> None:
        facts = {
            "pid": self.pid,
            "ticks": self.ticks,
            "boot": process.boot_id(),
            "started": self.started,
            "plain": self.plain,
            "forked": self.forked,
            "limits": self.limits,
            "groups": self.groups,
        }
        _write(directory + "/record", json.dumps(facts))

    def save_end(self, directory: str) -> None:
        facts = {
            "code": self.code,
            "finished": self.finished,
            "reason": self.reason,
            "message": self.message,
        }
        _write(directory + "/exit", json.dumps(facts))


def load(directory: str, identity: str) -> Record:
    """The record of a container that an earlier supervisor started. It is left `running` only
    when its process still is the same one."""
    record = Record(identity)
    start = _read(directory + "/record")
    record.pid, record.ticks = start.get("pid", 0), start.get("ticks", 0)
    record.started = start.get("started") or os.stat(directory).st_mtime
    record.plain, record.forked = start.get("plain", False), start.get("forked", False)
    record.limits = start.get("limits") or {}
    record.groups = start.get("groups") or []
    end = _read(directory + "/exit")
    if end:
        record.end(end["code"], end["finished"], end["reason"], end["message"])
    elif not _same_process(record, start.get("boot", "")):
        judge_lost(record, directory)
    return record


def forgotten(directory: str) -> bool:
    """Whether everybody who had to know has been told how the container ended, or it never was
    ours."""
    if os.path.exists(directory + "/inside"):
        return True
    return os.path.exists(directory + "/exit") and not os.path.exists(directory + "/record")


def judge_lost(record: Record, directory: str) -> None:
    """How a container ended that nobody of us saw ending: bubblewrap may have written it down."""
    facts = status(directory)
    if "exit-code" in facts:
        record.end(facts["exit-code"], os.stat(directory + "/status").st_mtime)
        return
    message = "The supervisor was not running when the container ended: its exit code is not known"
    record.end(UNKNOWN_CODE, 0.0, UNKNOWN_REASON, message)


def status(directory: str) -> dict[str, Any]:
    """bubblewrap's JSON lines merged: "child-pid", and "exit-code" once the program, which was
    started, has ended."""
    facts: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError), open(directory + "/status") as file:
        for line in file:
            facts.update(json.loads(line))
    with contextlib.suppress(OSError, ValueError), open(directory + "/code", "rb") as code:
        facts["exit-code"] = int(code.read(3)) & 0xFF
    return facts


def _same_process(record: Record, boot: str) -> bool:
    if not record.pid or boot != process.boot_id() or not process.alive(record.pid):
        return False
    return process.start_ticks(record.pid) == record.ticks


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path) as file:
            facts = json.load(file)
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _write(path: str, text: str) -> None:
    """Whole or not at all. OSError when the disk has no room."""
    draft = path + ".new"
    data = text.encode()
    try:
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            if os.write(fd, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), draft)
        finally:
            os.close(fd)
        os.replace(draft, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise
