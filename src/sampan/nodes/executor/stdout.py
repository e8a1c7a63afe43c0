"""What a container has written to its standard output, from its log.

Upstream: argo-workflows workflow/executor/executor.go CaptureScriptResult.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sampan.nodes import logs

LONGEST = 256 * 1024
"""Bytes of `outputs.result`: the last ones are kept."""
_PIECE = 1 << 20


def result(directory: Path) -> str:
    """The end of the standard output, less one trailing newline."""
    said = b""
    for piece in _backwards(directory):
        said = piece + said
        if len(said) > LONGEST + 1:
            break
    return said.removesuffix(b"\n")[-LONGEST:].decode(errors="replace")


def _backwards(directory: Path) -> Iterator[bytes]:
    """Pieces of the output, the last one first."""
    for path in reversed(logs.generations(directory)):
        with path.open("rb") as file:
            end, rest = file.seek(0, 2), b""
            while end > 0:
                start = max(0, end - _PIECE)
                file.seek(start)
                block = file.read(end - start) + rest
                cut = block.find(b"\n") + 1 if start else 0
                rest, lines = block[:cut], block[cut:]
                end = start
                yield b"".join(_texts(lines))


def _texts(lines: bytes) -> Iterator[bytes]:
    for line in lines.split(b"\n")[:-1]:
        _, stream, tag, text = line.split(b" ", 3)
        if stream == b"stdout":
            yield text + (b"\n" if tag == b"F" else b"")
