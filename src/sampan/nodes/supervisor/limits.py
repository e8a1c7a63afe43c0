"""Memory limits: a cgroup where one may be made, else a watch over resident memory.

cgroup v1 and v2 are tried in turn by making a group and writing the limit; what works is decided
once. Without one, `Watch` reads the resident size of each limited container every 200 ms and
kills what is above. CPU limits are not enforced: the scheduler accounts for requests, that is all.
"""

from __future__ import annotations

import contextlib
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PERIOD = 0.2
_JOIN = 'echo $$ > "$0" && exec "$@"'
"""A shell joins the group and becomes the program: moving ourselves in and out would cost more,
and moving the program after its start would miss its first children."""


class Groups:
    """Where groups are made. `base` is "" when this machine lets us make none."""

    def __init__(self, name: str) -> None:
        """`name` keeps two supervisors of one machine apart."""
        self.base = ""
        self.version = 0
        for version, parent in _candidates():
            if self._works(version, f"{parent}/sampan-{name}"):
                self.base, self.version = f"{parent}/sampan-{name}", version
                break

    def close(self) -> bool:
        """Remove our own group; answers whether there was one."""
        with contextlib.suppress(OSError):
            if self.base:
                os.rmdir(self.base)
        return bool(self.base)

    def make(self, name: str, memory: int) -> str:
        """A group with this limit in bytes; "" when it cannot be made."""
        if not self.base:
            return ""
        path = self._path(name)
        try:
            os.makedirs(path, exist_ok=True)
            self._limit(path, memory)
        except OSError:
            return ""
        return path

    def existing(self, name: str) -> str:
        """The group that an earlier supervisor has made; "" when there is none."""
        return self._path(name) if self.base and os.path.isdir(self._path(name)) else ""

    def prefix(self, path: str) -> list[str]:
        """Put before a command line, makes the program start inside the group."""
        return ["/bin/sh", "-c", _JOIN, f"{path}/cgroup.procs"]

    def killed(self, path: str) -> bool:
        """Whether the kernel has killed for lack of memory in this group."""
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        try:
            with open(f"{path}/{name}") as file:
                facts = dict(line.split() for line in file)
        except (OSError, ValueError):
            return False
        return int(facts.get("oom_kill", 0)) > 0

    def remove(self, path: str) -> None:
        with contextlib.suppress(OSError):
            os.rmdir(path)

    def _path(self, name: str) -> str:
        return f"{self.base}/{name.replace('/', '.')}"

    def _works(self, version: int, base: str) -> bool:
        trial = f"{base}/probe"
        try:
            os.makedirs(base, exist_ok=True)
            if version == 2:
                for directory in (os.path.dirname(base), base):
                    _write(f"{directory}/cgroup.subtree_control", "+memory")
            os.makedirs(trial, exist_ok=True)
            self.version = version
            self._limit(trial, 64 << 20)
            os.rmdir(trial)
        except OSError:
            return False
        return True

    def _limit(self, path: str, memory: int) -> None:
        if self.version == 1:
            _write(f"{path}/memory.limit_in_bytes", str(memory))
            return
        _write(f"{path}/memory.max", str(memory))
        if os.path.exists(f"{path}/memory.swap.max"):
            _write(f"{path}/memory.swap.max", "0")


def _candidates() -> Iterator[tuple[int, str]]:
    """(version, directory below which a group might be made), the nearest first."""
    try:
        with open("/proc/self/cgroup") as file:
            lines = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return
    for _, controllers, path in lines:
        if "memory" in controllers.split(","):
            yield 1, "/sys/fs/cgroup/memory" + path.rstrip("/")
            yield 1, "/sys/fs/cgroup/memory"
    for _, controllers, path in lines:
        if not controllers:
            yield 2, "/sys/fs/cgroup" + path.rstrip("/")
            yield 2, "/sys/fs/cgroup"


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
