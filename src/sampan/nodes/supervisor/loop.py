"""A small event loop: file descriptors, timers, reaped children. One thread, no coroutines.

asyncio would cost this process 8 MB; what is needed is a selector, a heap and SIGCHLD. A callback
that fails is told of on standard error and does not end the others' work; only a process in which
nothing succeeds any more ends, so that a new one can take over.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import selectors
import signal
import socket
import sys
import time

TYPE_CHECKING = False  # `typing` itself would cost half a megabyte
if TYPE_CHECKING:
    from collections.abc import Callable

_HOPELESS = 100  # failures in a row
_BREATH = 0.01  # seconds after one: what is ready stays ready

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE


class Loop:
    def __init__(self, reaped: Callable[[int, int], None]) -> None:
        """`reaped(pid, wait status)` is told of each child that ended, known or not."""
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._serial = 0
        self._reaped = reaped
        self._running = True
        self._failures = 0
        self._wake, child_side = socket.socketpair()
        self._wake.setblocking(False)
        child_side.setblocking(False)
        self._child_side = child_side
        signal.set_wakeup_fd(child_side.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.watch(self._wake.fileno(), self._reap)

    def watch(self, fd: int, call: Callable[[int], None], events: int = READ) -> None:
        """Call `call(events)` whenever the descriptor is ready; replaces an earlier watch."""
        try:
            self._selector.modify(fd, events, call)
        except KeyError:
            self._selector.register(fd, events, call)

    def ignore(self, fd: int) -> None:
        self._selector.unregister(fd)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self._serial += 1
        heapq.heappush(self._timers, (time.monotonic() + seconds, self._serial, call))

    def run(self) -> None:
        while self._running:
            for key, events in self._selector.select(self._patience()):
                # A callback of the same round may have dropped the descriptor, and another one may
                # have got its number since.
                if self._selector.get_map().get(key.fd) is key:
                    self._guarded(key.data, events)
            self._fire()

    def stop(self) -> None:
        self._running = False

    def _patience(self) -> float | None:
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def _fire(self) -> None:
        while self._timers and self._timers[0][0] <= time.monotonic():
            self._guarded(heapq.heappop(self._timers)[2])

    def _guarded(self, call: Callable[..., None], *given: int) -> None:
        try:
            call(*given)
        except Exception:
            self._failures += 1
            if self._failures >= _HOPELESS:
                raise
            sys.excepthook(*sys.exc_info())
            time.sleep(_BREATH)
        else:
            self._failures = 0

    def _reap(self, _events: int) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake.recv(4096)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._guarded(self._reaped, pid, status)
