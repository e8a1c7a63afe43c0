"""The file that `sampan backup` writes: a tar of the parts of a home, and a list of what is in it.

    store/objects.db   the objects, as one consistent SQLite file
    records/*.db       the archive of workflows, runs of pipelines, metrics of trials: those of
                       them that are kept in the home
    keys/…             the CA and the key that signs tokens: with them all tokens stay valid
    config.yaml        if there is one
    volumes/…          the files of persistent volumes, only when they were asked for
    artifacts/…        what workflows have saved in the local repository, with them
    MANIFEST.json      last: version of this form, and path, size and SHA-256 of each file

A reader trusts nothing in it: it writes only below an empty directory of its own, takes plain
files, directories and (below volumes/ and artifacts/) symbolic links that no other entry goes
through, and uses nothing until every digest has been compared.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from sampan.kube.errors import UserMistake

FORM = 1
MANIFEST = "MANIFEST.json"
STORE = "store/objects.db"
RECORDS = "records"
FILES = ("volumes", "artifacts")
"""What belongs to pods."""
PARTS = ("store", RECORDS, "keys", "config.yaml", *FILES)
_MOST_MANIFEST = 1 << 28  # bytes: a million files
_PIECE = 1 << 20


class Writer:
    """Writes an archive. `skipped` are paths that are neither files, directories nor links."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._files: list[dict[str, Any]] = []
        self.skipped: list[str] = []

    def add_tree(self, path: Path, name: str) -> None:
        """A file, or a directory with everything below it."""
        try:
            kind = path.lstat().st_mode
        except FileNotFoundError:
            return  # gone since it was listed: programs go on meanwhile
        if stat.S_ISREG(kind):
            self._add_file(path, name)
        elif stat.S_ISLNK(kind):
            self._tar.add(path, name, recursive=False)
        elif stat.S_ISDIR(kind):
            self._tar.add(path, name, recursive=False)
            for entry in sorted(os.listdir(path)):
                self.add_tree(path / entry, f"{name}/{entry}")
        else:
            self.skipped.append(str(path))

    def finish(self, facts: dict[str, Any]) -> None:
        manifest = json.dumps({"form": FORM, **facts, "files": self._files}).encode()
        entry = tarfile.TarInfo(MANIFEST)
        entry.size, entry.mode = len(manifest), 0o600
        self._tar.addfile(entry, io.BytesIO(manifest))

    def _add_file(self, path: Path, name: str) -> None:
        with path.open("rb") as file:
            entry = self._tar.gettarinfo(arcname=name, fileobj=file)
            entry.type, entry.linkname = tarfile.REGTYPE, ""  # a hard link is a file of its own
            entry.size = os.fstat(file.fileno()).st_size
            reader = _Exactly(file, entry.size)
            self._tar.addfile(entry, reader)  # type: ignore[arg-type]  # it is only read from
        digest = reader.digest.hexdigest()
        self._files.append({"path": name, "size": entry.size, "sha256": digest})


