"""A container's files as the container sees them, found on this machine.

A path means what it means inside: mounts hide what is below them, links lead to places of the
container and not of the machine. Each part is opened relative to its parent without following
links, so that nothing that a program has left behind, or changes in a shared volume meanwhile,
leads anywhere else. The description is a value that survives a restart (`save`, `load`).
Not a way to write: where inputs go is known before a container starts.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from sampan.nodes.images.oci import tree
from sampan.nodes.images.oci.tree import Facts, Layer

_PATH = getattr(os, "O_PATH", 0)
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | _PATH
_MOST_LINKS = 40
_FILE = "view"
_OTHERS_MAY_READ = 0o004
_NOWHERE = -1  # instead of a descriptor: a directory that nothing of this machine stands for


class Place(Struct, frozen=True, array_like=True):
    """What is seen at `target` of the container lies at `source` of the machine; "" for what cannot
    be had from outside (memory, devices). `own`: made for the pod or written by it; the rest is the
    machine's, of which nobody gets more than everybody may read."""

    target: str
    source: str
    own: bool = True


class View(Struct, frozen=True):
    """Later places hide earlier ones; the one at "/" is the root. layers: `files` directories of an
    image below the root's own, the topmost first."""

    places: Sequence[Place] = ()
    layers: Sequence[str] = ()

    def save(self, directory: Path) -> None:
        (directory / _FILE).write_bytes(msgspec.json.encode(self))

    def read(self, path: str, most: int) -> bytes:
        """The content of a regular file, at most so many bytes. OSError."""
        with self._found(path) as found:
            found.check(path)
            if stat.S_ISDIR(found.mode):
                raise IsADirectoryError(21, "is a directory", path)
            with open(found.again(), "rb") as file:
                return file.read(most)

    def open(self, path: str) -> BinaryIO:
        """A regular file, to be read. OSError."""
        with self._found(path) as found:
            if not stat.S_ISREG(found.mode):
                raise OSError(22, "is not a regular file", path)
            found.check(path)
            return open(found.again(), "rb")

    def stack(self, path: str) -> list[Layer]:
        """The layers that the root at this path consists of, the topmost first; [] for a root that
        is one directory, and below a mount."""
        if not self.layers or any(
            f"{path}/".startswith(f"{place.target}/") for place in self.places
        ):
            return []
        root = next(place.source for place in self.places if place.target == "/")
        return [_Upper(root), *(_layer(files) for files in self.layers)]

    @contextmanager
    def pinned(self, path: str) -> Iterator[Pinned]:
        """The file or directory as long as this lasts, whatever happens to the directories above
        it. It is no link itself. OSError."""
        with self._found(path) as found:
            found.check(path)
            yield found.pinned()

    @contextmanager
    def _found(self, path: str) -> Iterator[_Found]:
        walk = _Walk(self)
        try:
            try:
                found = walk.follow(path)
            except OSError as error:
                raise _about(error, path) from None
            yield found
        finally:
            walk.close()


def load(directory: Path) -> View:
    """What `save` wrote; a view of nothing when there is none."""
    try:
        return msgspec.json.decode((directory / _FILE).read_bytes(), type=View)
    except FileNotFoundError:
        return View()


def _about(error: OSError, path: str) -> OSError:
    """The same of the whole path, in the words of other programs."""
    number = error.errno or 0
    return OSError(number, os.strerror(number).lower(), path)


class Pinned(Struct, frozen=True):
    """path: leads to it, while it is pinned. source: where it lay when it was found."""

    path: str
    source: str


class _Found:
    """Where a walk has come to. `name` is the last part below `parent`; "" where a mount begins."""

    def __init__(self, fd: int, parent: int, name: str, source: str, *, own: bool) -> None:
        self.fd, self._parent, self._name = fd, parent, name
        self._source, self._own = source, own
        self.mode = os.fstat(fd).st_mode

    def check(self, path: str) -> None:
        if not (stat.S_ISREG(self.mode) or stat.S_ISDIR(self.mode)):
            raise OSError(22, "is not a regular file or directory", path)
        if not self._own and (stat.S_ISDIR(self.mode) or not self.mode & _OTHERS_MAY_READ):
            raise PermissionError(13, "is this machine's, not the container's", path)

    def again(self) -> int:
        """A descriptor to read from."""
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(f"/proc/self/fd/{self.fd}", flags) if _PATH else os.dup(self.fd)

    def pinned(self) -> Pinned:
        if not _PATH or not self._name or self._parent < 0:
            return Pinned(self._source, self._source)
        return Pinned(f"/proc/{os.getpid()}/fd/{self._parent}/{self._name}", self._source)


