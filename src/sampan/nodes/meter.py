"""The meter: how much CPU and memory each container uses, and the whole machine.

A sample is one pass over /proc: each container's processes are those below the one that the
supervisor started, its CPU time theirs and that of their children that have ended, its memory
theirs with shared pages counted once (PSS). A rate is the difference of two samples, the older one
a quarter of a minute old if there is one: no older, since autoscalers believe in no rate that
reaches back to when a pod was not ready. Samples are taken when somebody asks, and every 15 s for
a while after a controller has asked: an idle node measures nothing. Works where there is /proc,
which is Linux.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from sampan.kube.errors import ServiceUnavailable
from sampan.kube.usage import MEASURED_EVERY, Measured, Used
from sampan.nodes.cell import split
from sampan.nodes.supervisor.client import Gone, Report

log = logging.getLogger(__name__)

_OLDEST = 60.0  # seconds: a sample from before that says nothing about now
_WINDOW = MEASURED_EVERY  # seconds that a rate is averaged over, if there are samples
_FIRST_WINDOW = 1.0  # seconds between the first two samples: a client is waiting
_FRESH = 1.0  # seconds within which a measurement serves whoever asks
_AGAIN = 2.0  # seconds until the next try when it could not be measured
_INTEREST = 120.0  # seconds that a controller's question keeps the meter running
_TICK = 1 / os.sysconf("SC_CLK_TCK")
_MEMORY = ("MemTotal", "MemAvailable")


class Total(Struct, frozen=True):
    """CPU seconds up to now, bytes now."""

    cpu: float
    memory: int


class Sample(Struct, frozen=True):
    """What was read at one time (seconds since the epoch), by the supervisor's id."""

    at: float
    machine: Total
    containers: Mapping[str, Total]
    started: Mapping[str, float]


class Meter:
    """`running` answers with the supervisor's reports, `now` with seconds since the epoch."""

    def __init__(
        self,
        node: str,
        running: Callable[[], Awaitable[Iterable[Report]]],
        now: Callable[[], float],
    ) -> None:
        self._node = node
        self._running = running
        self._now = now
        self._samples: deque[Sample] = deque()
        self._measured: Measured | None = None
        self._measuring = asyncio.Lock()
        self._wanted_until = 0.0
        self._work: asyncio.Task[None] | None = None

    async def measure(self) -> Measured:
        """As `kube.usage.Meter`."""
        async with self._measuring:
            known = self._measured
            if known is not None and 0 <= self._now() - known.machine.at < _FRESH:
                return known
            try:
                return await self._measure()
            except (OSError, Gone) as error:
                raise ServiceUnavailable(
                    f"the node cannot measure what is used: {error}"
                ) from error

    def latest(self) -> Measured | None:
        """As `kube.usage.Meter`."""
        self._wanted_until = self._now() + _INTEREST
        if self._work is None or self._work.done():
            self._work = asyncio.get_running_loop().create_task(self._go_on())
        known = self._measured
        if known is None or self._now() - known.machine.at > _OLDEST:
            return None
        return known

    async def close(self) -> None:
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    async def _go_on(self) -> None:
        while self._now() < self._wanted_until:
            pause = MEASURED_EVERY
            try:
                await self.measure()
            except (
                ServiceUnavailable
            ) as error:  # at a start, controllers ask before there is a node
                log.debug("%s", error.message)
                pause = _AGAIN
            await asyncio.sleep(pause)

    async def _measure(self) -> Measured:
        self._forget()
        if not self._samples:
            self._samples.append(await self._sample())
            await asyncio.sleep(_FIRST_WINDOW)
        self._samples.append(await self._sample())
        self._measured = compare(self._node, self._samples[0], self._samples[-1])
        return self._measured

    def _forget(self) -> None:
        """Samples that are too old to compare with. Of those that are older than the window the
        newest one stays."""
        now, samples = self._now(), self._samples
        while samples and not 0 <= now - samples[0].at <= _OLDEST:
            samples.popleft()
        while len(samples) > 1 and now - samples[1].at >= _WINDOW:
            samples.popleft()

    async def _sample(self) -> Sample:
        reports = [report for report in await self._running() if report.code is None]
        roots = {report.id: report.pid for report in reports if report.pid}
        started = {report.id: report.started for report in reports}
        return await asyncio.to_thread(sample, roots, started, self._now)


def compare(node: str, old: Sample, new: Sample) -> Measured:
    """The rates between two samples. A container that the older one does not know is compared with
    its own start."""
    containers: dict[str, dict[str, Used]] = {}
    for identity, total in new.containers.items():
        uid, name, _ = split(identity)
        before, since = old.containers.get(identity), old.at
        if before is None:
            before, since = Total(0.0, 0), new.started[identity]
        containers.setdefault(uid, {})[name] = _used(before, since, total, new.at)
    machine = _used(old.machine, old.at, new.machine, new.at)
    return Measured(node, machine, containers)


def _used(old: Total, since: float, new: Total, at: float) -> Used:
    window = max(at - since, _TICK)
    return Used(max(0.0, new.cpu - old.cpu) / window, new.memory, at, window)


# -- reading /proc, in a thread -------------------------------------------------------------------


class _Process(Struct, frozen=True):
    parent: int
    cpu: float
    resident: int


def sample(
    roots: Mapping[str, int], started: Mapping[str, float], now: Callable[[], float]
) -> Sample:
    """Raises OSError where there is no /proc."""
    machine = Total(_machine_cpu(), _machine_memory())
    processes = _processes()
    children: dict[int, list[int]] = {}
    for pid, process in processes.items():
        children.setdefault(process.parent, []).append(pid)
    at = now()
    found = {}
    for identity, root in roots.items():
        if root in processes:
            own = _below(root, children)
            cpu = sum(processes[pid].cpu for pid in own)
            found[identity] = Total(cpu, sum(_share(pid, processes[pid].resident) for pid in own))
    return Sample(at, machine, found, started)


def _processes() -> dict[int, _Process]:
    page = os.sysconf("SC_PAGE_SIZE")
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
            # state ppid … utime stime cutime cstime … rss: fields 3, 4, 14 to 17, 24 of proc(5)
            cpu = sum(map(int, fields[11:15])) * _TICK
            found[int(name)] = _Process(int(fields[1]), cpu, int(fields[21]) * page)
        except (OSError, IndexError, ValueError):
            continue  # it has just ended
    return found


def _below(root: int, children: Mapping[int, Sequence[int]]) -> list[int]:
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def _share(pid: int, resident: int) -> int:
    """Bytes of a process, shared pages in proportion; all it holds where that cannot be read."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) << 10
    except (OSError, ValueError):
        pass
    return resident


def _machine_cpu() -> float:
    """Seconds that its CPUs were not idle: user nice system idle iowait irq softirq steal."""
    with open("/proc/stat") as file:
        values = [int(value) for value in file.readline().split()[1:9]]
    return (sum(values) - sum(values[3:5])) * _TICK


def _machine_memory() -> int:
    """Bytes that could not be given to somebody else."""
    facts = {}
    with open("/proc/meminfo") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name in _MEMORY:
                facts[name] = int(rest.split()[0]) << 10
    return facts["MemTotal"] - facts["MemAvailable"]
