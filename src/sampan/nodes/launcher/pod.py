"""The launcher of one pod: makes a task's container ready, and has the last word on its end.

What it does is such that twice is harmless: where the control plane is killed after a program has
ended, its outputs are collected once more, from what lies on disk. An end that the pod's status
tells has been collected.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property, partial
from pathlib import Path

import msgspec
from msgspec import structs
from msgspec.structs import replace

from sampan.artifacts import Fault, digests, trees
from sampan.artifacts.digests import Digest
from sampan.artifacts.providers import Stores, stores
from sampan.artifacts.store import Secrets
from sampan.kube import launcher, names
from sampan.kube.errors import ApiStatus, NotFound
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.launcher import Artifact, Result, Task, TooLong, Unreadable
from sampan.nodes import logs as node_logs
from sampan.nodes.cell import Cell, identity
from sampan.nodes.compose import Directories
from sampan.nodes.context import Context
from sampan.nodes.environment import decoded
from sampan.nodes.executor import seen
from sampan.nodes.executor.view import Place, View
from sampan.nodes.facts import ConfigError, PodFacts
from sampan.nodes.launcher import inputs, logs, outputs
from sampan.nodes.launcher.inputs import Shop
from sampan.nodes.launcher.keeping import Keeper
from sampan.nodes.launcher.outputs import Failed
from sampan.nodes.life.seen import Run
from sampan.nodes.sandbox.spec import Mount, Sandbox
from sampan.nodes.supervisor.client import Report
from sampan.nodes.supervisor.logs import LogWriter

log = logging.getLogger(__name__)

FAULT = 1
"""The exit code of a task whose inputs or outputs are not what they have to be."""
_AGAIN = 1.0
_AT_ONCE = 4
_BOX = "box"


class Abandoned(Exception):
    """Nobody waits any more for what a thread does."""


class Launcher:
    def __init__(
        self,
        context: Context,
        place: Callable[[Cell, int], Directories],
        ended: Callable[[Report], None],
    ) -> None:
        """`ended` hears of an end when there is nothing left to do."""
        self._context = context
        self._place = place
        self._ended = ended
        self._done: set[str] = set()
        self._collecting: set[asyncio.Task[None]] = set()
        self._left = False

    # -- before -----------------------------------------------------------------------------------
    def brought(self, cell: Cell, attempt: int) -> Report:
        """The init container that brings the launcher has done so: there is nothing to bring."""
        now = self._context.now()
        return Report(identity(cell.uid, cell.name, attempt), now, 0, now, 0)

    async def prepare(self, cell: Cell, attempt: int, facts: PodFacts) -> tuple[Mount, ...]:
        """What the container of a task sees besides; () for any other one. Failed."""
        task = _task(cell, facts.pod)
        if task is None:
            return ()
        base = _base(self._place(cell, attempt))
        if base.exists():  # an attempt that could not be started
            await asyncio.to_thread(trees.remove, str(base))
        found: list[Mount] = []
        if (task.executorInput.get("inputs") or {}).get("artifacts"):
            shop = Shop(self._context.artifacts, *self._parts(facts))
            at_hand = shop.at_hand(task)
            fetched = [] if at_hand else await asyncio.to_thread(shop.mounts, task, base)
            found += at_hand or fetched
        for mount in _own(task, base):
            os.makedirs(mount.source, 0o777)
            os.chmod(mount.source, 0o777)
            found.append(mount)
        return tuple(found)

    def note(self, box: Sandbox, place: Directories) -> None:
        """What a task sees is wanted when it has ended, if it has left links, or artifacts
        elsewhere than in its own directories."""
        if box.keep:
            os.makedirs(box.keep, exist_ok=True)
        small = structs.replace(box, argv=(), env={}, component=None)
        base = _base(place)
        base.mkdir(parents=True, exist_ok=True)  # there is none for a task without outputs
        (base / _BOX).write_bytes(msgspec.json.encode(small))

    def refused(self, cell: Cell, attempt: int, failure: Failed) -> Report:
        """The end of a task that has not begun, because it cannot have its inputs."""
        id, now = identity(cell.uid, cell.name, attempt), self._context.now()
        self._done.add(id)
        directory = self._place(cell, attempt).logs
        os.makedirs(directory, 0o700, exist_ok=True)
        (directory / "inside").touch()
        writer = LogWriter(str(directory))
        writer.write("stderr", f"{failure}\n".encode(errors="replace"))
        writer.close()
        return Report(id, now, 0, now, FAULT, "", str(failure))

    # -- after ------------------------------------------------------------------------------------
    def collects(self, cell: Cell, report: Report, facts: PodFacts) -> bool:
        """Whether the end is not to be told yet: what the task has made is brought home first."""
        if report.id in self._done or report.code is None or not _is_task(cell):
            return False
        task = asyncio.create_task(self._collect(cell, report, facts))
        self._collecting.add(task)
        task.add_done_callback(self._collecting.discard)
        return True

    def resumed(self, cell: Cell, pod: Manifest) -> Report | None:
        """The end of a task that came when no control plane was there, or none any more, and of
        which nothing has been told; the container counts as running until it is collected."""
        last = cell.last
        if last is None or last.code is None or not _is_task(cell) or _is_told(pod, cell.name):
            return None
        report = Report(
            cell.identity, last.started, 0, last.finished, last.code, last.reason, last.message
        )
        cell.last = Run(attempt=last.attempt, started=last.started)
        return report

    def leave(self) -> None:
        """Nobody hears of it any more; what goes on is done again one day."""
        self._left = True
        for task in self._collecting:
            task.cancel()

    async def _collect(self, cell: Cell, report: Report, facts: PodFacts) -> None:
        told = report
        try:
            result = await self._collected(cell, report, facts)
            if result is not None:
                message, annotation = launcher.encode_result(result)
                if annotation:
                    await self._annotate(key_of(facts.pod), annotation)
                told = replace(report, message=message)
        except (Failed, TooLong, Unreadable) as failure:
            told = replace(report, code=FAULT, reason="", message=str(failure))
        except Exception as error:
            log.exception("%s: its outputs were not collected", report.id)
            told = replace(report, code=FAULT, message=f"{type(error).__name__}: {error}")
        self._done.add(report.id)
        self._ended(told)

    async def _collected(self, cell: Cell, report: Report, facts: PodFacts) -> Result | None:
        """The result, None for a program that has failed. Failed, Unreadable."""
        task = launcher.task_of(facts.pod) or Task(executorInput={})
        attempt = cell.last.attempt if cell.last else 0
        keeper = Keeper(self._context.artifacts, *self._parts(facts), go_on=self._go_on)
        plain = self._context.level.kind == "plain"
        home = _Home(task, self._place(cell, attempt), facts.pod, keeper, plain=plain)
        bring = partial(home.bring, succeeded=report.code == 0)
        return await asyncio.get_running_loop().run_in_executor(_bringers(), bring)

    def _go_on(self) -> None:
        if self._left:
            raise Abandoned

    async def _annotate(self, key: Key, text: str) -> None:
        body = {"metadata": {"annotations": {names.ANNOTATION_RESULT: text}}}
        while True:
            try:
                await self._context.cluster.patch(key, body)
                return
            except NotFound:
                return  # nobody will ask
            except ApiStatus as error:
                log.warning("the result of %s is not written: %s", key, error.message)
                await asyncio.sleep(_AGAIN)

    def _parts(self, facts: PodFacts) -> tuple[Stores, Secrets, str]:
        """What the namespace has configured. Failed."""
        found = facts.find(names.CONFIG_MAP, launcher.CONFIG) or {}
        try:
            return stores(found.get("data") or {}), secrets_of(facts), facts.namespace
        except Fault as fault:
            raise Failed(f"ConfigMap {launcher.CONFIG}: {fault}") from fault


@cache
def _bringers() -> ThreadPoolExecutor:
    """Threads of their own: what takes minutes here does not keep the others of this program."""
    return ThreadPoolExecutor(_AT_ONCE, "launcher")


class _Home:
    """Brings what a container has left to where it belongs, in a thread."""

    def __init__(
        self, task: Task, place: Directories, pod: Manifest, keeper: Keeper, *, plain: bool
    ) -> None:
        self._task = task
        self._plain = plain
        self._scratch = place.pod / "scratch"
        self._place = place
        self._pod = pod
        self._keeper = keeper

    def bring(self, *, succeeded: bool) -> Result | None:
        log_of = self._keep_log()
        if not succeeded:
            return None
        result = outputs.collect(self._task, self._own, self._keep)
        if log_of is None:
            return result
        return replace(result, artifacts={**result.artifacts, launcher.LOGS: [log_of]})

    @cached_property
    def _own(self) -> View:
        """What the task had for itself."""
        mounts = _own(self._task, _base(self._place))
        return View([Place("/", ""), *(Place(each.target, each.source) for each in mounts)])

    @cached_property
    def _whole(self) -> View:
        """All that the container saw; it takes a while to find out."""
        text = (_base(self._place) / _BOX).read_bytes()
        return seen.of(msgspec.json.decode(text, type=Sandbox), plain=self._plain)

    def _all(self) -> View:
        return self._whole

    def _keep(self, path: str, uri: str) -> Digest | None:
        """The artifact that the program has made at the path, None when there is none."""
        found = self._keeper.keep((self._own, self._all), self._scratch, path, uri)
        if found is not None or self._is_missing(path):
            return found
        return self._keeper.keep((self._all(), self._all), self._scratch, path, uri)

    def _is_missing(self, path: str) -> bool:
        """Whether the path is in one of the task's own directories, with nothing there."""
        places = [each for each in self._own.places if path.startswith(f"{each.target}/")]
        return any(
            each.source and not os.path.lexists(f"{each.source}{path[len(each.target) :]}")
            for each in places
        )

    def _keep_log(self) -> Artifact | None:
        """As an object, and as the artifact that it is to be."""
        place, wanted = logs.place_of(self._pod), logs.published(self._task)
        text = _base(self._place) / "log"
        text.parent.mkdir(parents=True, exist_ok=True)
        try:
            node_logs.write_text(self._place.logs, text)
            if place is not None and not logs.is_empty(text):
                self._keeper.save(place, text)
            if wanted is None:
                return None
            self._keeper.publish(wanted.uri, text)
            digest = digests.of(str(text))
            return replace(wanted, digest=digest.text, size=digest.size)
        except (Fault, OSError) as error:
            log.warning("the log of %s is not kept: %s", key_of(self._pod), error)
            return None


