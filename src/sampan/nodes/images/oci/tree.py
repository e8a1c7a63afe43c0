"""Layers seen as one tree without a mount: looking a name up, and making a copy of the whole.

`layers` are directories as `unpack` leaves them, the topmost first. For finding a user in an
image's /etc/passwd, for following its links before mounts are made, and for file systems that
overlayfs does not work on.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
from collections.abc import Sequence

from msgspec import Struct

_MOST_LINKS = 40
_FICLONE = 0x40049409


class Facts(Struct, frozen=True):
    """What a directory cannot say everywhere. Paths are relative. size: bytes of its files."""

    size: int
    removed: list[str]
    opaque: list[str]


class Layer:
    """One unpacked layer: its directory, and what it hides of those below."""

    def __init__(self, files: str, facts: Facts) -> None:
        self.files = files
        self._removed = frozenset(facts.removed)
        self._opaque = frozenset(facts.opaque)

    @property
    def removed(self) -> frozenset[str]:
        return self._removed

    @property
    def opaque(self) -> frozenset[str]:
        return self._opaque

    def hides(self, path: str) -> bool:
        """Whether nothing below this layer is seen at the relative path."""
        parts = path.split("/")
        above = ["/".join(parts[:n]) for n in range(len(parts))]
        if any(each in self._opaque for each in above) or path in self._removed:
            return True
        if any(each in self._removed for each in above):
            return True
        return any(each and _kind(f"{self.files}/{each}") not in ("", "d") for each in above)


def find(layers: Sequence[Layer], path: str) -> str:
    """Where on this machine the entry lies that is seen at an absolute path whose parents are no
    links; "" when there is none."""
    inside = path.strip("/")
    for layer in layers:
        place = f"{layer.files}/{inside}" if inside else layer.files
        if inside not in layer.removed and _kind(place):
            return place
        if inside and layer.hides(inside):
            return ""
    return ""


def resolve(layers: Sequence[Layer], path: str) -> str:
    """The absolute path with its links followed inside the tree. OSError when they lead round."""
    done: list[str] = []
    todo = [part for part in path.split("/") if part][::-1]
    links = 0
    while todo:
        part = todo.pop()
        if part in ("", "."):
            continue
        if part == "..":
            del done[-1:]
            continue
        place = find(layers, "/".join([*done, part]))
        if not place or not os.path.islink(place):
            done.append(part)
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OSError(f"too many symbolic links in {path}")
        target = os.readlink(place)
        if target.startswith("/"):
            done.clear()
        todo.extend(target.split("/")[::-1])
    return "/" + "/".join(done)


def read(layers: Sequence[Layer], path: str, most: int = 1 << 20) -> str:
    """The text of a regular file in the tree; "" when there is none. Only its beginning when it
    is longer than `most` bytes."""
    place = find(layers, resolve(layers, path))
    if not place or _kind(place) != "f":
        return ""
    with open(place, errors="replace") as file:
        return file.read(most)


def copy(layers: Sequence[Layer], directory: str) -> None:
    """Make `directory`, which is empty, a copy of the tree. Blocks are shared where the file
    system can do that."""
    for layer in reversed(layers):
        for each in layer.opaque:
            for name in _entries(f"{directory}/{each}"):
                _drop(f"{directory}/{each}/{name}")
        for each in layer.removed:
            _drop(f"{directory}/{each}")
        _copy_directory(layer.files, directory)


def _copy_directory(source: str, target: str) -> None:
    for entry in os.scandir(source):
        path = f"{target}/{entry.name}"
        kind = _kind(entry.path)
        if kind == "":
            continue
        if kind != "d" or _kind(path) != "d":
            _drop(path)
        if kind == "d":
            if not os.path.isdir(path):
                os.mkdir(path)
            _copy_directory(entry.path, path)
        elif kind == "l":
            os.symlink(os.readlink(entry.path), path)
        elif kind == "p":
            os.mkfifo(path)
        else:
            _copy_file(entry.path, path)
        _like(entry.path, path)
    _like(source, target)


def _copy_file(source: str, target: str) -> None:
    with open(source, "rb") as old, open(target, "xb") as new:
        try:
            fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        except OSError:
            shutil.copyfileobj(old, new, 1 << 20)


def _like(source: str, target: str) -> None:
    found = os.lstat(source)
    with contextlib.suppress(PermissionError):
        os.chown(target, found.st_uid, found.st_gid, follow_symlinks=False)
    if not stat.S_ISLNK(found.st_mode):
        os.chmod(target, stat.S_IMODE(found.st_mode))
        os.utime(target, (found.st_mtime, found.st_mtime))


def _kind(path: str) -> str:
    """d, f, l, p; "" for nothing, and for a mark of overlayfs."""
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return ""
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        return ""
    for letter, test in (("d", stat.S_ISDIR), ("l", stat.S_ISLNK), ("p", stat.S_ISFIFO)):
        if test(mode):
            return letter
    return "f"


def _entries(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _drop(path: str) -> None:
    if _kind(path) == "d":
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
