"""One living pod: look, decide, carry out, write the status; again when anything happens.

The decision is `life.decide`; this is the part that has hands. It holds nothing that could not be
found again: containers are the supervisor's, the rest is in the pod's status. A worker ends when
its pod has ended for good or is gone; pods that are over cost nothing.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from sampan.kube import argoexec
from sampan.kube.errors import ApiStatus, Conflict, NotFound
from sampan.kube.keys import Key, Manifest, key_of
from sampan.nodes import adopt
from sampan.nodes.cell import Cell, split
from sampan.nodes.compose import Directories
from sampan.nodes.context import Context
from sampan.nodes.executor import fetching
from sampan.nodes.executor.pod import Executor, recorded
from sampan.nodes.facts import PodFacts
from sampan.nodes.launcher.pod import Launcher
from sampan.nodes.life.decide import decide
from sampan.nodes.life.eviction import EVICTED
from sampan.nodes.life.seen import Decision, Run, Snapshot, Start, Stop
from sampan.nodes.messages import read_message
from sampan.nodes.prober import Prober
from sampan.nodes.programs import program_of
from sampan.nodes.references import pod_references
from sampan.nodes.starter import Starter
from sampan.nodes.stopper import stop
from sampan.nodes.supervisor.client import Gone, Report
from sampan.nodes.supervisor.records import UNKNOWN_REASON

log = logging.getLogger(__name__)

_SECTIONS = ("initContainers", "containers", "ephemeralContainers")
_EXECUTOR_LAG = 0.05
"""Seconds in which the executor mostly has done its part when a main container has ended: then both
ends go into one write."""
_AGAIN = 1.0
_LAG = 0.05  # seconds: what we read is older than what we must not overwrite


class Worker:
    def __init__(self, context: Context, pod: Manifest, ended: Callable[[Worker], None]) -> None:
        """`ended` is called once, when there is nothing left to do for this pod."""
        self.context = context
        self.pod = pod
        self.key = key_of(pod)
        self.uid: str = pod["metadata"]["uid"]
        self.cells: dict[str, Cell] = {}
        self.address = ""
        self._ended = ended
        self._gone = False
        self._evicted: tuple[str, str] | None = None
        self._wake = asyncio.Event()
        self._stale = False
        self._directory = context.pod_directory(self.uid)
        self._prober = Prober(context, self.cells, self._about, self._wake.set)
        tell = (self.exited, self._end)
        self._executor = Executor(context, self.cells, self._place, tell, program_of)
        executor = (self._executor, self._begin)
        self._launcher = Launcher(context, self._place_of, self.exited)
        self._starter = Starter(context, self._directory, executor, self._launcher, self._wake.set)
        self._watched: list[Key] = []
        self._early: dict[str, Report] = {}
        self._resumed: list[Cell] = []
        self._uncollected: list[Report] = []
        self._add_cells()

    # -- what happens -----------------------------------------------------------------------------
    def adopt(self, reports: Iterable[Report]) -> None:
        """Take over what an earlier control plane has started."""
        adopt.restore(self.cells, self.pod, reports, self.context.now())
        address = (self.pod.get("status") or {}).get("podIP", "")
        if address and self.context.networking.hold(self.uid, address):
            self.address = address
        for cell in self.cells.values():
            if self._is_executor_s(cell):
                self._resume(cell)
            elif cell.running:
                self._starter.adopted(cell)
                if fetching.driver_of(cell.spec):
                    self._resumed.append(cell)
                self._stale = True  # its files may be old, and its tokens are not known here
            elif report := self._launcher.resumed(cell, self.pod):
                self._uncollected.append(report)
            elif cell.last is not None:
                self._executor.judge(cell)
                read_message(cell, self._place(cell))
        if any(cell.running for cell in self.cells.values()):
            self.address = self.address or address  # of another kind of network than now
            if self.uid not in self.context.networking.known:
                self.cut_off()

    def _is_executor_s(self, cell: Cell) -> bool:
        """Whether a container ran in an earlier control plane, and not as a process."""
        if cell.last is None or cell.last.reason != UNKNOWN_REASON:
            return False
        held = self._executor.holds(cell, self._facts()) and not self._place(cell).logs.exists()
        return cell.ours or held

    def _resume(self, cell: Cell) -> None:
        """Where the control plane was killed, what it was about is done again, unless its end is
        written down."""
        assert cell.last is not None
        cell.last = Run(attempt=cell.last.attempt, started=cell.last.started)
        end = recorded(self._place(cell))
        if end is not None:
            code, finished, message = end
            cell.last = replace(cell.last, code=code, finished=finished, message=message)
        else:
            self._resumed.append(cell)

    def cut_off(self) -> None:
        """The pod's network has gone: what runs in it ends, and starts again in a new one if the
        pod wants that."""
        if self.context.networking.address_of(self.uid) and self.context.networking.enabled:
            text = "Pod sandbox changed, it will be killed and re-created."
            self.context.emit(self.pod, "Normal", "SandboxChanged", text)
            for cell in self.cells.values():
                if cell.running and not self._executor.minds(cell):
                    stopping = self.context.client.stop(cell.identity, 0)
                    cell.stopper = asyncio.create_task(stopping)

    def changed(self, pod: Manifest) -> None:
        """The pod's object has another state. Our own writes come back like all others."""
        if revision(pod) <= revision(self.pod):
            return
        told, old = pod["metadata"], self.pod["metadata"]
        self.pod = pod
        self._add_cells()
        fields = ("labels", "annotations")
        if any(told.get(field) != old.get(field) for field in fields):
            self._stale = True
        self._wake.set()

    def vanished(self) -> None:
        """The pod's object is gone: nothing of it may go on."""
        self._gone = True
        self._wake.set()

    def exited(self, report: Report) -> None:
        _, name, attempt = split(report.id)
        cell = self.cells.get(name)
        if cell is None:
            return
        if cell.last is None or cell.last.attempt < attempt:
            self._early[report.id] = report  # it has ended before we heard that it was started
            return
        if cell.last.attempt != attempt:
            return
        if self._launcher.collects(cell, report, self._facts()):
            return
        cell.cancel()
        cell.note(attempt, report)
        self._executor.judge(cell)
        read_message(cell, self._place(cell))
        self.context.gpus.release(report.id)
        self._executor.noticed()
        if not self._executor.present:  # else it may want to look at what is left
            self.context.trash.add(self._place(cell).scratch)
        if self._executor.busy and not cell.ours:
            asyncio.get_running_loop().call_later(_EXECUTOR_LAG, self._wake.set)
        else:
            self._wake.set()

    def touched(self) -> None:
        """A ConfigMap, Secret or claim that this pod uses has changed."""
        self._stale = True
        self._starter.retry()
        self._wake.set()

    def evict(self, why: str) -> None:
        """The node cannot afford the pod any more."""
        if self._evicted is None:
            self._evicted = (EVICTED, why)
            self.context.emit(self.pod, "Warning", EVICTED, why)
            self._wake.set()

    @property
    def evictable(self) -> bool:
        return self._evicted is None and any(cell.running for cell in self.cells.values())

    def pids(self) -> dict[str, int]:
        """The first process of each container that runs."""
        return {name: cell.pid for name, cell in self.cells.items() if cell.running and cell.pid}

    # -- the loop ---------------------------------------------------------------------------------
    async def run(self) -> None:
        self._watch_references()
        try:
            for cell in self._resumed:
                await self._starter.resume(cell, self._facts())
            for report in self._uncollected:
                self.exited(report)
            while not await self._step():
                pass
        except Gone:
            return  # the node connects again and makes new workers
        finally:
            self._leave()
        self._ended(self)

    async def _step(self) -> bool:
        """One round; whether the pod is done with."""
        self._wake.clear()
        if self._gone:
            await self._kill()
            return True
        if self._starter.due():
            self._stale = True
        decision = decide(self._snapshot())
        if await self._carry_out(decision):
            return False
        if not await self._write(decision):
            return False
        if decision.remove:
            await self._remove()
            return True
        if decision.finished:
            return True
        await self._refresh()
        await self._sleep(decision.again_in)
        return False

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            pod=self.pod,
            now=self.context.now(),
            containers={name: cell.seen() for name, cell in self.cells.items()},
            pod_ip=self.address,
            host_ip=self.context.host_ip,
            evicted=self._evicted,
        )

    async def _carry_out(self, decision: Decision) -> bool:
        """Whether something has changed by it, so that the decision is old."""
        changed = False
        for action in decision.actions:
            if isinstance(action, Stop):
                self._stop(action)
            elif await self._start(action):
                changed = True
        self._prober.probe(decision.probes)
        return changed

    async def _start(self, action: Start) -> bool:
        cell = self.cells[action.container]
        if not self.address:
            own_net = not self.pod["spec"].get("hostNetwork")
            networking, host = self.context.networking, self.context.host_ip
            self.address = networking.take(self.uid) if own_net else host
        report = await self._starter.start(cell, action, self._facts())
        if report is None:
            return cell.waiting is not None
        cell.begin(action.attempt, action.streak, report)
        self._forget_older(cell)
        early = self._early.pop(report.id, report)
        if early.code is not None:
            self.exited(early)
        handler = (cell.spec.get("lifecycle") or {}).get("postStart")
        if handler and cell.running:
            cell.hook = "running"
            cell.hook_task = asyncio.create_task(self._prober.post_start(cell, handler))
        return True

    def _stop(self, action: Stop) -> None:
        cell = self.cells[action.container]
        loop = asyncio.get_running_loop()
        deadline = loop.time() + action.grace
        if cell.stop_by is not None and cell.stop_by <= deadline + 0.5:
            return
        if cell.stop_by is None:
            why = action.why or f"Stopping container {cell.name}"
            self.context.emit(self.pod, "Normal", "Killing", why)
        first, cell.stop_by = cell.stop_by is None, deadline
        if self._executor.minds(cell):
            self._executor.told_to_end(cell, action.grace)
            return
        if cell.stopper is not None:
            cell.stopper.cancel()
        target = self._prober.target(cell)
        failed = functools.partial(self.context.emit, self.pod, "Warning", "FailedPreStopHook")
        cell.stopper = asyncio.create_task(stop(target, action.grace, failed if first else None))

    async def _begin(self, cell: Cell) -> None:
        """The program of a container begins that has run without it."""
        assert cell.last is not None
        attempt, report = cell.last.attempt, None
        while report is None and cell.running:
            report = await self._starter.start(cell, Start(cell.name, attempt, 0), self._facts())
            if report is None:
                cell.waiting = None
                await asyncio.sleep(_AGAIN)
        if report is not None and report.code is not None:
            self.exited(report)
        elif report is not None and cell.running:
            cell.note(attempt, report)

    def _end(self, container: str, grace: float) -> None:
        """The executor wants a container to end."""
        self._stop(Stop(container, grace))

    # -- the object -------------------------------------------------------------------------------
    async def _write(self, decision: Decision) -> bool:
        """Write the status if it says something new; False when the pod has to be looked at
        again first."""
        if decision.status == self.pod.get("status"):
            return True
        written = {**self.pod, "status": decision.status}
        try:
            self.pod = await self.context.cluster.replace(written, subresource="status")
        except Conflict:
            newer = self.context.cluster.get(self.key)
            if newer is None or newer["metadata"]["uid"] != self.uid:
                self._gone = True
            elif revision(newer) > revision(self.pod):
                self.pod = newer
            else:
                await self._sleep(_LAG)
            return False
        except NotFound:
            self._gone = True
            return False
        except ApiStatus as error:
            log.warning("status of %s not written: %s", self.key, error.message)
            await self._sleep(1.0)
            return False
        return True

    async def _remove(self) -> None:
        try:
            await self.context.cluster.delete(self.key, uid=self.uid, grace=0)
        except (NotFound, Conflict):
            return

    # -- looking after ----------------------------------------------------------------------------
    async def _refresh(self) -> None:
        if self._stale:
            self._stale = False
            await self._starter.refresh(self._facts())

    async def _sleep(self, seconds: float | None) -> None:
        """Until something happens, at most this long."""
        waits = [each for each in (seconds, self._starter.again_in()) if each is not None]
        if not waits:
            await self._wake.wait()
            return
        try:
            async with asyncio.timeout(max(0.0, min(waits)) + 0.001):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _kill(self) -> None:
        """The object is gone: end everything at once, and wait for it."""
        while alive := [cell for cell in self.cells.values() if cell.running]:
            for cell in alive:
                cell.cancel()
                if self._executor.minds(cell):
                    self._executor.told_to_end(cell, 0)
                else:
                    await self.context.client.stop(cell.identity, 0)
            self._wake.clear()
            if any(cell.running for cell in alive):
                await self._wake.wait()

    def _leave(self) -> None:
        self._starter.leave()
        self._executor.leave()
        self._launcher.leave()
        for cell in self.cells.values():
            cell.cancel()
        for key in self._watched:
            self.context.references.drop(key, self.touched)
        self._watched.clear()

    def release(self) -> None:
        """Give back what a pod that is over does not need."""
        self.context.networking.release(self.uid)
        ids = [cell.identity for cell in self.cells.values() if cell.last is not None]
        self.context.client.forget(ids)
        if self._gone or self.pod["metadata"].get("deletionTimestamp"):
            self.context.trash.add(self._directory)
        else:
            self.context.trash.add(self._directory / "volumes", self._directory / "scratch")

    def _about(self) -> tuple[Manifest, str]:
        return self.pod, self.address

    def _facts(self) -> PodFacts:
        context, namespace = self.context, self.key.namespace
        return PodFacts(
            self.pod,
            self.address,
            context.host_ip,
            context.allocatable,
            lambda kind, name: context.cluster.get(Key(kind, namespace, name)),
        )

    def _add_cells(self) -> None:
        for section in _SECTIONS:
            for spec in self.pod["spec"].get(section) or ():
                cell = self.cells.get(spec["name"])
                if cell is None:
                    self.cells[spec["name"]] = Cell(self.uid, argoexec.outermost(spec))
                elif cell.spec["image"] != spec["image"]:
                    cell.change(argoexec.outermost(spec))

    def _watch_references(self) -> None:
        wanted = pod_references(self.pod)
        self._watched = [Key(kind, self.key.namespace, name) for kind, name in wanted]
        for key in self._watched:
            self.context.references.add(key, self.touched)

    def _place(self, cell: Cell) -> Directories:
        return self._place_of(cell, cell.last.attempt if cell.last else 0)

    def _place_of(self, cell: Cell, attempt: int) -> Directories:
        return Directories(self._directory, cell.name, attempt)

    def _forget_older(self, cell: Cell) -> None:
        """Of each container the newest attempt and the one before it are kept."""
        attempt = cell.last.attempt if cell.last else 0
        if attempt >= 1:
            self.context.client.forget([f"{self.uid}/{cell.name}.{attempt - 1}"])
        if attempt >= 2:
            self.context.trash.add(Directories(self._directory, cell.name, attempt - 2).logs)


def revision(manifest: Manifest) -> int:
    """resourceVersions of one cluster grow; 0 for one that cannot be compared."""
    text = manifest["metadata"].get("resourceVersion") or ""
    return int(text) if text.isdigit() else 0
