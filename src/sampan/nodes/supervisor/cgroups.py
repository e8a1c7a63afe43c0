"""Control groups: where they may be made on this machine, and one for each container with limits.

    <parent>/sampan-<name>/         all pods together: what the node may give to them
        node/                       this process, and containers without limits of their own
        <pod uid>/<container>.<n>/  a container; the pod's own limits are on the level above

Version 1 has such a tree per controller, version 2 one for all. What works is found out once, by
making groups: in our own group (version 2: one that was delegated to us, which we empty by moving
into a leaf), else below the root, for which one has to be root. A controller that cannot be had is
simply missing from `controllers`; `why` says what stood in the way.
`prefix` and `enter` are the only two ways into a group. Nothing here decides what a limit is.
"""

from __future__ import annotations

import contextlib
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

MOUNT = "/sys/fs/cgroup"
CONTROLLERS = ("memory", "cpu", "pids")
_PERIOD = 100_000  # microseconds, as everywhere
_LEAF = "node"
_JOIN = (
    'n=$1; shift; while [ "$n" -gt 0 ]; do echo $$ > "$1" || exit 128; shift; n=$((n-1)); done; '
    'exec "$@"'
)
"""A shell joins the groups and becomes the program: moving ourselves in and out would cost more,
and moving the program after its start would miss its first children."""


class Groups:
    """`controllers` are those that work here; `version` is 0 when there are none."""

    def __init__(self, name: str, mount: str = MOUNT, memberships: str = "/proc/self/cgroup"):
        """`name` keeps two supervisors of one machine apart."""
        self.version = 0
        self.why = ""
        self._name = f"sampan-{name}"
        self._bases: dict[str, str] = {}
        self._joined = False
        paths = _memberships(memberships)
        for controller in CONTROLLERS:
            self._try_version_1(controller, mount, paths)
        if not self._bases and os.path.exists(f"{mount}/cgroup.controllers"):
            self._try_version_2(mount, paths.get("", "/"))

    @property
    def controllers(self) -> tuple[str, ...]:
        return tuple(self._bases)

    def limit_node(self, limits: dict[str, Any]) -> None:
        """Bound all pods together."""
        with contextlib.suppress(OSError):
            self._write(self._bases, limits)

    def join(self) -> None:
        """Move this process into the leaf, so that what it starts is bounded with all others. Off
        the path of a start: the first move into a group takes 30 ms."""
        if not self._joined:
            with contextlib.suppress(OSError):
                enter(self._leaves())
                self._joined = True

    def make(self, identity: str, limits: dict[str, Any]) -> list[str]:
        """The directories of a container's group, made with these limits; none when it needs none
        or none can be made. `limits["pod"]` holds those of the whole pod."""
        wanted = {name: value for name, value in limits.items() if value}
        pod = wanted.pop("pod", {})
        bases = {c: base for c, base in self._bases.items() if _concerns(c, wanted, pod)}
        if not bases:
            return []
        uid = identity.partition("/")[0]
        above = {controller: f"{base}/{uid}" for controller, base in bases.items()}
        places = {controller: f"{base}/{identity}" for controller, base in bases.items()}
        try:
            for directory in dict.fromkeys(above.values()):
                self._make_parent(directory)
            self._write(above, pod)
            for directory in dict.fromkeys(places.values()):
                os.makedirs(directory, exist_ok=True)
            self._write(places, wanted)
        except OSError:
            return []
        return list(dict.fromkeys(places.values()))

    def killed(self, directories: Sequence[str]) -> int:
        """How many processes the kernel has killed for lack of memory in this group."""
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        for directory in directories:
            with contextlib.suppress(OSError, ValueError), open(f"{directory}/{name}") as file:
                facts = dict(line.split() for line in file)
                return int(facts.get("oom_kill", 0))
        return 0

    def killed_unlimited(self) -> int:
        """The same among containers without limits of their own."""
        return self.killed(self._leaves())

    def remove(self, directories: Sequence[str]) -> None:
        for directory in directories:
            with contextlib.suppress(OSError):
                os.rmdir(directory)
                os.rmdir(os.path.dirname(directory))  # the pod's, with its last container

    def close(self) -> bool:
        """Leave and remove our own groups; answers whether there were any."""
        for base in dict.fromkeys(self._bases.values()):
            with contextlib.suppress(OSError):
                if self._joined:
                    enter([os.path.dirname(base)])
            for directory in (f"{base}/{_LEAF}", base):
                with contextlib.suppress(OSError):
                    os.rmdir(directory)
        return bool(self._bases)

    # -- finding a place --------------------------------------------------------------------------
    def _try_version_1(self, controller: str, mount: str, paths: dict[str, str]) -> None:
        root = f"{mount}/{controller}"
        if controller not in paths or not os.path.isdir(root):
            return
        for parent in dict.fromkeys((root + paths[controller].rstrip("/"), root)):
            base = f"{parent}/{self._name}"
            try:
                _mkdir(base)
                _mkdir(f"{base}/{_LEAF}")
            except OSError as error:
                self.why = f"{parent}: {error.strerror}"
                continue
            self._bases[controller] = base
            self.version = 1
            return

    def _try_version_2(self, mount: str, own: str) -> None:
        for parent in dict.fromkeys((mount + own.rstrip("/"), mount)):
            base = f"{parent}/{self._name}"
            try:
                _mkdir(base)
                _mkdir(f"{base}/{_LEAF}")
                enabled = self._delegate(parent, base)
            except OSError as error:
                self.why = f"{parent}: {error.strerror}"
                enabled = []
            if enabled:
                self._bases = dict.fromkeys(enabled, base)
                self.version = 2
                return
            for directory in (f"{base}/{_LEAF}", base):
                with contextlib.suppress(OSError):
                    os.rmdir(directory)

    def _delegate(self, parent: str, base: str) -> list[str]:
        """Hand the controllers down to our children. A group with processes of its own must not
        do that (but the root): then we leave it for our leaf, and come back when that was in vain,
        for there are others."""
        enabled = _enable(parent)
        if not enabled and not self._joined:
            enter([f"{base}/{_LEAF}"])
            enabled = _enable(parent)
            if not enabled:
                enter([parent])
                self.why = f"{parent}: no controller can be handed down"
                return []
            self._joined = True
        return _enable(base)

    def _make_parent(self, directory: str) -> None:
        """A pod's group; version 2 has to hand its controllers down again."""
        if not os.path.isdir(directory):
            os.makedirs(directory, exist_ok=True)
            if self.version == 2:
                _enable(directory)

    def _leaves(self) -> list[str]:
        return [f"{base}/{_LEAF}" for base in dict.fromkeys(self._bases.values())]

    def _write(self, places: dict[str, str], limits: dict[str, Any]) -> None:
        for controller, directory in places.items():
            for name, value in _settings(self.version, controller, limits):
                try:
                    _write(f"{directory}/{name}", value)
                except FileNotFoundError:
                    if name not in _OPTIONAL:
                        raise


