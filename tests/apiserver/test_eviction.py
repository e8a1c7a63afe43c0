"""Evictions over HTTP: budgets are kept, also by many at once, and dry runs spend nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

PODS = "/api/v1/namespaces/a/pods"
BUDGETS = "/apis/policy/v1/namespaces/a/poddisruptionbudgets"


async def running(client: Any, *names: str, **status: Any) -> None:
    """Pods that are ready on a node."""
    for name in names:
        containers = [{"name": "c", "image": "busybox"}]
        about = {"name": name, "labels": {"app": "web"}}
        await client.post(
            PODS, {"metadata": about, "spec": {"containers": containers, "nodeName": "n"}}
        )
        ready = [{"type": "Ready", "status": "True"}]
        body = {"status": {"phase": "Running", "conditions": ready, **status}}
        done = await client.merge(f"{PODS}/{name}/status", body)
        assert done.code == 200


async def budget(client: Any, allowed: int) -> None:
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    made = await client.post(BUDGETS, {"metadata": {"name": "b"}, "spec": spec})
    assert made.code == 201
    counts = {"currentHealthy": 9, "desiredHealthy": 9, "expectedPods": 9}
    status = {"observedGeneration": 1, "disruptionsAllowed": allowed, **counts}
    done = await client.merge(f"{BUDGETS}/b/status", {"status": status})
    assert done.code == 200


async def evict(client: Any, name: str, **options: Any) -> Any:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    if options:
        body["deleteOptions"] = options
    return await client.post(f"{PODS}/{name}/eviction", body)


def test_a_budget_is_kept_by_many_at_once(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        names = [f"p{number}" for number in range(8)]
        await running(client, *names)
        await budget(client, 3)
        answers = await asyncio.gather(*(evict(client, name) for name in names))
        assert sorted(each.code for each in answers) == [201] * 3 + [429] * 5
        refused = next(each for each in answers if each.code == 429)
        assert refused.body["reason"] == "TooManyRequests"
        assert refused.body["details"]["causes"][0]["reason"] == "DisruptionBudget"
        status = (await client.get(f"{BUDGETS}/b")).body["status"]
        assert (status["disruptionsAllowed"], len(status["disruptedPods"])) == (0, 3)
        pods = (await client.get(PODS)).body["items"]
        gone = [each for each in pods if each["metadata"].get("deletionTimestamp")]
        assert len(gone) == 3
        conditions = {c["type"]: c.get("reason") for c in gone[0]["status"]["conditions"]}
        assert conditions["DisruptionTarget"] == "EvictionByEvictionAPI"

    serve(scenario)


def test_a_dry_run_spends_nothing(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await running(client, "p")
        await budget(client, 1)
        assert (await evict(client, "p", dryRun=["All"])).code == 201
        left = (await client.get(f"{PODS}/p")).body
        assert "deletionTimestamp" not in left["metadata"]
        assert (await client.get(f"{BUDGETS}/b")).body["status"]["disruptionsAllowed"] == 1

    serve(scenario)


def test_preconditions_hold(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await running(client, "p")
        other = await evict(client, "p", preconditions={"uid": "other"})
        assert other.code == 409
        assert "the UID in the precondition" in other.message
        old = await evict(client, "p", preconditions={"resourceVersion": "1"})
        assert old.code == 409
        uid = (await client.get(f"{PODS}/p")).meta["uid"]
        assert (await evict(client, "p", preconditions={"uid": uid})).code == 201

    serve(scenario)


def test_another_name_and_another_pod(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await running(client, "p")
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "q"}}
        assert (await client.post(f"{PODS}/p/eviction", body)).code == 400
        assert (await evict(client, "nobody")).code == 404

    serve(scenario)
