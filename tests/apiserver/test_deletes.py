"""Deletes: pods with grace, propagation, collections, bindings and evictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

CM = "/api/v1/namespaces/a/configmaps"
PODS = "/api/v1/namespaces/a/pods"


def pod(name: str = "p", **spec: Any) -> dict[str, Any]:
    containers = [{"name": "c", "image": "busybox"}]
    return {"metadata": {"name": name}, "spec": {"containers": containers, **spec}}


def test_a_pod_without_a_node_goes_at_once(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await client.post(PODS, pod())
        gone = await client("DELETE", f"{PODS}/p")
        assert (gone.code, gone.body["kind"]) == (200, "Pod")
        assert (await client.get(f"{PODS}/p")).code == 404

    serve(scenario)


def test_a_pod_on_a_node_waits_for_the_node(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await client.post(PODS, pod(nodeName="n", terminationGracePeriodSeconds=20))
        first = await client("DELETE", f"{PODS}/p")
        assert first.meta["deletionGracePeriodSeconds"] == 20
        assert first.meta["deletionTimestamp"] > first.meta["creationTimestamp"]
        again = await client("DELETE", f"{PODS}/p", {})
        assert again.meta["deletionTimestamp"] == first.meta["deletionTimestamp"]
        sooner = await client("DELETE", f"{PODS}/p", {"gracePeriodSeconds": 5})
        assert sooner.meta["deletionGracePeriodSeconds"] == 5
        assert sooner.meta["deletionTimestamp"] < first.meta["deletionTimestamp"]
        assert (await client.get(f"{PODS}/p")).code == 200
        await client("DELETE", f"{PODS}/p?gracePeriodSeconds=0")
        assert (await client.get(f"{PODS}/p")).code == 404

    serve(scenario)


def test_a_finished_pod_goes_at_once(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await client.post(PODS, pod(nodeName="n"))
        await client.merge(f"{PODS}/p/status", {"status": {"phase": "Succeeded"}})
        await client("DELETE", f"{PODS}/p")
        assert (await client.get(f"{PODS}/p")).code == 404

    serve(scenario)


def test_a_held_pod_stays_after_its_grace(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        held = pod()
        held["metadata"]["finalizers"] = ["x.y/z"]
        await client.post(PODS, held)
        await client("DELETE", f"{PODS}/p?gracePeriodSeconds=0")
        assert (await client.get(f"{PODS}/p")).meta["deletionGracePeriodSeconds"] == 0
        await client.merge(f"{PODS}/p", {"metadata": {"finalizers": []}})
        assert (await client.get(f"{PODS}/p")).code == 404

    serve(scenario)


@pytest.mark.parametrize(
    ("options", "finalizers"),
    [
        pytest.param({"propagationPolicy": "Foreground"}, ["foregroundDeletion"], id="foreground"),
        pytest.param({"propagationPolicy": "Orphan"}, ["orphan"], id="orphan"),
        pytest.param({"orphanDependents": True}, ["orphan"], id="orphan-dependents"),
        pytest.param({"propagationPolicy": "Background"}, None, id="background"),
        pytest.param({}, None, id="default"),
    ],
)
def test_propagation_is_left_to_finalizers(
    serve: Callable[..., None], options: dict[str, Any], finalizers: list[str] | None
) -> None:
    async def scenario(client: Any) -> None:
        await client.post(CM, {"metadata": {"name": "x"}})
        answer = await client("DELETE", f"{CM}/x", options)
        assert answer.code == 200
        if finalizers is None:
            assert answer.body["kind"] == "Status"
            assert (await client.get(f"{CM}/x")).code == 404
        else:
            assert answer.meta["finalizers"] == finalizers
            done = await client.merge(f"{CM}/x", {"metadata": {"finalizers": None}})
            assert done.code == 200
            assert (await client.get(f"{CM}/x")).code == 404

    serve(scenario)


def test_a_collection_is_deleted_by_selector(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        for name in "abcd":
            labels = {"half": "first" if name < "c" else "second"}
            await client.post(CM, {"metadata": {"name": name, "labels": labels}})
        answer = await client("DELETE", f"{CM}?labelSelector=half%3Dfirst", {})
        assert answer.code == 200
        assert [item["metadata"]["name"] for item in answer.body["items"]] == ["a", "b"]
        left = await client.get(CM)
        assert [item["metadata"]["name"] for item in left.body["items"]] == ["c", "d"]

    serve(scenario)


def test_binding_assigns_a_pod_once(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await client.post(PODS, pod())
        target = {"target": {"kind": "Node", "name": "n1"}}
        done = await client.post(f"{PODS}/p/binding", target)
        assert (done.code, done.body["status"]) == (201, "Success")
        bound = await client.get(f"{PODS}/p")
        assert bound.body["spec"]["nodeName"] == "n1"
        conditions = {c["type"]: c["status"] for c in bound.body["status"]["conditions"]}
        assert conditions["PodScheduled"] == "True"
        again = await client.post(f"{PODS}/p/binding", target)
        assert again.code == 409
        assert "already assigned to node" in again.message
        assert (await client.post(f"{PODS}/p/binding", {})).code == 422
        assert (await client.post(f"{PODS}/q/binding", target)).code == 404

    serve(scenario)


def test_eviction_deletes(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await client.post(PODS, pod())
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
        done = await client.post(f"{PODS}/p/eviction", body)
        assert (done.code, done.body["status"]) == (201, "Success")
        assert (await client.get(f"{PODS}/p")).code == 404

    serve(scenario)
