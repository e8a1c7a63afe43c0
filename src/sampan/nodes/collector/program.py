"""A collector from its beginning to its end.

    follow what the program writes -> all containers have ended, with a mark -> tell the rest, 0
                                   -> a rule was met -> end the program, tell the rest, 0
                                   -> there is no mark, or no file -> take back what was told, 255

It may be begun again at any time (after a crash of the control plane): everything is read once more
and told under the same numbers. Upstream: cmd/metricscollector.
"""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Sequence
from typing import Any

from sampan.kube import katib
from sampan.kube.katib import Log
from sampan.nodes import environment
from sampan.nodes.cell import identity
from sampan.nodes.collector import options as flags
from sampan.nodes.collector import stopping
from sampan.nodes.collector.feeds import Feed, Files, Lines
from sampan.nodes.collector.kept import Kept
from sampan.nodes.collector.options import Options
from sampan.nodes.collector.rules import Rules
from sampan.nodes.collector.scrapes import Scrapes
from sampan.nodes.collector.telling import Teller
from sampan.nodes.executor.job import TERMINATED, Failed, Job

_FATAL = {"file": 255, "tfevent": 1, "prometheus": 1}
"""The exit codes of upstream's programs when they give up: klog.Fatal's, and that of Python."""
_PATIENCE = 60.0
"""Seconds that a program has to end when it is stopped, as upstream has it."""
_GRACE = 30.0


async def run(job: Job) -> None:
    """Raises Failed."""
    args = [environment.expand(str(each), job.env) for each in job.spec.get("args") or ()]
    collecting = _Collecting(job, flags.read(args))
    try:
        await collecting.run()
    except Failed:
        await collecting.teller.forget()
        raise


class _Collecting:
    def __init__(self, job: Job, options: Options) -> None:
        self._job, self._options = job, options
        kind = katib.collector_of(job.spec)
        self._fatal = _FATAL[kind]
        options.path = posixpath.normpath(options.path)  # as where it is mounted
        self._directory = posixpath.dirname(options.path) if kind == "file" else options.path
        objective = options.metrics[0] if options.metrics else ""
        self._rules = Rules(options.rules, objective, options.objective)
        self._kept = Kept(job.directory)
        self._feed = _feed(kind, job, options, self._kept)
        self._met, self._void = False, 0
        where = (job.facts.namespace, options.trial)
        attempt = identity(job.manifest["metadata"]["uid"], job.place.container, job.place.attempt)
        self.teller = Teller(job.observations, where, f"{attempt}/", objective)

    async def run(self) -> None:
        ended = asyncio.ensure_future(self._job.ended(self._others()))
        told = asyncio.ensure_future(self._job.told.wait())
        try:
            while not ended.done():
                await self._look()
                if self._met and await self._stop(ended):
                    return
                if told.done():
                    raise Failed("", TERMINATED, logged=True)
                await asyncio.wait(
                    {ended, told}, timeout=self._feed.pause, return_when=asyncio.FIRST_COMPLETED
                )
        finally:
            ended.cancel()
            told.cancel()
        await self._complete()

    async def _look(self, *, ended: bool = False) -> None:
        """Read what there is; less, if a rule is met by it."""
        more = True
        while more and (ended or not self._met):
            found = await self._feed.read(ended=ended)
            for source in self._feed.void[self._void :]:
                await self.teller.forget(source)
                self._void += 1
            more = found is not None
            if found is not None:
                self._take(*found)
            await self.teller.now()

    def _take(self, source: str, logs: Sequence[Log]) -> None:
        self.teller.add(source, [each for each in logs if each.metric in self._options.metrics])
        met = [self._rules.met(each.metric, each.value) for each in logs]
        self._met = self._met or any(met)

    # -- the end ----------------------------------------------------------------------------------
    async def _complete(self) -> None:
        """All has ended by itself, or was stopped under an earlier control plane."""
        main = self._job.pod.attempt(self._main)
        done = await asyncio.to_thread(stopping.has_completed, self._job.view, self._directory)
        if main is None or main.code != 0 or not done:
            while await self._feed.read(ended=True) is not None:
                pass  # it counts for nothing, but why it failed is to stand in the log
            code = f" with code {main.code}" if main is not None and main.code else ""
            self._give_up(
                "Failed to wait for worker container: training container is failed. "
                f"It has ended{code} and left no mark in {self._directory}{self._feed.last}"
            )
        await self._finish()
        if self._kept.state.stopping:
            await self.teller.stopped()

    async def _finish(self) -> None:
        """Tell the rest."""
        await self._look(ended=True)
        if fault := self._feed.absent() or self._feed.fault:
            self._give_up(f"Failed to collect logs: {fault}")
        await self.teller.end(self._feed.why, self._feed.missing())

    async def _stop(self, ended: asyncio.Future[None]) -> bool:
        """End the program; whether there was one that had not ended by itself."""
        state, pod = self._kept.state, self._job.pod
        shell = stopping.shell_below(pod.pid(self._main))
        number = stopping.number_inside(shell) if shell else 0
        if not number and not state.stopping:
            return False
        state.stopping = True
        self._kept.save()
        self._job.log("Training container is early stopped")
        if number:
            stopping.stop(shell, number, self._job.view, self._directory)
        await asyncio.wait({ended}, timeout=_PATIENCE)
        await self._finish()
        await self.teller.stopped()
        if not ended.done():
            pod.stop(self._main, _GRACE)
        return True

    def _give_up(self, why: str) -> None:
        self._job.log(why)
        raise Failed(why, self._fatal, logged=True)

    # -- the pod ----------------------------------------------------------------------------------
    def _others(self) -> list[str]:
        if not self._options.waits_for_all:
            return [self._main]
        return [each["name"] for each in self._containers() if not katib.collector_of(each)]

    @property
    def _main(self) -> str:
        """The container that leaves the mark."""
        mark = f"echo {katib.COMPLETED} > {self._directory}"
        for each in self._containers():
            if any(mark in word for word in each.get("args") or ()):
                return str(each["name"])
        raise Failed(f"unable to find a container that leaves its mark in {self._directory}", 255)

    def _containers(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self._job.manifest["spec"]["containers"]
        return listed


def _feed(kind: str, job: Job, options: Options, kept: Kept) -> Feed:
    match kind:
        case "tfevent":
            return Files(job, options)
        case "prometheus":
            return Scrapes(job, options, kept)
        case _:
            return Lines(job, options, kept)
