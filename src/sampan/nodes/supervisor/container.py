"""One live container: its record, its streams, and where its processes are."""

from __future__ import annotations

import signal

from sampan.nodes.supervisor import process, records
from sampan.nodes.supervisor.pipes import Streams
from sampan.nodes.supervisor.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Container:
    """One live container and everything that is open for it."""

    def __init__(self, record: Record, directory: str, streams: Streams) -> None:
        self.record = record
        self.directory = directory
        self.streams = streams
        self.out_of_memory = False
        self.kill_at = 0.0
        self.stop_signal: int = signal.SIGTERM
        self.ended: tuple[int, float] | None = None  # (exit status, when) of the main process
        self.begun = record.pid > 0  # a forked container: its program runs
        self.started: Callable[[Record], None] | None = None  # is told when the process is known
        self.listen: Callable[[], None] | None = None  # to a fork that has not said all
        self.otherwise: Callable[[], int] | None = None  # start it when it cannot be forked
        self._init = 0

    @property
    def init(self) -> int:
        """The sandbox's pid 1, as a pid of the host; 0 as long as it is not known."""
        if not self._init and not self.record.plain:
            self._init = int(records.status(self.directory).get("child-pid", 0))
        return self._init

    @property
    def starting(self) -> bool:
        """The sandbox is being made: its main process is not there, or still is bubblewrap."""
        if self.record.plain:
            return False
        if self.record.forked:
            return not self.begun
        return not self.main or process.same_program(self.main, self.init)

    @property
    def main(self) -> int:
        """The container's main process; 0 when it is not there (yet or any more)."""
        if self.record.plain:
            return self.record.pid
        return next(iter(process.children(self.init)), 0) if self.init else 0
