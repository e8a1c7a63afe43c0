"""The store: order, compare-and-swap, what is visible when, history, restart, a full disk."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sampan.kube.keys import Key
from sampan.store.objects import Store
from sampan.store.records import Compacted, Event, Stale, StorageFailed


def names(store: Store, **at: Any) -> list[str]:
    return [record.key.name for record in store.page("ConfigMap", **at)]


def test_reading_shows_only_what_is_committed(path: Path, writes: Any) -> None:
    async def run() -> None:
        store = Store(path)
        future = writes(store).put("x")
        assert store.get(Key("ConfigMap", "a", "x")) is None
        newest = store.newest(Key("ConfigMap", "a", "x"))
        assert newest is not None
        record = await future
        assert store.get(record.key) is record is newest
        assert store.revision == record.revision == 1
        await store.close()

    asyncio.run(run())


def test_compare_and_swap_refuses_the_second_writer(path: Path, writes: Any) -> None:
    async def run() -> None:
        store = Store(path)
        write = writes(store)
        first = write.put("x")
        second = write.put("x", expect=1)
        with pytest.raises(Stale) as stale:
            write.put("x", expect=1)
        assert stale.value.newest is not None
        assert stale.value.newest.revision == 2
        with pytest.raises(Stale):
            write.put("y", expect=7)
        assert [(await first).revision, (await second).revision] == [1, 2]
        await store.close()

    asyncio.run(run())


def test_a_failing_build_leaves_no_trace(path: Path, writes: Any) -> None:
    async def run() -> None:
        store = Store(path)

        def fail(revision: int) -> Any:
            raise ValueError(revision)

        with pytest.raises(ValueError, match="1"):
            store.write("ADDED", Key("ConfigMap", "a", "x"), fail, expect=0)
        assert store.newest(Key("ConfigMap", "a", "x")) is None
        assert (await writes(store).put("x")).revision == 1
        await store.close()

    asyncio.run(run())


def test_events_reach_subscribers_in_order_and_without_gaps(path: Path, writes: Any) -> None:
    async def run() -> None:
        store = Store(path)
        write = writes(store)
        told: list[Event] = []
        everything: list[Event] = []
        stop = store.subscribe("ConfigMap", told.append)
        store.subscribe("*", everything.append)
        futures = [write.put(f"n{i % 7}") for i in range(50)]
        futures += [write.put("pod", kind="Pod"), write.delete("n3")]
        await asyncio.gather(*futures)
        assert [event.record.revision for event in told] == [*range(1, 51), 52]
        assert [event.record.revision for event in everything] == list(range(1, 53))
        assert told[-1].type == "DELETED"
        assert told[-1].previous is not None
        stop()
        await write.put("n1")
        assert len(told) == 51
        assert [event.record.revision for event in store.history.since(50)] == [51, 52, 53]
        await store.close()

    asyncio.run(run())


def test_pages_stay_at_the_revision_of_the_first(path: Path, writes: Any) -> None:
    async def run() -> None:
        store = Store(path)
        write = writes(store)
        await asyncio.gather(*[write.put(name) for name in "bdfh"])
        await write.put("z", namespace="other")
        then = store.revision
        await asyncio.gather(write.put("c"), write.put("b"), write.delete("f"), write.put("e"))
        await write.delete("c")
        assert names(store, namespace="a") == ["b", "d", "e", "h"]
        assert names(store, namespace="a", revision=then) == ["b", "d", "f", "h"]
        assert names(store, revision=then) == ["b", "d", "f", "h", "z"]
        after = Key("ConfigMap", "a", "d")
        assert names(store, namespace="a", revision=then, after=after) == ["f", "h"]
        assert [r.revision for r in store.page("ConfigMap", "a", revision=then)] == [1, 2, 3, 4]
        await store.close()

    asyncio.run(run())


def test_namespaces_that_are_prefixes_of_each_other_stay_apart(path: Path, writes: Any) -> None:
    async def run() -> None:
        store = Store(path)
        write = writes(store)
        for namespace in ("team", "team-a", "tea", "team.b"):
            await write.put("x", namespace=namespace)
        found = [r.key.namespace for r in store.records("ConfigMap")]
        assert found == sorted(found)
        assert [r.key.namespace for r in store.records("ConfigMap", "team")] == ["team"]
        await store.close()

    asyncio.run(run())


def test_owners_are_indexed(path: Path, writes: Any) -> None:
    async def run() -> None:
        store = Store(path)
        write = writes(store)
        await write.put("x", owners=("u1", "u2"))
        await write.put("y", owners=("u1",))
        assert [key.name for key in store.owned("u1")] == ["x", "y"]
        await write.put("x", owners=("u2",))
        await write.delete("y")
        assert store.owned("u1") == []
        assert [key.name for key in store.owned("u2")] == ["x"]
        await store.close()

    asyncio.run(run())


def test_everything_is_there_after_a_restart(path: Path, writes: Any) -> None:
    async def run() -> None:
        store = Store(path)
        write = writes(store)
        await write.put("x", labels={"l": "1"}, owners=("u",))
        await write.put("y", durable=False)
        await write.put("x", labels={"l": "2"}, owners=("u",))
        await write.delete("y")
        before = store.history.since(0)
        await store.close()

        again = Store(path)
        assert again.revision == 4
        assert names(again) == ["x"]
        assert [key.name for key in again.owned("u")] == ["x"]
        assert again.history.since(0) == before
        assert names(again, revision=2) == ["x", "y"]
        assert (await writes(again).put("z")).revision == 5
        await again.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "count",
    [pytest.param(n, id=word) for n, word in ((1, "one"), (64, "a-statement"), (65, "more"))],
)
def test_a_batch_of_any_size_is_there_after_a_restart(path: Path, writes: Any, count: int) -> None:
    async def run() -> None:
        store = Store(path)
        write = writes(store)
        await write.put("gone")
        futures = [write.delete("gone"), write.put("gone"), write.delete("gone")]
        futures += [write.put(f"x{number:03}") for number in range(count)]
        futures.append(write.put("x000"))
        newest = (await asyncio.gather(*futures))[-1]
        await store.close()
        store = Store(path)
        assert names(store) == [f"x{number:03}" for number in range(count)]
        assert store.get(newest.key) == newest
        assert len(store.history) == store.revision == newest.revision
        await store.close()

    asyncio.run(run())


def test_a_second_process_cannot_open_the_same_file(path: Path) -> None:
    async def run() -> None:
        store = Store(path)
        with pytest.raises(StorageFailed, match="locked"):
            Store(path)
        await store.close()

    asyncio.run(run())


def test_compaction_forgets_history_and_keeps_objects(path: Path, writes: Any) -> None:
    async def run() -> None:
        store = Store(path)
        write = writes(store)
        for _ in range(30):
            await write.put("x", labels={"l": "1"})
        await write.put("x", labels={"l": "2"})
        store.compact(30)
        with pytest.raises(Compacted):
            store.history.since(29)
        assert len(store.history.since(30)) == 1
        with pytest.raises(Compacted):
            names(store, revision=10)
        await write.put("y")
        await store.close()

        again = Store(path)
        assert again.history.floor == 30
        resumed = again.history.since(30)
        assert [event.record.revision for event in resumed] == [31, 32]
        assert resumed[0].previous is not None
        assert resumed[0].previous.index.labels == {"l": "1"}
        with pytest.raises(Compacted):
            names(again, revision=30)
        assert names(again, revision=31) == ["x"]
        await again.close()

    asyncio.run(run())


def test_the_revision_never_goes_back_when_all_is_deleted_and_compacted(
    path: Path, writes: Any
) -> None:
    async def run() -> None:
        store = Store(path)
        write = writes(store)
        await write.put("x")
        await write.delete("x")
        store.compact(2)
        await store.close()
        again = Store(path)
        assert again.revision == 2
        await again.close()

    asyncio.run(run())


def test_a_list_at_a_revision_of_long_ago_is_over_while_watches_may_resume(
    path: Path, writes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sampan.store.objects.KEEP_SECONDS", 0.0)
    monkeypatch.setattr("sampan.store.objects.TRIM_EVERY", 0.2)

    async def run() -> None:
        store = Store(path)
        write = writes(store)
        await write.put("x")
        await write.put("y")
        assert names(store, revision=1) == ["x"]
        async with asyncio.timeout(5):
            while True:
                try:
                    names(store, revision=1)
                except Compacted:
                    break
                await asyncio.sleep(0.01)
        assert len(store.history.since(1)) == 1
        await store.close()

    asyncio.run(run())


def test_history_is_bounded_in_bytes(
    path: Path, writes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sampan.store.objects.KEEP_BYTES", 10_000)

    async def run() -> None:
        store = Store(path)
        for _ in range(100):
            await writes(store).put("x", size=1000)
        assert store.history.bytes <= 20_000
        assert store.history.floor > 50
        await store.close()

    asyncio.run(run())


def test_a_full_disk_fails_the_write_and_what_was_built_on_it(path: Path, writes: Any) -> None:
    async def run() -> None:
        store = Store(path)
        write = writes(store)
        await write.put("kept", size=10)
        store._database.limit_pages(30)
        lost = [write.put("big", size=100_000), write.put("big", size=200_000)]
        lost.append(write.put("behind"))
        for error in await asyncio.gather(*lost, return_exceptions=True):
            assert isinstance(error, StorageFailed), error
        assert store.newest(Key("ConfigMap", "a", "big")) is None
        assert names(store) == ["kept"]
        store._database.limit_pages(100_000)
        await write.put("big", size=100_000)
        await write.put("kept")
        assert names(store) == ["big", "kept"]
        await store.close()

    asyncio.run(run())


def test_a_broken_subscriber_does_not_stop_the_others(
    path: Path, writes: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        store = Store(path)
        told: list[Event] = []

        def broken(event: Event) -> None:
            raise RuntimeError("no")

        store.subscribe("ConfigMap", broken)
        store.subscribe("ConfigMap", told.append)
        await writes(store).put("x")
        assert len(told) == 1
        await store.close()

    asyncio.run(run())
    assert "subscriber of ConfigMap failed" in caplog.text
