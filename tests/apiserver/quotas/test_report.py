"""Quotas on a real server: races, statuses, restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

QUOTAS = "/api/v1/namespaces/a/resourcequotas"
MAPS = "/api/v1/namespaces/a/configmaps"


def quota(**hard: str) -> dict[str, Any]:
    return {"metadata": {"name": "q"}, "spec": {"hard": hard}}


async def shown(client: Any, used: dict[str, str]) -> dict[str, Any]:
    """The quota, once its status says what is used."""
    async with asyncio.timeout(10):
        while True:
            found: dict[str, Any] = (await client.get(f"{QUOTAS}/q")).body
            if (found.get("status") or {}).get("used") == used:
                return found
            await asyncio.sleep(0.01)


def test_of_many_creates_at_once_just_those_that_fit_get_through(
    serve: Callable[..., None],
) -> None:
    async def scenario(client: Any) -> None:
        await client.post(QUOTAS, quota(**{"count/configmaps": "7"}))
        answers = await asyncio.gather(
            *(client.post(MAPS, {"metadata": {"name": f"c{n}"}}) for n in range(40))
        )
        assert sorted(answer.code for answer in answers) == [201] * 7 + [403] * 33
        await shown(client, {"count/configmaps": "7"})
        gone = [each for each, answer in enumerate(answers) if answer.code == 201][:3]
        await asyncio.gather(*(client("DELETE", f"{MAPS}/c{n}") for n in gone))
        await shown(client, {"count/configmaps": "4"})

    serve(scenario)


def test_a_status_that_somebody_writes_is_mended_and_a_restart_counts_again(
    serve: Callable[..., None],
) -> None:
    async def first(client: Any) -> None:
        await client.post(QUOTAS, quota(configmaps="3"))
        await client.post(MAPS, {"metadata": {"name": "c"}})
        await shown(client, {"configmaps": "1"})
        lie = {"status": {"hard": {"configmaps": "9"}, "used": {"configmaps": "0"}}}
        said = await client.merge(f"{QUOTAS}/q/status", lie)
        assert said.body["status"]["hard"] == {"configmaps": "9"}
        found = await shown(client, {"configmaps": "1"})
        assert found["status"]["hard"] == {"configmaps": "3"}

    async def second(client: Any) -> None:
        answers = [await client.post(MAPS, {"metadata": {"generateName": "d"}}) for _ in range(3)]
        assert [answer.code for answer in answers] == [201, 201, 403]

    serve(first)
    serve(second)


def test_a_dry_run_is_refused_but_never_charged(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await client.post(QUOTAS, quota(configmaps="1"))
        for _ in range(2):
            tried = await client.post(f"{MAPS}?dryRun=All", {"metadata": {"name": "c"}})
            assert tried.code == 201
        assert (await client.post(MAPS, {"metadata": {"name": "c"}})).code == 201
        tried = await client.post(f"{MAPS}?dryRun=All", {"metadata": {"name": "d"}})
        assert tried.code == 403

    serve(scenario)


def test_custom_objects_are_counted_by_resource_and_group(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        version = {"name": "v1", "served": True, "storage": True}
        version["schema"] = {"openAPIV3Schema": schema}
        kinds = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WList"}
        crd = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "widgets.example.com"},
            "spec": {
                "group": "example.com",
                "names": kinds,
                "scope": "Namespaced",
                "versions": [version],
            },
        }
        made = await client.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
        assert made.code == 201
        await client.post(QUOTAS, quota(**{"count/widgets.example.com": "1"}))
        path = "/apis/example.com/v1/namespaces/a/widgets"
        assert (await client.post(path, {"metadata": {"name": "w"}})).code == 201
        refused = await client.post(path, {"metadata": {"name": "x"}})
        assert refused.message == (
            'widgets.example.com "x" is forbidden: exceeded quota: q, requested:'
            " count/widgets.example.com=1, used: count/widgets.example.com=1, limited:"
            " count/widgets.example.com=1"
        )

    serve(scenario)
