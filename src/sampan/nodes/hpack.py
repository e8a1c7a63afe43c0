"""Headers that a server names itself, out of a block of HPACK: enough to read gRPC's trailers.

A header whose name is in a table is passed over: none of gRPC's is, and a table of our own is
refused by our settings. Huffman's code is the canonical one of the lengths below, which leave out
what no header has: bytes that are not printable.
Upstream: RFC 7541; grpc/grpc doc/PROTOCOL-HTTP2.md (Responses).
"""

from __future__ import annotations

from urllib.parse import unquote

_BY_LENGTH = {
    5: "012aceiost", 6: " %-./3456789=A_bdfghlmnpru", 7: ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz",
    8: "&*,;XZ", 10: "!\"()?", 11: "'+|", 12: "#>", 13: "\0$@[]~", 14: "^}", 15: "<`{", 19: "\\",
}  # fmt: skip
"""Symbols by the number of bits that each takes, in order."""


def _codes() -> dict[tuple[int, int], str]:
    """(length, code) -> symbol"""
    found, code, last = {}, 0, 5
    for length, symbols in _BY_LENGTH.items():
        code, last = code << (length - last), length
        for symbol in symbols:
            found[length, code] = symbol
            code += 1
    return found


_CODES = _codes()
_LONGEST = max(_BY_LENGTH)


def decode(block: bytes) -> dict[str, str]:
    """The headers with names of their own, as far as the block makes sense."""
    found: dict[str, str] = {}
    at = 0
    try:
        while at < len(block):
            first = block[at]
            if first & 0x80:  # both in the table
                _, at = _number(block, at, 7)
                continue
            if first & 0xE0 == 0x20:  # the size of the table
                _, at = _number(block, at, 5)
                continue
            index, at = _number(block, at, 6 if first & 0x40 else 4)
            name = ""
            if not index:
                name, at = _text(block, at)
            value, at = _text(block, at)
            if name:
                found[name] = value
    except (IndexError, ValueError):
        pass
    return found


def unescaped(text: str) -> str:
    """Of a grpc-message."""
    return unquote(text, errors="replace")


def _number(block: bytes, at: int, bits: int) -> tuple[int, int]:
    most = (1 << bits) - 1
    value, at, shift = block[at] & most, at + 1, 0
    if value < most:
        return value, at
    while True:
        value += (block[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if block[at - 1] < 128:
            return value, at


def _text(block: bytes, at: int) -> tuple[str, int]:
    packed = block[at] & 0x80
    size, at = _number(block, at, 7)
    data = block[at : at + size]
    if len(data) < size:
        raise IndexError
    return (_unpacked(data) if packed else data.decode("latin-1")), at + size


def _unpacked(data: bytes) -> str:
    """Out of Huffman's code. ValueError for a symbol that no header has."""
    found, code, length = "", 0, 0
    for byte in data:
        for bit in range(7, -1, -1):
            code, length = code << 1 | byte >> bit & 1, length + 1
            symbol = _CODES.get((length, code))
            if symbol is not None:
                found, code, length = found + symbol, 0, 0
            elif length > _LONGEST:
                raise ValueError("no symbol")
    return found
