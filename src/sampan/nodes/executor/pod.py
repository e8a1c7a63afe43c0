"""The executor's containers of one pod: begun, asked to end, taken up again after a restart. Others
that the control plane carries out (collectors of metrics) are begun in the same way.

A container that was running when the control plane was killed begins once more; what it does is
such that twice is harmless. One that had written down its end has ended.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any

import msgspec

from sampan.kube import argoexec
from sampan.kube.errors import NotFound
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.streams import Link
from sampan.nodes import dial, environment
from sampan.nodes.cell import Cell, identity, split
from sampan.nodes.compose import Directories
from sampan.nodes.context import Context
from sampan.nodes.executor import fetching, sets
from sampan.nodes.executor.job import FAULT, KILLED, TERMINATED, Failed, Job, template_of
from sampan.nodes.executor.programs import Program
from sampan.nodes.executor.view import Place, View
from sampan.nodes.facts import PodFacts
from sampan.nodes.life.seen import Run
from sampan.nodes.supervisor.client import Report
from sampan.nodes.volumes.prepare import PodVolumes

log = logging.getLogger(__name__)

_SOON = 0.05  # seconds in which most have done their work


class Executor:
    def __init__(
        self,
        context: Context,
        cells: Mapping[str, Cell],
        place: Callable[[Cell], Directories],
        tell: tuple[Callable[[Report], None], Callable[[str, float], None]],
        program: Callable[[Mapping[str, Any]], Program],
    ) -> None:
        """`tell` is (hear of an end, stop a container in so many seconds). `program` is what a
        container is asked to do, or Failed."""
        self._context = context
        self._cells = cells
        self._place = place
        self._ended, self._stop = tell
        self._program = program
        self._tasks: dict[str, tuple[Job, asyncio.Task[None]]] = {}
        self._held: dict[str, asyncio.Task[None]] = {}
        self._attended: dict[str, asyncio.Task[None]] = {}
        self._released: set[str] = set()
        self._unwanted: dict[str, float] = {}
        self._changed = asyncio.Event()

    # -- job.Pod ----------------------------------------------------------------------------------
    async def changed(self) -> None:
        await self._changed.wait()

    def attempt(self, container: str) -> Run | None:
        cell = self._cells.get(container)
        return cell.last if cell else None

    def stop(self, container: str, grace: float) -> None:
        cell = self._cells.get(container)
        if cell is not None and cell.running:
            self._stop(container, grace)
        elif cell is not None and cell.last is None:  # it is told as soon as it has begun
            self._unwanted[container] = grace

    def place(self, container: str) -> Directories:
        return self._place(self._cells[container])

    def pid(self, container: str) -> int:
        cell = self._cells.get(container)
        return cell.pid if cell is not None and cell.running else 0

    @property
    def present(self) -> bool:
        """Whether the pod has a container of the executor that is not over."""
        mine = (cell for cell in self._cells.values() if cell.ours)
        return any(cell.last is None or cell.running for cell in mine)

    @property
    def busy(self) -> bool:
        """Whether one of them runs."""
        return bool(self._tasks)

    # -- for the worker ---------------------------------------------------------------------------
    def noticed(self) -> None:
        """Something about the pod's containers has changed."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def begin(self, cell: Cell, attempt: int, facts: PodFacts, volumes: PodVolumes) -> Report:
        """Start an attempt. ConfigError when a variable cannot be had."""
        job = self._job(cell, attempt, facts, volumes)
        id, now = identity(cell.uid, cell.name, attempt), self._context.now()
        done: list[Report] = []
        task = asyncio.create_task(self._carry_out(job, id, now, done))
        self._tasks[cell.name] = (job, task)
        if argoexec.program(cell.spec.get("command")) == argoexec.INIT:
            await asyncio.wait({task}, timeout=_SOON)
        if done:
            return done[0]
        done.append(Report(id, now))  # from now on the worker is told
        return done[0]

    def _job(self, cell: Cell, attempt: int, facts: PodFacts, volumes: PodVolumes) -> Job:
        place = Directories(self._place(cell).pod, cell.name, attempt)
        job = Job(self, facts, cell.spec, place)
        job.cluster, job.clock = self._context.cluster, self._context.clock
        job.artifacts = self._context.artifacts
        job.server = self._context.server
        job.observations = self._context.observations
        job.route = self._context.forward.route
        job.dial = partial(self._dial, key_of(facts.pod))
        job.env = environment.variables(facts, cell.spec, {})
        mounts = volumes.mounts(cell.spec, lambda text: environment.expand(text, job.env))
        job.view = View([Place(mount.target, mount.source) for mount in mounts])
        return job

    def attend(self, cell: Cell, attempt: int, facts: PodFacts, volumes: PodVolumes) -> None:
        """A container runs. If it is a driver that has to fetch artifacts, tell it which."""
        if (grace := self._unwanted.pop(cell.name, None)) is not None:
            self._stop(cell.name, grace)
        if not fetching.driver_of(cell.spec):
            return
        job = self._job(cell, attempt, facts, volumes)
        job.silent = True
        self._attended[cell.name] = asyncio.create_task(fetching.fetch(job))

    def judge(self, cell: Cell) -> None:
        """A container has ended, and it may be up to us to say how."""
        if (task := self._attended.pop(cell.name, None)) is not None:
            task.cancel()
        if cell.last is not None:
            cell.last = fetching.judged(cell.spec, cell.last, self._place(cell))

    async def _dial(self, key: Key, port: int, *, tls: bool = False) -> Link:
        """Connect to a port of this pod, which has its address by now if it is to have one."""
        pod = self._context.cluster.get(key)
        if pod is None:
            raise NotFound("the pod is gone")
        return await dial.connect(pod, port, self._context.networking, tls=tls)

    async def resume(self, cell: Cell, facts: PodFacts, volumes: PodVolumes) -> None:
        """Take up a container that ran under an earlier control plane."""
        assert cell.last is not None
        report = await self.begin(cell, cell.last.attempt, facts, volumes)
        if report.code is not None:
            self._ended(report)

    def holds(self, cell: Cell, facts: PodFacts) -> bool:
        """Whether the container has to wait for others of its set."""
        return cell.name not in self._released and bool(_waits_for(facts, cell))

    def hold(
        self, cell: Cell, attempt: int, facts: PodFacts, release: Callable[[Cell], Awaitable[None]]
    ) -> Report:
        """The container runs; its program begins, by `release`, when others have succeeded."""
        report = Report(identity(cell.uid, cell.name, attempt), self._context.now())
        waiting = self._wait_for(_waits_for(facts, cell), report, lambda: release(cell))
        self._held[cell.name] = asyncio.create_task(waiting)
        return report

    async def _wait_for(
        self, others: list[str], report: Report, release: Callable[[], Awaitable[None]]
    ) -> None:
        name = split(report.id)[1]
        try:
            while True:
                runs = [self.attempt(each) for each in others]
                ended = [run.code for run in runs if run is not None and run.code is not None]
                if any(ended) or len(ended) == len(others):
                    break
                await self.changed()
        except asyncio.CancelledError as cancelled:
            if "leaving" in cancelled.args:
                raise
            self._end_held(report, TERMINATED, "")
            return
        for other, run in zip(others, runs, strict=True):
            if run is not None and run.code:
                said = f'dependency "{other}" exited with non-zero code: {run.code}'
                self._end_held(report, FAULT, said)
                return
        self._held.pop(name, None)
        self._released.add(name)
        await release()

    def _end_held(self, report: Report, code: int, message: str) -> None:
        self._held.pop(split(report.id)[1], None)
        now = self._context.now()
        self._ended(Report(report.id, report.started, 0, now, code, "", message))

    def minds(self, cell: Cell) -> bool:
        """Whether ending it is up to us: nothing of it is a process."""
        return cell.ours or cell.name in self._held

    def told_to_end(self, cell: Cell, grace: float) -> None:
        if (held := self._held.get(cell.name)) is not None:
            held.cancel()
            return
        job, task = self._tasks.get(cell.name, (None, None))
        if job is None or task is None:
            return
        job.told.set()
        if argoexec.program(cell.spec.get("command")) == argoexec.INIT:
            task.cancel()
        asyncio.get_running_loop().call_later(grace, task.cancel)

    def leave(self) -> None:
        """Nobody hears of them any more; what they were about is done again one day."""
        jobs = (task for _, task in self._tasks.values())
        for task in (*jobs, *self._held.values(), *self._attended.values()):
            task.cancel("leaving")
        self._tasks.clear()
        self._attended.clear()
        self._held.clear()

    # -- a job ------------------------------------------------------------------------------------
    async def _carry_out(self, job: Job, id: str, began: float, done: list[Report]) -> None:
        code = 0
        try:
            await self._program(job.spec)(job)
        except Failed as failure:
            code, job.message = failure.code, job.message or str(failure)
            if not failure.logged:
                job.log(f"level=error msg={str(failure)!r}")
        except asyncio.CancelledError as cancelled:
            if "leaving" in cancelled.args:
                raise
            code = KILLED
        except Exception as error:
            log.exception("%s: the executor failed", id)
            code, job.message = FAULT, f"{type(error).__name__}: {error}"
        self._close(job, id, began, (code, done))

    def _close(self, job: Job, id: str, began: float, end: tuple[int, list[Report]]) -> None:
        code, done = end
        with suppress(OSError):
            job.close(code)
        name = split(id)[1]
        if self._tasks.get(name, (None,))[0] is job:
            del self._tasks[name]
        report = Report(id, began, 0, self._context.now(), code, "", job.message)
        if done:
            self._ended(report)
        else:
            done.append(report)


