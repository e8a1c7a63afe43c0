"""What a namespace is given, and that each one that is deleted ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampan.engine.local import LocalCluster
from sampan.engine.loop import Engine
from sampan.kinds.core import COMPONENT
from sampan.kinds.core.namespaces import decide_end, decide_home
from sampan.kinds.core.types import Dying, Home
from sampan.kube import conditions, meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Apply, Delete, Patch
from sampan.lib.clock import ManualClock
from sampan.testing.memory import START, MemoryApi


def namespace(name: str, **more: Any) -> Manifest:
    where = {"name": name, "uid": name, "resourceVersion": "1", **more}
    spec = {"finalizers": ["kubernetes"]}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": where, "spec": spec}


def thing(kind: str, name: str, *finalizers: str) -> Manifest:
    where = {"name": name, "namespace": "u", "uid": name, "finalizers": list(finalizers)}
    return {"apiVersion": "v1", "kind": kind, "metadata": where}


AUTHORITY = {"data": {"ca.crt": "PEM"}}


@pytest.mark.parametrize(
    ("name", "authority", "kinds"),
    [
        pytest.param("u", AUTHORITY, ["ServiceAccount", "ConfigMap"], id="account-and-ca"),
        pytest.param("u", None, ["ServiceAccount"], id="ca-not-there-yet"),
        pytest.param("kube-system", AUTHORITY, ["ServiceAccount"], id="where-the-ca-comes-from"),
    ],
)
def test_home(name: str, authority: Manifest | None, kinds: list[str]) -> None:
    plan = decide_home(Home(namespace(name), authority))
    made = [action.manifest for action in plan.actions if isinstance(action, Apply)]
    assert [each["kind"] for each in made] == kinds
    if len(made) == 2:
        assert (made[1]["metadata"]["name"], made[1]["data"]) == (names.ROOT_CA, AUTHORITY["data"])


def test_pods_go_first() -> None:
    contents = (thing("ConfigMap", "c"), thing("Pod", "p"), thing("Pod", "q"))
    plan = decide_end(Dying(namespace("u"), contents, START))
    assert plan.actions == (
        Delete(Key(names.POD, "u", "p"), uid="p"),
        Delete(Key(names.POD, "u", "q"), uid="q"),
    )


def test_the_rest_goes_when_the_pods_are_gone() -> None:
    plan = decide_end(Dying(namespace("u"), (thing("ConfigMap", "c", "x.y/z"),), START))
    assert plan.actions == (Delete(Key(names.CONFIG_MAP, "u", "c"), uid="c"),)
    assert plan.status is not None
    assert plan.status["phase"] == "Terminating"
    found = conditions.get_condition(plan.status["conditions"], "NamespaceFinalizersRemaining")
    assert found is not None
    assert (found["status"], found["message"].endswith("x.y/z in 1 resource instances")) == (
        "True",
        True,
    )


def test_an_empty_namespace_is_finalized() -> None:
    plan = decide_end(Dying(namespace("u"), (), START))
    (patch,) = plan.actions
    assert isinstance(patch, Patch)
    assert (patch.subresource, patch.patch["spec"]) == ("finalize", {"finalizers": []})


class World:
    def __init__(self) -> None:
        self.cluster = LocalCluster(MemoryApi())
        self.engine = Engine(
            self.cluster, COMPONENT.controllers, clock=ManualClock(START), debug=True
        )

    async def make(self, kind: str, name: str, **more: Any) -> None:
        where = {"name": name, "namespace": "u", **more}
        spec = {"spec": {"containers": []}} if kind == "Pod" else {}
        await self.cluster.create({"apiVersion": "v1", "kind": kind, "metadata": where, **spec})

    def namespace(self) -> Manifest | None:
        return self.cluster.get(Key(names.NAMESPACE, "", "u"))


async def started() -> World:
    world = World()
    await world.engine.start()
    for name in ("kube-system", "u"):
        await world.cluster.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        )
    return world


def test_what_is_taken_away_comes_back() -> None:
    async def run() -> None:
        world = await started()
        authority = {"name": names.ROOT_CA, "namespace": "kube-system"}
        await world.cluster.create(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": authority, **AUTHORITY}
        )
        await world.engine.idle()
        keys = (
            Key(names.SERVICE_ACCOUNT, "u", "default"),
            Key(names.CONFIG_MAP, "u", names.ROOT_CA),
        )
        for key in keys:
            assert world.cluster.get(key) is not None
            await world.cluster.delete(key)
        await world.engine.idle()
        for key in keys:
            assert world.cluster.get(key) is not None
        await world.engine.stop()

    asyncio.run(run())


def test_a_finalizer_holds_the_namespace() -> None:
    async def run() -> None:
        world = await started()
        await world.make("ConfigMap", "held", finalizers=["x.y/z"])
        await world.cluster.delete(Key(names.NAMESPACE, "", "u"))
        await world.engine.idle()
        live = world.namespace()
        assert live is not None
        assert conditions.is_true(live["status"]["conditions"], "NamespaceContentRemaining")
        patch = {"metadata": {"finalizers": []}}
        await world.cluster.patch(Key(names.CONFIG_MAP, "u", "held"), patch)
        await world.engine.idle()
        assert world.namespace() is None
        await world.engine.stop()

    asyncio.run(run())


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(["Pod", "ConfigMap", "Secret", "ServiceAccount"]), max_size=8),
    st.booleans(),
)
def test_every_deletion_ends(kinds: list[str], foreground: bool) -> None:
    async def run() -> None:
        world = await started()
        await world.engine.idle()
        for index, kind in enumerate(kinds):
            await world.make(kind, f"x{index}")
        how = "Foreground" if foreground else "Background"
        await world.cluster.delete(Key(names.NAMESPACE, "", "u"), propagation=how)
        await world.engine.idle()
        assert world.namespace() is None
        assert not world.cluster.contents("u")
        await world.engine.stop()

    asyncio.run(run())


def test_the_home_of_a_dying_namespace_is_left_alone() -> None:
    async def run() -> None:
        world = await started()
        await world.make("ConfigMap", "held", finalizers=["x.y/z"])
        await world.cluster.delete(Key(names.NAMESPACE, "", "u"))
        await world.engine.idle()
        assert [meta.name_of(each) for each in world.cluster.contents("u")] == ["held"]
        await world.engine.stop()

    asyncio.run(run())
