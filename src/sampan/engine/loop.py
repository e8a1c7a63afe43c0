"""The loop: take a job, see, decide, carry the plan out.

    change ──> Askers ──> Queue ──> worker: see ─> decide ─> Acts ──> cluster ──> change …

Level-triggered: a job says only which object to look at, so merged, repeated or missed changes do
no harm. One job runs once at a time; several jobs run concurrently. A mistake with one object is
logged, told as an Event about it, and backed off; it never stops a controller.
Upstream's counterpart: sigs.k8s.io/controller-runtime pkg/internal/controller.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from sampan.engine.acts import Acts, Refused
from sampan.engine.cluster import Change, Cluster, NotMirrored
from sampan.engine.events import Events
from sampan.engine.guard import SnapshotChanged, fingerprint
from sampan.engine.kinds import Kinds
from sampan.engine.queue import ON_CONFLICT, ON_ERROR, ON_OUTAGE, Queue
from sampan.engine.reads import EVERY_KIND, Askers, Job, Made, Reading
from sampan.engine.sources import Source, Sources
from sampan.kube import names
from sampan.kube.errors import AlreadyExists, ApiStatus, Conflict, ServiceUnavailable
from sampan.kube.plan import Controller, Emit, Plan, View
from sampan.lib.clock import Clock
from sampan.lib.prometheus import Counter, Labels, Part, gauge

log = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that `stop` gives to the jobs which are running."""
_SHORT, _LONGEST_REST = 0.02, 2.0
"""Seconds. A job whose look and decision take longer than the first rests ten times as long, or as
long as its plan says, so that one huge object leaves most of the time to others; all that changes
meanwhile is one look."""