def recorded(place: Directories) -> tuple[int, float, str] | None:
    """(exit code, when, message) of one that had ended before its end was told."""
    try:
        facts = msgspec.json.decode((place.logs / "exit").read_bytes())
    except OSError:
        return None
    return int(facts["code"]), float(facts["finished"]), str(facts["message"])


def outputs_of(facts: PodFacts, container: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths of a container that are looked at after its end."""
    if container["name"] != argoexec.MAIN or not _is_minded(container):
        return ()
    outputs = _template(facts).get("outputs") or {}
    paths = [(each.get("valueFrom") or {}).get("path") for each in outputs.get("parameters") or ()]
    paths += [each.get("path") for each in outputs.get("artifacts") or ()]
    return tuple(path for path in paths if path and path.startswith("/"))


def retrying(facts: PodFacts, spec: Mapping[str, Any], argv: tuple[str, ...]) -> tuple[str, ...]:
    """The command of a container as often as its template wants."""
    return sets.retrying(_template(facts), spec, argv) if _is_minded(spec) else argv


def _waits_for(facts: PodFacts, cell: Cell) -> list[str]:
    return sets.waits_for(_template(facts), cell.spec) if _is_minded(cell.spec) else []


def _is_minded(spec: Mapping[str, Any]) -> bool:
    """Whether the emissary stands before its command."""
    return argoexec.unwrapped(spec.get("command")) is not None


def _template(facts: PodFacts) -> Manifest:
    """To be read only. {} for one that makes no sense: who has to do what it says says so."""
    text = argoexec.template_text(facts.pod["spec"])
    if text != argoexec.OFFLOADED:
        return _parsed(text)
    try:
        return template_of(facts)
    except Failed:
        return {}


@lru_cache(maxsize=32)
def _parsed(text: str) -> Manifest:
    return argoexec.parsed(text)
