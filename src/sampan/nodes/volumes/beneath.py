"""A path inside a volume that a container may have filled with symbolic links.

Each part is opened relative to its parent without following links; a link is followed by hand and
must stay inside. Upstream: kubernetes pkg/volume/util/subpath.
"""

from __future__ import annotations

import os
import stat

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | getattr(os, "O_PATH", 0)
_MOST_LINKS = 40


class Escape(Exception):
    """The path leads out of the volume, or nowhere."""


def resolve(root: str, path: str, *, create: bool) -> str:
    """The path on this machine, free of links, of `path` inside the directory `root`. With
    `create`, directories that are missing are made. Escape when it leaves `root`."""
    if path.startswith("/") or ".." in path.split("/"):
        raise Escape(f'"{path}" must be a relative path without ".."')
    walk = _Walk(root, create=create)
    try:
        return walk.follow(path)
    except OSError as error:
        raise Escape(f'"{path}": {error.strerror}') from error
    finally:
        walk.close()


class _Walk:
    def __init__(self, root: str, *, create: bool) -> None:
        self._names = [os.path.realpath(root)]
        self._fds = [os.open(self._names[0], os.O_RDONLY | os.O_DIRECTORY)]
        self._create = create
        self._links = 0

    def follow(self, path: str) -> str:
        todo = path.split("/")[::-1]
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                self._up(path)
                continue
            target = self._enter(part)
            if target is not None:
                self._count(path, target)
                todo.extend(target.split("/")[::-1])
        return "/".join(self._names)

    def close(self) -> None:
        for fd in self._fds:
            os.close(fd)

    def _enter(self, part: str) -> str | None:
        """Step into a part, or answer where the link leads that it is."""
        try:
            fd = os.open(part, _OPEN, dir_fd=self._fds[-1])
        except FileNotFoundError:
            if not self._create:
                raise
            os.mkdir(part, 0o777, dir_fd=self._fds[-1])
            os.chmod(part, 0o777, dir_fd=self._fds[-1])
            fd = os.open(part, _OPEN, dir_fd=self._fds[-1])
        if stat.S_ISLNK(os.fstat(fd).st_mode):
            os.close(fd)
            return os.readlink(part, dir_fd=self._fds[-1])
        self._names.append(part)
        self._fds.append(fd)
        return None

    def _up(self, path: str) -> None:
        if len(self._names) == 1:
            raise Escape(f'"{path}" leads out of the volume')
        self._names.pop()
        os.close(self._fds.pop())

    def _count(self, path: str, target: str) -> None:
        self._links += 1
        if target.startswith("/"):
            raise Escape(f'"{path}" leads out of the volume by a symbolic link to "{target}"')
        if self._links > _MOST_LINKS:
            raise Escape(f'"{path}" has too many symbolic links')
