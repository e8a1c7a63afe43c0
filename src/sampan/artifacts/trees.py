"""Files and directories as artifacts: copied, taken over, given modes; links are never followed.

A copy shares its blocks with the original where the file system can do that (btrfs, XFS), and is an
inode of its own everywhere: who writes into a copy changes nothing else. Sockets, pipes and devices
are left out, as tar archives of Argo lose them too.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from sampan.artifacts.faults import Fault

_PIECE = 1 << 20
MOST_DEEP = 200
"""Directories in one another; a tree that is deeper was made to be."""


def copy(source: str, target: str) -> None:
    """A file, directory or link, to a name that is free. OSError; Fault for a tree too deep."""
    _copy(source, target, MOST_DEEP, link=False)


def take(source: str, target: str) -> None:
    """As copy, of what nobody will write to any more: files get a second name where that can be.
    The source stays, so that a crash in the middle loses nothing."""
    _copy(source, target, MOST_DEEP, link=True)


def move(source: str, target: str) -> None:
    """As copy, of what is ours alone; the source may be gone afterwards."""
    try:
        os.rename(source, target)
    except OSError:  # another disk
        copy(source, target)


def put(made: str, target: str) -> None:
    """Give what lies at `made` its final name in one step; an old file or link there is replaced,
    a directory only when it is empty. OSError."""
    if not stat.S_ISDIR(os.lstat(made).st_mode):
        with contextlib.suppress(OSError):
            os.rmdir(target)
    os.replace(made, target)


def remove(path: str) -> None:
    """Whatever it is, if it is there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        try:
            _let_remove(path)
            shutil.rmtree(path, ignore_errors=True)
        except RecursionError:  # made to be that deep
            subprocess.run(["rm", "-rf", "--", path], check=False, stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def beside(target: Path) -> Iterator[str]:
    """A free name in the same directory, which is made; nothing stays there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    name = str(target.parent / f".{target.name[:100]}.{os.urandom(6).hex()}")
    try:
        yield name
    finally:
        remove(name)


def set_mode(path: str, mode: int, *, recurse: bool) -> None:
    """Of a file or directory, and of all below it. Upstream: executor.go chmod."""
    for each in _all(path) if recurse else (path,):
        if not os.path.islink(each):
            os.chmod(each, mode & 0o7777)


def files(root: str) -> Iterator[str]:
    """The paths of the regular files below a directory, relative to it, in order."""
    for directory, names, found in os.walk(root):
        names.sort()
        for name in sorted(found):
            path = os.path.join(directory, name)
            if stat.S_ISREG(os.lstat(path).st_mode):
                yield os.path.relpath(path, root)


def _all(path: str) -> Iterator[str]:
    """What is inside comes first: a directory's new mode may lock us out."""
    if os.path.isdir(path) and not os.path.islink(path):
        for directory, names, found in os.walk(path, topdown=False):
            yield from (os.path.join(directory, name) for name in (*names, *found))
    yield path


def _copy(source: str, target: str, deep: int, *, link: bool) -> None:
    status = os.lstat(source)
    if stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(source), target)
    elif stat.S_ISREG(status.st_mode):
        if not (link and _linked(source, target, status)):
            _file(source, target, status)
    elif stat.S_ISDIR(status.st_mode):
        if not deep:
            raise Fault(f"{source[:200]}…: more than {MOST_DEEP} directories in one another")
        os.mkdir(target, 0o700)
        with os.scandir(source) as entries:
            for entry in entries:
                _copy(entry.path, f"{target}/{entry.name}", deep - 1, link=link)
        os.chmod(target, stat.S_IMODE(status.st_mode) | 0o700)
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _file(source: str, target: str, status: os.stat_result) -> None:
    """Set-user-id bits are not for others to have."""
    flags = os.O_RDONLY | os.O_NOFOLLOW
    with open(os.open(source, flags), "rb") as old, open(target, "xb") as new:
        if not _within_kernel(old.fileno(), new.fileno()):
            shutil.copyfileobj(old, new, _PIECE)
        new.flush()
        os.fchmod(new.fileno(), status.st_mode & 0o777)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _within_kernel(source: int, target: int) -> bool:
    """Blocks are shared if they can be. False when nothing has been copied."""
    copy_range: Callable[[int, int, int], int] | None = getattr(os, "copy_file_range", None)
    if copy_range is None:
        return False
    copied = 0
    try:
        while count := copy_range(source, target, 1 << 30):
            copied += count
    except OSError:
        if copied:
            raise
    return copied > 0


def _linked(source: str, target: str, status: os.stat_result) -> bool:
    """Give the file a second name. One that has several already could be written to by another."""
    if status.st_nlink > 1:
        return False
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another disk, or somebody else's file
        return False
    return True


def _let_remove(path: str) -> None:
    """Directories that their owner may not write to can be removed only after that is changed."""
    for directory, names, _ in os.walk(path):
        for name in ("", *names):
            with contextlib.suppress(OSError):
                os.chmod(os.path.join(directory, name), 0o700, follow_symlinks=False)