class Engine:
    """Runs controllers against a cluster. `debug` checks that no decision changes its snapshot."""

    def __init__(
        self,
        cluster: Cluster,
        controllers: Iterable[Controller],
        *,
        clock: Clock,
        workers: int = 16,
        debug: bool = False,
        sources: Mapping[str, Source] | None = None,
    ) -> None:
        self._cluster = cluster
        self._controllers = {controller.name: controller for controller in controllers}
        self._of: dict[str, list[Controller]] = {}
        for controller in self._controllers.values():
            self._of.setdefault(controller.of, []).append(controller)
        self._clock = clock
        self._workers = workers
        self._debug = debug
        self._queue: Queue[Job] = Queue(clock)
        self._made: dict[Job, dict[Hashable, Made]] = {}
        self._askers = Askers()
        self._sources = Sources(sources or {}, self._queue.add)
        self._kinds = Kinds(cluster, self._changed, self._appeared)
        self._events = Events(cluster, clock)
        self._acts = Acts(cluster, self._events, clock)
        self._tasks: list[asyncio.Task[None]] = []
        self._results = Counter(
            "controller_runtime_reconcile_total", "Jobs by controller and what became of them.",
            ("controller", "result"),
        )  # fmt: skip

    async def start(self) -> None:
        """Follow the controllers' kinds and start to work. Those whose kind is not served yet
        begin when it is."""
        for kind in sorted(self._of):  # "*" comes first, and makes the others cheap
            await self._kinds.follow(kind)
        await self._kinds.follow(names.CRD)  # which tells of kinds that appear later
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._workers)]
        self._tasks.append(asyncio.create_task(self._events.run()))

    async def stop(self) -> None:
        """Hear of nothing more, let running jobs end, stop."""
        self._kinds.close()
        self._queue.close()
        tasks, self._tasks = self._tasks, []
        with suppress(TimeoutError):
            await asyncio.wait_for(self._queue.calm.wait(), PATIENCE)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._sources.stop()

    def families(self) -> list[Part]:
        """For /metrics."""
        waiting, delayed, running = self._queue.depths()
        by_state: dict[Labels, float] = {
            ("waiting",): waiting, ("delayed",): delayed, ("running",): running,
        }  # fmt: skip
        jobs = gauge("workqueue_depth", "Jobs of all controllers.", by_state, ("state",))
        return [self._results.family(), jobs, *self._acts.measures.families()]

    def figures(self, of: Callable[[View], Iterable[Part]] | None) -> list[Part]:
        """What a component says for /metrics; nothing while it looks at kinds that nobody needs."""
        now = self._clock.now()
        reading = Reading(self._cluster, self._kinds.followed, self._kinds.absent, now)
        with suppress(NotMirrored):
            return list(of(reading)) if of is not None else []
        return []

    async def idle(self) -> None:
        """Wait until nothing is left to do now: for tests. Timers that are due are run first."""
        quiet = 0
        while quiet < 3:
            self._queue.tick()
            if not self._queue.calm.is_set():
                await self._queue.calm.wait()
                quiet = 0
            if self._kinds.busy or self._sources.busy:
                quiet = 0
            await self._events.flushed()
            await asyncio.sleep(0)
            quiet += 1

    def _changed(self, change: Change) -> None:
        """What a change means for the queue."""
        key = change.key
        for job in self._askers.concerned(change):
            self._queue.add(job)
        for controller in (*self._of.get(key.kind, ()), *self._of.get(EVERY_KIND, ())):
            if _concerned(controller, change):
                self._queue.add(Job(controller.name, key))
        if change.type == "DELETED":
            self._acts.forget(key)
        if key.kind == names.CRD and self._kinds.absent:
            self._kinds.definitions_changed()

    def _appeared(self, kind: str) -> None:
        for job in self._askers.reading_kind(kind):
            self._queue.add(job)

    async def _work(self) -> None:
        while True:
            job = await self._queue.take()
            rest = 0.0
            try:
                rest = await self._ask(job)
                self._results.add((job.controller, "success"))
            except Exception as raised:
                error, words = _understood(raised)
                stale = isinstance(error, Conflict) and not isinstance(error, AlreadyExists)
                self._results.add((job.controller, "requeue" if stale else "error"))
                self._failed(job, error, words)
            finally:
                self._queue.done(job, rest)

    async def _ask(self, job: Job) -> float:
        """Answers how many seconds the job is to rest now."""
        controller = self._controllers[job.controller]
        began = time.thread_time()
        plan = await self._plan(controller, job)
        rest = 0.0
        if plan is not None:
            thought = time.thread_time() - began
            rest = max(plan.rest, min(10 * thought, _LONGEST_REST) if thought > _SHORT else 0.0)
            observed = self._cluster.get(job.key)
            await self._acts.carry_out(job, observed, plan)
            if plan.again_in is not None:
                self._queue.later(job, plan.again_in)
        elif self._cluster.get(job.key) is None:
            self._askers.forget(job)
        self._queue.succeeded(job)
        return rest

    async def _plan(self, controller: Controller, job: Job) -> Plan | None:
        """What the controller wants; None when it has nothing to decide."""
        try:
            snapshot = await self._see(controller, job)
            return None if snapshot is None else self._decide(controller, snapshot)
        except (ApiStatus, SnapshotChanged):
            raise
        except Exception as mistake:
            if controller.recover is None:
                raise
            now = self._clock.now()
            reading = Reading(self._cluster, self._kinds.followed, self._kinds.absent, now)
            plan = controller.recover(reading, job.key, f"{type(mistake).__name__}: {mistake}")
            if plan is None:
                raise
            log.exception("%s: %s", controller.name, job.key)
            return plan

    async def _see(self, controller: Controller, job: Job) -> Any:
        """The snapshot. Its reads are noted even when it fails, so that a change asks again."""
        while True:
            reading = Reading(
                self._cluster,
                self._kinds.followed,
                self._kinds.absent,
                self._clock.now(),
                partial(self._sources.known, job),
                self._made.get(job, {}),
            )
            try:
                seen = controller.see(reading, job.key)
            except NotMirrored as missing:
                await self._kinds.follow(missing.kind)
            else:
                self._sources.looked(job, reading.questions)
                self._made.pop(job, None)
                if reading.made:
                    self._made[job] = reading.made
                return seen
            finally:
                self._askers.note(job, reading.footprints)

    def _decide(self, controller: Controller, snapshot: Any) -> Plan:
        if not self._debug:
            return controller.decide(snapshot)
        before = fingerprint(snapshot)
        plan = controller.decide(snapshot)
        if fingerprint(snapshot) != before:
            raise SnapshotChanged(f"{controller.name} changed the snapshot it was given")
        return plan

    def _failed(self, job: Job, error: Exception, words: Emit) -> None:
        if isinstance(error, Conflict) and not isinstance(error, AlreadyExists):
            self._queue.failed(job, ON_CONFLICT)
            return
        down = isinstance(error, ServiceUnavailable)  # a full disk: no fault of the object's
        delay = self._queue.failed(job, ON_OUTAGE if down else ON_ERROR)
        if _in_dying_namespace(error):
            return
        expected = isinstance(error, ApiStatus)
        log.log(
            logging.WARNING if expected else logging.ERROR,
            "%s: %s: %s; again in %.2f s", job.controller, job.key, error, delay,
            exc_info=None if expected else error,
        )  # fmt: skip
        about = self._cluster.get(job.key)
        if about is not None and job.key.kind != names.EVENT:
            self._events.emit(job.controller, about, words)


def _understood(raised: Exception) -> tuple[Exception, Emit]:
    """What went wrong, and the Event that tells of it."""
    if isinstance(raised, Refused):
        return raised.error, Emit("Warning", raised.reason, str(raised))
    if isinstance(raised, ApiStatus):
        return raised, Emit("Warning", "FailedWrite", str(raised))
    return raised, Emit("Warning", "ControllerError", f"{type(raised).__name__}: {raised}")


def _in_dying_namespace(error: Exception) -> bool:
    """Nothing can be made there any more, which is right and not worth a word."""
    causes = error.details.get("causes") or () if isinstance(error, ApiStatus) else ()
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)


def _concerned(controller: Controller, change: Change) -> bool:
    """A test that fails counts as yes: the question then fails on its own, and is backed off."""
    try:
        return controller.concerns is None or controller.concerns(change.manifest)
    except Exception:
        log.exception("%s: concerns failed for %s", controller.name, change.key)
        return True
