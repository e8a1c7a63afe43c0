"""Expiry: an Event is deleted an hour after its last change, so that they do not pile up. Of those
that warn of nothing the latest stay, as all objects are in memory, and a pod says four or five.

Each write of an Event is queued with the time at which it is due; what has been written again by
then has a later entry, and the earlier one means nothing. After a restart the hour begins anew.
Upstream: the API server's --event-ttl, kept by leases of etcd.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque

from sampan.apiserver.backend import Backend
from sampan.apiserver.calls import Call
from sampan.kube import names
from sampan.kube.errors import ApiStatus
from sampan.kube.keys import Key
from sampan.store.records import Event, Record, Stale

_log = logging.getLogger(__name__)

SECONDS = 3600.0
MOST = 2000  # that are no warnings
PERIOD = 10.0  # seconds between two looks
AT_ONCE = 100  # deletions between which others have their turn

Due = tuple[float, Key, int]
"""When, what, and its revision then."""


class Expiry:
    """Make it inside the running event loop; `run` goes on until it is cancelled."""

    def __init__(self, backend: Backend, seconds: float = SECONDS) -> None:
        self._backend = backend
        self._seconds = seconds
        self._now = asyncio.get_running_loop().time
        self._due: deque[Due] = deque()
        self._warnings: deque[Due] = deque()
        for record in backend.store.records(names.EVENT):
            self._queue(record)
        self._stop = backend.store.subscribe(names.EVENT, self._heard)

    async def run(self) -> None:
        try:
            while True:
                await asyncio.sleep(PERIOD)
                await self.sweep()
        finally:
            self._stop()

    async def sweep(self) -> None:
        """Delete what is due now, and what is too much."""
        count = 0
        while entry := self._next():
            _, key, revision = entry
            record = self._backend.store.get(key)
            if record is not None and record.revision == revision:
                with contextlib.suppress(Stale):
                    await self._delete(record)
                count += 1
                if count % AT_ONCE == 0:
                    await asyncio.sleep(0)

    def _next(self) -> Due | None:
        for queue in (self._warnings, self._due):
            if queue and queue[0][0] <= self._now():
                return queue.popleft()
        while len(self._due) > MOST:
            entry = self._due.popleft()
            record = self._backend.store.get(entry[1])
            if record is None or record.index.fields.get("type") != "Warning":
                return entry
            self._warnings.append(entry)
        return None

    def _heard(self, event: Event) -> None:
        if event.type != "DELETED":
            self._queue(event.record)

    def _queue(self, record: Record) -> None:
        self._due.append((self._now() + self._seconds, record.key, record.revision))

    async def _delete(self, record: Record) -> None:
        resource = self._backend.resources.stored(names.EVENT)
        if resource is None:
            return
        manifest = self._backend.manifest(record)
        gone = {**manifest, "metadata": dict(manifest["metadata"])}
        try:
            await self._backend.commit("DELETED", resource, gone, record, Call())
        except ApiStatus as error:
            _log.warning("an expired event stays: %s", error)
