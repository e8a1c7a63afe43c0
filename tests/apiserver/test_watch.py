"""Watches: what is seen, from which revision on, in which form, and how one ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

CM = "/api/v1/namespaces/a/configmaps"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"


async def put(client: Any, name: str, labels: dict[str, str] | None = None, **data: str) -> str:
    meta = {"name": name, "labels": labels or {}}
    answer = await client.post(CM, {"metadata": meta, "data": data})
    assert answer.code == 201
    return str(answer.meta["resourceVersion"])


def test_without_a_revision_the_present_comes_first(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await put(client, "x")
        await put(client, "y")
        for start in ("", "&resourceVersion=0"):
            async with client.watch(f"{CM}?watch=1{start}") as watching:
                assert await watching.names(2) == [("ADDED", "x"), ("ADDED", "y")]
                await client.merge(f"{CM}/x", {"data": {"k": start or "v"}})
                assert await watching.names(1) == [("MODIFIED", "x")]

    serve(scenario)


def test_from_a_revision_nothing_is_missed_or_repeated(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        revision = await put(client, "x")
        await put(client, "y")
        await client("DELETE", f"{CM}/x")
        async with client.watch(f"{CM}?watch=true&resourceVersion={revision}") as watching:
            assert await watching.names(2) == [("ADDED", "y"), ("DELETED", "x")]
            await put(client, "z")
            type_, seen = await watching.next()
            assert (type_, seen["metadata"]["name"], seen["kind"]) == ("ADDED", "z", "ConfigMap")

    serve(scenario)


def test_all_watchers_see_the_same_order(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        revision = await put(client, "first")

        async def follow() -> list[str]:
            path = f"/api/v1/configmaps?watch=1&resourceVersion={revision}"
            async with client.watch(path) as watching:
                found = [await watching.next() for _ in range(40)]
                return [each["metadata"]["resourceVersion"] for _, each in found]

        followers = [asyncio.create_task(follow()) for _ in range(5)]
        await asyncio.gather(*(put(client, f"n{i}") for i in range(20)))
        await asyncio.gather(*(client("DELETE", f"{CM}/n{i}") for i in range(20)))
        seen = await asyncio.gather(*followers)
        assert all(each == seen[0] for each in seen)
        assert seen[0] == sorted(seen[0], key=int)

    serve(scenario)


def test_an_object_enters_and_leaves_a_selector(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        async with client.watch(f"{CM}?watch=1&labelSelector=app%3Dx") as watching:
            await put(client, "other", {"app": "y"})
            await put(client, "mine", {"app": "x"})
            assert await watching.names(1) == [("ADDED", "mine")]
            await client.merge(f"{CM}/other", {"metadata": {"labels": {"app": "x"}}})
            assert await watching.names(1) == [("ADDED", "other")]
            left = await client.merge(f"{CM}/mine", {"metadata": {"labels": {"app": "y"}}})
            type_, seen = await watching.next()
            assert (type_, seen["metadata"]["name"]) == ("DELETED", "mine")
            assert seen["metadata"]["resourceVersion"] == left.meta["resourceVersion"]
            await client.merge(f"{CM}/mine", {"data": {"unseen": "1"}})
            await client("DELETE", f"{CM}/other")
            assert await watching.names(1) == [("DELETED", "other")]

    serve(scenario)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(f"{CM}?watch=1&fieldSelector=metadata.name%3Dx", id="field-selector"),
        pytest.param("/api/v1/watch/namespaces/a/configmaps/x", id="legacy-item"),
    ],
)
def test_one_object_can_be_watched(serve: Callable[..., None], path: str) -> None:
    async def scenario(client: Any) -> None:
        async with client.watch(path) as watching:
            await put(client, "w")
            await put(client, "x")
            await client("DELETE", f"{CM}/x")
            assert await watching.names(2) == [("ADDED", "x"), ("DELETED", "x")]

    serve(scenario)


def test_other_namespaces_and_kinds_are_not_seen(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        async with client.watch("/api/v1/watch/namespaces/b/configmaps/") as watching:
            await put(client, "x")
            await client.post("/api/v1/namespaces/b/secrets", {"metadata": {"name": "s"}})
            await client.post("/api/v1/namespaces/b/configmaps", {"metadata": {"name": "y"}})
            assert await watching.names(1) == [("ADDED", "y")]

    serve(scenario)


def test_initial_events_end_with_a_bookmark(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await put(client, "x")
        query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
        path = f"{CM}?{query}&allowWatchBookmarks=true&resourceVersion="
        async with client.watch(path) as watching:
            assert await watching.names(1) == [("ADDED", "x")]
            type_, mark = await watching.next()
            assert type_ == "BOOKMARK"
            assert mark["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
            assert mark["metadata"]["resourceVersion"] == str(client.server.backend.store.revision)
            await put(client, "y")
            assert await watching.names(1) == [("ADDED", "y")]

    serve(scenario)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        pytest.param(
            "sendInitialEvents=true",
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            id="without-match",
        ),
        pytest.param(
            "resourceVersionMatch=NotOlderThan&resourceVersion=1",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            id="match-alone",
        ),
    ],
)
def test_initial_events_need_a_match(serve: Callable[..., None], query: str, message: str) -> None:
    async def scenario(client: Any) -> None:
        answer = await client.get(f"{CM}?watch=1&{query}")
        assert answer.code == 422
        assert answer.message.endswith(f"resourceVersionMatch: Forbidden: {message}")

    serve(scenario)


def test_bookmarks_come_to_those_who_asked(
    serve: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sampan.apiserver.watch.BOOKMARK_EVERY", 0.05)

    async def scenario(client: Any) -> None:
        revision = await put(client, "x")
        path = f"{CM}?watch=1&resourceVersion={revision}"
        async with (
            client.watch(f"{path}&allowWatchBookmarks=true") as marked,
            client.watch(path) as plain,
        ):
            type_, mark = await marked.next()
            assert type_ == "BOOKMARK"
            assert mark["kind"] == "ConfigMap"
            assert mark["metadata"] == {"resourceVersion": revision}
            await marked.next()
            await put(client, "y")
            assert await plain.names(1) == [("ADDED", "y")]

    serve(scenario)


def test_a_revision_that_is_compacted_ends_in_an_error_event(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        revision = await put(client, "x")
        await put(client, "y")
        floor = int(await put(client, "z"))
        client.server.backend.store.compact(floor)
        async with client.watch(f"{CM}?watch=1&resourceVersion={revision}") as watching:
            assert watching.response.status == 200
            (event,) = await watching.rest()
        assert event["type"] == "ERROR"
        assert event["object"]["code"] == 410
        assert event["object"]["reason"] == "Expired"
        assert event["object"]["message"] == f"too old resource version: {revision} ({floor})"

    serve(scenario)


def test_a_timeout_closes_cleanly(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await put(client, "x")
        async with client.watch(f"{CM}?watch=1&timeoutSeconds=1") as watching:
            assert [event["type"] for event in await watching.rest()] == ["ADDED"]
        assert len(client.server.watches) == 0

    serve(scenario)


def test_tables_and_metadata_can_be_watched(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await put(client, "x", k="v")
        async with client.watch(f"{CM}?watch=1", Accept=TABLE) as watching:
            _, table = await watching.next()
            assert table["kind"] == "Table"
            assert table["columnDefinitions"][0]["name"] == "Name"
            assert table["rows"][0]["cells"][0] == "x"
            assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
        async with client.watch(f"{CM}?watch=1", Accept=PARTIAL) as watching:
            _, partial = await watching.next()
            assert partial["kind"] == "PartialObjectMetadata"
            assert "data" not in partial

    serve(scenario)


def test_a_watch_is_resumed_after_a_restart(serve: Callable[..., None]) -> None:
    seen: list[str] = []

    async def before(client: Any) -> None:
        seen.append(await put(client, "x", {"app": "x"}))
        await client.merge(f"{CM}/x", {"metadata": {"labels": {"app": "y"}}})
        await put(client, "y", {"app": "x"})

    async def after(client: Any) -> None:
        path = f"{CM}?watch=1&resourceVersion={seen[0]}"
        async with client.watch(path) as watching:
            assert await watching.names(2) == [("MODIFIED", "x"), ("ADDED", "y")]
        async with client.watch(f"{path}&labelSelector=app%3Dx") as watching:
            assert await watching.names(2) == [("DELETED", "x"), ("ADDED", "y")]

    serve(before)
    serve(after)


def test_a_client_that_leaves_is_forgotten(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        async with client.watch(f"{CM}?watch=1") as watching:
            await put(client, "x")
            await watching.next()
            assert len(client.server.watches) == 1
            watching.response.close()
        async with asyncio.timeout(5):
            while len(client.server.watches):  # noqa: ASYNC110 - the other end tells nobody
                await asyncio.sleep(0.01)

    serve(scenario)


def test_stopping_the_server_ends_watches_cleanly(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        async with client.watch(f"{CM}?watch=1") as watching:
            await put(client, "x")
            await watching.next()
            await client.server.stop()
            assert await watching.rest() == []

    serve(scenario)


@pytest.mark.slow
def test_a_thousand_idle_watches_do_not_get_in_the_way(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        ready = asyncio.Semaphore(0)
        path = f"{CM}?watch=1&resourceVersion={await put(client, 'first')}"

        async def follow() -> list[tuple[str, str]]:
            async with client.watch(path) as watching:
                ready.release()
                return list(await watching.names(1))

        followers = [asyncio.create_task(follow()) for _ in range(1000)]
        for _ in followers:
            await ready.acquire()
        assert (await client.get(f"{CM}/first")).code == 200
        await put(client, "x")
        assert all(seen == [("ADDED", "x")] for seen in await asyncio.gather(*followers))

    serve(scenario)
