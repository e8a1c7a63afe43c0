"""Objects that come in parts: each a file beside the others, put together when all are there.

An upload lives in the directory of what is being made, so that one that nobody completes is gone
after a restart. Its id is random, and knows its namespace, bucket and key.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from typing import Any

import msgspec
from msgspec import Struct

from sampan.artifacts import trees
from sampan.artifacts.buckets import About, Buckets, Object
from sampan.services.s3.errors import S3Error

MOST_PARTS = 10_000
_SMALLEST = 5 << 20
_ID = re.compile(r"[0-9a-f]{32}")
_DIRECTORY = re.compile(rf"upload-({_ID.pattern})")
_FILE = "upload.json"


class Upload(Struct, frozen=True):
    namespace: str
    bucket: str
    key: str
    about: About


class Part(Struct, frozen=True):
    number: int
    tag: str
    size: int
    modified: float


class Begun(Struct, frozen=True):
    """An upload that is under way. began: seconds since 1970."""

    id: str
    key: str
    began: float


class Uploads:
    """Of a namespace. Everything may wait for the disk. S3Error."""

    def __init__(self, buckets: Buckets, namespace: str) -> None:
        self._buckets = buckets
        self._namespace = namespace

    def begin(self, bucket: str, key: str, about: About) -> str:
        id = secrets.token_hex(16)
        directory = self._directory(id)
        os.makedirs(directory, 0o700)
        upload = Upload(self._namespace, bucket, key, about)
        with open(os.path.join(directory, _FILE), "wb") as file:
            file.write(msgspec.json.encode(upload))
        return id

    def find(self, id: str, bucket: str, key: str) -> Upload:
        if not _ID.fullmatch(id):
            raise S3Error("NoSuchUpload")
        try:
            with open(os.path.join(self._directory(id), _FILE), "rb") as file:
                upload = msgspec.json.decode(file.read(), type=Upload)
        except FileNotFoundError:
            raise S3Error("NoSuchUpload") from None
        if (upload.namespace, upload.bucket, upload.key) != (self._namespace, bucket, key):
            raise S3Error("NoSuchUpload")
        return upload

    def begun(self, bucket: str) -> list[Begun]:
        """Those of a bucket, by key and beginning."""
        found = []
        for entry in os.scandir(self._buckets.tmp()):
            if not (named := _DIRECTORY.fullmatch(entry.name)):
                continue
            path = os.path.join(entry.path, _FILE)
            try:
                with open(path, "rb") as file:
                    upload = msgspec.json.decode(file.read(), type=Upload)
                    began = os.fstat(file.fileno()).st_mtime
            except (FileNotFoundError, msgspec.DecodeError):
                continue  # it has ended, or begins just now
            if (upload.namespace, upload.bucket) == (self._namespace, bucket):
                found.append(Begun(named[1], upload.key, began))
        return sorted(found, key=lambda each: (each.key, each.began))

    def keep(self, id: str, number: int, draft: str, tag: str) -> None:
        """A finished file becomes a part; one of the same number is replaced."""
        directory = self._directory(id)
        for name in self._names(id):
            if name.startswith(f"{number:05d}-"):
                os.unlink(os.path.join(directory, name))
        os.rename(draft, os.path.join(directory, f"{number:05d}-{tag}"))

    def parts(self, id: str) -> list[Part]:
        found = []
        for name in self._names(id):
            number, _, tag = name.partition("-")
            status = os.stat(os.path.join(self._directory(id), name))
            found.append(Part(int(number), tag, status.st_size, status.st_mtime))
        return found

    def complete(self, id: str, upload: Upload, wanted: list[tuple[int, str]]) -> Object:
        """The object of these parts: (number, tag) of each, in order."""
        self._check(id, wanted)
        files = [f"{self._directory(id)}/{number:05d}-{tag}" for number, tag in wanted]
        whole = hashlib.md5(b"".join(bytes.fromhex(tag) for _, tag in wanted),
                            usedforsecurity=False)  # fmt: skip
        with self._buckets.draft() as draft:
            with open(draft, "wb") as out:
                for path in files:
                    with open(path, "rb") as part:
                        shutil.copyfileobj(part, out, 1 << 20)
            tag = f"{whole.hexdigest()}-{len(wanted)}"
            about = msgspec.structs.replace(upload.about, tag=tag)
            found = self._buckets.put(upload.bucket, upload.key, draft, about)
        self.abort(id)
        return found

    def abort(self, id: str) -> None:
        trees.remove(self._directory(id))

    def _check(self, id: str, wanted: list[tuple[int, str]]) -> None:
        numbers = [number for number, _ in wanted]
        if not wanted or len(wanted) > MOST_PARTS:
            raise S3Error("MalformedXML", "There have to be between 1 and 10000 parts.")
        if numbers != sorted(set(numbers)):
            raise S3Error("InvalidPartOrder")
        known = {(part.number, part.tag): part.size for part in self.parts(id)}
        for index, each in enumerate(wanted):
            if each not in known:
                raise S3Error("InvalidPart", f"Part {each[0]} is not there, or has another tag.")
            if known[each] < _SMALLEST and index < len(wanted) - 1:
                raise S3Error("EntityTooSmall")

    def _names(self, id: str) -> list[str]:
        return sorted(name for name in os.listdir(self._directory(id)) if name != _FILE)

    def _directory(self, id: str) -> str:
        return os.path.join(self._buckets.tmp(), f"upload-{id}")


def numbers_of(document: dict[str, list[Any]]) -> list[tuple[int, str]]:
    """(number, tag) of each part that a CompleteMultipartUpload names. S3Error."""
    found = []
    for part in document.get("Part") or ():
        try:
            found.append((int(part["PartNumber"][0]), str(part["ETag"][0]).strip('" ')))
        except (KeyError, TypeError, ValueError, IndexError):
            raise S3Error("MalformedXML", "A part has no PartNumber and ETag.") from None
    return found
