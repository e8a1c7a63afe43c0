"""The queue: which job runs next, once at a time, and when a failed one is tried again.

A job that is added twice waits once; one that is added while it runs, runs again afterwards, or
when it has rested: a job that takes long leaves the others room. Each
job has at most one timer, which is cleared when the job is taken. Time comes from a Clock, so a
test moves it by hand and calls `tick`; with the real clock a timer of the event loop ticks, at
least twice a minute, as a clock may be set and a laptop may sleep. A clock that is set back takes
the timers with it: who was to wait five seconds does not wait an hour.
What a job does is not known here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Generic, TypeVar

from msgspec import Struct

from sampan.lib.clock import Clock

J = TypeVar("J", bound=Hashable)


class Backoff(Struct, frozen=True):
    """Waits `first` seconds, doubling up to `cap`."""

    first: float
    cap: float

    def delay(self, failures: int) -> float:
        """After the n-th failure in a row, n ≥ 1. The exponent is bounded to stay a float."""
        return min(self.cap, self.first * 2.0 ** min(failures - 1, 60))


_LOOK_AGAIN = 30.0  # seconds
_TOLERATED = 1.0  # seconds that a clock may be adjusted by without a word

ON_ERROR = Backoff(first=0.05, cap=300)
ON_OUTAGE = Backoff(first=0.5, cap=5)
ON_CONFLICT = Backoff(first=0.005, cap=5)


class Queue(Generic[J]):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ready: asyncio.Queue[J] = asyncio.Queue()
        self._waiting: set[J] = set()
        self._running: set[J] = set()
        self._again: set[J] = set()
        self._resting: dict[J, asyncio.TimerHandle] = {}
        self._failures: dict[J, int] = {}
        self._due: dict[J, datetime] = {}
        self._heap: list[tuple[datetime, int, J]] = []
        self._ticket = count()
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at: datetime | None = None
        self._closed = False
        self._wall, self._steady = clock.now(), clock.monotonic()
        self.calm = asyncio.Event()
        self.calm.set()

    def add(self, job: J) -> None:
        """Run the job soon."""
        if self._closed:
            return
        if job in self._running or job in self._resting:
            self._again.add(job)
            self.calm.clear()
        elif job not in self._waiting:
            self._waiting.add(job)
            self._ready.put_nowait(job)
            self.calm.clear()

    async def take(self) -> J:
        """The next job. Its timer is cleared; `done` must follow."""
        job = await self._ready.get()
        self._waiting.discard(job)
        self._running.add(job)
        self._due.pop(job, None)
        return job

    def done(self, job: J, rest: float = 0.0) -> None:
        """The job has run; it does not run again in the next `rest` seconds."""
        self._running.discard(job)
        if rest and not self._closed:
            loop = asyncio.get_running_loop()
            self._resting[job] = loop.call_later(rest, self._rested, job)
        self._repeat(job)

    def _rested(self, job: J) -> None:
        del self._resting[job]
        self._repeat(job)

    def _repeat(self, job: J) -> None:
        if job in self._again and job not in self._resting:
            self._again.discard(job)
            self.add(job)
        if not (self._waiting or self._running or self._again):
            self.calm.set()

    def depths(self) -> tuple[int, int, int]:
        """How many jobs wait for a worker, wait for a time, and run."""
        return len(self._waiting), len(self._due), len(self._running)

    def succeeded(self, job: J) -> None:
        """Forget the failures of the job."""
        self._failures.pop(job, None)

    def failed(self, job: J, backoff: Backoff = ON_ERROR) -> float:
        """Run the job again after a delay, which is the answer in seconds."""
        failures = self._failures[job] = self._failures.get(job, 0) + 1
        delay = backoff.delay(failures)
        self.later(job, delay)
        return delay

    def later(self, job: J, seconds: float) -> None:
        """Run the job in so many seconds; replaces the timer that it has."""
        self._follow_clock()
        due = self._clock.now() + timedelta(seconds=seconds)
        self._due[job] = due
        heappush(self._heap, (due, next(self._ticket), job))
        if len(self._heap) > 2 * len(self._due) + 64:
            self._heap = [entry for entry in self._heap if self._due.get(entry[2]) == entry[0]]
            heapify(self._heap)
        if self._alarm_at is None or due < self._alarm_at:
            self._arm()

    def tick(self) -> None:
        """Add the jobs whose time has come."""
        self._follow_clock()
        now = self._clock.now()
        while self._heap and self._heap[0][0] <= now:
            due, _, job = heappop(self._heap)
            if self._due.get(job) == due:
                del self._due[job]
                self.add(job)
        self._arm()

    def close(self) -> None:
        """Take nothing more. What waits is dropped; `calm` is set when what runs has ended."""
        self._closed = True
        self._disarm()
        while not self._ready.empty():
            self._ready.get_nowait()
        self._waiting.clear()
        self._again.clear()
        for timer in self._resting.values():
            timer.cancel()
        self._resting.clear()
        if not self._running:
            self.calm.set()

    def _follow_clock(self) -> None:
        """Where the clock was set back since the last look, timers are set back as well."""
        now, steady = self._clock.now(), self._clock.monotonic()
        back = steady - self._steady - (now - self._wall).total_seconds()
        self._wall, self._steady = now, steady
        if back > _TOLERATED:
            by = timedelta(seconds=back)
            self._due = {job: due - by for job, due in self._due.items()}
            self._heap = [(due - by, ticket, job) for due, ticket, job in self._heap]

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._alarm_at = None, None

    def _arm(self) -> None:
        self._disarm()
        if self._heap and not self._closed:
            self._alarm_at = self._heap[0][0]
            delay = (self._alarm_at - self._clock.now()).total_seconds()
            delay = min(max(delay, 0.001), _LOOK_AGAIN)
            self._alarm = asyncio.get_running_loop().call_later(delay, self.tick)
