"""Quotas: the ledger kept in step with the store, and shown in the status of each quota.

A status is written soon after a sum has changed; changes that come meanwhile are written together,
so a burst of writes costs few more. Make it inside the running event loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from sampan.apiserver.backend import Backend
from sampan.apiserver.calls import Call
from sampan.apiserver.quotas.ledger import Ledger
from sampan.apiserver.update import replace
from sampan.kube import names
from sampan.kube.errors import ApiStatus, NotFound
from sampan.kube.keys import Key, Manifest

_log = logging.getLogger(__name__)

PAUSE = 0.02
"""Seconds between two rounds of writing: short for a person who looks, long for a burst."""


class Quotas:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._due: set[Key] = set()
        self._task: asyncio.Task[None] | None = None
        self.ledger = Ledger(Newest(backend), self._later)
        backend.gate.has_room = self.ledger.admit
        backend.gate.queued = self.ledger.settle
        for record in backend.store.records(names.RESOURCE_QUOTA):
            self.ledger.settle(record.key)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _later(self, key: Key) -> None:
        self._due.add(key)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        while self._due:
            due, self._due = self._due, set()
            for key in sorted(due):
                try:
                    await self._report(key)
                except NotFound:
                    continue
                except ApiStatus as error:
                    _log.warning("the status of %s could not be written: %s", key, error)
            await asyncio.sleep(PAUSE)

    async def _report(self, key: Key) -> None:
        quota = self.ledger.get(key)
        resource = self._backend.resources.stored(key.kind)
        if quota is None or resource is None:
            return
        record, old = self._backend.newest(resource, key.namespace, key.name)
        status = quota.status()
        if old.get("status") != status:
            new = {**old, "metadata": dict(old["metadata"]), "status": status}
            call = Call(manager=f"{names.MANAGER}-quota")
            await replace(self._backend, resource, record, old, new, call, subresource="status")


class Newest:
    """The newest state of the store, for the ledger."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def newest(self, key: Key) -> Manifest | None:
        return self._backend.view.get(key)

    def contents(self, namespace: str) -> Iterable[Key]:
        return self._backend.store.newest_in(namespace)

    def label(self, kind: str) -> str | None:
        resource = self._backend.resources.stored(kind)
        return None if resource is None else resource.label
