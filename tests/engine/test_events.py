"""Events: how many of them one object may have, whatever the clock does, and what is remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sampan.engine.events import BURST, REMEMBERED, Events
from sampan.engine.local import LocalCluster
from sampan.kube.keys import key_of
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


def about(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "a"}}


def serve(story: Callable[[Events, LocalCluster], Awaitable[None]]) -> None:
    async def run() -> None:
        clock = ManualClock(START)
        cluster = LocalCluster(MemoryApi(clock=clock))
        await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}})
        events = Events(cluster, clock)
        writing = asyncio.create_task(events.run())
        await story(events, cluster)
        writing.cancel()

    asyncio.run(run())


def test_what_was_said_is_remembered_to_a_bound() -> None:
    async def story(events: Events, cluster: LocalCluster) -> None:
        for number in range(REMEMBERED + 100):
            events.emit("test", about(f"pod-{number}"), Emit("Normal", "Same", "words"))
            await events.flushed()
        assert len(events._told) == len(events._buckets) == REMEMBERED
        assert all(told.manifest is None for told in events._told.values())

    serve(story)


def test_words_that_are_repeated_raise_a_count_or_are_an_event_again() -> None:
    async def story(events: Events, cluster: LocalCluster) -> None:
        for count in (1, 2, 3):
            events.emit("test", about("pod"), Emit("Normal", "Same", "words"))
            await events.flushed()
            (event,) = cluster.list("Event", "a")
            assert event["count"] == count
            if count == 2:
                await cluster.delete(key_of(event))
        assert event["message"] == "words"

    serve(story)
