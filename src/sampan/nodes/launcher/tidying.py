"""A directory that a program has left, made what a store can have: files and directories alone.

A link to a file becomes that file, as the program saw it; one that leads nowhere, sockets and pipes
are left out. A link to a directory is a mistake, as it is upstream, where files are uploaded one by
one. Nobody writes to the directory any more.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from sampan.artifacts import Fault, trees
from sampan.nodes.executor.view import View

_READABLE, _USABLE = 0o400, 0o700


def tidy(source: str, view: Callable[[], View], path: str) -> None:
    """`source` is where the file or directory lies that the program saw at `path`; `view` is asked
    for what else it saw. OSError, Fault."""
    status = os.lstat(source)
    if not stat.S_ISDIR(status.st_mode):
        _make(source, status.st_mode, _READABLE)
        return
    _make(source, status.st_mode, _USABLE)
    for directory, names, files in os.walk(source):
        inside = f"{path}{directory[len(source) :]}"
        if directory.count("/", len(source)) > trees.MOST_DEEP:
            raise Fault(f"{inside[:200]}…: more than {trees.MOST_DEEP} directories in one another")
        for name in names:
            _tidy_directory(f"{directory}/{name}", view, f"{inside}/{name}")
        for name in files:
            _tidy_file(f"{directory}/{name}", view, f"{inside}/{name}")


def _tidy_directory(source: str, view: Callable[[], View], path: str) -> None:
    """`os.walk` calls a link to a directory of this machine one, too."""
    mode = os.lstat(source).st_mode
    if stat.S_ISDIR(mode):
        _make(source, mode, _USABLE)
    else:
        _tidy_file(source, view, path)


def _tidy_file(source: str, view: Callable[[], View], path: str) -> None:
    mode = os.lstat(source).st_mode
    if stat.S_ISREG(mode):
        _make(source, mode, _READABLE)
    elif stat.S_ISLNK(mode):
        _replace(source, view, path)
    else:
        os.unlink(source)


def _replace(source: str, view: Callable[[], View], path: str) -> None:
    try:
        with view().pinned(path) as found:
            if os.path.isdir(found.path):
                raise Fault(f"{path} is a link to a directory")
            os.unlink(source)
            trees.copy(found.path, source)
    except OSError:
        if os.path.islink(source):
            os.unlink(source)


def _make(path: str, mode: int, least: int) -> None:
    """Readable for us; what runs as its owner when somebody starts it is not for others to have."""
    wanted = (mode & 0o777) | least
    if stat.S_IMODE(mode) != wanted:
        os.chmod(path, wanted)
