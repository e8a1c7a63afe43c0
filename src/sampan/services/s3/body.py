"""The body of a request on its way into a file, and whether it is what was signed and sent.

Pieces are hashed and written in a thread, a mebibyte at a time, so that neither memory nor the
event loop notices how long a body is. Everything is checked when it is whole, before anybody sees
it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
import zlib
from collections.abc import Callable, Mapping
from typing import IO, Any, Protocol

from sampan.services.http import Receive
from sampan.services.s3.chunks import SIGNED, UNSIGNED, Chunks
from sampan.services.s3.errors import S3Error
from sampan.services.s3.signature import UNSIGNED as NO_HASH
from sampan.services.s3.signature import Sent, Signed

LONGEST = 5 << 30
"""Bytes of one request, as upstream."""
_TOGETHER = 1 << 20
_HASH = re.compile(r"[0-9a-f]{64}")


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


_CHECKSUMS: Mapping[str, Callable[[], _Hash]] = {
    "crc32": _Crc32,
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
}
"""Those that the standard library has; others are taken as they are."""
_PREFIX = "x-amz-checksum-"


async def receive(
    receive: Receive, sent: Sent, signed: Signed, target: IO[bytes], most: int = LONGEST
) -> str:
    """Write the content to the target; answers with its MD5 in hex. S3Error."""
    sink = _Sink(sent, signed, target, most)
    pieces: list[bytes] = []
    size = 0
    while True:
        message: dict[str, Any] = await receive()
        if message["type"] != "http.request":
            raise S3Error("IncompleteBody")
        pieces.append(message.get("body") or b"")
        size += len(pieces[-1])
        more = message.get("more_body")
        if size >= _TOGETHER or not more:
            await asyncio.to_thread(sink.take, b"".join(pieces))
            pieces, size = [], 0
        if not more:
            return await asyncio.to_thread(sink.finish)


class _Sink:
    def __init__(self, sent: Sent, signed: Signed, target: IO[bytes], most: int) -> None:
        self._sent, self._signed, self._target = sent, signed, target
        payload = signed.payload
        if payload not in (*SIGNED, UNSIGNED, NO_HASH) and not _HASH.fullmatch(payload):
            raise S3Error("InvalidArgument", "x-amz-content-sha256 makes no sense.")
        self._chunks = Chunks(signed) if payload in (*SIGNED, UNSIGNED) else None
        self._length = _length(sent, chunked=self._chunks is not None)
        if self._length > most:
            raise S3Error("EntityTooLarge")
        self._size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha = hashlib.sha256() if _HASH.fullmatch(payload) else None
        self._sums: dict[str, _Hash] = {
            name: make() for name, make in _CHECKSUMS.items() if _promised(sent, name)
        }

    def take(self, data: bytes) -> None:
        pieces = [data] if self._chunks is None else list(self._chunks.feed(data))
        for piece in pieces:
            self._size += len(piece)
            if self._size > self._length:
                raise S3Error("InvalidRequest", "The body is longer than it says.")
            self._md5.update(piece)
            for each in (*self._sums.values(), *([self._sha] if self._sha else [])):
                each.update(piece)
            self._target.write(piece)

    def finish(self) -> str:
        if self._size != self._length or (self._chunks is not None and not self._chunks.over):
            raise S3Error("IncompleteBody")
        if self._sha is not None and not hmac.compare_digest(
            self._sha.hexdigest(), self._signed.payload
        ):
            raise S3Error("XAmzContentSHA256Mismatch")
        if said := self._sent.header("content-md5"):
            _compare(said, self._md5.digest())
        trailers = self._chunks.trailers if self._chunks is not None else {}
        for name, found in self._sums.items():
            if said := trailers.get(_PREFIX + name) or self._sent.header(_PREFIX + name):
                _compare(said, found.digest())
        self._target.flush()
        return self._md5.hexdigest()


def _length(sent: Sent, *, chunked: bool) -> int:
    text = sent.header("x-amz-decoded-content-length" if chunked else "content-length") or (
        "" if sent.method in ("PUT", "POST") and sent.header("transfer-encoding") else "0"
    )
    if not text.isascii() or not text.isdigit():
        raise S3Error("MissingContentLength")
    return int(text[:18])


def _promised(sent: Sent, name: str) -> bool:
    trailers = sent.header("x-amz-trailer").lower()
    return bool(sent.header(_PREFIX + name)) or _PREFIX + name in trailers


def _compare(said: str, found: bytes) -> None:
    if not hmac.compare_digest(said.strip().encode(), base64.b64encode(found)):
        raise S3Error("BadDigest")
