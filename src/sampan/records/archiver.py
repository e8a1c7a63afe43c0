"""Archiver: keeps each workflow that has completed, and says so in its label.

    completed ──> kept ──> label workflow-archiving-status: Archived

It is no controller: keeping is I/O, and a workflow that is deleted has to be kept before it is
forgotten. It follows the cluster, so that what completed while it was away is kept at the next
start. Several are kept in one transaction; a database that fails is tried again, and nothing is
lost meanwhile: what was deleted is held in memory.
Upstream: argo-workflows workflow/controller/controller.go archiveWorkflow.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

from sampan.engine.cluster import Change, Cluster
from sampan.kube import labels, meta, names
from sampan.kube.errors import ApiStatus, Conflict, NotFound
from sampan.kube.keys import Key, Manifest
from sampan.lib.clock import Clock
from sampan.records.archive import Archive
from sampan.records.errors import ArchiveFailed

_log = logging.getLogger(__name__)

ARCHIVED = "Archived"
GATHERING = 0.5  # seconds in which completed workflows gather before they are kept
AGAIN = 30.0  # seconds until a database that failed is tried again
_AT_ONCE = 100
_NODES_AT_ONCE = 1000  # of the workflows of one transaction together, about
_SWEEP = 3600.0  # seconds between two looks for what has expired


class Archiver:
    """`ttl`: how long workflows are kept; None is for ever."""

    def __init__(
        self, cluster: Cluster, archive: Archive, clock: Clock, ttl: timedelta | None = None
    ) -> None:
        self._cluster = cluster
        self._archive = archive
        self._clock = clock
        self._ttl = ttl
        self._due: dict[str, tuple[Key, Manifest | None]] = {}
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._stop: Callable[[], None] = lambda: None

    async def start(self) -> None:
        await self._cluster.mirror(names.WORKFLOW)
        self._stop = self._cluster.subscribe(names.WORKFLOW, self._heard)
        self._tasks = [asyncio.create_task(self._work())]
        if self._ttl is not None:
            self._tasks.append(asyncio.create_task(self._sweep(self._ttl)))

    async def stop(self) -> None:
        """Keep what is due, if the database takes it, and stop."""
        self._stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._archive.close()

    def _heard(self, change: Change) -> None:
        """One that is deleted is held until it is kept: nobody else has it any more."""
        found = labels.of(change.manifest)
        if found.get(names.LABEL_WORKFLOW_COMPLETED) != "true":
            return
        if found.get(names.LABEL_ARCHIVING) == ARCHIVED:
            return
        held = change.manifest if change.type == "DELETED" else None
        self._due[meta.uid_of(change.manifest)] = (change.key, held)
        self._news.set()

    async def _work(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(GATHERING)
            self._news.clear()
            try:
                while self._due:
                    await self._keep()
            except ArchiveFailed as error:
                _log.warning("%s; tried again in %d s", error, AGAIN)
                await asyncio.sleep(AGAIN)
                self._news.set()
            except Exception:
                _log.exception("completed workflows could not be kept")
                await asyncio.sleep(AGAIN)
                self._news.set()

    async def _keep(self) -> None:
        """Some of those that are due, then their labels."""
        kept: dict[str, tuple[Key, Manifest]] = {}
        gone, nodes = [], 0
        for uid, (key, held) in self._due.items():
            workflow = held or self._cluster.get(key)
            if workflow is None or meta.uid_of(workflow) != uid:
                gone.append(uid)
                continue
            nodes += len((workflow.get("status") or {}).get("nodes") or ())
            kept[uid] = (key, workflow)
            if len(kept) >= _AT_ONCE or nodes >= _NODES_AT_ONCE:
                break
        taken = {uid: self._due.pop(uid) for uid in (*gone, *kept)}
        try:
            await self._archive.put(workflow for _, workflow in kept.values())
        except BaseException:
            self._due = {**taken, **self._due}
            raise
        for key, workflow in kept.values():
            await self._label(key, workflow)

    async def _label(self, key: Key, workflow: Manifest) -> None:
        """Of this very version: one that has changed meanwhile (a retry) is due again anyway."""
        same = {name: workflow["metadata"][name] for name in ("uid", "resourceVersion")}
        patch = {"metadata": {**same, "labels": {names.LABEL_ARCHIVING: ARCHIVED}}}
        try:
            await self._cluster.patch(key, patch)
        except (NotFound, Conflict):
            return
        except ApiStatus as error:  # it is kept once more at the next start, which is harmless
            _log.warning("%s is kept, but cannot be labelled: %s", key, error)

    async def _sweep(self, ttl: timedelta) -> None:
        while True:
            try:
                if count := await self._archive.expire(self._clock.now() - ttl):
                    _log.info("%d archived workflows have expired", count)
            except ArchiveFailed as error:
                _log.warning("%s", error)
            await asyncio.sleep(_SWEEP)
