"""The description of a sandbox: what a container sees. Says nothing of how that is done."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from msgspec import Struct


class Mount(Struct, frozen=True):
    """`source` on the host appears at `target`, an absolute path in the container. With
    `tmpfs` set (bytes; 0 is no limit), memory appears instead where that can be done."""

    target: str
    source: str
    read_only: bool = False
    tmpfs: int | None = None


class Limits(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a container may use: memory in bytes, cpu and weight (its share when CPUs are scarce)
    in thousandths of a CPU, pids in tasks; 0 is no limit. `oom` says how early the kernel is to
    kill it when the machine has no memory left (0 to 1000). `pod` bounds its whole pod, `log` the
    log: `size` of one file in bytes, and how many `files`."""

    memory: int = 0
    cpu: int = 0
    weight: int = 0
    pids: int = 0
    oom: int = 0
    pod: Mapping[str, int] = {}
    log: Mapping[str, int] = {}


class Overlay(Struct, frozen=True):
    """Layers of an image under a directory that takes what the container writes; all of it is
    seen at the sandbox's root. `lower` are names in the directory `base`, the topmost first;
    `upper` and `work` are empty directories of one file system."""

    base: str
    lower: tuple[str, ...]
    upper: str
    work: str
    root: str


class Interpreter(Struct, frozen=True):
    """A Python from which containers may be forked: the program on the host, the modules that are
    imported beforehand, and the directories that it consists of."""

    python: str
    modules: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()


class Component(Struct, frozen=True, kw_only=True):
    """What the command of a pipeline's component comes to in the end, `python3 -m module argv`: a
    fork can begin there. None in argv stands for a file of this source. variables: beside those of
    the sandbox. imports, sites: what its interpreter has imported beforehand, and where from.
    layers: directories of packages besides."""

    module: str
    argv: tuple[str | None, ...]
    source: str
    variables: Mapping[str, str] = {}
    imports: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()


class Sandbox(Struct, frozen=True, kw_only=True):
    """root: "/" for the host's own files, else a directory that holds a root file system; both
        are seen read-only, except that "/" itself takes new entries unless `read_only`.
    hidden: absolute paths of the host of which nothing is to be seen.
    visible: paths below hidden ones that are seen read-only nevertheless (interpreters).
    mounts: in the order in which they are made.
    interpreter: the Python of its environment, if that is kept warm. component: what argv is, if it
        is known.
    uid, gid: what the container believes to be; files belong to the one who runs Sampan.
    image: the root is this container's own file system, which it may change; mounts and cwd have
        had their links followed in it. overlay: what has to be mounted at the root first.
    capabilities: of root inside; nobody has others.
    directories: what has to be there in an image besides.
    stop_signal: the number of what asks it to end.
    keep: a directory of the host that "/" is, so that what the container writes there can be read
        afterwards; "" for memory. outputs: paths below which it has to be able to write.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    root: str = "/"
    cwd: str = "/"
    hostname: str = ""
    uid: int = 0
    gid: int = 0
    mounts: tuple[Mount, ...] = ()
    hidden: tuple[str, ...] = ()
    visible: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    read_only: bool = False
    interpreter: Interpreter | None = None
    component: Component | None = None
    limits: Limits = Limits()
    stdin: bool = False
    tty: bool = False
    image: bool = False
    overlay: Overlay | None = None
    capabilities: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()
    stop_signal: int = signal.SIGTERM
    keep: str = ""
    outputs: tuple[str, ...] = ()
