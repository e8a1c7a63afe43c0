"""Recorder: keeps what becomes of each run, while it happens.

    change ──> due ──(gathered)──> one transaction for all that is due ──> retention

It is no controller: keeping is I/O, and a run that is deleted has to be kept before it is
forgotten. It follows Runs, and the Argo Workflows that are runs. What is there at its start waits
for the first news or question, as the database is loaded for it; what is kept already is passed
over then by its resourceVersion, and runs that went away meanwhile are noted as gone. A database
that fails is tried again, and nothing is lost meanwhile: what was deleted is held in memory.
Upstream: backend/src/agent/persistence.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from sampan.engine.cluster import Change, Cluster
from sampan.kube import meta, names, runs
from sampan.kube.keys import Key, Manifest, key_of
from sampan.records.errors import ArchiveFailed, RowRefused
from sampan.records.pipelines import reading
from sampan.records.pipelines.retention import Retention
from sampan.records.pipelines.store import Records

_log = logging.getLogger(__name__)

GATHERING = 0.25  # seconds in which changes gather before they are kept
SHARE = 20  # changes gather for this many times the time that keeping them took
AGAIN = 10.0  # seconds until a database that failed is tried again
_KINDS = (names.RUN, names.WORKFLOW)


class Recorder:
    def __init__(
        self, cluster: Cluster, records: Records, retention: Retention | None = None
    ) -> None:
        self._cluster = cluster
        self._records = records
        self._retention = retention
        self._due: dict[str, tuple[Key, Manifest | None]] = {}
        self._ended: set[str] = set()
        self._forgotten: set[str] = set()
        self._news = asyncio.Event()
        self._writing = asyncio.Lock()
        self._compared = False
        self._kinds: tuple[str, ...] = ()
        self._took = 0.0
        self._stops: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._kinds = tuple(kind for kind in _KINDS if self._cluster.has_kind(kind))
        for kind in self._kinds:
            await self._cluster.mirror(kind)
            self._stops.append(self._cluster.subscribe(kind, self._heard))
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Keep what is due, if the database takes it, and stop."""
        for stop in self._stops:
            stop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            if self._news.is_set():
                await self.settled()
        except ArchiveFailed as error:
            _log.warning("%s; kept at the next start", error)
        await self._records.close()

    async def settled(self) -> None:
        """All that was committed before is kept. ArchiveFailed."""
        async with self._writing:
            await self._settle()

    async def ended(self) -> None:
        """The runs that have ended are kept. ArchiveFailed."""
        if self._ended or self._writing.locked() or not self._compared:
            await self.settled()

    async def keep(self, run: Manifest) -> None:
        """This Run (or Workflow), as it was just created, is kept and will be listed. While the
        database is away it is kept later: there is a Run, whatever else fails."""
        self._due.setdefault(meta.uid_of(run), (key_of(run), None))
        try:
            await self.settled()
        except ArchiveFailed as error:
            self._news.set()
            _log.warning("%s; %s is kept later", error, key_of(run))

    async def forget(self, uid: str) -> bool:
        """Delete the rows of a run that the caller has deleted from the cluster; what is still
        told of its end there does not bring them back. Whether there were any. By its uid: a
        run_id is a label, and may be that of somebody else's run."""
        async with self._writing:
            await self._settle()
            found = await self._records.delete(uid)
            if found is None:
                return False
            namespace, name = found
            there = (self._cluster.get(Key(kind, namespace, name)) for kind in self._kinds)
            if any(run is not None and meta.uid_of(run) == uid for run in there):
                self._forgotten.add(uid)
            self._due.pop(uid, None)
            return True

    async def _settle(self) -> None:
        while self._due or not self._compared:
            await self._keep()

    async def _write(self, batch: Sequence[tuple[Manifest, bool]]) -> None:
        """One that cannot be kept for what it says does not keep the others up."""
        if not batch:
            return
        try:
            await self._records.keep(batch)
        except Exception as error:
            if isinstance(error, ArchiveFailed) and not isinstance(error, RowRefused):
                raise
            if len(batch) > 1:
                for each in batch:
                    await self._write([each])
            elif (plain := reading.without_ids(batch[0][0])) is not None:
                await self._write([(plain, batch[0][1])])
            elif isinstance(error, RowRefused):
                _log.error("%s cannot be kept: %s", key_of(batch[0][0]), error)
            else:
                _log.exception("%s cannot be kept", key_of(batch[0][0]))

    def _heard(self, change: Change) -> None:
        """One that is deleted is held until it is kept: nobody else has it any more."""
        if not reading.is_followed(change.manifest):
            return
        uid = meta.uid_of(change.manifest)
        gone = change.type == "DELETED"
        if uid in self._forgotten:
            if gone:
                self._forgotten.discard(uid)
            return
        self._due.pop(uid, None)  # the latest last: a run may take the place of one that is gone
        self._due[uid] = (change.key, change.manifest if gone else None)
        over = reading.state_of(change.manifest) in runs.ENDS
        if over:
            self._ended.add(uid)
        if change.type != "ADDED" or not over:
            self._news.set()

    async def _work(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(max(GATHERING, SHARE * self._took))
            self._news.clear()
            try:
                await self.settled()
            except ArchiveFailed as error:
                _log.warning("%s; tried again in %d s", error, AGAIN)
            except Exception:
                _log.exception("runs could not be kept")
            else:
                continue
            await asyncio.sleep(AGAIN)
            self._news.set()

    async def _keep(self) -> None:
        """All that is due, and at first what went away meanwhile. Only who holds `_writing`."""
        taken, self._due = self._due, {}
        ended, self._ended = self._ended, set()
        batch: list[tuple[Manifest, bool]] = []
        for uid, (key, held) in taken.items():
            run = held or self._cluster.get(key)
            if run is not None and meta.uid_of(run) == uid:
                batch.append((run, held is None))
        began = time.monotonic()
        try:
            if not self._compared:  # all that is there has been heard of, and is due
                there = (meta.uid_of(run) for run, present in batch if present)
                await self._records.absent(frozenset(there))
            await self._write(batch)
        except BaseException:
            self._due = {**taken, **self._due}
            self._ended |= ended
            raise
        self._compared = True
        self._took = time.monotonic() - began
        if self._retention is not None:
            await self._retention.consider([run for run, present in batch if present])
