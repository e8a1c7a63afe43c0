"""Garbage collection: single decisions, then whole clusters of owners that come to an end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampan.engine.local import LocalCluster
from sampan.engine.loop import Engine
from sampan.kinds.core.garbage import GARBAGE, decide
from sampan.kinds.core.types import Owned, Owner
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Action, Delete, Patch
from sampan.lib.clock import ManualClock
from sampan.testing.memory import START, MemoryApi

KEY = Key(names.CONFIG_MAP, "u", "it")


def it(*owners: str, dying: bool = False, finalizers: tuple[str, ...] = ()) -> Manifest:
    where: dict[str, Any] = {"name": "it", "namespace": "u", "uid": "it", "resourceVersion": "7"}
    where["ownerReferences"] = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": uid,
            "uid": uid,
            "blockOwnerDeletion": True,
        }
        for uid in owners
    ]
    if dying:
        where["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    if finalizers:
        where["finalizers"] = list(finalizers)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": where}


def child(uid: str, *, dying: bool = False, blocks: bool = True) -> Manifest:
    where: dict[str, Any] = {"name": uid, "namespace": "u", "uid": uid, "resourceVersion": "8"}
    where["ownerReferences"] = [{"uid": "it", "name": "it", "blockOwnerDeletion": blocks}]
    if dying:
        where |= {"deletionTimestamp": "x", "finalizers": [names.FINALIZER_FOREGROUND]}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": where}


def delete(propagation: str = "Background") -> Delete:
    return Delete(KEY, uid="it", propagation=propagation)


def references(*uids: str) -> Patch:
    kept = it(*uids)["metadata"]["ownerReferences"] or None
    return Patch(KEY, {"metadata": {"ownerReferences": kept, "resourceVersion": "7"}})


def without(*left: str) -> Patch:
    return Patch(KEY, {"metadata": {"finalizers": list(left), "resourceVersion": "7"}})


FOREGROUND, ORPHAN = names.FINALIZER_FOREGROUND, names.FINALIZER_ORPHAN


@pytest.mark.parametrize(
    ("manifest", "owners", "dependents", "actions"),
    [
        pytest.param(it("a"), [("a", "solid")], [], [], id="owner-lives"),
        pytest.param(it("a"), [("a", "absent")], [], [delete()], id="owner-gone"),
        pytest.param(it("a"), [("a", "unknown")], [], [], id="owner-of-unknown-kind"),
        pytest.param(
            it("a", "b"), [("a", "absent"), ("b", "unknown")], [], [references("b")],
            id="unknown-keeps",
        ),
        pytest.param(
            it("a", "b"), [("a", "absent"), ("b", "solid")], [], [references("b")], id="one-gone"
        ),
        pytest.param(
            it("a", "b"), [("a", "waiting"), ("b", "solid")], [], [references("b")],
            id="one-waiting-one-lives",
        ),
        pytest.param(
            it("a", "b"), [("a", "absent"), ("b", "absent")], [], [delete()], id="both-gone"
        ),
        pytest.param(it("a"), [("a", "waiting")], [], [delete()], id="owner-waits"),
        pytest.param(
            it("a"), [("a", "waiting")], [child("c")], [delete("Foreground")],
            id="owner-waits-for-grandchildren",
        ),
        pytest.param(
            it("a", finalizers=(ORPHAN,)), [("a", "absent")], [], [delete("Orphan")],
            id="keeps-its-own-policy",
        ),
        pytest.param(it("a", dying=True), [], [], [], id="already-dying"),
        pytest.param(
            it(dying=True, finalizers=(FOREGROUND,)), [], [child("c")], [], id="held-by-a-child"
        ),
        pytest.param(
            it(dying=True, finalizers=(FOREGROUND, "x.y/z")), [], [child("c", blocks=False)],
            [without("x.y/z")], id="child-does-not-block",
        ),
        pytest.param(
            it(dying=True, finalizers=(FOREGROUND,)), [], [], [without()], id="children-gone"
        ),
        pytest.param(
            it(dying=True, finalizers=(ORPHAN,)), [], [child("c")],
            [
                Patch(
                    Key(names.CONFIG_MAP, "u", "c"),
                    {"metadata": {"ownerReferences": None, "resourceVersion": "8"}},
                ),
                without(),
            ],
            id="children-are-freed",
        ),
    ],
)  # fmt: skip
def test_decision(
    manifest: Manifest,
    owners: list[tuple[str, Any]],
    dependents: list[Manifest],
    actions: list[Action],
) -> None:
    owned = Owned(manifest, tuple(Owner(*each) for each in owners), tuple(dependents))
    assert list(decide(owned).actions) == actions


def test_a_cycle_stops_to_block() -> None:
    owned = Owned(it("a"), (Owner("a", "waiting"),), (child("c", dying=True),))
    unblock, last = decide(owned).actions
    assert isinstance(unblock, Patch)
    assert [r["blockOwnerDeletion"] for r in unblock.patch["metadata"]["ownerReferences"]] == [
        False
    ]
    assert last == delete("Foreground")


class World:
    def __init__(self, lacks: tuple[str, ...] = ()) -> None:
        self.cluster = LocalCluster(MemoryApi(lacks=lacks))
        self.engine = Engine(self.cluster, (GARBAGE,), clock=ManualClock(START), debug=True)

    async def make(self, name: str, *owners: Manifest, namespace: str = "u") -> Manifest:
        where = {
            "name": name,
            "namespace": namespace,
            "ownerReferences": [meta.controlled_by(each) for each in owners],
        }
        return await self.cluster.create(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": where}
        )

    async def begin(self) -> None:
        for name in "uv":
            await self.cluster.create(
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            )
        await self.engine.start()

    async def settle(self) -> None:
        await self.engine.idle()

    def names(self) -> set[str]:
        return {meta.name_of(each) for each in self.cluster.list(names.CONFIG_MAP)}

    async def delete(self, name: str, propagation: str = "Background") -> None:
        await self.cluster.delete(Key(names.CONFIG_MAP, "u", name), propagation=propagation)
        await self.settle()


@pytest.mark.parametrize(
    ("propagation", "left"),
    [("Background", set()), ("Foreground", set()), ("Orphan", {"b", "c"})],
)
def test_grandchildren_follow(propagation: str, left: set[str]) -> None:
    async def run() -> None:
        world = World()
        await world.begin()
        a = await world.make("a")
        b = await world.make("b", a)
        await world.make("c", b)
        await world.settle()
        assert world.names() == {"a", "b", "c"}
        await world.delete("a", propagation)
        assert world.names() == left
        await world.engine.stop()

    asyncio.run(run())


def test_an_owner_in_another_namespace_is_absent() -> None:
    async def run() -> None:
        world = World()
        await world.begin()
        other = await world.make("a", namespace="v")
        await world.make("b", other)
        await world.settle()
        assert world.names() == {"a"}
        await world.engine.stop()

    asyncio.run(run())


def test_an_owner_that_was_made_anew_is_absent() -> None:
    async def run() -> None:
        world = World()
        await world.begin()
        old = await world.make("a")
        await world.delete("a")
        await world.make("a")
        await world.make("b", old)
        await world.settle()
        assert world.names() == {"a"}
        await world.engine.stop()

    asyncio.run(run())


def test_an_owner_of_a_kind_that_is_not_served_is_left_alone() -> None:
    async def run() -> None:
        world = World(lacks=("Toy.example.com",))
        await world.begin()
        toy = {"apiVersion": "example.com/v1", "kind": "Toy", "metadata": {"name": "t", "uid": "t"}}
        await world.make("b", toy)
        await world.settle()
        assert world.names() == {"b"}
        await world.engine.stop()

    asyncio.run(run())


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_cycles_do_not_block(size: int, propagation: str) -> None:
    async def run() -> None:
        world = World()
        await world.begin()
        ring = [await world.make(f"r{index}") for index in range(size)]
        for index in range(size):
            owner = ring[(index + 1) % size]
            patch = {"metadata": {"ownerReferences": [meta.controlled_by(owner)]}}
            await world.cluster.patch(Key(names.CONFIG_MAP, "u", f"r{index}"), patch)
        await world.settle()
        assert len(world.names()) == size
        await world.delete("r0", propagation)
        assert world.names() == set()
        await world.engine.stop()

    asyncio.run(run())


GRAPHS = st.integers(1, 7).flatmap(
    lambda size: st.lists(
        st.frozensets(st.integers(0, size - 1), max_size=2), min_size=size, max_size=size
    )
)


@settings(max_examples=60, deadline=None)
@given(GRAPHS, st.data(), st.sampled_from(["Background", "Foreground", "Orphan"]))
def test_nothing_with_a_living_owner_goes_and_nothing_without_one_stays(
    graph: list[frozenset[int]], data: st.DataObject, propagation: str
) -> None:
    """`graph[i]` are the owners of i: earlier ones only, so that all can be made in order."""
    owners = [{owner for owner in each if owner < index} for index, each in enumerate(graph)]
    victim = data.draw(st.integers(0, len(graph) - 1))

    async def run() -> set[str]:
        world = World()
        await world.begin()
        made: list[Manifest] = []
        for index, each in enumerate(owners):
            made.append(await world.make(f"o{index}", *(made[owner] for owner in sorted(each))))
        await world.settle()
        await world.delete(f"o{victim}", propagation)
        await world.engine.stop()
        return world.names()

    left = {f"o{victim}"}
    if propagation != "Orphan":
        for index, each in enumerate(owners):
            if each and all(f"o{owner}" in left for owner in each):
                left.add(f"o{index}")
    assert asyncio.run(run()) == {f"o{index}" for index in range(len(graph))} - left
