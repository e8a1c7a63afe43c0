"""Header blocks: names and values, compressed with zlib through all blocks of one direction. Pure.

Decompressed: a count, then name and value each with its length before it, all numbers of 32 bits.
zlib starts from a dictionary that both sides know; it is a constant of the protocol, given below as
the words that it is made of (checked in the tests by the checksum that zlib puts on the wire).
Upstream: the SPDY/3.1 draft, section 2.6.10.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

from sampan.apiserver.spdy.frames import ProtocolError

MOST = 1 << 14  # bytes of a block, decompressed

# Words that stand in the dictionary with their length before them.
_WORDS = """
options head post put delete trace accept accept-charset accept-encoding accept-language
accept-ranges age allow authorization cache-control connection content-base content-encoding
content-language content-length content-location content-md5 content-range content-type date etag
expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since
last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer
retry-after server te trailer transfer-encoding upgrade user-agent vary via warning
www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin
"""
# Text that stands in it as it is.
_CODES = (
    "100 101 201 202 205 206 300 302 303 304 305 306 307 402 405 406 407 408 409 410 411 412 413"
    " 414 415 416 417 502 504 505"
)
_PHRASES = (
    "203 Non-Authoritative Information",
    "204 No Content",
    "301 Moved Permanently",
    "400 Bad Request",
    "401 Unauthorized",
    "403 Forbidden",
    "404 Not Found",
    "500 Internal Server Error",
    "501 Not Implemented",
    "503 Service Unavailable",
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec",
    " 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT",
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,",
    "text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdch",
    "charset=utf-8charset=iso-8859-1,utf-,*,enq=0.",
)


def _dictionary() -> bytes:
    listed = [word.replace("_", " ").encode() for word in _WORDS.split()]
    head = b"".join(struct.pack(">I", len(word)) + word for word in listed)
    return head + (_CODES.replace(" ", "") + "".join(_PHRASES)).encode()


DICTIONARY = _dictionary()


class Decoder:
    """What the peer compresses, block after block."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(zdict=DICTIONARY)

    def read(self, block: bytes) -> dict[str, str]:
        """Names (lower-case) and values. Raises ProtocolError, also for a block that swells."""
        try:
            plain = self._zlib.decompress(block, MOST + 1)
        except zlib.error as error:
            raise ProtocolError(f"a header block that zlib does not read: {error}") from None
        if len(plain) > MOST or self._zlib.unconsumed_tail or self._zlib.eof:
            raise ProtocolError(f"a header block that is not one, or of more than {MOST} bytes")
        try:
            return _pairs(plain)
        except struct.error:
            raise ProtocolError("a header block that ends too early") from None


class Encoder:
    def __init__(self) -> None:
        self._zlib = zlib.compressobj(zdict=DICTIONARY)

    def write(self, headers: Mapping[str, str]) -> bytes:
        parts = [struct.pack(">I", len(headers))]
        for text in (text for pair in headers.items() for text in pair):
            raw = text.encode("latin-1")
            parts.append(struct.pack(">I", len(raw)) + raw)
        return self._zlib.compress(b"".join(parts)) + self._zlib.flush(zlib.Z_SYNC_FLUSH)


def _pairs(plain: bytes) -> dict[str, str]:
    (count,) = struct.unpack_from(">I", plain)
    if count > len(plain) // 8:
        raise struct.error
    found: dict[str, str] = {}
    at = 4
    for _ in range(count):
        name, at = _text(plain, at)
        value, at = _text(plain, at)
        if not name or name.lower() in found:
            raise ProtocolError("a header without a name, or one that comes twice")
        found[name.lower()] = value
    if at != len(plain):
        raise ProtocolError("a header block that goes on after its end")
    return found


def _text(plain: bytes, at: int) -> tuple[str, int]:
    (size,) = struct.unpack_from(">I", plain, at)
    end = at + 4 + size
    if end > len(plain):
        raise struct.error
    return plain[at + 4 : end].decode("latin-1"), end
