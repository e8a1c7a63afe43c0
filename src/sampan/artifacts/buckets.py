"""The local repository, bucket by bucket and object by object, as an S3 server needs it.

What S3 knows of an object beyond its bytes (tag, type, metadata) is an attribute of its file, where
the file system has such; files that others have put there have a tag made of what the file system
says. Keys are listed in S3's order without walking more than is asked for.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from sampan.artifacts import trees
from sampan.artifacts.faults import Fault, NotThere
from sampan.artifacts.forms import Form, type_of
from sampan.artifacts.helper import Helper
from sampan.artifacts.local import Repository
from sampan.artifacts.naming import decoded, plain
from sampan.kube.locations import LOCAL_ENDPOINT, Location

_ATTRIBUTE = "user.sampan.s3"
_PACKED = Form("", None)


class NotEmpty(Fault):
    """The bucket has objects."""


class About(Struct, frozen=True):
    """What was said of an object when it came."""

    tag: str = ""
    type: str = ""
    metadata: dict[str, str] = {}


class Object(Struct, frozen=True):
    """`modified`: seconds since the epoch."""

    key: str
    size: int
    modified: float
    tag: str
    type: str = ""
    metadata: dict[str, str] = {}


class Page(Struct, frozen=True):
    """Objects and common prefixes, in order; `last` is where the next page goes on, "" at the
    end."""

    objects: list[Object]
    prefixes: list[str]
    last: str


class Buckets:
    """Those of a namespace. Everything may wait for the disk. NotThere, Fault."""

    def __init__(self, root: Path, namespace: str) -> None:
        self._repository = Repository(root, namespace, Helper(root))
        self.tmp = self._repository.tmp
        self.draft = self._repository.draft

    # -- buckets ----------------------------------------------------------------------------------
    def names(self) -> list[tuple[str, float]]:
        """(name, when it was made) of each bucket, in order."""
        with contextlib.suppress(FileNotFoundError), os.scandir(self._repository.own) as entries:
            found = [each for each in entries if each.is_dir(follow_symlinks=False)]
            return sorted((each.name, each.stat().st_ctime) for each in found)
        return []

    def has(self, bucket: str) -> bool:
        return os.path.isdir(self._path(bucket))

    def make(self, bucket: str) -> bool:
        """Whether it was not there before."""
        with contextlib.suppress(FileExistsError):
            os.makedirs(self._path(bucket))
            return True
        return False

    def remove(self, bucket: str) -> None:
        """NotEmpty, NotThere."""
        path = self._path(bucket)
        if not os.path.isdir(path):
            raise NotThere(bucket)
        if any(os.path.isfile(f"{directory}/{name}")
               for directory, _, files in os.walk(path) for name in files):  # fmt: skip
            raise NotEmpty(bucket)
        trees.remove(path)

    # -- objects ----------------------------------------------------------------------------------
    def about(self, bucket: str, key: str) -> Object:
        """NotThere."""
        file, found = self.open(bucket, key)
        file.close()
        return found

    def open(self, bucket: str, key: str) -> tuple[IO[bytes], Object]:
        """The caller closes it. An archive is made now if it was to be one. NotThere."""
        if key.endswith("/"):
            raise NotThere(key)
        file, _ = self._repository.open(self._location(bucket, key), _PACKED)
        return file, _object(key, os.fstat(file.fileno()), _attribute(file.fileno()))

    def put(self, bucket: str, key: str, draft: str, about: About) -> Object:
        """A finished file becomes the object; the draft is gone then."""
        with contextlib.suppress(OSError):  # a file system without attributes
            os.setxattr(draft, _ATTRIBUTE, msgspec.json.encode(about))
        os.chmod(draft, 0o644)
        found = _object(key, os.lstat(draft), about)
        self._repository.put(self._location(bucket, key), draft)
        return found

    def put_directory(self, bucket: str, key: str) -> None:
        """What other tools call a folder: an empty object whose key ends in "/"."""
        with self.draft() as draft:
            os.mkdir(draft, 0o755)
            self._repository.put(self._location(bucket, key), draft)

    def is_directory(self, bucket: str, key: str) -> bool:
        with (
            contextlib.suppress(NotThere),
            self._repository.pinned(self._location(bucket, key)) as path,
        ):
            return os.path.isdir(path) and not os.path.islink(path)
        return False

    def delete(self, bucket: str, key: str) -> None:
        """What is not there is deleted already; of a folder, only an empty one."""
        if key.endswith("/"):
            if not next(self._below(bucket, key), None):
                self._repository.delete(self._location(bucket, key))
            return
        self._repository.delete(self._location(bucket, key))

    # -- lists ------------------------------------------------------------------------------------
    def page(self, bucket: str, prefix: str, after: str, delimiter: str, most: int) -> Page:
        """Of the keys that begin with `prefix`, those after `after`; keys that have the delimiter
        beyond the prefix are one common prefix."""
        objects: list[Object] = []
        prefixes: list[str] = []
        last = ""
        for key, entry in self._walk(bucket, prefix, after, delimiter):
            common = _common(key, prefix, delimiter)
            if (prefixes and common == prefixes[-1]) or (common and common <= after):
                continue
            if len(objects) + len(prefixes) == most:
                return Page(objects, prefixes, last)
            last = common or key
            if common:
                prefixes.append(common)
            elif entry is not None:
                objects.append(entry)
        return Page(objects, prefixes, "")

    def _below(self, bucket: str, prefix: str) -> Iterator[str]:
        return (key for key, _ in self._walk(bucket, prefix, "", ""))

    def _walk(
        self, bucket: str, prefix: str, after: str, delimiter: str
    ) -> Iterator[tuple[str, Object | None]]:
        """(key, object) in order; with "/" as delimiter, directories that are one common prefix
        come as that, without a look at more than their first object."""
        yield from _walk(self._path(bucket), "", (prefix, after, delimiter))

    def _path(self, bucket: str) -> str:
        return os.path.join(self._repository.own, plain(bucket, "bucket"))

    def _location(self, bucket: str, key: str) -> Location:
        return {"s3": {"endpoint": LOCAL_ENDPOINT, "bucket": bucket, "key": key}}


def _common(key: str, prefix: str, delimiter: str) -> str:
    """The prefix that stands for the key; "" for a key that stands for itself."""
    if not delimiter:
        return ""
    at = key.find(delimiter, len(prefix))
    return key[: at + len(delimiter)] if at >= 0 else ""


def _walk(
    directory: str, base: str, wanted: tuple[str, str, str]
) -> Iterator[tuple[str, Object | None]]:
    prefix, after, delimiter = wanted
    try:
        with os.scandir(directory) as entries:
            found = sorted(filter(None, map(_entry, entries)))
    except OSError:
        return  # removed meanwhile
    for name, path, is_directory in found:
        key = f"{base}{name}"
        if not (key.startswith(prefix) or prefix.startswith(key)):
            continue
        if not is_directory:
            if key > after and key.startswith(prefix):
                yield from _file(path, key)
        elif key > after or after.startswith(key):
            inner = _walk(path, key, wanted)
            if delimiter == "/" and key.startswith(prefix) and key != prefix:
                inner = iter(
                    [each] if (each := next(_walk(path, key, (key, "", "")), None)) else []
                )
            yield from inner


def _entry(entry: os.DirEntry[str]) -> tuple[str, str, bool] | None:
    """(part of the key, path, whether keys go on there): a directory sorts as its keys do."""
    name, kept = decoded(entry.name)
    if entry.is_dir(follow_symlinks=False) and not kept:
        return f"{name}/", entry.path, True
    if kept or entry.is_file(follow_symlinks=False):
        return name, entry.path, False
    return None


def _file(path: str, key: str) -> Iterator[tuple[str, Object]]:
    with contextlib.suppress(OSError):
        status = os.lstat(path)
        if stat.S_ISDIR(status.st_mode):  # an archive that is made when somebody wants it
            size = sum(
                os.lstat(os.path.join(directory, name)).st_size
                for directory, _, files in os.walk(path)
                for name in files
            )
            yield key, Object(key, size, status.st_mtime, _tag(status))
        else:
            yield key, _object(key, status, _attribute(path))


def _attribute(file: int | str) -> About:
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode(os.getxattr(file, _ATTRIBUTE), type=About)
    return About()


def _object(key: str, status: os.stat_result, about: About) -> Object:
    return Object(
        key, status.st_size, status.st_mtime, about.tag or _tag(status),
        about.type or type_of(key), about.metadata,
    )  # fmt: skip


def _tag(status: os.stat_result) -> str:
    """Another one for other content. It looks like that of an object in parts, which nobody takes
    for a hash of the content."""
    said = f"{status.st_ino} {status.st_mtime_ns} {status.st_size}"
    return hashlib.md5(said.encode(), usedforsecurity=False).hexdigest() + "-1"
