"""One layer's tar to a directory that overlayfs can stack on others; hostile tars end in PullError.

What is there when it is done: the files; overlay's own marks for what the layer removes (a device
0/0 for a file, an attribute for a directory's earlier contents), and the same facts in `Facts`, for
where there is no overlayfs. Names lead nowhere outside: `..` is refused, and the links of parents
are followed by hand inside the directory, which nobody else knows yet. Devices, file capabilities
and other attributes are left out, setuid and setgid bits are dropped: no container could use them.
Owners are kept only if asked for, which needs root (of a user namespace).

Size, number of entries, ratio of compression and free disk are bounded while it is written.
OCI image-spec layer.md; whiteouts are AUFS's names.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import tarfile
from typing import IO, Any

from msgspec import Struct

from sampan.nodes.images.oci.errors import PullError
from sampan.nodes.images.oci.tree import Facts
from sampan.nodes.sandbox import shadow

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_RESERVED = ".wh..wh."
OPAQUE_ATTRIBUTE = "user.overlay.opaque"
_PIECE = 1 << 18
_KEEP_FREE = 1 << 30
_LOOK = 1 << 26  # bytes after which the disk is looked at again, for other layers grow as well


class Limits(Struct, frozen=True):
    """size: bytes of one layer, unpacked. entries: files, directories and links.
    ratio: unpacked to compressed, looked at from `small` bytes on; gzip reaches 1032."""

    size: int = 64 << 30
    entries: int = 2_000_000
    ratio: int = 200
    small: int = 1 << 30


def unpack(
    tar: IO[bytes], directory: str, compressed: int, *, owners: bool, limits: Limits | None = None
) -> Facts:
    """Fill the empty directory from an uncompressed tar, read once from front to back.
    `compressed` is the size of what it was before."""
    limits = limits or Limits()
    try:
        with tarfile.open(fileobj=tar, mode="r|") as archive:
            layer = _Layer(directory, _budget(directory, compressed, limits), owners=owners)
            count = 0
            while (member := archive.next()) is not None:
                count += 1
                if count > limits.entries:
                    raise PullError(f"the layer has more than {limits.entries} entries")
                layer.add(member, archive)
                archive.members.clear()  # type: ignore[attr-defined]  # it would keep them all
            return layer.done()
    except (tarfile.TarError, EOFError, ValueError, OverflowError, MemoryError) as error:
        raise PullError(f"the layer is no readable tar: {error}") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise PullError("the disk is full") from error
        raise PullError(f"the layer cannot be unpacked: {error}") from error


def _budget(directory: str, compressed: int, limits: Limits) -> int:
    return min(limits.size, _free(directory), max(limits.small, compressed * limits.ratio))


def _free(directory: str) -> int:
    """Bytes of the disk that a layer may take."""
    return max(0, shutil.disk_usage(directory).free - _KEEP_FREE)


class _Layer:
    def __init__(self, root: str, budget: int, *, owners: bool) -> None:
        self._root = root
        self._budget = budget
        self._owners = owners
        self._written = 0
        self._removed: set[str] = set()
        self._opaque: set[str] = set()
        self._directories: dict[str, tuple[int, float]] = {}  # mode and time, set at the end
        self._parents: dict[str, str] = {}  # resolved, forgotten when links change

    def add(self, member: tarfile.TarInfo, archive: tarfile.TarFile) -> None:
        parts = [part for part in member.name.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise PullError(f"the layer has an entry {member.name[:200]!r}")
        if not parts:
            self._note(self._root, member)
            return
        parent = self._parent("/".join(parts[:-1]))
        name = parts[-1]
        if name.startswith(_WHITEOUT):
            self._remove(parent, name)
            return
        path = f"{parent}/{name}"
        if member.isdir():
            self._directory(path, member)
        elif member.isreg():
            self._file(path, member, archive)
        elif member.issym():
            self._link(path, member)
        elif member.islnk():
            self._hard_link(path, member)
        elif member.isfifo():
            self._clear(path)
            os.mkfifo(path, member.mode & 0o777)

    def done(self) -> Facts:
        """Directories get their modes last, for one that is read-only takes no entries. A mark
        in a directory that hides everything anyway would be listed as an entry."""
        for path in self._removed:
            parents = [path[:at] for at, letter in enumerate(path) if letter == "/"]
            if any(parent in self._opaque for parent in ("", *parents)):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(f"{self._root}/{path}")
        for path, (mode, time) in sorted(self._directories.items(), reverse=True):
            os.chmod(path, mode)
            os.utime(path, (time, time))
        return Facts(self._written, sorted(self._removed), sorted(self._opaque))

    # -- entries ----------------------------------------------------------------------------------
    def _directory(self, path: str, member: tarfile.TarInfo) -> None:
        self._make(path)
        self._note(path, member)

    def _note(self, path: str, member: tarfile.TarInfo) -> None:
        """A directory that its owner cannot enter could not be removed by us either."""
        if self._owners:
            os.chown(path, member.uid, member.gid, follow_symlinks=False)
        sticky = member.mode & (stat.S_ISVTX | stat.S_ISGID)
        mode = (member.mode & 0o777) | sticky | (0 if self._owners else 0o700)
        self._directories[path] = (mode, max(0.0, member.mtime))

    def _file(self, path: str, member: tarfile.TarInfo, archive: tarfile.TarFile) -> None:
        self._spend(member.size, member.name)
        self._clear(path)
        source = archive.extractfile(member)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            if source is not None:
                shutil.copyfileobj(source, file, _PIECE)
            if self._owners:
                os.fchown(descriptor, member.uid, member.gid)
            os.fchmod(descriptor, (member.mode & 0o777) | (0 if self._owners else 0o400))
            file.flush()
            os.utime(descriptor, (max(0.0, member.mtime), max(0.0, member.mtime)))

    def _link(self, path: str, member: tarfile.TarInfo) -> None:
        self._clear(path)
        os.symlink(member.linkname, path)
        self._parents.clear()
        if self._owners:
            os.chown(path, member.uid, member.gid, follow_symlinks=False)

    def _hard_link(self, path: str, member: tarfile.TarInfo) -> None:
        parts = [part for part in member.linkname.split("/") if part not in ("", ".")]
        if not parts or ".." in parts:
            raise PullError(f"the layer has a link to {member.linkname[:200]!r}")
        source = f"{self._resolved('/'.join(parts[:-1]))}/{parts[-1]}"
        if source == path:
            return
        if not os.path.lexists(source) or _is_directory(source):
            raise PullError(f"the layer links to {member.linkname[:200]!r}, which it does not have")
        self._clear(path)
        os.link(source, path, follow_symlinks=False)

    def _remove(self, parent: str, name: str) -> None:
        inside = parent[len(self._root) + 1 :]
        if name == _OPAQUE:
            self._cover(parent)
            return
        removed = name[len(_WHITEOUT) :]
        if name.startswith(_RESERVED):
            return  # AUFS's own files, which mean nothing here
        if removed in ("", ".", ".."):
            raise PullError(f"the layer removes {removed!r}")
        path = f"{parent}/{removed}"
        if os.path.lexists(path):  # it is the lower one that is removed; this layer has its own
            if _is_directory(path):
                self._cover(path)
            return
        self._removed.add(f"{inside}/{removed}".lstrip("/"))
        _try_whiteout(path)

    def _cover(self, directory: str) -> None:
        """Nothing of what lower layers have in it is seen."""
        self._opaque.add(directory[len(self._root) + 1 :])
        _try_mark_opaque(directory)

    # -- helpers ----------------------------------------------------------------------------------
    def _spend(self, size: int, name: str) -> None:
        before, self._written = self._written, self._written + size
        if size < 0 or self._written > self._budget:
            raise PullError(
                f"the layer unpacks to more than {self._budget} bytes (at {name[:200]!r}): "
                "it is too large for what it was compressed to, or for this disk"
            )
        if before // _LOOK != self._written // _LOOK and _free(self._root) < size:
            raise OSError(errno.ENOSPC, "several layers at once")

    def _parent(self, path: str) -> str:
        """The real directory of that name, with what is missing made."""
        found = self._parents.get(path)
        if found is None:
            found = self._resolved(path)
            self._make(found)
            self._parents[path] = found
        return found

    def _resolved(self, path: str) -> str:
        return self._root + shadow.resolve(self._root, path).rstrip("/")

    def _make(self, path: str) -> None:
        if _is_directory(path):
            return
        self._make(os.path.dirname(path))
        replaces = path[len(self._root) + 1 :] in self._removed
        self._clear(path)
        os.mkdir(path, 0o755)
        if replaces:
            self._cover(path)

    def _clear(self, path: str) -> None:
        """Nothing may be at `path`: a later entry replaces an earlier one."""
        with contextlib.suppress(FileNotFoundError):
            if _is_directory(path):
                shutil.rmtree(path)
                self._forget(path)
            else:
                os.unlink(path)
            self._parents.clear()
        self._removed.discard(path[len(self._root) + 1 :])

    def _forget(self, path: str) -> None:
        below = path + "/"
        inside = below[len(self._root) + 1 :]
        self._directories = {
            each: kept
            for each, kept in self._directories.items()
            if each != path and not each.startswith(below)
        }
        self._removed = {each for each in self._removed if not each.startswith(inside)}
        self._opaque = {each for each in self._opaque if not (each + "/").startswith(inside)}


def _is_directory(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _try_whiteout(path: str) -> None:
    """As overlayfs marks what is removed; anybody may make this one device since Linux 5.8."""
    with contextlib.suppress(OSError):
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(0, 0))


def _try_mark_opaque(path: str) -> None:
    setxattr: Any = getattr(os, "setxattr", None)
    if setxattr is not None:
        with contextlib.suppress(OSError):
            setxattr(path, OPAQUE_ATTRIBUTE, b"y")
