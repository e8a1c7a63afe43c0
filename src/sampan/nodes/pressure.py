"""The node's look at itself, every ten seconds: who has written too much, and what is left.

    a pod above a limit of its own files    is evicted
    little disk or memory left              condition and taint on the Node: no new pods
    … and still little at the next look     one pod is evicted, then the next

A condition stays for half a minute after its reason has gone, so that it does not flap.
Upstream: kubernetes pkg/kubelet/eviction.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from sampan.kube import quantities
from sampan.nodes import usage
from sampan.nodes.context import Context
from sampan.nodes.life import eviction
from sampan.nodes.life.eviction import MEMORY, STORAGE, Resource, Threshold, Usage
from sampan.nodes.registration import PRESSURES, Registration
from sampan.nodes.worker import Worker

log = logging.getLogger(__name__)

PERIOD = 10.0
SETTLE = 30.0  # seconds


class Pressure:
    """`workers` answers with those of the pods that live on this node."""

    def __init__(
        self,
        context: Context,
        registration: Registration,
        workers: Callable[[], Iterable[Worker]],
    ) -> None:
        self._context = context
        self._registration = registration
        self._workers = workers
        self._low_until: dict[Resource, float] = {}

    async def run(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            try:
                await self.look()
            except Exception:
                log.exception("the node could not look after its resources")

    async def look(self) -> None:
        """One round."""
        for worker in list(self._workers()):
            if eviction.is_limited(worker.pod):
                why = eviction.excess(worker.pod, await self._written(worker))
                if why:
                    worker.evict(why)
        now = asyncio.get_running_loop().time()
        for threshold in self._thresholds():
            resource = threshold.resource
            if threshold.available < threshold.wanted:
                before = resource in self._low_until
                self._low_until[resource] = now + SETTLE
                if before:
                    await self._relieve(threshold)
            elif self._low_until.get(resource, now) <= now:
                self._low_until.pop(resource, None)
        await self._registration.report({PRESSURES[each] for each in self._low_until})

    def _thresholds(self) -> list[Threshold]:
        settings = self._context.settings
        left: list[tuple[Resource, str, int | None]] = [
            (STORAGE, settings.disk_free, usage.disk_left(self._context.home)),
            (MEMORY, settings.memory_free, usage.memory_left()),
        ]
        return [
            Threshold(resource, quantities.value(wanted), available)
            for resource, wanted, available in left
            if available is not None
        ]

    async def _relieve(self, threshold: Threshold) -> None:
        candidates = []
        for worker in list(self._workers()):
            if worker.evictable:
                used = (
                    await self._written(worker)
                    if threshold.resource == STORAGE
                    else usage.held(worker.pids())
                )
                candidates.append((worker, used))
        found = eviction.first_to_go([(each.pod, used) for each, used in candidates], threshold)
        if found is None:
            return
        pod, why = found
        for worker, _ in candidates:
            if worker.pod is pod:
                log.warning("evicting %s: %s", worker.key, why)
                worker.evict(why)

    async def _written(self, worker: Worker) -> Usage:
        directory = self._context.pod_directory(worker.uid)
        return await asyncio.to_thread(usage.written, worker.pod, directory)