class _Exactly:
    """So many bytes of a file that may grow or shrink under our hands."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size
        self.digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        wanted = min(size, self._left)
        data = self._file.read(wanted).ljust(wanted, b"\0")
        self._left -= wanted
        self.digest.update(data)
        return data


def unpack(path: Path, directory: Path) -> dict[str, Any]:
    """Take the archive apart below `directory`, which is empty; answers its manifest. UserMistake
    when it is no archive of ours, is damaged, or is up to no good."""
    try:
        with tarfile.open(path, "r:*") as tar:
            return _unpack(tar, directory)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UserMistake(f"{path} cannot be read: {error}") from error


def _unpack(tar: tarfile.TarFile, directory: Path) -> dict[str, Any]:
    digests: dict[str, tuple[int, str]] = {}
    links: dict[str, tarfile.TarInfo] = {}
    manifest: dict[str, Any] | None = None
    room = shutil.disk_usage(directory).free
    for entry in tar:
        if entry.name == MANIFEST and manifest is None:
            manifest = _manifest(tar, entry)
            continue
        _check(entry, links, digests)
        target = directory / entry.name
        if entry.isdir():
            target.mkdir(parents=True, exist_ok=True)
            _own(target, entry)
        elif entry.issym():
            links[entry.name] = entry
        else:
            room -= entry.size
            if room < 0:
                raise UserMistake(f"there is no room for {entry.name}: {entry.size} bytes")
            target.parent.mkdir(parents=True, exist_ok=True)
            digests[entry.name] = _write(tar, entry, target)
    if manifest is None:
        raise UserMistake("it has no MANIFEST.json: it is incomplete, or no backup of Sampan")
    _compare(manifest, digests)
    for name, entry in links.items():  # last, so that nothing can be written through one
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        os.symlink(entry.linkname, target)
    return manifest


def _check(
    entry: tarfile.TarInfo, links: dict[str, tarfile.TarInfo], seen: dict[str, tuple[int, str]]
) -> None:
    parts = entry.name.split("/")
    inside = parts[0] in PARTS and not any(part in ("", ".", "..") for part in parts)
    if not inside or "\0" in entry.name:
        raise UserMistake(f"it has an entry {entry.name!r}, which no backup has")
    if entry.name in seen or entry.name in links:
        raise UserMistake(f"it has {entry.name} twice")
    if any(above in links for above in _above(entry.name)):
        raise UserMistake(f"{entry.name} would be written through a symbolic link")
    plain = entry.isreg() or entry.isdir()
    if not plain and not (entry.issym() and parts[0] in FILES and len(parts) > 1):
        raise UserMistake(f"{entry.name} is neither a file nor a directory")


def _above(name: str) -> Iterator[str]:
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def _manifest(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> dict[str, Any]:
    if not entry.isreg() or entry.size > _MOST_MANIFEST:
        raise UserMistake("its MANIFEST.json is no list of files")
    source = tar.extractfile(entry)
    try:
        manifest: dict[str, Any] = json.loads(source.read() if source else b"")
        form = int(manifest["form"])
        manifest["files"] = list(manifest["files"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UserMistake(f"its MANIFEST.json is no list of files: {error}") from error
    if form > FORM:
        raise UserMistake(f"it was written by a newer Sampan (form {form}, this one knows {FORM})")
    return manifest


def _compare(manifest: dict[str, Any], digests: dict[str, tuple[int, str]]) -> None:
    try:
        listed = {each["path"]: (each["size"], each["sha256"]) for each in manifest["files"]}
    except (TypeError, KeyError) as error:
        raise UserMistake(f"its MANIFEST.json is no list of files: {error}") from error
    for name in sorted(listed.keys() ^ digests.keys()):
        where = "is missing" if name in listed else "is not in its list of files"
        raise UserMistake(f"it is damaged: {name} {where}")
    for name, found in digests.items():
        if listed[name] != found:
            raise UserMistake(f"it is damaged: {name} is not what was written")
    if STORE not in digests:
        raise UserMistake(f"it holds no {STORE}")


def _write(tar: tarfile.TarFile, entry: tarfile.TarInfo, target: Path) -> tuple[int, str]:
    source = tar.extractfile(entry)
    digest, size = hashlib.sha256(), 0
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(target, flags, 0o600), "wb") as file:
        while source and (piece := source.read(_PIECE)):
            file.write(piece)
            digest.update(piece)
            size += len(piece)
    _own(target, entry)
    return size, digest.hexdigest()


def _own(target: Path, entry: tarfile.TarInfo) -> None:
    """Mode and owner of what belongs to pods; everything else is the caller's alone."""
    if entry.name.split("/")[0] not in FILES:
        target.chmod(0o700 if entry.isdir() else 0o600)
        return
    if os.geteuid() == 0:
        os.chown(target, entry.uid, entry.gid)
    target.chmod(entry.mode & 0o1777)  # no set-user-id from an archive
