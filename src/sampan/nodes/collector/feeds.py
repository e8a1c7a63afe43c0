"""What a collector reads, piece by piece: a file of lines, or files of events.

A piece goes to the teller, past the rules of early stopping; lines also become the container's log.
A collector that is taken up again reads everything once more and logs nothing twice (`kept`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Protocol

from msgspec import structs

from sampan.kube.katib import NEVER, Log
from sampan.kube.times import micro
from sampan.nodes.collector import lines
from sampan.nodes.collector.events import Events
from sampan.nodes.collector.kept import Kept
from sampan.nodes.collector.lines import Malformed
from sampan.nodes.collector.options import Options
from sampan.nodes.collector.tail import Tail
from sampan.nodes.executor.job import Job
from sampan.nodes.supervisor.logs import FILES, SIZE

_QUICK, _SLOW, _SLOWER = 0.02, 0.2, 1.25
"""Seconds between looks at a file: who may stop a program is quick while that prints."""
_LONG, _SHOWN = 8_192, 400
"""Bytes in which a last line is looked for, and those that are told of it."""


class Feed(Protocol):
    @property
    def pause(self) -> float:
        """Seconds between looks."""
        ...

    @property
    def void(self) -> Sequence[str]:
        """Sources whose values do not count, because their file was written anew."""
        ...

    @property
    def why(self) -> str:
        """What is no number, and where; "" when all is well."""
        ...

    @property
    def fault(self) -> str:
        """Why nothing of what was read counts; "" when it does."""
        ...

    @property
    def last(self) -> str:
        """The program's last words, to stand behind other ones; "" for nothing."""
        ...

    async def read(self, *, ended: bool) -> tuple[str, Sequence[Log]] | None:
        """(source, values) of the next piece; None when there is none now."""
        ...

    def missing(self) -> str:
        """Why there is no objective."""
        ...

    def absent(self) -> str:
        """Why there was nothing to read at all; "" when there was."""
        ...


class Lines:
    """A file of text or JSON. What has no time of its own was said when it was read, in order;
    upstream, which reads at the end, says the year 1."""

    def __init__(self, job: Job, options: Options, kept: Kept) -> None:
        self._job, self._options, self._kept = job, options, kept
        self.pause = self._least = _QUICK if options.rules else _SLOW
        self._generation = kept.state.generation
        self._tail = Tail(lambda: job.view.open(options.path), self._generation)
        self._form = self._fresh()
        self.void = [_source(each) for each in range(self._generation)]
        self._absent = ""
        self._line, self._now = b"", ""
        self.fault = ""

    @property
    def last(self) -> str:
        line = self._line[:_SHOWN].decode(errors="replace").strip()
        return f". The last line of {self._options.path} is: {line}" if line else ""

    @property
    def why(self) -> str:
        return self._form.why

    async def read(self, *, ended: bool) -> tuple[str, Sequence[Log]] | None:
        found = await asyncio.to_thread(self._read, ended)
        self.pause = min(self.pause * _SLOWER, _SLOW) if found is None else self._least
        return found

    def missing(self) -> str:
        return self._form.missing()

    def absent(self) -> str:
        return f"failed to open the file: {self._absent}" if self._absent else ""

    def _read(self, ended: bool) -> tuple[str, Sequence[Log]] | None:
        try:
            data = self._tail.read(ended=ended)
            self._absent = ""
        except OSError as error:
            self._absent = f"open {self._options.path}: {error.strerror}"
            return None
        if self._tail.generation != self._generation:
            self.void.append(_source(self._generation))
            self._generation, self._form, self.fault = self._tail.generation, self._fresh(), ""
        if not data:
            return None
        self._log(data)
        self._line = data[-_LONG:].rstrip().rpartition(b"\n")[2] or self._line
        return _source(self._generation), self._values(data)

    def _values(self, data: bytes) -> list[Log]:
        found: list[Log] = []
        if self.fault:
            return found
        try:
            found.extend(self._form.read_all(data.decode(errors="replace")))
        except Malformed as wrong:
            self.fault = str(wrong)
        now = self._now = max(self._now, micro(self._job.clock.now()))
        return [each if each.time != NEVER else structs.replace(each, time=now) for each in found]

    def _log(self, data: bytes) -> None:
        state, tail = self._kept.state, self._tail
        if state.generation != tail.generation:
            state.generation, state.offset = tail.generation, 0
        if tail.offset <= state.offset or tail.left > SIZE * FILES:
            return  # it is there already, or would be the first to go
        state.size = self._job.write(data[max(state.offset - tail.begin, 0) :])
        state.offset = tail.offset
        self._kept.save()

    def _fresh(self) -> lines.Form:
        ruled = [rule.metric for rule in self._options.rules]
        metrics = tuple(dict.fromkeys((*self._options.metrics, *ruled)))
        return lines.form(self._options.form, metrics, self._options.filters)


def _source(generation: int) -> str:
    return f"{generation}:"


class Files:
    """A directory with files of events."""

    pause = 1.0
    why = fault = last = ""
    void = ()

    def __init__(self, job: Job, options: Options) -> None:
        self._events = Events(job.view, options.path, options.metrics)
        self._left: Iterator[tuple[str, list[Log]]] | None = None
        self._ended = False

    async def read(self, *, ended: bool) -> tuple[str, Sequence[Log]] | None:
        if ended and not self._ended:
            self._ended, self._left = True, None  # what was passed over may have grown
        return await asyncio.to_thread(self._read)

    def _read(self) -> tuple[str, Sequence[Log]] | None:
        self._left = self._left or self._events.read()
        found = next(self._left, None)
        if found is None:
            self._left = None
        return found

    def missing(self) -> str:
        return self._events.missing()

    def absent(self) -> str:
        return ""
