"""What a look reads of objects that somebody owns."""

from __future__ import annotations

import asyncio
from typing import Any

from sampan.engine.local import LocalCluster
from sampan.engine.loop import Engine
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import NOTHING, Controller, Plan, View
from sampan.lib.clock import ManualClock
from sampan.testing.memory import START, MemoryApi


def config_map(name: str, **more: Any) -> Manifest:
    about = {"name": name, "namespace": "u", **more}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about}


def test_an_object_is_read_once_for_each_version_and_for_each_other_question() -> None:
    read, seen = list[str](), list[list[str]]()

    def reader(manifest: Manifest, given: str) -> str:
        read.append(meta.name_of(manifest))
        return meta.name_of(manifest) + manifest.get("data", {}).get(given, "")

    def see(view: View, key: Key) -> list[str] | None:
        owner = view.get(key)
        if owner is None or meta.owners(owner):
            return None
        asked = owner.get("data", {}).get("asked", "a")
        return list(view.owned_as(owner, names.CONFIG_MAP, reader, asked))

    def decide(found: list[str]) -> Plan:
        seen.append(sorted(found))
        return NOTHING

    async def story() -> None:
        clock = ManualClock(START)
        cluster = LocalCluster(MemoryApi(clock=clock))
        await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "u"}})
        controller = Controller(name="reader", of=names.CONFIG_MAP, see=see, decide=decide)
        engine = Engine(cluster, (controller,), clock=clock)
        await engine.start()
        owner = await cluster.create(config_map("owner"))
        for name in "xy":
            await cluster.create(config_map(name, ownerReferences=[meta.controlled_by(owner)]))
        await engine.idle()
        read.clear()
        x, asking = (Key(names.CONFIG_MAP, "u", name) for name in ("x", "owner"))
        await cluster.patch(x, {"data": {"a": "1", "b": "2"}})
        await engine.idle()
        assert (read, seen[-1]) == (["x"], ["x1", "y"])
        await cluster.patch(asking, {"data": {"asked": "b"}})
        await engine.idle()
        assert (read, seen[-1]) == (["x", "x", "y"], ["x2", "y"])
        await cluster.delete(x)
        await engine.idle()
        assert (len(read), seen[-1]) == (3, ["y"])
        await engine.stop()

    asyncio.run(story())
