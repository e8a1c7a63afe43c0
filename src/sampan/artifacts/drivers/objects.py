"""Object stores: files by key, and directories as all keys with a common prefix.

The library (obstore, Rust's object_store) signs, retries and splits large files into parts; here is
what Argo's artifacts mean in its terms. Upstream: workflow/artifacts/s3/s3.go, and gcs, azure, oss,
which do the same.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import obstore
from obstore import exceptions as raised
from obstore.store import ObjectStore

from sampan.artifacts import trees
from sampan.artifacts.faults import Fault, NotThere, Refused, Unreachable
from sampan.artifacts.request import Request

RETRY: Any = {"max_retries": 4, "retry_timeout": timedelta(seconds=30)}
_REFUSALS = (PermissionError, raised.PermissionDeniedError, raised.UnauthenticatedError)
_CODE = re.compile(r"<Code>(\w+)</Code>\s*<Message>([^<]*)<")
"""What S3 answers, in the middle of what the library says of it."""
_KINDS: Mapping[str, type[Fault]] = {
    "NoSuchBucket": NotThere, "NoSuchKey": NotThere, "AccessDenied": Refused,
    "InvalidAccessKeyId": Refused, "SignatureDoesNotMatch": Refused,
}  # fmt: skip
_PIECE = 1 << 20
_MOST_LISTED = 100_000


def client(request: Request, **more: Any) -> Any:
    """How to talk to any of them."""
    options = {"connect_timeout": "10s", "read_timeout": "60s", "timeout": "24h", **more}
    if request.proxy:
        options["proxy_url"] = request.proxy
    return options


class Objects:
    """`store` is one bucket or container; `where` is what people call it."""

    def __init__(self, store: ObjectStore, key: str, where: str) -> None:
        self._store = store
        self._key = key
        self._where = where

    def load(self, target: str) -> None:
        with self._said():
            try:
                self._file(self._key, target)
                return
            except (FileNotFoundError, raised.NotFoundError) as error:
                missing = error
            keys = self._below()
        if not keys:
            raise NotThere(f"{self._where} has no key {self._key}") from missing
        os.mkdir(target, 0o755)
        for key in keys:
            self._into(target, key)

    def save(self, source: str) -> None:
        with self._said():
            if not os.path.isdir(source):
                self._put(self._key, source)
                return
            for name in trees.files(source):
                self._put(f"{self._key.rstrip('/')}/{name}", os.path.join(source, name))

    def delete(self) -> None:
        with self._said():
            keys = self._below() if self._key.endswith("/") else [self._key]
            for key in keys:
                try:
                    obstore.delete(self._store, key)
                except (FileNotFoundError, raised.NotFoundError):
                    continue

    def keys(self) -> list[str]:
        with self._said():
            found = self._below()
            if found:
                return found
            try:
                obstore.head(self._store, self._key)
            except (FileNotFoundError, raised.NotFoundError):
                return []
            return [self._key]

    def tag(self) -> tuple[str, int]:
        with self._said():
            try:
                found = obstore.head(self._store, self._key)
                return str(found["e_tag"] or "").strip('"'), int(found["size"])
            except (FileNotFoundError, raised.NotFoundError) as error:
                missing = error
            listed = self._listed()
        if not listed:
            raise NotThere(f"{self._where} has no key {self._key}") from missing
        whole = hashlib.sha256()
        for path, tag, _ in sorted(listed):
            whole.update(f"{path[len(self._key) :]}\0{tag}\0".encode())
        return whole.hexdigest(), sum(size for _, _, size in listed)

    def _below(self) -> list[str]:
        return sorted(path for path, _, _ in self._listed())

    def _listed(self) -> list[tuple[str, str, int]]:
        """(key, tag, bytes) of each object below the key."""
        prefix = self._key.rstrip("/") + "/"
        found: list[tuple[str, str, int]] = []
        for page in obstore.list(self._store, prefix):
            found += [
                (str(each["path"]), str(each["e_tag"] or ""), int(each["size"]))
                for each in page
                if not str(each["path"]).endswith("/")
            ]
            if len(found) > _MOST_LISTED:
                raise Fault(f"{self._where} has more than {_MOST_LISTED} keys below {prefix}")
        return found

    def _into(self, target: str, key: str) -> None:
        """Keys are whatever somebody has written: none leads out of the directory."""
        parts = key[len(self._key.rstrip("/")) + 1 :].split("/")
        if any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise Fault(f"the key {key[:200]!r} cannot be a file")
        path = os.path.join(target, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with self._said():
            self._file(key, path)

    def _file(self, key: str, path: str) -> None:
        answer = obstore.get(self._store, key)
        with open(path, "xb") as file:
            for piece in answer.stream(min_chunk_size=_PIECE):
                file.write(piece)

    def _put(self, key: str, path: str) -> None:
        with open(path, "rb") as file:
            obstore.put(self._store, key, file)

    @contextmanager
    def _said(self) -> Iterator[None]:
        """What went wrong, in a line."""
        try:
            yield
        except (FileNotFoundError, raised.NotFoundError) as error:
            raise NotThere(f"{self._where}: {_short(error)}") from error
        except _REFUSALS as error:
            raise Refused(f"{self._where} does not let us: {_short(error)}") from error
        except raised.BaseError as error:
            raise _kind(error)(f"{self._where}: {_short(error)}") from error


def _kind(error: Exception) -> type[Fault]:
    code = _CODE.search(str(error))
    if code is None:
        return Unreachable if "error sending request" in str(error).lower() else Fault
    return _KINDS.get(code[1], Fault)


def _short(error: Exception) -> str:
    """Rust's errors come with all they were caused by, on many lines."""
    if answer := _CODE.search(str(error)):
        return f"{answer[1]}: {answer[2]}"[:500]
    lines = str(error).partition("\n\nDebug source")[0]
    return " ".join(lines.split())[:500]
