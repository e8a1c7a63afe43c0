"""The repository that is part of this program: objects as files below $SAMPAN_HOME/artifacts.

    <namespace>/<bucket>/<key>             an object, kept as the file that was saved
    <namespace>/<bucket>/<key>/…           objects with a common prefix: a directory saved as it is
    <namespace>/<bucket>/<key>~tar/<name>  what was to be an archive, kept as the file or directory
    <namespace>/<bucket>/<key>~zip/<name>  it was made of: packed when somebody wants the archive

A bucket belongs to a namespace: workflows of the same name in two of them have nothing in common,
and neither can read what the other has saved.

So saving is a link and loading a copy, and a person can look at everything. Parts of keys that
end like a mark get a `~` more. Everything appears and disappears in one step; several may save and
load the same key at once. Other than S3, a key cannot be an object and a prefix both.

Nothing follows links: what a workflow has saved cannot make this process read another file. Those
that would lead out of a directory are not kept.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TypeVar

from sampan.artifacts import digests, trees
from sampan.artifacts.digests import Digest
from sampan.artifacts.faults import Fault, NotThere
from sampan.artifacts.forms import Form, may_be_packed, type_of, unpacks
from sampan.artifacts.helper import Helper
from sampan.artifacts.naming import MARKS, Kept, decoded, encoded, parts, plain
from sampan.kube.locations import Location, key_of

_TMP = ".tmp"
_AGAIN = 3  # times that others may get in between

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", 0)
_PROC = os.path.isdir("/proc/self/fd")

T = TypeVar("T")


class Repository:
    """The buckets of a namespace. `root` is the directory of all, made when it is first needed."""

    def __init__(self, root: Path, namespace: str, helper: Helper) -> None:
        self._root = root
        self._helper = helper
        self.own = os.path.join(root, plain(namespace, "namespace"))

    def save(self, location: Location, source: str, form: Form, *, consume: bool) -> None:
        """Keep a file or directory. With `consume`, nobody will write to it any more."""
        path = self._path(location)
        take = trees.take if consume else trees.copy
        with self.draft() as draft:
            if form.archive == "none":
                take(source, draft)
                _drop_links_out(draft)
                _rename_like_marks(draft)
                with self._alone():
                    self._enter(draft, path)
                return
            os.mkdir(draft)
            take(source, os.path.join(draft, form.name or os.path.basename(source)))
            mark = dict(MARKS)[form.archive or "tar"]
            with self._alone():
                self._enter_archive(draft, path, mark)

    def put(self, location: Location, draft: str) -> None:
        """Give a finished file of ours its place. Fault."""
        with self._alone():
            self._enter(draft, self._path(location))

    def load(self, location: Location, target: str, form: Form) -> None:
        """`target` must be free. NotThere."""

        def once() -> None:
            trees.remove(target)
            self._load(location, target, form)

        self._steady(self._path(location), once)

    def open(self, location: Location, form: Form) -> tuple[IO[bytes], str]:
        """(file, its type) of an object; an archive is made now if it was to be one. NotThere."""
        return self._steady(self._path(location), lambda: self._open(location, form))

    def exists(self, location: Location) -> bool:
        """Whether there is an object, or a directory of objects."""
        try:
            with self.pinned(location) as path:
                return bool(self.kept(path)[0]) or _is_file(path) or _is_directory(path)
        except NotThere:
            return False

    def path_of(self, location: Location) -> str:
        """Where the file or directory lies that has to be read only; "" where what is seen there is
        not what was saved, so that it has to be loaded. NotThere."""
        with self.pinned(location) as path:
            if _is_file(path) or (_is_directory(path) and not _has_encoded(path)):
                return self._path(location)
            if self.kept(path)[0] or _is_directory(path):
                return ""
        raise NotThere(f"the local repository has no object {key_of(location)}")

    def file_of(self, location: Location) -> str:
        """As `path_of`, of a file alone; "" also for what is not there."""
        with contextlib.suppress(NotThere), self.pinned(location) as path:
            return self._path(location) if _is_file(path) else ""
        return ""

    def digest(self, location: Location) -> Digest:
        """Of the content. NotThere."""

        def once() -> Digest:
            with self.pinned(location) as path:
                inside = self.kept(path)[1]
                if not (inside or _is_file(path) or _is_directory(path)):
                    raise NotThere(f"the local repository has no object {key_of(location)}")
                return digests.of(inside or path, lambda name: decoded(name)[0])

        return self._steady(self._path(location), once)

    def _open(self, location: Location, form: Form) -> tuple[IO[bytes], str]:
        with self.pinned(location) as path:
            kept, inside = self.kept(path)
            if kept:
                with self.draft() as draft:
                    self._pack(inside, draft, Form(kept, form.level))
                    return open(draft, "rb"), type_of({"tar": "x.tgz", "zip": "x.zip"}[kept])
            return _opened(path, location), type_of(path)

    def keys(self, location: Location) -> list[str]:
        """The keys of the objects at and below a key, in order; [] for none. An empty key is the
        whole bucket."""
        name = key_of(location).strip("/")
        if not name:
            bucket = self._bucket(location)
            return sorted(_objects(bucket, "")) if os.path.isdir(bucket) else []
        try:
            with self.pinned(location) as path:
                name = "/".join(parts(name))
                if _is_directory(path):
                    return sorted(_objects(path, name))
                return [name] if self.kept(path)[0] or _is_file(path) else []
        except NotThere:
            return []

    def delete(self, location: Location) -> None:
        """Of a key that ends in "/", all that is below it. What is not there is deleted already."""
        path = self._path(location)
        with self._alone():
            if not self._is_reached(os.path.dirname(path)):
                return
            for _, mark in MARKS:
                self._discard(path + mark)
            if key_of(location).endswith("/") or not _is_directory(path):
                self._discard(path)
            self._prune(os.path.dirname(path))

    # -- where ------------------------------------------------------------------------------------
    def _path(self, location: Location) -> str:
        return os.path.join(self._bucket(location), *map(encoded, parts(key_of(location))))

    @contextlib.contextmanager
    def pinned(self, location: Location) -> Iterator[str]:
        """A path to the object that leads through no link, whatever happens meanwhile. The object
        may be a link itself. NotThere when the directory that it would be in is not there."""
        bucket, names = self._bucket(location), parts(key_of(location))
        try:
            directory = os.open(bucket, _DIRECTORY)
        except OSError as error:
            raise NotThere(f"the local repository has no object {key_of(location)}") from error
        try:
            for part in names[:-1]:
                parent, directory = directory, _entered(directory, encoded(part), location)
                os.close(parent)
            base = f"/proc/self/fd/{directory}" if _PROC else os.path.dirname(self._path(location))
            yield os.path.join(base, encoded(names[-1]))
        finally:
            os.close(directory)

    def _is_reached(self, directory: str) -> bool:
        """Whether a directory is there, and no part of its path a link: true as long as nobody else
        changes anything."""
        while directory != self.own:
            if not _is_directory(directory):
                return False
            directory = os.path.dirname(directory)
        return True

    def _bucket(self, location: Location) -> str:
        bucket = plain(str(location["s3"].get("bucket") or ""), "bucket")
        return os.path.join(self.own, bucket)

    def kept(self, path: str) -> tuple[Kept, str]:
        """Which archive it was to be, and what it is made of; ("", "") for another object."""
        for kind, mark in MARKS:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                for name in os.listdir(path + mark):
                    return kind, os.path.join(path + mark, name)
        return "", ""

    def tmp(self) -> str:
        """The directory of what is being made."""
        path = os.path.join(self._root, _TMP)
        os.makedirs(path, 0o700, exist_ok=True)
        return path

    @contextlib.contextmanager
    def draft(self) -> Iterator[str]:
        """A free name on the repository's disk; what is there in the end is removed."""
        path = os.path.join(self.tmp(), os.urandom(12).hex())
        try:
            yield path
        finally:
            trees.remove(path)

    # -- how --------------------------------------------------------------------------------------
    def _enter(self, draft: str, path: str) -> None:
        self._make_parents(path)
        if not _is_directory(path):
            self._replace(draft, path)
        elif _is_directory(draft):  # objects of one prefix come beside those that have it already
            for name in list(trees.files(draft)):
                self._enter(os.path.join(draft, name), os.path.join(path, name))
        else:
            raise Fault(f"{os.path.basename(path)} is a directory of objects here, and cannot be "
                        "an object as well")  # fmt: skip
        for _, mark in MARKS:
            self._discard(path + mark)

    def _enter_archive(self, draft: str, path: str, mark: str) -> None:
        self._make_parents(path)
        self._replace(draft, path + mark)
        others = [path + other for _, other in MARKS if other != mark]
        for other in others if _is_directory(path) else [path, *others]:
            self._discard(other)

    def _make_parents(self, path: str) -> None:
        directory = os.path.dirname(path)
        try:
            os.makedirs(directory, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise Fault(
                f"{error.filename} is an object here, and no directory of objects"
            ) from error
        if not self._is_reached(directory):
            raise Fault("a link is in the way: the key leads out of the repository")

    def _replace(self, draft: str, path: str) -> None:
        if _is_directory(draft):
            self._discard(path)
        os.rename(draft, path)

    def _discard(self, path: str) -> None:
        """In one step, whatever it is."""
        with self.draft() as old, contextlib.suppress(FileNotFoundError):
            os.rename(path, old)

    def _load(self, location: Location, target: str, form: Form) -> None:
        with self.pinned(location) as path:
            self._load_from(path, location, target, form)

    def _load_from(self, path: str, location: Location, target: str, form: Form) -> None:
        kept, inside = self.kept(path)
        if kept and unpacks(form, kept):
            trees.copy(inside, target)
        elif kept:
            self._pack(inside, target, Form(kept, form.level))
        elif _is_directory(path):
            if form.archive not in ("", "none"):
                raise Fault(f"{key_of(location)} is a directory, no {form.archive} archive")
            self._load_all(path, target)
        else:
            _opened(path, location).close()
            if may_be_packed(path, form):
                self._helper.ask("unpack", target, form, source=_elsewhere(path))
            else:
                trees.copy(path, target)

    def _pack(self, source: str, target: str, form: Form) -> None:
        self._helper.ask("pack", target, form, source=_elsewhere(source))

    def _load_all(self, path: str, target: str) -> None:
        """A prefix: each object below it under the rest of its key."""
        os.mkdir(target, 0o755)
        with os.scandir(path) as entries:
            for entry in entries:
                name, kept = decoded(entry.name)
                to = os.path.join(target, name)
                if kept:
                    self._pack(self.kept(os.path.join(path, encoded(name)))[1], to, Form(kept))
                elif entry.is_dir(follow_symlinks=False):
                    self._load_all(entry.path, to)
                else:
                    trees.copy(entry.path, to)

    def _steady(self, path: str, read: Callable[[], T]) -> T:
        """What is read of an object that was not replaced meanwhile. Reading needs no lock, unless
        others come in between all the time."""
        for _ in range(_AGAIN):
            before = _identity(path)
            with contextlib.suppress(OSError, NotThere):
                found = read()
                if _identity(path) == before:
                    return found
        with self._alone():
            return read()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else, in whatever process, changes what there is."""
        with open(os.path.join(self.tmp(), "lock"), "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _prune(self, directory: str) -> None:
        """Directories that are empty now, up to the bucket."""
        with contextlib.suppress(OSError):
            while os.path.dirname(directory) != self.own:
                os.rmdir(directory)
                directory = os.path.dirname(directory)


def _identity(path: str) -> list[tuple[int, int] | None]:
    """Changes when the object is replaced."""
    return [_inode(path + mark) for mark in ("", *(mark for _, mark in MARKS))]


def _inode(path: str) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        status = os.lstat(path)
        return status.st_ino, status.st_ctime_ns
    return None


def _entered(directory: int, name: str, location: Location) -> int:
    try:
        return os.open(name, _DIRECTORY, dir_fd=directory)
    except OSError as error:
        raise NotThere(f"the local repository has no object {key_of(location)}") from error


def _elsewhere(path: str) -> str:
    """The same as another process finds it, as long as this one has it open."""
    return path.replace("/proc/self/", f"/proc/{os.getpid()}/", 1)


def _is_directory(path: str) -> bool:
    """And no link to one."""
    with contextlib.suppress(OSError):
        return stat.S_ISDIR(os.lstat(path).st_mode)
    return False


def _is_file(path: str) -> bool:
    with contextlib.suppress(OSError):
        return stat.S_ISREG(os.lstat(path).st_mode)
    return False


def _objects(directory: str, prefix: str) -> Iterator[str]:
    with os.scandir(directory) as entries:
        for entry in entries:
            name, kept = decoded(entry.name)
            if kept or entry.is_file(follow_symlinks=False):
                yield f"{prefix}/{name}".removeprefix("/")
            elif entry.is_dir(follow_symlinks=False):
                yield from _objects(entry.path, f"{prefix}/{name}".removeprefix("/"))


def _has_encoded(directory: str) -> bool:
    return any(
        name.endswith("~") or decoded(name)[1]
        for _, names, files in os.walk(directory)
        for name in (*names, *files)
    )


def _opened(path: str, location: Location) -> IO[bytes]:
    """A file and nothing else. NotThere."""
    try:
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    except OSError as error:
        raise NotThere(f"the local repository has no object {key_of(location)}") from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise NotThere(f"{key_of(location)} is no file")
    return file


def _drop_links_out(root: str) -> None:
    """Links that lead out of the directory that is saved: whoever shows it to a program by mounting
    it relies upon that there are none."""
    real = os.path.realpath(root)
    for directory, names, files in os.walk(root):
        for name in (*names, *files):
            path = os.path.join(directory, name)
            if os.path.islink(path) and not os.path.realpath(path).startswith(f"{real}/"):
                os.unlink(path)


def _rename_like_marks(root: str) -> None:
    """Names in a directory that becomes a prefix are parts of keys."""
    for directory, names, files in os.walk(root, topdown=False):
        for name in (*names, *files):
            if encoded(name) != name:
                os.rename(os.path.join(directory, name), os.path.join(directory, encoded(name)))
