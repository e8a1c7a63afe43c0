"""A file that grows, by whole lines; what was read of it is known after a restart.

A look opens the file by its path, so that one that was put in its place or cut is seen: it is read
from its beginning, as another `generation`. A last line without an end counts when nothing follows
any more. Lines are cut where they are too long to be lines.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import BinaryIO

_PIECE = 1 << 18  # bytes
LONGEST = 1 << 20
"""Bytes of a line."""


class Tail:
    """`opened` opens the file; OSError while it is not there. What was answered last is the bytes
    from `begin` to `offset` of the file."""

    def __init__(self, opened: Callable[[], BinaryIO]) -> None:
        self._opened = opened
        self._rest = b""
        self._inode = 0
        self.begin = self.offset = 0
        self.generation = 0

    def read(self, *, ended: bool = False) -> bytes:
        """The next whole lines; b"" when there are none now. When nothing more is written
        (`ended`), a last line is whole without its end. OSError."""
        with self._opened() as file:
            found = os.fstat(file.fileno())
            if self._inode not in (0, found.st_ino) or found.st_size < self.offset:
                self.generation += 1
                self.offset, self._rest = 0, b""
            self._inode = found.st_ino
            self.begin = self.offset
            file.seek(self.offset + len(self._rest))
            data = self._rest
            while len(data) < LONGEST and (more := file.read(_PIECE)):
                data += more
                if b"\n" in more:
                    break
        whole, end, rest = data.rpartition(b"\n")
        self.offset += len(whole) + len(end)
        if not end and rest and (len(rest) >= LONGEST or ended):
            self.offset += len(rest)
            whole, end, rest = rest, b"\n", b""
        self._rest = rest
        return whole + end
