"""Container logs on disk: each line with a time stamp and its stream, capped in size.

The format is CRI's, so other tools read it too: `<RFC 3339 in nanoseconds> <stream> <F|P> <text>`,
where P marks a piece of a line that was too long (or that a terminal wrote without an end). All
lines that arrive in one read carry one time stamp. A file that has grown to its size becomes
`log.1`, that one `log.2`, and so on; the oldest goes. Upstream: containerLogMaxSize, -MaxFiles.
"""

from __future__ import annotations

import contextlib
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SIZE = 10 << 20  # bytes of one file
FILES = 5  # with the one that is written to
LONGEST = 16_384  # bytes of one piece of a line, as in containerd


class LogWriter:
    """Appends to `<directory>/log`; the file is made by the first byte."""

    def __init__(
        self, directory: str, bounds: Mapping[str, int] | None = None, *, eager: bool = False
    ) -> None:
        """`bounds`: `size` in bytes of each of so many `files`. `eager` writes unfinished lines
        at once: a prompt on a terminal has no line end."""
        self._path = directory + "/log"
        bounds = bounds or {}
        self._most, self._files = bounds.get("size", SIZE), bounds.get("files", FILES)
        self._eager = eager
        self._fd = -1
        self.size = 0
        self._rest: dict[str, bytes] = {}

    def write(self, stream: str, data: bytes) -> None:
        rest = self._rest.get(stream)
        if rest:
            data = rest + data
        body, newline, rest = data.rpartition(b"\n")
        stamp = _stamp()
        pieces = []
        if newline:
            full = f"{stamp} {stream} F ".encode()
            pieces.append(full + body.replace(b"\n", b"\n" + full) + b"\n")
        while len(rest) > (0 if self._eager else LONGEST):
            pieces.append(f"{stamp} {stream} P ".encode() + rest[:LONGEST] + b"\n")
            rest = rest[LONGEST:]
        self._rest[stream] = rest
        self._append(b"".join(pieces))

    def close(self) -> None:
        """Writes what had no line end, too."""
        for stream, rest in self._rest.items():
            if rest:
                self._append(f"{_stamp()} {stream} P ".encode() + rest + b"\n")
        self._rest.clear()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _append(self, data: bytes) -> None:
        if not data:
            return
        try:
            self._open()
            if os.write(self._fd, data) < len(data):
                os.ftruncate(self._fd, self.size)  # half a line would spoil the next one
                return
        except OSError:
            return  # a full disk costs log lines, never the container
        self.size += len(data)
        if self.size >= self._most:
            self._rotate()

    def _open(self) -> None:
        if self._fd < 0:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            self._fd = os.open(self._path, flags, 0o600)
            self.size = os.fstat(self._fd).st_size

    def _rotate(self) -> None:
        os.close(self._fd)
        self._fd = -1
        self.size = 0
        for number in range(self._files - 1, 0, -1):
            newer = f"{self._path}.{number - 1}" if number > 1 else self._path
            with contextlib.suppress(FileNotFoundError):
                os.replace(newer, f"{self._path}.{number}")


_second = (0, "")


def _stamp() -> str:
    global _second
    now = time.time_ns()
    seconds, fraction = divmod(now, 1_000_000_000)
    if _second[0] != seconds:
        _second = (seconds, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)))
    return f"{_second[1]}.{fraction:09d}Z"
