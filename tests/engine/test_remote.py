"""The same API server over HTTP and TLS passes the same contract; and what only HTTP can do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from sampan.engine.cluster import Cluster, EmbeddedOnly, NotMirrored
from sampan.engine.kubeconfig import Access
from sampan.engine.loop import Engine
from sampan.engine.remote import RemoteCluster
from sampan.engine.transport import Transport, Unreachable
from sampan.kube import meta, names
from sampan.kube.errors import NotFound, Unauthorized
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Apply, Controller, Plan, View
from sampan.lib.clock import SystemClock
from sampan.testing.cluster import ClusterContract, eventually

Serve = Callable[[], AbstractAsyncContextManager[Any]]


class TestRemote(ClusterContract):
    @pytest.fixture(autouse=True)
    def _serves(self, serve: Serve) -> None:
        self.serve = serve

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Cluster]:
        async with self.serve() as served:
            cluster = await RemoteCluster.connect(served.access)
            try:
                yield cluster
            finally:
                await cluster.close()


@asynccontextmanager
async def connected(served: Any) -> AsyncIterator[RemoteCluster]:
    cluster = await RemoteCluster.connect(served.access)
    try:
        yield cluster
    finally:
        await cluster.close()


def namespace(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def config_map(name: str, data: dict[str, str] | None = None) -> Manifest:
    where = {"name": name, "namespace": "u"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": where, "data": data or {}}


EXPIRED = b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}'
KEY = Key(names.CONFIG_MAP, "u", "a")


def test_a_kind_must_be_mirrored_before_it_is_read(serve: Serve) -> None:
    async def run() -> None:
        async with serve() as served, connected(served) as cluster:
            with pytest.raises(NotMirrored):
                cluster.get(KEY)
            await cluster.mirror(names.CONFIG_MAP)
            assert cluster.get(KEY) is None

    asyncio.run(run())


def test_a_mirror_sees_what_others_write(serve: Serve) -> None:
    async def run() -> None:
        async with serve() as served, connected(served) as cluster:
            await served.cluster.create(namespace("u"))
            await cluster.mirror(names.CONFIG_MAP)
            await served.cluster.create(config_map("a"))
            await eventually(lambda: cluster.get(KEY))
            await served.cluster.delete(KEY)
            await eventually(lambda: cluster.get(KEY) is None)

    asyncio.run(run())


def test_a_mirror_outlives_its_connection(serve: Serve) -> None:
    async def run() -> None:
        async with serve() as served, connected(served) as cluster:
            await served.cluster.create(namespace("u"))
            await served.cluster.create(config_map("a"))
            await cluster.mirror(names.CONFIG_MAP)
            seen: list[str] = []
            cluster.subscribe(names.CONFIG_MAP, lambda change: seen.append(change.type))
            await served.cluster.patch(KEY, {"data": {"x": "0"}})
            await eventually(lambda: len(seen) == 2)
            for connection in list(served.api._server._state.connections):
                connection.transport.abort()
            await served.cluster.patch(KEY, {"data": {"x": "1"}})
            await served.cluster.create(config_map("b"))
            await eventually(lambda: len(seen) == 4)
            assert seen == ["ADDED", "MODIFIED", "MODIFIED", "ADDED"]

    asyncio.run(run())


def test_a_compacted_revision_is_listed_again(serve: Serve) -> None:
    async def run() -> None:
        async with serve() as served, connected(served) as cluster:
            await served.cluster.create(namespace("u"))
            for name in "abc":
                await served.cluster.create(config_map(name))
            await cluster.mirror(names.CONFIG_MAP)
            mirror = cluster._mirrors[names.CONFIG_MAP]
            seen: list[tuple[str, str]] = []
            cluster.subscribe(
                names.CONFIG_MAP, lambda change: seen.append((change.type, change.key.name))
            )
            seen.clear()
            lines = cluster.transport.lines
            asked: list[str] = []

            async def expired(path: str, **options: Any) -> AsyncIterator[bytes]:
                asked.append(path)
                if len(asked) == 1:
                    await served.cluster.delete(KEY)
                    await served.cluster.patch(
                        Key(names.CONFIG_MAP, "u", "b"), {"data": {"x": "1"}}
                    )
                    yield EXPIRED
                    return
                async for line in lines(path, **options):
                    yield line

            cluster.transport.lines = expired  # type: ignore[method-assign]
            for connection in list(served.api._server._state.connections):
                connection.transport.abort()
            await eventually(lambda: len(seen) >= 2)
            assert seen == [("DELETED", "a"), ("MODIFIED", "b")]
            await eventually(lambda: len(asked) == 2)
            assert asked[1] != asked[0], "it goes on from the new list"
            assert [each["metadata"]["name"] for each in mirror.list("u")] == ["b", "c"]

    asyncio.run(run())


def slow(transport: Transport) -> None:
    """Let each watch event arrive a while after its write was acknowledged."""
    lines = transport.lines

    async def late(path: str, **options: Any) -> AsyncIterator[bytes]:
        async for line in lines(path, **options):
            await asyncio.sleep(0.05)
            yield line

    transport.lines = late  # type: ignore[method-assign]


def test_writes_are_awaited_until_they_are_seen(serve: Serve) -> None:
    async def run() -> None:
        async with serve() as served, connected(served) as cluster:
            await served.cluster.create(namespace("u"))
            slow(cluster.transport)
            await cluster.mirror(names.CONFIG_MAP)
            made = await cluster.create(config_map("a"))
            assert cluster.get(KEY) is None, "the event is on its way"
            await cluster.settled(made)
            assert cluster.get(KEY) is not None
            await cluster.delete(KEY)
            assert cluster.get(KEY) is None

    asyncio.run(run())


def test_lists_come_in_pages(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sampan.engine.mirror.PAGE", 3)

    async def run() -> None:
        async with serve() as served, connected(served) as cluster:
            await served.cluster.create(namespace("u"))
            for number in range(10):
                await served.cluster.create(config_map(f"n{number}"))
            await cluster.mirror(names.CONFIG_MAP)
            assert len(cluster.list(names.CONFIG_MAP, "u")) == 10

    asyncio.run(run())


def test_a_kind_that_is_not_served(serve: Serve) -> None:
    async def run() -> None:
        async with serve() as served, connected(served) as cluster:
            await cluster.mirror("Toy.example.com")
            assert not cluster.has_kind("Toy.example.com")
            with pytest.raises(NotFound):
                await cluster.create(
                    {**config_map("a"), "apiVersion": "example.com/v1", "kind": "Toy"}
                )

    asyncio.run(run())


def test_reads_of_all_kinds_are_refused(serve: Serve) -> None:
    async def run() -> None:
        async with serve() as served, connected(served) as cluster:
            with pytest.raises(EmbeddedOnly):
                cluster.contents("u")
            with pytest.raises(EmbeddedOnly):
                cluster.dependents("uid")
            with pytest.raises(EmbeddedOnly):
                cluster.subscribe("*", print)

    asyncio.run(run())


def test_a_wrong_token_is_unauthorized(serve: Serve) -> None:
    async def run() -> None:
        async with serve() as served:
            with pytest.raises(Unauthorized):
                await RemoteCluster.connect(replace(served.access, token="nonsense"))

    asyncio.run(run())


def test_an_unknown_authority_is_not_trusted(serve: Serve) -> None:
    async def run() -> None:
        async with serve() as served:
            with pytest.raises(Unreachable, match="not trusted"):
                await RemoteCluster.connect(replace(served.access, authority=b""))

    asyncio.run(run())


def test_a_server_that_is_not_there_is_named() -> None:
    async def run() -> None:
        async with Transport(Access(server="http://127.0.0.1:1")) as transport:
            with pytest.raises(
                Unreachable, match=r"http://127\.0\.0\.1:1 .* reached: Connection refused"
            ):
                await transport.request("GET", "/version")

    asyncio.run(run())


def test_lines_may_be_long_and_split_anywhere(serve: Serve) -> None:
    async def run() -> None:
        async with serve() as served, connected(served) as cluster:
            await served.cluster.create(namespace("u"))
            await cluster.mirror(names.CONFIG_MAP)
            await served.cluster.create(config_map("a", {"x": "y" * 900_000}))
            await eventually(lambda: cluster.get(KEY))
            found = cluster.get(KEY)
            assert found is not None
            assert len(found["data"]["x"]) == 900_000

    asyncio.run(run())


def test_a_controller_never_acts_on_what_it_has_not_seen_of_itself(serve: Serve) -> None:
    """It starts as many children as are missing, under names that are new each time: were it
    asked again before the mirror shows the first ones, there would be too many."""
    made: list[str] = []

    def see(view: View, key: Key) -> Any:
        owner = view.get(key)
        if owner is None or meta.controller_of(owner):
            return None
        return owner, view.owned(owner, names.CONFIG_MAP)

    def decide(snapshot: Any) -> Plan:
        owner, children = snapshot
        missing = int(owner["data"].get("wanted", 0)) - len(children)
        actions = []
        for _ in range(missing):
            made.append(f"child-{len(made)}")
            child = config_map(made[-1])
            child["metadata"]["ownerReferences"] = [meta.controlled_by(owner)]
            actions.append(Apply(child))
        return Plan(actions=tuple(actions))

    async def run() -> None:
        async with serve() as served, connected(served) as cluster:
            await served.cluster.create(namespace("u"))
            slow(cluster.transport)
            controller = Controller(name="t", of=names.CONFIG_MAP, see=see, decide=decide)
            engine = Engine(cluster, (controller,), clock=SystemClock())
            await engine.start()
            await served.cluster.create(config_map("a", {"wanted": "3"}))
            await eventually(lambda: len(made) == 3)
            for wanted in ("5", "8"):
                await served.cluster.patch(KEY, {"data": {"wanted": wanted}})
                await eventually(lambda wanted=wanted: len(made) == int(wanted))
            await engine.idle()
            await engine.stop()
            assert len(served.cluster.list(names.CONFIG_MAP, "u")) == 9

    asyncio.run(run())


def test_a_kind_that_is_defined_later_reaches_its_controller(serve: Serve) -> None:
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "toys.example.com"},
        "spec": {
            "group": "example.com",
            "names": {"kind": "Toy", "plural": "toys", "singular": "toy", "listKind": "ToyList"},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "x-kubernetes-preserve-unknown-fields": True,
                        }
                    },
                }
            ],
        },
    }
    toy = "Toy.example.com"

    async def run() -> None:
        async with serve() as served, connected(served) as cluster:
            ready = Controller(
                name="t",
                of=toy,
                see=lambda view, key: view.get(key),
                decide=lambda it: Plan(status={"ready": True}),
            )
            engine = Engine(cluster, (ready,), clock=SystemClock())
            await engine.start()
            await served.cluster.create(namespace("u"))
            await served.cluster.create(definition)
            await eventually(lambda: cluster.has_kind(toy))
            made = {**config_map("t"), "apiVersion": "example.com/v1", "kind": "Toy"}
            await served.cluster.create(made)
            key = Key(toy, "u", "t")
            await eventually(lambda: (served.cluster.get(key) or {}).get("status"))
            await engine.stop()

    asyncio.run(run())
