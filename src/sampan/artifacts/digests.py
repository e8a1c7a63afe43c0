"""What an artifact is made of, in a few bytes: equal for equal content, whatever it is called.

    sha256:…   of a file, of its bytes
    sha256:…   of a directory, of its files' paths and hashes in order; no links, nothing empty

A file system is read here; an object on a server has the tag that its server gives it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator

from msgspec import Struct

from sampan.artifacts.faults import Fault

_PIECE, _LARGE = 1 << 20, 1 << 30
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Digest(Struct, frozen=True):
    """`size`: bytes of the file, or of all files."""

    text: str
    size: int


def of(
    path: str, name: Callable[[str], str] = str, go_on: Callable[[], None] = lambda: None
) -> Digest:
    """Of a file or directory, which is no link. `name` makes a part of a path of what an entry is
    called; `go_on` is called for each MiB, and raises when nobody waits any more. OSError; Fault
    for a file that is larger than its disk."""
    if stat.S_ISREG(os.lstat(path).st_mode):
        found, size = _file(path, None, go_on)
        return Digest(f"sha256:{found.hex()}", size)
    total, whole = 0, hashlib.sha256()
    for path_of, (found, size) in sorted(_below(path, name, go_on)):
        whole.update(path_of.encode(errors="surrogateescape") + b"\0" + found)
        total += size
    return Digest(f"sha256:{whole.hexdigest()}", total)


def _below(
    path: str, name: Callable[[str], str], go_on: Callable[[], None]
) -> Iterator[tuple[str, tuple[bytes, int]]]:
    for directory, _, files, fd in os.fwalk(path):
        parts = os.path.relpath(directory, path).split("/")
        prefix = "/".join(name(part) for part in parts if part != ".")
        for each in files:
            if stat.S_ISREG(os.lstat(each, dir_fd=fd).st_mode):
                yield f"{prefix}/{name(each)}".lstrip("/"), _file(each, fd, go_on)


def _file(path: str, directory: int | None, go_on: Callable[[], None]) -> tuple[bytes, int]:
    found = hashlib.sha256()
    with open(os.open(path, _FILE, dir_fd=directory), "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if size > _LARGE:
            _check_size(path, size, file.fileno())
        while piece := file.read(min(_PIECE, size + 1)):
            go_on()
            found.update(piece)
    return found.digest(), size


def _check_size(path: str, size: int, file: int) -> None:
    """A file with holes may say that it has any size; to read them takes its time all the same."""
    disk = os.fstatvfs(file)
    if size > disk.f_blocks * disk.f_frsize:
        name = os.path.basename(path)[:200]
        raise Fault(f"{name} has holes: it says that it has {size} bytes, more than its disk")
