"""The words of a layout: each step does one thing to the file system that a container will see.

On the wire a step is an array whose first item is its name (`["bind", "/usr", "/usr", …]`), which
`supervisor/mounts` reads without this module.
"""

from __future__ import annotations

from msgspec import Struct


class Bind(Struct, frozen=True, array_like=True, tag="bind"):
    """The file or directory `source` of the host appears at `target`. `optional`: only if it is
    there. `device`: it may be used as the device that it is."""

    source: str
    target: str
    read_only: bool = False
    optional: bool = False
    device: bool = False


class Tmpfs(Struct, frozen=True, array_like=True, tag="tmpfs"):
    """Memory of at most `size` bytes; 0 is no limit."""

    target: str
    mode: int = 0o755
    size: int = 0


class Directory(Struct, frozen=True, array_like=True, tag="directory"):
    target: str


class Link(Struct, frozen=True, array_like=True, tag="link"):
    """A symbolic link at `target` that says `text`."""

    text: str
    target: str


class Devices(Struct, frozen=True, array_like=True, tag="devices"):
    """A small /dev: null, zero, full, random, urandom, tty, terminals, shm."""

    target: str


class Processes(Struct, frozen=True, array_like=True, tag="processes"):
    """/proc of the sandbox's own processes."""

    target: str


class Seal(Struct, frozen=True, array_like=True, tag="seal"):
    """From here on the mount at `target` is read-only."""

    target: str


Step = Bind | Tmpfs | Directory | Link | Devices | Processes | Seal