class _Walk:
    def __init__(self, view: View) -> None:
        self._places = {place.target.rstrip("/") or "/": place for place in view.places}
        self._layers = [_layer(files) for files in view.layers]
        self._names: list[str] = []
        self._fds: list[int] = []
        self._sources: list[str] = []
        self._owners: list[bool] = []
        self._links = 0

    def follow(self, path: str) -> _Found:
        self._push("", *self._mounted(self._places.get("/") or Place("/", "")))
        todo = path.split("/")[::-1]
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                self._up()
                continue
            target = self._enter(part, path)
            if target is not None:
                self._links += 1
                if self._links > _MOST_LINKS:
                    raise OSError(40, "too many levels of symbolic links", path)
                if target.startswith("/"):
                    self._restart()
                todo.extend(target.split("/")[::-1])
        if self._fds[-1] == _NOWHERE:
            raise FileNotFoundError(2, "no such file or directory", path)
        mounted = self._here() in self._places or len(self._fds) < 2
        parent = -1 if mounted or self._layered() else self._fds[-2]
        own = self._owners[-1]
        return _Found(self._fds[-1], parent, self._names[-1], self._sources[-1], own=own)

    def close(self) -> None:
        for fd in self._fds:
            if fd != _NOWHERE:
                os.close(fd)
        self._fds.clear()

    def _mounted(self, place: Place) -> tuple[int, str, bool]:
        if not place.source:
            return _NOWHERE, "", True
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | _PATH
        return os.open(place.source, flags), place.source, place.own

    def _push(self, name: str, fd: int, source: str, own: bool) -> None:
        self._names.append(name)
        self._fds.append(fd)
        self._sources.append(source)
        self._owners.append(own)

    def _up(self) -> None:
        if len(self._fds) > 1:
            fd = self._fds.pop()
            if fd != _NOWHERE:
                os.close(fd)
            for each in (self._names, self._sources, self._owners):
                each.pop()

    def _restart(self) -> None:
        while len(self._fds) > 1:
            self._up()

    def _here(self, *more: str) -> str:
        return "/" + "/".join([*self._names[1:], *more])

    def _layered(self) -> bool:
        """Whether we stand in the root file system of an image."""
        names = self._names[1:]
        above = ("/" + "/".join(names[:n]) for n in range(1, len(names) + 1))
        return bool(self._layers) and not any(each in self._places for each in above)

    def _enter(self, part: str, path: str) -> str | None:
        """Step into a part, or answer where the link leads that it is."""
        here = self._here(part)
        place = self._places.get(here)
        if place is not None:
            self._push(part, *self._mounted(place))
            return None
        try:
            return self._enter_files(part, path)
        except FileNotFoundError:
            if not any(each.startswith(f"{here}/") for each in self._places):
                raise
        self._push(part, _NOWHERE, "", True)  # there only because something is mounted below it
        return None

    def _enter_files(self, part: str, path: str) -> str | None:
        if self._fds[-1] == _NOWHERE:
            raise FileNotFoundError(2, "no such file or directory", path)
        if self._layered():
            return self._enter_layers(part, path)
        fd = os.open(part, _OPEN, dir_fd=self._fds[-1])
        if stat.S_ISLNK(os.fstat(fd).st_mode):
            os.close(fd)
            return os.readlink(part, dir_fd=self._fds[-1])
        self._push(part, fd, f"{self._sources[-1]}/{part}", self._owners[-1])
        return None

    def _enter_layers(self, part: str, path: str) -> str | None:
        upper = _Upper(self._places["/"].source)
        found = tree.find([upper, *self._layers], self._here(part))
        if not found:
            raise FileNotFoundError(2, "no such file or directory", path)
        if os.path.islink(found):
            return os.readlink(found)
        self._push(part, os.open(found, _OPEN), found, True)
        return None


class _Upper(Layer):
    """What a container has written over its image: overlayfs keeps its marks in the files."""

    def __init__(self, files: str) -> None:
        super().__init__(files, Facts(0, [], []))

    def hides(self, path: str) -> bool:
        parts = path.split("/")
        places = [f"{self.files}/{'/'.join(parts[:n])}" for n in range(1, len(parts) + 1)]
        return any(_is_mark(each) for each in places) or super().hides(path)


def _is_mark(path: str) -> bool:
    """Whether overlayfs shows nothing of the layers below: removed here, or a new directory."""
    with suppress(OSError):
        found = os.lstat(path)
        if stat.S_ISCHR(found.st_mode) and found.st_rdev == 0:
            return True
        for name in ("user.overlay.opaque", "trusted.overlay.opaque"):
            with suppress(OSError):
                return os.getxattr(path, name, follow_symlinks=False) == b"y"
    return False


def _layer(files: str) -> Layer:
    facts = Path(files).parent / "facts.json"
    return Layer(files, msgspec.json.decode(facts.read_bytes(), type=Facts))