def secrets_of(facts: PodFacts) -> Secrets:
    """Values of Secrets for a thread: they are read where the cluster may be read."""
    loop = asyncio.get_running_loop()

    async def value(name: str, key: str) -> bytes:
        found = facts.find(names.SECRET, name) or {}
        try:
            return decoded((found.get("data") or {})[key])
        except ConfigError as error:
            raise KeyError(str(error)) from error

    return lambda name, key: asyncio.run_coroutine_threadsafe(value(name, key), loop).result()


def _is_task(cell: Cell) -> bool:
    return cell.name == launcher.MAIN and launcher.unwrapped(cell.spec.get("command")) is not None


def _task(cell: Cell, pod: Manifest) -> Task | None:
    try:
        return launcher.task_of(pod) if _is_task(cell) else None
    except Unreadable as error:
        raise Failed(str(error)) from error


def _is_told(pod: Manifest, container: str) -> bool:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return any("terminated" in each["state"] for each in statuses if each["name"] == container)


def _base(place: Directories) -> Path:
    """What the launcher has of one attempt."""
    return place.pod / "scratch" / f"{place.container}.{place.attempt}.task"


def _own(task: Task, base: Path) -> list[Mount]:
    """The directories that the task's outputs go to, which are its own."""
    paths = [*inputs.output_directories(task), *inputs.parents_of_parameters(task)]
    return [Mount(path, str(base / "outputs" / str(i))) for i, path in enumerate(paths)]
