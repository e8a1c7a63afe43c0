"""Quotas: the ledger kept in step with the store, and shown in the status of each quota.

A status is written soon after a sum has changed; changes that come meanwhile are written together,
so a burst of writes costs few more. Make it inside the running event loop.
"""

from __future__ import annotations

from collections.abc import Iterable

from sampan.apiserver.backend import Backend
from sampan.apiserver.calls import Call
from sampan.apiserver.chores import Chores
from sampan.apiserver.quotas.ledger import Ledger
from sampan.apiserver.update import replace
from sampan.kube import names
from sampan.kube.keys import Key, Manifest

PAUSE = 0.02
"""Seconds between two rounds of writing: short for a person who looks, long for a burst."""


class Quotas:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._chores = Chores(self._report, pause=PAUSE)
        self.ledger = Ledger(Newest(backend), self._chores.later)
        backend.gate.has_room = self.ledger.admit
        backend.gate.queued = self.ledger.settle
        for record in backend.store.records(names.RESOURCE_QUOTA):
            self.ledger.settle(record.key)

    async def close(self) -> None:
        await self._chores.close()

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
