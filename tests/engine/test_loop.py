"""The loop: what is asked again, what is written, and what a mistake costs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec import structs

from sampan.engine.local import LocalCluster
from sampan.engine.loop import Engine
from sampan.kube import meta, names
from sampan.kube.errors import Forbidden
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import (
    NOTHING,
    Action,
    Apply,
    Controller,
    Create,
    Delete,
    Emit,
    Patch,
    Plan,
    View,
)
from sampan.lib.clock import ManualClock
from sampan.testing.cluster import eventually
from sampan.testing.memory import START, MemoryApi

See = Callable[[View, Key], Any]


class World:
    """A fake cluster, an engine on it, and a hand-moved clock."""

    def __init__(self, *controllers: Controller, lacks: tuple[str, ...] = ()) -> None:
        self.clock = ManualClock(START)
        self.api = MemoryApi(clock=self.clock, lacks=lacks)
        self.cluster = LocalCluster(self.api)
        self.engine = Engine(self.cluster, controllers, clock=self.clock, debug=True)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[World]:
        await self.cluster.create(namespace("u"))
        await self.engine.start()
        try:
            await self.engine.idle()
            yield self
        finally:
            await self.engine.stop()

    def get(self, kind: str, name: str) -> Manifest:
        found = self.cluster.get(Key(kind, "u", name))
        assert found is not None
        return found

    def events(self) -> list[tuple[str, str, int]]:
        found = self.cluster.list(names.EVENT)
        return [(each["reason"], each["message"], each["count"]) for each in found]


def namespace(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def config_map(name: str, data: dict[str, str] | None = None, **more: Any) -> Manifest:
    where = {"name": name, "namespace": "u", **more}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": where, "data": data or {}}


def secret(name: str, **more: Any) -> Manifest:
    return {**config_map(name, **more), "kind": "Secret"}


def controller(see: See, decide: Callable[[Any], Plan], of: str = names.CONFIG_MAP) -> Controller:
    return Controller(name="test", of=of, see=see, decide=decide)


def counting(see: See) -> tuple[Controller, list[str]]:
    """A controller that does nothing, and the names that it was asked about."""
    asked: list[str] = []

    def noted(view: View, key: Key) -> Any:
        asked.append(key.name)
        return see(view, key)

    return controller(noted, lambda _: NOTHING), asked


def own(view: View, key: Key) -> Any:
    return view.get(key)


def test_each_object_is_asked_about_once_at_start() -> None:
    async def run() -> None:
        counted, asked = counting(own)
        world = World(counted)
        await world.cluster.create(namespace("v"))
        for name in "abc":
            await world.cluster.create(
                {**config_map(name), "metadata": {"name": name, "namespace": "v"}}
            )
        async with world.running():
            assert sorted(asked) == ["a", "b", "c"]

    asyncio.run(run())


READS = [
    pytest.param(
        lambda view, key: view.get(Key(names.SECRET, "u", "s")), secret("s"), secret("t"), id="get"
    ),
    pytest.param(
        lambda view, key: view.owned(view.get(key), names.SECRET),
        secret("s", ownerReferences=[{"uid": "OWNER"}]),
        secret("t", ownerReferences=[{"uid": "another"}]),
        id="owned",
    ),
    pytest.param(
        lambda view, key: view.select(names.SECRET, "u", {"matchLabels": {"a": "1"}}),
        secret("s", labels={"a": "1", "b": "2"}),
        secret("t", labels={"a": "2"}),
        id="select-equal",
    ),
    pytest.param(
        lambda view, key: view.select(
            names.SECRET, "", {"matchExpressions": [{"key": "a", "operator": "Exists"}]}
        ),
        secret("s", labels={"a": "1"}),
        secret("t", labels={"b": "1"}),
        id="select-exists-everywhere",
    ),
    pytest.param(
        lambda view, key: view.select(names.SECRET, "u"),
        secret("s"),
        config_map("z"),
        id="select-all",
    ),
    pytest.param(
        lambda view, key: view.dependents(meta.uid_of(view.get(key) or {})),
        secret("s", ownerReferences=[{"uid": "OWNER"}]),
        secret("t", ownerReferences=[{"uid": "another"}]),
        id="dependents",
    ),
]


@pytest.mark.parametrize(("see", "read", "unread"), READS)
def test_a_change_of_what_was_read_asks_again(see: See, read: Manifest, unread: Manifest) -> None:
    def only_a(view: View, key: Key) -> Any:
        return see(view, key) if key.name == "a" else None

    async def run() -> None:
        counted, asked = counting(only_a)
        async with World(counted).running() as world:
            made = await world.cluster.create(config_map("a"))
            await world.engine.idle()
            for reference in read["metadata"].get("ownerReferences", ()):
                reference["uid"] = reference["uid"].replace("OWNER", meta.uid_of(made))
            asked.clear()
            await world.cluster.create(unread)
            await world.engine.idle()
            assert "a" not in asked
            key = Key(names.SECRET, "u", "s")
            await world.cluster.create(read)
            await world.engine.idle()
            assert asked.count("a") == 1
            taken = {
                "metadata": {"labels": None, "ownerReferences": None, "annotations": {"x": "1"}}
            }
            await world.cluster.patch(key, taken)
            await world.engine.idle()
            assert asked.count("a") == 2, "it left what was read"

    asyncio.run(run())


def test_who_asks_whether_it_stands_hears_only_that_it_comes_and_goes() -> None:
    def only_a(view: View, key: Key) -> Any:
        return view.standing(Key(names.SECRET, "u", "s")) if key.name == "a" else None

    async def run() -> None:
        counted, asked = counting(only_a)
        async with World(counted).running() as world:
            await world.cluster.create(config_map("a"))
            await world.engine.idle()
            key = Key(names.SECRET, "u", "s")
            heard: list[int] = []
            for write in (
                world.cluster.create(secret("s", finalizers=["x/y"])),
                world.cluster.patch(key, {"metadata": {"labels": {"a": "1"}}}),
                world.cluster.patch(key, {"data": {"x": "1"}}),
                world.cluster.delete(key),
                world.cluster.patch(key, {"metadata": {"finalizers": None}}),
            ):
                asked.clear()
                await write
                await world.engine.idle()
                heard.append(asked.count("a"))
            assert heard[:3] == [1, 0, 0]
            assert heard[3] >= 1, "it is being deleted"
            assert heard[4] >= 1, "it is gone"

    asyncio.run(run())


def test_a_change_after_it_left_does_not_ask_again() -> None:
    async def run() -> None:
        selector = {"matchLabels": {"a": "1"}}
        counted, asked = counting(lambda view, key: view.select(names.SECRET, "u", selector))
        async with World(counted).running() as world:
            await world.cluster.create(config_map("a"))
            await world.cluster.create(secret("s", labels={"a": "1"}))
            await world.cluster.patch(Key(names.SECRET, "u", "s"), {"metadata": {"labels": None}})
            await world.engine.idle()
            asked.clear()
            await world.cluster.patch(Key(names.SECRET, "u", "s"), {"data": {"x": "1"}})
            await world.engine.idle()
            assert asked == []

    asyncio.run(run())


def test_what_is_no_longer_read_does_not_ask_again() -> None:
    def by_data(view: View, key: Key) -> Any:
        named = (view.get(key) or {}).get("data", {}).get("secret", "")
        return view.get(Key(names.SECRET, "u", named))

    async def run() -> None:
        counted, asked = counting(by_data)
        async with World(counted).running() as world:
            await world.cluster.create(config_map("a", {"secret": "s"}))
            await world.cluster.patch(Key(names.CONFIG_MAP, "u", "a"), {"data": {"secret": "t"}})
            await world.engine.idle()
            asked.clear()
            await world.cluster.create(secret("s"))
            await world.engine.idle()
            assert asked == []
            await world.cluster.create(secret("t"))
            await world.engine.idle()
            assert asked == ["a"]

    asyncio.run(run())


def test_contents_of_a_namespace_are_noted() -> None:
    async def run() -> None:
        counted, asked = counting(lambda view, key: view.contents(key.namespace))
        async with World(counted).running() as world:
            await world.cluster.create(config_map("a"))
            await world.engine.idle()
            asked.clear()
            await world.cluster.create(secret("s"))
            await world.engine.idle()
            assert asked == ["a"]

    asyncio.run(run())


def test_status_is_written_once() -> None:
    async def run() -> None:
        ready = controller(own, lambda it: Plan(status={"ready": True}), names.POD)
        async with World(ready).running() as world:
            await world.cluster.create({**config_map("p"), "kind": "Pod"})
            await world.engine.idle()
            pod = world.get(names.POD, "p")
            assert pod["status"] == {"ready": True}

            async def unexpected(manifest: Manifest, *, subresource: str = "") -> Manifest:
                raise AssertionError("the status says it already")

            world.cluster.replace = unexpected  # type: ignore[method-assign]
            await world.cluster.patch(
                Key(names.POD, "u", "p"), {"metadata": {"labels": {"a": "b"}}}
            )
            await world.engine.idle()
            assert world.events() == []

    asyncio.run(run())


def test_a_repeated_apply_is_skipped_until_the_result_changes() -> None:
    def decide(owner: Manifest) -> Plan:
        child = secret("child")
        return Plan(actions=(Apply({**child, "data": {"x": "1"}}),))

    async def run() -> None:
        async with World(controller(own, decide)).running() as world:
            await world.cluster.create(config_map("a"))
            await world.engine.idle()
            child = Key(names.SECRET, "u", "child")
            calls: list[str] = []
            apply = world.cluster.apply

            async def noted(manifest: Manifest, *, manager: str = names.MANAGER) -> Manifest:
                calls.append(manager)
                return await apply(manifest, manager=manager)

            world.cluster.apply = noted  # type: ignore[method-assign]

            async def again(number: int) -> None:
                await world.cluster.patch(
                    Key(names.CONFIG_MAP, "u", "a"), {"data": {"n": str(number)}}
                )
                await world.engine.idle()

            await again(1)
            assert calls == [], "nothing changed"
            live = world.get(names.SECRET, "child")
            await world.cluster.replace({**live, "status": {"seen": True}}, subresource="status")
            await again(2)
            assert calls == [], "only the status changed"
            await world.cluster.patch(child, {"data": {"x": "2"}})
            await again(3)
            assert calls == ["sampan-test"]
            assert world.get(names.SECRET, "child")["data"] == {"x": "1"}
            await world.cluster.delete(child)
            await again(4)
            assert world.get(names.SECRET, "child")["data"] == {"x": "1"}

    asyncio.run(run())


def test_actions_run_in_order_before_the_status() -> None:
    def decide(pod: Manifest) -> Plan:
        if meta.has_finalizer(pod, "x.y/z"):
            return NOTHING
        return Plan(
            status={"done": True},
            actions=(
                Apply(secret("one")),
                Patch(Key(names.POD, "u", "p"), meta.with_finalizer(pod, "x.y/z")),
                Delete(Key(names.SECRET, "u", "one")),
                Delete(Key(names.SECRET, "u", "never-there")),
                Patch(Key(names.SECRET, "u", "never-there"), {"data": {}}),
            ),
        )

    async def run() -> None:
        async with World(controller(own, decide, names.POD)).running() as world:
            await world.cluster.create({**config_map("p"), "kind": "Pod"})
            await world.engine.idle()
            pod = world.get(names.POD, "p")
            assert (pod["status"], meta.finalizers(pod)) == ({"done": True}, ["x.y/z"])
            assert world.cluster.get(Key(names.SECRET, "u", "one")) is None

    asyncio.run(run())


def test_delete_spares_another_object_of_the_same_name() -> None:
    async def run() -> None:
        stale = Delete(Key(names.SECRET, "u", "s"), uid="the-old-one")
        async with World(controller(own, lambda _: Plan(actions=(stale,)))).running() as world:
            await world.cluster.create(secret("s"))
            await world.cluster.create(config_map("a"))
            await world.engine.idle()
            assert world.get(names.SECRET, "s")

    asyncio.run(run())


def test_again_in_asks_when_the_time_has_come() -> None:
    async def run() -> None:
        asked: list[str] = []

        def decide(it: Manifest) -> Plan:
            asked.append(it["metadata"]["name"])
            return Plan(again_in=30)

        async with World(controller(own, decide)).running() as world:
            await world.cluster.create(config_map("a"))
            for passed, count in ((0, 1), (29, 1), (1, 2), (30, 3)):
                world.clock.advance(passed)
                await world.engine.idle()
                assert len(asked) == count

    asyncio.run(run())


def test_a_mistake_is_told_and_backed_off_and_stops_nobody_else() -> None:
    async def run() -> None:
        done: list[str] = []

        def decide(it: Manifest) -> Plan:
            if it["metadata"]["name"] == "bad":
                raise KeyError("nonsense")
            done.append(it["metadata"]["name"])
            return NOTHING

        async with World(controller(own, decide)).running() as world:
            await world.cluster.create(config_map("bad"))
            await world.cluster.create(config_map("good"))
            await world.engine.idle()
            assert done == ["good"]
            assert world.events() == [("ControllerError", "KeyError: 'nonsense'", 1)]
            for delay, count in ((0.04, 1), (0.01, 2), (0.09, 2), (0.01, 3)):
                world.clock.advance(delay)
                await world.engine.idle()
                assert world.events()[0][2] == count

    asyncio.run(run())


def test_a_controller_may_have_something_else_done_about_a_mistake() -> None:
    async def run() -> None:
        def decide(it: Manifest) -> Plan:
            raise KeyError("nonsense")

        def recover(view: View, key: Key, fault: str) -> Plan | None:
            done = {"metadata": {"labels": {"fault": "yes"}}, "data": {"fault": fault}}
            live = view.get(key)
            return None if live is None or live["data"] else Plan(actions=(Patch(key, done),))

        recovering = structs.replace(controller(own, decide), recover=recover)
        async with World(recovering).running() as world:
            await world.cluster.create(config_map("bad"))
            await world.engine.idle()
            assert world.get("ConfigMap", "bad")["data"] == {"fault": "KeyError: 'nonsense'"}
            assert world.events() == [("ControllerError", "KeyError: 'nonsense'", 1)]

    asyncio.run(run())


def test_a_refused_write_is_told_in_the_words_of_the_server() -> None:
    async def run() -> None:
        lost = {**secret("s"), "metadata": {"name": "s", "namespace": "nowhere"}}
        async with World(
            controller(own, lambda _: Plan(actions=(Apply(lost),)))
        ).running() as world:
            await world.cluster.create(config_map("a"))
            await world.engine.idle()
            told = 'Error creating: namespaces "nowhere" not found'
            assert world.events() == [("FailedCreate", told, 1)]

    asyncio.run(run())


def test_a_refused_write_is_a_condition_where_the_plan_names_one() -> None:
    async def run() -> None:
        lost = {**secret("s"), "metadata": {"name": "s", "namespace": "nowhere"}}
        plan = Plan(status={"seen": 1}, actions=(Apply(lost),), refusal="ReplicaFailure")
        async with World(controller(own, lambda _: plan)).running() as world:
            await world.cluster.create(config_map("a"))
            await world.engine.idle()
            status = world.get(names.CONFIG_MAP, "a")["status"]
            assert status["seen"] == 1
            (condition,) = status["conditions"]
            assert condition["type"] == "ReplicaFailure"
            assert condition["reason"] == "FailedCreate"
            assert condition["message"] == 'namespaces "nowhere" not found'

    asyncio.run(run())


def test_an_object_whose_plan_says_so_is_left_alone_for_a_while() -> None:
    async def run() -> None:
        counted, asked = counting(own)
        resting = Controller(
            name=counted.name, of=counted.of, see=counted.see, decide=lambda _: Plan(rest=0.05)
        )
        async with World(resting).running() as world:
            await world.cluster.create(config_map("a"))
            await eventually(lambda: asked == ["a"])
            for number in range(5):
                await world.cluster.patch(
                    Key(names.CONFIG_MAP, "u", "a"), {"data": {"n": f"{number}"}}
                )
            assert asked == ["a"]
            await world.engine.idle()
            assert asked == ["a", "a"], "all that changed meanwhile is one look"

    asyncio.run(run())


def test_what_is_there_is_not_created_again() -> None:
    async def run() -> None:
        plan = Plan(actions=(Create({**secret("one"), "data": {"x": "1"}}), Create(secret("two"))))
        async with World(controller(own, lambda _: plan)).running() as world:
            await world.cluster.create({**secret("one"), "data": {"x": "0"}})
            await world.cluster.create(config_map("a"))
            await world.engine.idle()
            assert world.get(names.SECRET, "one")["data"] == {"x": "0"}
            assert world.get(names.SECRET, "two")
            assert world.events() == []

    asyncio.run(run())


def test_each_create_that_is_refused_for_good_has_something_done_instead() -> None:
    def instead(action: Action, message: str) -> list[Action]:
        assert isinstance(action, Create)
        return [Apply(config_map(f"no-{meta.name_of(action.manifest)}", {"m": message}))]

    async def run() -> None:
        actions = tuple(Create(secret(name)) for name in ("bad-a", "good", "bad-b"))
        plan = Plan(actions=actions, instead=instead)
        decide = {"a": plan}
        asked = controller(own, lambda it: decide.get(meta.name_of(it), NOTHING))
        async with World(asked).running() as world:
            create = world.cluster.create

            async def refusing(manifest: Manifest) -> Manifest:
                if meta.name_of(manifest).startswith("bad"):
                    raise Forbidden("no")
                return await create(manifest)

            world.cluster.create = refusing  # type: ignore[method-assign]
            await create(config_map("a"))
            await world.engine.idle()
            assert world.get(names.SECRET, "good")
            assert world.get(names.CONFIG_MAP, "no-bad-a")["data"] == {"m": "no"}
            assert world.get(names.CONFIG_MAP, "no-bad-b")["data"] == {"m": "no"}

    asyncio.run(run())


def test_a_write_into_a_dying_namespace_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    cause = {"reason": "NamespaceTerminating", "message": "", "field": "metadata.namespace"}

    def decide(it: Manifest) -> Plan:
        raise Forbidden("it is being terminated", {"causes": [cause]})

    async def run() -> None:
        async with World(controller(own, decide)).running() as world:
            await world.cluster.create(config_map("a"))
            await world.engine.idle()
            assert world.events() == []

    asyncio.run(run())
    assert caplog.text == ""


def test_a_conflict_is_tried_again_without_a_word() -> None:
    async def run() -> None:
        tries: list[int] = []

        def decide(it: Manifest) -> Plan:
            tries.append(1)
            stale = "0" if len(tries) < 3 else it["metadata"]["resourceVersion"]
            if it["data"]:
                return NOTHING
            key = Key(names.CONFIG_MAP, "u", "a")
            patch = {"metadata": {"resourceVersion": stale}, "data": {"x": "1"}}
            return Plan(actions=(Patch(key, patch),))

        async with World(controller(own, decide)).running() as world:
            await world.cluster.create(config_map("a"))
            for _ in range(3):
                await world.engine.idle()
                world.clock.advance(0.05)
            assert world.get(names.CONFIG_MAP, "a")["data"] == {"x": "1"}
            assert world.events() == []

    asyncio.run(run())


def test_a_decision_that_changes_its_snapshot_is_caught(caplog: pytest.LogCaptureFixture) -> None:
    def decide(it: Manifest) -> Plan:
        it["data"]["stolen"] = "yes"
        return NOTHING

    async def run() -> None:
        async with World(controller(own, decide)).running() as world:
            await world.cluster.create(config_map("a"))
            await world.engine.idle()
            assert world.events()[0][1] == "SnapshotChanged: test changed the snapshot it was given"

    with caplog.at_level(logging.ERROR):
        asyncio.run(run())
    assert "changed the snapshot" in caplog.text


def test_the_same_words_raise_the_count_of_one_event() -> None:
    async def run() -> None:
        def decide(it: Manifest) -> Plan:
            return Plan(actions=(Emit("Normal", "Seen", f"saw {it['data']['x']}"),), again_in=1)

        async with World(controller(own, decide)).running() as world:
            await world.cluster.create(config_map("a", {"x": "1"}))
            await world.engine.idle()
            for _ in range(2):
                world.clock.advance(1)
                await world.engine.idle()
            assert world.events() == [("Seen", "saw 1", 3)]
            await world.cluster.patch(Key(names.CONFIG_MAP, "u", "a"), {"data": {"x": "2"}})
            await world.engine.idle()
            assert sorted(world.events()) == [("Seen", "saw 1", 3), ("Seen", "saw 2", 1)]
            event = world.cluster.list(names.EVENT, "u")[0]
            assert event["involvedObject"]["name"] == "a"
            assert event["source"] == {"component": "test"}

    asyncio.run(run())


def test_a_flood_of_events_is_cut_off() -> None:
    async def run() -> None:
        def decide(it: Manifest) -> Plan:
            return Plan(actions=tuple(Emit("Normal", "N", str(n)) for n in range(100)))

        async with World(controller(own, decide)).running() as world:
            await world.cluster.create(config_map("a"))
            await world.engine.idle()
            assert len(world.events()) == 25

    asyncio.run(run())


def test_a_kind_that_appears_later_starts_its_controller() -> None:
    toy = "Toy.example.com"
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "toys.example.com"},
        "spec": {"group": "example.com", "names": {"kind": "Toy"}},
    }

    async def run() -> None:
        ready = controller(own, lambda it: Plan(status={"ready": True}), toy)
        reading, asked = counting(lambda view, key: view.select(toy, "u"))
        readers = Controller(
            name="reads", of=names.CONFIG_MAP, see=reading.see, decide=reading.decide
        )
        async with World(ready, readers, lacks=(toy,)).running() as world:
            await world.cluster.create(config_map("a"))
            await world.engine.idle()
            await world.cluster.create(definition)
            await world.engine.idle()
            made = {**config_map("t"), "apiVersion": "example.com/v1", "kind": "Toy"}
            await world.cluster.create(made)
            await world.engine.idle()
            assert world.get(toy, "t")["status"] == {"ready": True}
            assert asked.count("a") >= 2, "a reader of the kind is asked, too"

    asyncio.run(run())


def test_one_key_is_worked_on_once_at_a_time_and_several_concurrently() -> None:
    async def run() -> None:
        active: list[str] = []
        most: list[int] = []
        world = World(controller(own, lambda it: Plan(actions=(Patch(_key(it), {}),))))
        gate = asyncio.Event()

        async def slow(key: Key, *_: Any, **__: Any) -> Manifest:
            assert key.name not in active
            active.append(key.name)
            most.append(len(active))
            await gate.wait()
            active.remove(key.name)
            return world.get(key.kind, key.name)

        world.cluster.patch = slow  # type: ignore[method-assign]
        async with world.running():
            for name in "abc":
                await world.cluster.create(config_map(name))
            await eventually(lambda: len(active) == 3)
            live = world.get(names.CONFIG_MAP, "a")
            await world.cluster.replace({**live, "data": {"x": "1"}})
            await asyncio.sleep(0)
            gate.set()
            await world.engine.idle()
            assert max(most) == 3
            assert len(most) == 4, "a was asked again after its round"

    asyncio.run(run())


def test_nothing_is_asked_after_stop() -> None:
    async def run() -> None:
        counted, asked = counting(own)
        world = World(counted)
        async with world.running():
            pass
        await world.cluster.create(config_map("a"))
        await asyncio.sleep(0)
        assert asked == []

    asyncio.run(run())


def test_a_deleted_object_leaves_nothing_behind_in_the_index() -> None:
    async def run() -> None:
        counted, _ = counting(
            lambda view, key: view.get(key) and view.select(names.SECRET, "u", {})
        )
        async with World(counted).running() as world:
            await world.cluster.create(config_map("a", labels={"l": "1"}))
            await world.engine.idle()
            await world.cluster.delete(Key(names.CONFIG_MAP, "u", "a"))
            await world.engine.idle()
            askers = world.engine._askers
            assert not askers._read
            assert not askers._exact
            assert not askers._selecting
            assert not askers._facts

    asyncio.run(run())


def _key(manifest: Manifest) -> Key:
    return Key(manifest["kind"], "u", manifest["metadata"]["name"])
