"""Archives to files and directories. Whoever made an archive is not trusted.

What is at its top, if that is one entry, becomes the target; several become a directory. No name,
link or order of entries leads to a file outside: every parent is looked at as it really is before
anything is written in it, and links that lead out are refused. Devices and pipes are left out,
set-user-id bits dropped. Size, number of entries and ratio of compression are bounded while it is
written. Upstream: workflow/executor/executor.go (untar, unzip, unpack); hard links are added.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, cast

from msgspec import Struct

from sampan.artifacts import trees
from sampan.artifacts.faults import Fault

_PIECE = 1 << 18
_KEEP_FREE = 1 << 30
_BROKEN = (
    tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, ValueError,
    OverflowError, NotImplementedError, RuntimeError,
)  # fmt: skip


class Limits(Struct, frozen=True):
    """size: bytes of one artifact, unpacked. entries: files, directories and links.
    ratio: unpacked to compressed, looked at from `small` bytes on; gzip reaches 1032."""

    size: int = 256 << 30
    entries: int = 2_000_000
    ratio: int = 200
    small: int = 1 << 30


def is_tar(path: str) -> bool:
    """Whether the file is a tar compressed by gzip, as far as its first entry tells."""
    try:
        with gzip.open(path) as file, tarfile.open(fileobj=file, mode="r|") as archive:
            return archive.next() is not None
    except (OSError, *_BROKEN):
        return False


def untar(path: str, target: str, limits: Limits | None = None) -> None:
    """`target` must be free. Fault."""
    with _room(path, target, limits or Limits()) as room, _plain(path) as file:
        with tarfile.open(fileobj=file, mode="r|") as archive:
            while (member := archive.next()) is not None:
                room.member(member, archive)
                archive.members.clear()  # type: ignore[attr-defined]  # it would keep them all
        room.done(target)


def unzip(path: str, target: str, limits: Limits | None = None) -> None:
    """`target` must be free. Fault."""
    with _room(path, target, limits or Limits()) as room, zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            room.entry(info, archive)
        room.done(target)


@contextlib.contextmanager
def _room(path: str, target: str, limits: Limits) -> Iterator[_Room]:
    directory = target + ".unpacked"
    try:
        os.mkdir(directory, 0o755)
        yield _Room(os.path.realpath(directory), _budget(path, directory, limits), limits.entries)
    except _BROKEN as error:
        raise Fault(f"the archive cannot be read: {error}") from error
    except OSError as error:
        raise Fault(f"the archive cannot be unpacked: {error.strerror or error}") from error
    finally:
        trees.remove(directory)


def _budget(path: str, directory: str, limits: Limits) -> int:
    free = max(0, shutil.disk_usage(directory).free - _KEEP_FREE)
    return min(limits.size, free, max(limits.small, os.path.getsize(path) * limits.ratio))


def _plain(path: str) -> IO[bytes]:
    """Upstream asks for gzip; a tar that is not compressed is read as well."""
    with open(path, "rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path)) if compressed else open(path, "rb")


class _Room:
    """A directory that nobody else knows yet, and what may still be written into it."""

    def __init__(self, root: str, budget: int, entries: int) -> None:
        self._root = root
        self._budget = budget
        self._left = budget
        self._entries = entries
        self._count = 0
        self._real: dict[str, str] = {}  # parents already looked at; forgotten when links come
        self._modes: dict[str, int] = {}

    # -- tar --------------------------------------------------------------------------------------
    def member(self, member: tarfile.TarInfo, archive: tarfile.TarFile) -> None:
        place = self._place(member.name)
        if place is None:
            return
        if member.isdir():
            self._directory(place, member.mode)
        elif member.issym():
            self._link(place, member.name, member.linkname)
        elif member.islnk():
            self._same(place, member.name, member.linkname)
        elif member.isreg():
            source = archive.extractfile(member)
            assert source is not None
            self._file(place, source, member.mode, member.name)
            os.utime(place, (max(0.0, member.mtime), max(0.0, member.mtime)))

    # -- zip --------------------------------------------------------------------------------------
    def entry(self, info: zipfile.ZipInfo, archive: zipfile.ZipFile) -> None:
        place = self._place(info.filename)
        if place is None:
            return
        mode = info.external_attr >> 16
        if info.is_dir():
            self._directory(place, mode or 0o755)
            return
        with archive.open(info) as source:
            self._file(place, source, mode or 0o644, info.filename)

    # -- both -------------------------------------------------------------------------------------
    def done(self, target: str) -> None:
        """Directories get their modes last, for one that is read-only takes no entries."""
        for path, mode in sorted(self._modes.items(), reverse=True):
            os.chmod(path, (mode & 0o777) | 0o700)
        found = os.listdir(self._root)
        made = os.path.join(self._root, found[0]) if len(found) == 1 else self._root
        os.rename(made, target)

    def _place(self, name: str) -> str | None:
        """Where the entry goes, its parents made; None for the top itself."""
        self._count += 1
        if self._count > self._entries:
            raise Fault(f"the archive has more than {self._entries} entries")
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise Fault(f"illegal file path: {name[:200]}")
        if not parts:
            return None
        return f"{self._parent('/'.join(parts[:-1]), name)}/{parts[-1]}"

    def _parent(self, path: str, name: str) -> str:
        found = self._real.get(path)
        if found is None:
            wanted = os.path.join(self._root, path).rstrip("/")
            found = os.path.realpath(wanted)
            if found != self._root and not found.startswith(self._root + "/"):
                raise Fault(f"illegal file path after symlink resolution: {name[:200]}")
            os.makedirs(found, 0o755, exist_ok=True)
            self._real[path] = found
        return found

    def _directory(self, place: str, mode: int) -> None:
        if not _is_directory(place):
            os.mkdir(place, 0o755)
        self._modes[place] = mode

    def _file(self, place: str, source: IO[bytes], mode: int, name: str) -> None:
        """A later entry of the same name replaces a file or link, never a directory."""
        self._free(place, name)
        with open(place, "xb") as file:
            while piece := source.read(_PIECE):
                self._left -= len(piece)
                if self._left < 0:
                    raise Fault(
                        f"the archive unpacks to more than {self._budget} bytes "
                        f"(at {name[:200]!r}): it is too large for what it was compressed to, "
                        "or for this disk"
                    )
                file.write(piece)
            os.fchmod(file.fileno(), (mode & 0o777) | stat.S_IRUSR)

    def _link(self, place: str, name: str, to: str) -> None:
        real = os.path.realpath(os.path.join(os.path.dirname(place), to))
        if not real.startswith(self._root + "/") or os.path.isabs(to):
            raise Fault(f"illegal symlink target: {name[:200]} -> {to[:200]}")
        self._free(place, name)
        os.symlink(to, place)
        self._real.clear()

    def _same(self, place: str, name: str, to: str) -> None:
        """A second name of a file of the archive."""
        parts = [part for part in to.split("/") if part not in ("", ".")]
        if not parts or ".." in parts:
            raise Fault(f"illegal link target: {name[:200]} -> {to[:200]}")
        source = f"{self._parent('/'.join(parts[:-1]), name)}/{parts[-1]}"
        if source == place:
            return
        if not os.path.lexists(source) or _is_directory(source):
            raise Fault(f"illegal link target: {name[:200]} -> {to[:200]}, which it does not have")
        self._free(place, name)
        os.link(source, place, follow_symlinks=False)

    def _free(self, place: str, name: str) -> None:
        if _is_directory(place):
            raise Fault(f"the archive has {name[:200]!r} both as a directory and as something else")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(place)
            self._real.clear()


def _is_directory(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
