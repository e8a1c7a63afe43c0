"""Bodies that come in pieces, each with its length and perhaps a signature (`aws-chunked`). Pure.

    <length in hex>[;chunk-signature=<hex>] | <bytes> | … | 0[;…] | [<trailer> | …] |

where | is the end of a line, and a last, empty line ends the body.

Nothing is held back: a piece is passed on as it comes, and the whole is refused when the signature
of one is wrong. Upstream: the S3 API reference, "Signature Calculations: Transferring Payload in
Multiple Chunks".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from enum import Enum, auto

from sampan.services.s3.errors import S3Error
from sampan.services.s3.signature import EMPTY, Signed, mac

SIGNED = ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")
UNSIGNED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
_HEAD = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;chunk-signature=([0-9a-f]{64}))?")
_LONGEST_LINE = 8192


class _At(Enum):
    HEAD = auto()
    DATA = auto()
    END = auto()
    TRAILER = auto()
    OVER = auto()


class Chunks:
    """`trailers` are there when the body is over."""

    def __init__(self, signed: Signed) -> None:
        self._by = signed
        self._signs = signed.payload in SIGNED
        self._signature = signed.signature
        self._wanted = b""
        self._rest = b""
        self._left = 0
        self._at = _At.HEAD
        self._hash = hashlib.sha256()
        self.trailers: dict[str, str] = {}

    @property
    def over(self) -> bool:
        return self._at is _At.OVER

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The content in what has come. S3Error."""
        self._rest += data
        while self._rest and not self.over:
            if self._at is _At.DATA:
                piece, self._rest = self._rest[: self._left], self._rest[self._left :]
                self._left -= len(piece)
                if self._signs:
                    self._hash.update(piece)
                if not self._left:
                    self._at = _At.END
                yield piece
            elif not self._line():
                return

    def _line(self) -> bool:
        """Whether there was a whole line to be read."""
        line, found, rest = self._rest.partition(b"\r\n")
        if len(line) > _LONGEST_LINE:
            raise S3Error("InvalidRequest", "A line of the body is too long.")
        if not found:
            return False
        self._rest = rest
        if self._at is _At.HEAD:
            self._begin(line)
        elif self._at is _At.END:
            if line:
                raise S3Error("InvalidRequest", "A piece is longer than it says.")
            self._check(self._wanted)
            self._at = _At.HEAD
        else:
            self._trailer(line)
        return True

    def _begin(self, line: bytes) -> None:
        found = _HEAD.fullmatch(line)
        if found is None or (self._signs and not found[2]):
            raise S3Error("InvalidRequest", "The body does not come in pieces as it says.")
        self._left, self._wanted = int(found[1], 16), found[2] or b""
        self._hash = hashlib.sha256()
        if self._left:
            self._at = _At.DATA
        else:
            self._check(self._wanted)
            self._at = _At.TRAILER

    def _check(self, wanted: bytes) -> None:
        if not self._signs:
            return
        text = ("AWS4-HMAC-SHA256-PAYLOAD", self._by.stamp, self._by.scope, self._signature,
                EMPTY, self._hash.hexdigest())  # fmt: skip
        self._compare("\n".join(text), wanted)

    def _compare(self, text: str, wanted: bytes) -> None:
        self._signature = mac(self._by.key, text)
        if not hmac.compare_digest(self._signature.encode(), wanted):
            raise S3Error("SignatureDoesNotMatch")

    def _trailer(self, line: bytes) -> None:
        if not line:
            self._finish()
            return
        name, _, value = line.decode("latin-1").partition(":")
        self.trailers[name.strip().lower()] = value.strip()
        if len(self.trailers) > 16:
            raise S3Error("InvalidRequest", "The body has too many trailers.")

    def _finish(self) -> None:
        self._at = _At.OVER
        if not self._by.payload.endswith("-TRAILER") or not self._signs:
            return
        wanted = self.trailers.pop("x-amz-trailer-signature", "")
        said = "".join(f"{name}:{value}\n" for name, value in self.trailers.items())
        text = ("AWS4-HMAC-SHA256-TRAILER", self._by.stamp, self._by.scope, self._signature,
                hashlib.sha256(said.encode("latin-1")).hexdigest())  # fmt: skip
        self._compare("\n".join(text), wanted.encode())
