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

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Digest(Struct, frozen=True):
    """`size`: bytes of the file, or of all files."""

    text: str
    size: int


def of(path: str, name: Callable[[str], str] = str) -> Digest:
    """Of a file or directory, which is no link. `name` makes a part of a path of what an entry is
    called. OSError."""
    if stat.S_ISREG(os.lstat(path).st_mode):
        found, size = _file(path, None)
        return Digest(f"sha256:{found.hex()}", size)
    total, whole = 0, hashlib.sha256()
    for path_of, (found, size) in sorted(_below(path, name)):
        whole.update(path_of.encode(errors="surrogateescape") + b"\0" + found)
        total += size
    return Digest(f"sha256:{whole.hexdigest()}", total)


def _below(path: str, name: Callable[[str], str]) -> Iterator[tuple[str, tuple[bytes, int]]]:
    for directory, _, files, fd in os.fwalk(path):
        parts = os.path.relpath(directory, path).split("/")
        prefix = "/".join(name(part) for part in parts if part != ".")
        for each in files:
            if stat.S_ISREG(os.lstat(each, dir_fd=fd).st_mode):
                yield f"{prefix}/{name(each)}".lstrip("/"), _file(each, fd)


def _file(path: str, directory: int | None) -> tuple[bytes, int]:
    with open(os.open(path, _FILE, dir_fd=directory), "rb") as file:
        return hashlib.file_digest(file, "sha256").digest(), os.fstat(file.fileno()).st_size
