"""The API server as functions: what the controllers of the same process use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from sampan.engine.cluster import Change
from sampan.kube.errors import AlreadyExists, Conflict, Invalid, NotFound
from sampan.kube.keys import Key

CM = "/api/v1/namespaces/a/configmaps"
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "a"},
    "spec": {"containers": [{"name": "c", "image": "busybox"}]},
}


def config(name: str, **data: str) -> dict[str, Any]:
    meta = {"name": name, "namespace": "a"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def test_both_ways_lead_to_the_same_objects(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        api = client.server.inprocess
        made = await api.create(config("x", k="v"), manager="m")
        assert (await client.get(f"{CM}/x")).body == made
        await client.merge(f"{CM}/x", {"data": {"k": "w"}})
        assert api.get(Key("ConfigMap", "a", "x"))["data"] == {"k": "w"}
        assert api.get(Key("ConfigMap", "a", "y")) is None
        with pytest.raises(AlreadyExists):
            await api.create(config("x"), manager="m")
        with pytest.raises(NotFound):
            await api.create(config("x") | {"kind": "Nonsense"}, manager="m")
        with pytest.raises(Invalid):
            await api.create(config("X_"), manager="m")

    serve(scenario)


def test_reading_shares_decoded_manifests(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        api = client.server.inprocess
        await api.create(config("x"), manager="m")
        await client.post("/api/v1/namespaces/b/configmaps", {"metadata": {"name": "y"}})
        key = Key("ConfigMap", "a", "x")
        assert api.get(key) is api.get(key)
        assert [m["metadata"]["name"] for m in api.list("ConfigMap")] == ["x", "y"]
        assert [m["metadata"]["name"] for m in api.list("ConfigMap", "b")] == ["y"]
        assert {m["kind"] for m in api.contents("a")} == {"ConfigMap"}
        assert api.has_kind("Deployment.apps")
        assert not api.has_kind("Boat.sea.example.com")

    serve(scenario)


def test_what_is_gone_or_was_only_said_is_not_kept_decoded(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        server = client.server
        api, known = server.inprocess, server.backend._decoded
        said = {
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "a"},
            "involvedObject": {"kind": "ConfigMap", "namespace": "a", "name": "x"},
        }  # fmt: skip
        for manifest in (config("x"), config("y"), said):
            await api.create(manifest, manager="m")
        await api.delete(Key("ConfigMap", "a", "x"), {})
        assert [m["metadata"]["name"] for m in api.list("Event")] == ["e"]
        assert {key for key in known if key.kind in ("ConfigMap", "Event")} == {
            Key("ConfigMap", "a", "y")
        }
        assert server.backend._decoded_bytes == sum(size for _, _, size in known.values())

    serve(scenario)


def test_what_a_write_does_not_change_is_in_memory_once(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        api, store = client.server.inprocess, client.server.backend.store
        labelled = config("x")
        labelled["metadata"]["labels"] = {"app": "boat"}
        key = Key("ConfigMap", "a", "x")
        await api.create(labelled, manager="m")
        before = store.get(key)
        changed = {**labelled, "data": {"k": "v"}}
        await api.replace(changed, subresource="", manager="m")
        assert store.get(key).revision > before.revision
        assert store.get(key).key is before.key
        assert store.get(key).index.labels is before.index.labels

    serve(scenario)


def test_what_a_write_replaces_stays_decoded_until_it_is_stored(
    serve: Callable[..., None],
) -> None:
    async def scenario(client: Any) -> None:
        api = client.server.inprocess
        made = await api.create(config("x", k="v"), manager="m")
        key = Key("ConfigMap", "a", "x")
        writing = asyncio.ensure_future(
            api.replace(config("x", k="w"), subresource="", manager="m")
        )
        await asyncio.sleep(0)
        assert not writing.done()
        assert api.get(key) is made, "that is what is stored"
        assert (await writing)["data"] == {"k": "w"}
        assert api.get(key) is await writing
        assert made["data"] == {"k": "v"}
        assert client.server.backend._replaced == {}

    serve(scenario)


def test_what_the_same_manager_writes_is_in_memory_once(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        api, backend = client.server.inprocess, client.server.backend
        keys = [Key("ConfigMap", "a", name) for name in ("x", "y")]
        for key in keys:
            await api.create(config(key.name, k="v"), manager="m")
        for fresh in (False, True):
            if fresh:
                backend._decoded.clear()
            one, other = (api.get(key)["metadata"]["managedFields"] for key in keys)
            assert one[0]["fieldsV1"] == {"f:data": {".": {}, "f:k": {}}}
            assert one[0]["fieldsV1"]["f:data"] is other[0]["fieldsV1"]["f:data"]

    serve(scenario)


def test_children_are_found_by_their_owner(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        api = client.server.inprocess
        owner = await api.create(config("owner"), manager="m")
        reference = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": "owner",
            "uid": owner["metadata"]["uid"],
        }
        child = config("child")
        child["metadata"]["ownerReferences"] = [reference]
        await api.create(child, manager="m")
        found = api.owned(owner["metadata"]["uid"])
        assert [m["metadata"]["name"] for m in found] == ["child"]
        assert api.owned(owner["metadata"]["uid"], "Pod") == []

    serve(scenario)


def test_subscribers_hear_of_committed_changes(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        api = client.server.inprocess
        await api.create(config("x"), manager="m")
        heard: list[Change] = []
        everything: list[Change] = []
        stop = api.subscribe("ConfigMap", heard.append)
        api.subscribe("*", everything.append)
        key = Key("ConfigMap", "a", "x")
        await api.patch(
            key, {"data": {"k": "v"}}, type="merge", subresource="", manager="m", force=False
        )
        await client("DELETE", f"{CM}/x")
        assert [(change.type, change.key) for change in heard] == [
            ("ADDED", key),
            ("MODIFIED", key),
            ("DELETED", key),
        ]
        assert heard[1].manifest["data"] == {"k": "v"}
        assert {change.key.kind for change in everything} == {"Namespace", "ConfigMap"}
        stop()
        await api.create(config("y"), manager="m")
        assert len(heard) == 3

    serve(scenario)


def test_writes(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        api = client.server.inprocess
        key = Key("Pod", "a", "p")
        applied = await api.patch(
            key, deepcopy(POD), type="apply", subresource="", manager="m", force=True
        )
        again = await api.patch(
            key, deepcopy(POD), type="apply", subresource="", manager="m", force=True
        )
        assert again["metadata"]["resourceVersion"] == applied["metadata"]["resourceVersion"]
        await api.post(key, "binding", {"target": {"kind": "Node", "name": "n"}})
        bound = api.get(key)
        assert bound["spec"]["nodeName"] == "n"
        status = bound | {"status": bound["status"] | {"phase": "Running"}}
        running = await api.replace(status, subresource="status", manager="m")
        assert running["status"]["phase"] == "Running"
        with pytest.raises(Conflict):
            await api.replace(applied, subresource="status", manager="m")
        deleting = await api.delete(key, {"gracePeriodSeconds": 7})
        assert deleting["metadata"]["deletionGracePeriodSeconds"] == 7
        with pytest.raises(Conflict):
            await api.delete(key, {"preconditions": {"uid": "other"}})
        await api.delete(key, {"gracePeriodSeconds": 0})
        assert api.get(key) is None
        with pytest.raises(NotFound):
            await api.delete(key, {})

    serve(scenario)


def test_what_is_read_is_never_changed_by_a_write(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        api = client.server.inprocess
        key = Key("Pod", "a", "p")
        await api.create({**POD}, manager="m")
        before = api.get(key)
        text = repr(before)
        await api.patch(
            key,
            [{"op": "add", "path": "/metadata/labels", "value": {"l": "1"}}],
            type="json",
            subresource="",
            manager="m",
            force=False,
        )
        await api.patch(
            key,
            {"status": {"phase": "Failed"}},
            type="merge",
            subresource="status",
            manager="m",
            force=False,
        )
        await api.patch(
            key,
            {**POD, "metadata": {**POD["metadata"], "labels": {"l": "2"}}},
            type="apply",
            subresource="",
            manager="n",
            force=True,
        )
        await api.delete(key, {"propagationPolicy": "Orphan"})
        assert repr(before) == text

    serve(scenario)
