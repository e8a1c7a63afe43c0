"""One request: who asks for which bucket and key, its body, its answer."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, Callable, Iterable
from email.utils import formatdate
from typing import IO, Any, TypeVar
from urllib.parse import unquote_to_bytes

from sampan.artifacts.buckets import About, Buckets, Object
from sampan.kube.launcher import BUCKET
from sampan.services.http import Request
from sampan.services.s3 import body
from sampan.services.s3.errors import S3Error
from sampan.services.s3.signature import Sent, Signed, pairs

MOST_XML = 4 << 20
_LONGEST_KEY = 1024
_META = "x-amz-meta-"
_PIECE = 1 << 20
Headers = Iterable[tuple[str, str]]
T = TypeVar("T")


class Call:
    """`buckets` are those of the one who has signed."""

    def __init__(self, request: Request, sent: Sent, receive: Any) -> None:
        self.request = request
        self.sent = sent
        self._receive = receive
        self.query = dict(pairs(sent.query))
        whole = unquote_to_bytes(sent.path).decode("utf-8", "surrogateescape")
        self.bucket, _, self.key = whole[1:].partition("/")
        self.namespace = ""
        self.signed: Signed
        self.buckets: Buckets

    def check(self) -> None:
        """S3Error for a bucket or key that cannot be here."""
        if self.bucket and (self.bucket.startswith(".") or "\0" in self.bucket):
            raise S3Error("InvalidBucketName")
        try:
            size = len(self.key.encode())
        except UnicodeEncodeError:
            raise S3Error("InvalidObjectName", "The key is no UTF-8.") from None
        parts = self.key.removesuffix("/").split("/")
        if self.key and (any(part in ("", ".", "..") for part in parts) or "\0" in self.key):
            raise S3Error("InvalidObjectName")
        if size > _LONGEST_KEY or any(len(part.encode()) > 250 for part in parts):
            raise S3Error("KeyTooLongError")

    async def work(self, do: Callable[..., T], *given: Any) -> T:
        """In a thread, since it waits for the disk."""
        return await asyncio.to_thread(do, *given)

    async def need_bucket(self) -> None:
        """S3Error when it is not there; the one of pipelines always is."""
        if self.bucket == BUCKET:
            await self.work(self.buckets.make, self.bucket)
        elif not await self.work(self.buckets.has, self.bucket):
            raise S3Error("NoSuchBucket")

    async def into(self, path: str) -> str:
        """The body becomes a file; answers with its MD5."""
        with await self.work(_made, path) as target:
            return await body.receive(self._receive, self.sent, self.signed, target)

    async def drain(self) -> None:
        """A body that nobody needs."""
        await self.xml()

    async def xml(self) -> bytes:
        target = io.BytesIO()
        await body.receive(self._receive, self.sent, self.signed, target, MOST_XML)
        return target.getvalue()

    def about(self, tag: str = "") -> About:
        """What the headers say of an object."""
        metadata = {
            name.removeprefix(_META): value
            for name, value in self.sent.headers
            if name.startswith(_META)
        }
        if sum(len(name) + len(value) for name, value in metadata.items()) > 2048:
            raise S3Error("InvalidArgument", "The metadata have more than 2 KB.")
        return About(tag, self.sent.header("content-type"), metadata)

    async def answer(self, code: int, content: bytes = b"", more: Headers = ()) -> None:
        kind = "application/xml" if content else "application/octet-stream"
        await self.request.answer(code, content, kind, more)

    async def send(self, file: IO[bytes], size: int, found: Object, more: Headers) -> None:
        """So many bytes of the file, from where it is."""
        headers = [*object_headers(found), ("content-length", str(size)), *more]
        kind = self.query.get("response-content-type") or found.type
        await self.request.stream(_pieces(file, size), kind, headers, 206 if more else 200)


def object_headers(found: Object) -> list[tuple[str, str]]:
    return [
        ("etag", f'"{found.tag}"'),
        ("last-modified", formatdate(found.modified, usegmt=True)),
        ("accept-ranges", "bytes"),
        # What somebody has put there is shown to nobody as a page of ours.
        ("content-security-policy", "sandbox"),
        *((_META + name, value) for name, value in found.metadata.items()),
    ]


def _made(path: str) -> IO[bytes]:
    return open(path, "xb")


async def _pieces(file: IO[bytes], size: int) -> AsyncGenerator[bytes, None]:
    while size > 0:
        piece = await asyncio.to_thread(file.read, min(size, _PIECE))
        if not piece:
            return
        size -= len(piece)
        yield piece