_OPTIONAL = ("memory.memsw.limit_in_bytes", "memory.swap.max", "memory.oom.group")
"""Missing where the kernel does not account for swap, or is old."""


def _concerns(controller: str, wanted: dict[str, Any], pod: dict[str, Any]) -> bool:
    """Whether the controller has a limit to keep. A share (`weight`) alone is no reason to make a
    group: joining one can take as long as the whole start of a pod."""
    return bool(wanted.get(controller) or pod.get(controller))


def _settings(version: int, controller: str, limits: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(file, text). memory in bytes, cpu and weight in thousandths of a CPU, pids in tasks."""
    value = limits.get(controller)
    if controller == "cpu" and limits.get("weight"):
        shares = max(2, int(limits["weight"]) * 1024 // 1000)
        if version == 1:
            yield "cpu.shares", str(shares)
        else:  # upstream: KEP-2254
            yield "cpu.weight", str(1 + (min(shares, 262_144) - 2) * 9999 // 262_142)
    if not value:
        return
    if controller == "memory":
        if version == 1:
            yield "memory.limit_in_bytes", str(value)
            yield "memory.memsw.limit_in_bytes", str(value)
        else:
            yield "memory.max", str(value)
            yield "memory.swap.max", "0"
            yield "memory.oom.group", "1"
    elif controller == "cpu":
        quota = max(1000, int(value) * _PERIOD // 1000)
        if version == 1:
            yield "cpu.cfs_period_us", str(_PERIOD)
            yield "cpu.cfs_quota_us", str(quota)
        else:
            yield "cpu.max", f"{quota} {_PERIOD}"
    elif controller == "pids":
        yield "pids.max", str(value)


def prefix(directories: Sequence[str]) -> list[str]:
    """Put before a command line, makes the program start inside the group."""
    if not directories:
        return []
    files = [f"{directory}/cgroup.procs" for directory in directories]
    return ["/bin/sh", "-c", _JOIN, "join", str(len(files)), *files]


def enter(directories: Sequence[str]) -> None:
    """Move the calling process into the group: for a child that was forked, before it starts
    anything or enters a mount namespace. OSError when it cannot."""
    for directory in directories:
        _write(f"{directory}/cgroup.procs", "0")


def _memberships(path: str) -> dict[str, str]:
    """Controller -> path of our own group; version 2 is under ""."""
    found: dict[str, str] = {}
    try:
        with open(path) as file:
            for line in file:
                _, controllers, place = line.rstrip("\n").split(":", 2)
                found.update(dict.fromkeys(controllers.split(","), place))
    except (OSError, ValueError):
        pass
    return found


def _enable(directory: str) -> list[str]:
    """Those of our controllers that the children of the group have from now on."""
    done = []
    for controller in CONTROLLERS:
        with contextlib.suppress(OSError):
            _write(f"{directory}/cgroup.subtree_control", f"+{controller}")
            done.append(controller)
    return done


def _mkdir(path: str) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o755)


def _write(path: str, text: str) -> None:
    """One system call: the kernel takes each write as a command of its own."""
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
