"""A file that grows, by whole lines; what was read of it is known after a restart.

A look opens the file by its path, so that one that was put in its place, cut or written once more
is seen: it is read from its beginning, as another `generation`. A last line without an end counts
when nothing follows any more. Lines are cut where they are too long to be lines; parts of a file
that nobody has written are passed over.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import BinaryIO

LONGEST = 1 << 20
"""Bytes of a line, and of what is read at once."""


class Tail:
    """`opened` opens the file; OSError while it is not there. What was answered last is the bytes
    from `begin` to `offset` of the file."""

    def __init__(self, opened: Callable[[], BinaryIO], generation: int = 0) -> None:
        self._opened = opened
        self._rest = b""
        self._seen: os.stat_result | None = None
        self.begin = self.offset = 0
        self.generation = generation

    @property
    def left(self) -> int:
        """How many bytes followed when it was last read."""
        return self._seen.st_size - self.offset if self._seen is not None else 0

    def read(self, *, ended: bool = False) -> bytes:
        """The next whole lines; b"" when there are none now. When nothing more is written
        (`ended`), a last line is whole without its end. OSError."""
        with self._opened() as file:
            if self._is_other(os.fstat(file.fileno())):
                self.generation += 1
                self.offset, self._rest = 0, b""
            if not self._rest:
                self.offset = _past_hole(file, self.offset)
            self.begin = self.offset
            file.seek(self.offset + len(self._rest))
            data = self._rest
            while len(data) < LONGEST and (more := file.read(LONGEST - len(data))):
                data += more
            self._seen = os.fstat(file.fileno())
        whole, end, rest = data.rpartition(b"\n")
        self.offset += len(whole) + len(end)
        if not end and rest and (len(rest) >= LONGEST or ended):
            self.offset += len(rest)
            whole, end, rest = rest, b"\n", b""
        self._rest = rest
        return whole + end

    def _is_other(self, found: os.stat_result) -> bool:
        """Whether what was read of the file is no part of it any more."""
        seen, size = self._seen, self.offset + len(self._rest)
        if seen is None:
            return False
        written = found.st_size == size and found.st_mtime_ns != seen.st_mtime_ns
        return found.st_ino != seen.st_ino or found.st_size < size or written


def _past_hole(file: BinaryIO, offset: int) -> int:
    """Where there is something to read: a file may be said to have a terabyte and hold nothing."""
    size = os.fstat(file.fileno()).st_size
    try:
        return os.lseek(file.fileno(), offset, os.SEEK_DATA)
    except AttributeError:
        return offset  # not on this system
    except OSError as error:
        return max(offset, size) if error.errno == errno.ENXIO else offset
