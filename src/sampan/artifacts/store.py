"""Artifacts: loaded, saved, opened, deleted, wherever they lie.

What lies in the local repository or in the manifest itself (`raw`) is handled here and now; what
comes from a server or out of an archive by a process of its own (`process`), which has the
libraries for it, bounded memory, and no more of the environment than it needs. So the program that
asks stays small and reads nothing hostile; it must be a thread that may wait.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from msgspec import Struct

from sampan.artifacts import trees
from sampan.artifacts.digests import Digest
from sampan.artifacts.faults import Fault, NotThere, Refused
from sampan.artifacts.forms import form, may_be_packed
from sampan.artifacts.helper import Helper
from sampan.artifacts.local import Repository
from sampan.artifacts.remote import Remote, Route
from sampan.kube import locations
from sampan.kube.locations import Location

Secrets = Callable[[str, str], bytes]
"""(name of a Secret, key in it) -> its value. KeyError, or a Fault of its own, for none."""


class Opened(Struct, frozen=True):
    """An object to be sent somewhere. name: what a person would call the file."""

    file: IO[bytes]
    size: int
    content_type: str
    name: str


class Artifacts:
    """`root` is the local repository's directory. `route` knows the ways to servers that only pods
    can reach (see `remote`). `namespace` is the one for which an artifact is moved: its buckets of
    the local repository, its names of servers."""

    def __init__(self, root: Path, route: Route | None = None) -> None:
        self._root = root
        self._helper = Helper(root)
        self._remote = Remote(self._helper, route)

    def sweep(self) -> None:
        """Remove what a program that crashed has left half done. Nobody else runs here yet."""
        self._helper.sweep()

    def close(self) -> None:
        """Nothing is moved from now on; what goes on ends with a Fault."""
        self._helper.close()

    def load(self, artifact: Location, target: Path, secrets: Secrets, *, namespace: str) -> None:
        """Put the artifact, unpacked as its `archive` says and with its `mode`, at `target`, which
        appears in one step; parents are made. A file there is replaced. Fault."""
        with _said(), trees.beside(target) as made:
            if locations.kind_of(artifact) == "raw":
                _write(made, artifact)
            elif self._is_local(artifact, namespace):
                self._local(namespace).load(artifact, made, form(artifact))
            else:
                self._remote.load(artifact, made, secrets, namespace)
            _set_mode(made, artifact)
            trees.put(made, str(target))

    def save(
        self,
        artifact: Location,
        source: Path,
        secrets: Secrets,
        *,
        namespace: str,
        consume: bool = False,
    ) -> None:
        """Keep the file or directory at `source`, which is no link. With `consume`, nobody will
        write to it any more, so that nothing has to be copied. NotThere when it does not exist;
        Fault."""
        with _said():
            mode = _mode(source)
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise Fault(f"{source} is not a regular file or directory")
            if locations.kind_of(artifact) == "raw":
                raise Fault("raw output artifacts unsupported")
            if self._is_local(artifact, namespace):
                self._local(namespace).save(artifact, str(source), form(artifact), consume=consume)
            else:
                self._remote.save(artifact, source, secrets, namespace)

    def pack(self, artifact: Location, source: Path, target: Path) -> None:
        """Make of a file or directory what is to be stored elsewhere: an archive, unless it is to
        be none. `target` must be free. NotThere, Fault."""
        with _said():
            wanted = form(artifact)
            _mode(source)
            if wanted.archive == "none":
                trees.copy(str(source), str(target))
            else:
                self._helper.ask("pack", str(target), wanted, source=str(source))

    def place(self, artifact: Location, source: Path, target: Path) -> None:
        """Put what somebody else has fetched at `target`, as `load` does; where the artifact has no
        mode, everybody may read and write the file."""
        with _said(), trees.beside(target) as made:
            mode = _mode(source)
            if stat.S_ISREG(mode) and may_be_packed(str(source), form(artifact)):
                self._helper.ask("unpack", made, form(artifact), source=str(source))
            elif stat.S_ISREG(mode) or stat.S_ISDIR(mode):
                trees.copy(str(source), made)
            else:
                raise Fault(f"{source} is not a regular file or directory")
            _set_mode(made, artifact)
            if artifact.get("mode") is None and stat.S_ISREG(os.lstat(made).st_mode):
                trees.set_mode(made, 0o666, recurse=False)
            trees.put(made, str(target))

    def open(self, artifact: Location, secrets: Secrets, *, namespace: str) -> Opened:
        """The object as it lies there, an archive as an archive. The caller closes it. NotThere,
        also for a directory of objects; Fault."""
        with _said():
            file: IO[bytes]
            if self._is_local(artifact, namespace):
                file, content_type = self._local(namespace).open(artifact, form(artifact))
            elif locations.kind_of(artifact) == "raw":
                file, content_type = io.BytesIO(_text(artifact)), "text/plain"
            else:
                file, content_type = self._remote.open(artifact, secrets, namespace)
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            return Opened(file, size, content_type, _name(artifact))

    def keys(self, artifact: Location, secrets: Secrets, *, namespace: str) -> list[str]:
        """The keys of the objects at and below the artifact's key, in order. Fault."""
        with _said():
            if self._is_local(artifact, namespace):
                return self._local(namespace).keys(artifact)
            return self._remote.keys(artifact, secrets, namespace)

    def exists(self, artifact: Location, secrets: Secrets, *, namespace: str) -> bool:
        """Whether there is an object, or a directory of objects. Fault when that is not known."""
        with _said():
            if self._is_local(artifact, namespace):
                return self._local(namespace).exists(artifact)
            return bool(self._remote.keys(artifact, secrets, namespace))

    def path_of(self, artifact: Location, *, namespace: str) -> Path | None:
        """The file or directory of the local repository as it lies there, which nobody may write
        to; None where there is none like that, and it has to be loaded. NotThere, Fault."""
        with _said():
            if not self._is_local(artifact, namespace):
                return None
            found = self._local(namespace).path_of(artifact)
            return Path(found) if found else None

    def file_of(self, artifact: Location, *, namespace: str) -> Path | None:
        """As `path_of`, of a file alone and at once; None also for what is not there."""
        if not locations.is_local(artifact):
            return None
        with _said():
            found = self._local(namespace).file_of(artifact)
            return Path(found) if found else None

    def digest(self, artifact: Location, secrets: Secrets, *, namespace: str) -> Digest:
        """Of the content where it lies here (`sha256:…`), else what its server calls it
        (`etag:…`). NotThere, Fault."""
        with _said():
            if self._is_local(artifact, namespace):
                return self._local(namespace).digest(artifact)
            return self._remote.digest(artifact, secrets, namespace)

    def _is_local(self, artifact: Location, namespace: str) -> bool:
        """Also by another name, which a Service of the namespace gives the local repository."""
        if locations.kind_of(artifact) != "s3" or locations.is_local(artifact):
            return locations.is_local(artifact)
        return self._remote.way(artifact, namespace) == locations.LOCAL_ENDPOINT

    def _local(self, namespace: str) -> Repository:
        return Repository(self._root, namespace, self._helper)

    def delete(self, artifact: Location, secrets: Secrets, *, namespace: str) -> None:
        """A key that ends in "/" is all that is below it; what is not there is no fault. Fault."""
        with _said():
            if locations.kind_of(artifact) == "raw":
                raise Fault("delete not supported for raw artifacts")
            if self._is_local(artifact, namespace):
                self._local(namespace).delete(artifact)
            else:
                self._remote.delete(artifact, secrets, namespace)


def _set_mode(made: str, artifact: Location) -> None:
    """Where the artifact says one."""
    if artifact.get("mode") is not None:
        mode = int(artifact["mode"])
        trees.set_mode(made, mode, recurse=bool(artifact.get("recurseMode")))


def _text(artifact: Location) -> bytes:
    """What the manifest itself says."""
    return str(artifact["raw"].get("data") or "").encode()


def _write(target: str, artifact: Location) -> None:
    if form(artifact).archive not in ("", "none"):
        raise Fault("text in a manifest is no archive")
    Path(target).write_bytes(_text(artifact))


def _mode(path: Path) -> int:
    try:
        return os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotThere(f"{path} no such file or directory") from error


def _name(artifact: Location) -> str:
    base = locations.key_of(artifact).rstrip("/").rpartition("/")[2]
    return base or str(artifact.get("name") or "artifact")


@contextlib.contextmanager
def _said() -> Iterator[None]:
    """What the operating system refuses, as a Fault."""
    try:
        yield
    except PermissionError as error:
        raise Refused(f"{error.filename}: {error.strerror}") from error
    except (OSError, shutil.Error, RecursionError, UnicodeError) as error:
        raise Fault(getattr(error, "strerror", None) or str(error)) from error
