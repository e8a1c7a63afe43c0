"""Events: how many of them one object may have, whatever the clock does."""

from __future__ import annotations

import asyncio

from sampan.engine.events import BURST, Events
from sampan.engine.local import LocalCluster
from sampan.kube.plan import Emit
from sampan.lib.clock import ManualClock
from sampan.testing.memory import START, MemoryApi


def test_a_clock_that_is_set_back_silences_nobody() -> None:
    async def run() -> int:
        clock = ManualClock(START)
        cluster = LocalCluster(MemoryApi(clock=clock))
        events = Events(cluster, clock)
        writing = asyncio.create_task(events.run())
        await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}})
        about = await cluster.create(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "a"}}
        )
        events.emit("test", about, Emit("Normal", "Before", "before"))
        clock.set_by(-7 * 86_400)
        for number in range(int(BURST) - 1):
            events.emit("test", about, Emit("Normal", "After", f"{number}"))
        await events.flushed()
        writing.cancel()
        return len(cluster.list("Event", "a"))

    assert asyncio.run(run()) == BURST
