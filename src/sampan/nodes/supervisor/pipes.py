"""The standard streams of a container: named pipes, or a pseudo terminal.

The container gets its pipes opened for reading and writing, so it is not killed by SIGPIPE when
the supervisor dies; the next supervisor opens them again by name and nothing is lost but time.
"""

from __future__ import annotations

import os

from sampan.nodes.supervisor.logs import LogWriter
from sampan.nodes.supervisor.loop import Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 65_536
_STREAMS = (("out", "stdout"), ("err", "stderr"))


class Streams:
    """Reads a container's output into its log. `grown` is called after each write."""

    def __init__(
        self, loop: Loop, directory: str, grown: Callable[[], None], log: dict[str, int]
    ) -> None:
        """`log` bounds the log: `size` and `files`, where they are not the usual ones."""
        self._loop = loop
        self._directory = directory
        self._grown = grown
        self._readers: dict[int, str] = {}
        self._given: list[int] = []
        self._stdin_keeper = -1
        self.terminal = -1
        self._bounds = log
        self.log = LogWriter(directory, log)

    def open(self, *, stdin: bool) -> tuple[int, int, int]:
        """Make the pipes; answers the container's (stdin, stdout, stderr)."""
        for name, stream in _STREAMS:
            path = f"{self._directory}/{name}"
            os.mkfifo(path, 0o600)
            self._given.append(os.open(path, os.O_RDWR))
            self._read(path, stream)
        out, err = self._given
        if not stdin:
            self._given.append(os.open(os.devnull, os.O_RDONLY))
        return (self._open_stdin() if stdin else self._given[-1]), out, err

    def open_terminal(self) -> int:
        """Make a pseudo terminal; answers the container's side."""
        self.terminal, slave = os.openpty()
        self._given.append(slave)
        os.set_blocking(self.terminal, False)
        self.log = LogWriter(self._directory, self._bounds, eager=True)
        self._watch(self.terminal, "stdout")
        return slave

    def reopen(self) -> None:
        """After a restart of the supervisor: the pipes are still there, a terminal is not."""
        for name, stream in _STREAMS:
            path = f"{self._directory}/{name}"
            if os.path.exists(path):
                self._read(path, stream)

    def given(self) -> None:
        """The container has its ends: close ours."""
        for fd in self._given:
            os.close(fd)
        self._given.clear()

    def stdin(self) -> int:
        """A new descriptor to write to the container's standard input; -1 if it has none."""
        if self.terminal >= 0:
            return os.dup(self.terminal)
        try:
            return os.open(self._directory + "/in", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return -1

    def close_stdin(self) -> None:
        if self._stdin_keeper >= 0:
            os.close(self._stdin_keeper)
            self._stdin_keeper = -1

    def close(self) -> None:
        """Take what is left in the pipes, then remove them."""
        self.given()
        self.close_stdin()
        for fd in list(self._readers):
            while self._take(fd):
                pass
        for fd in list(self._readers):
            self._drop(fd)
        self.log.close()
        for name in ("out", "err", "in"):
            try:
                os.unlink(f"{self._directory}/{name}")
            except OSError:
                continue
        self._grown()

    def _open_stdin(self) -> int:
        path = self._directory + "/in"
        os.mkfifo(path, 0o600)
        self._stdin_keeper = os.open(path, os.O_RDWR)
        theirs = os.open(path, os.O_RDONLY)
        writer = os.open(path, os.O_WRONLY)
        os.close(self._stdin_keeper)
        self._stdin_keeper = writer
        self._given.append(theirs)
        return theirs

    def _read(self, path: str, stream: str) -> None:
        self._watch(os.open(path, os.O_RDONLY | os.O_NONBLOCK), stream)

    def _watch(self, fd: int, stream: str) -> None:
        self._readers[fd] = stream
        self._loop.watch(fd, lambda _events: self._ready(fd))

    def _ready(self, fd: int) -> None:
        if not self._take(fd) and fd in self._readers and not self._given:
            self._drop(fd)

    def _take(self, fd: int) -> bool:
        """Whether there was something (or there may be more later)."""
        try:
            data = os.read(fd, _CHUNK)
        except BlockingIOError:
            return False
        except OSError:  # EIO: nobody holds the other side of the terminal any more
            return False
        if data:
            self.log.write(self._readers[fd], data)
            self._grown()
        return bool(data)

    def _drop(self, fd: int) -> None:
        self._loop.ignore(fd)
        del self._readers[fd]
        os.close(fd)
        if fd == self.terminal:
            self.terminal = -1
