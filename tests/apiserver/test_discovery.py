"""Discovery documents, legacy and aggregated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"


def test_legacy_documents(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        for slash in ("", "/", "//"):
            assert (await client.get(f"/api{slash}")).body["versions"] == ["v1"]
            groups = (await client.get(f"/apis{slash}")).body["groups"]
            assert {"apps", "batch", "apiextensions.k8s.io"} <= {g["name"] for g in groups}
            core = (await client.get(f"/api/v1{slash}")).body
            assert (core["kind"], core["groupVersion"]) == ("APIResourceList", "v1")
        by_name = {r["name"]: r for r in core["resources"]}
        assert by_name["pods"]["shortNames"] == ["po"]
        assert by_name["pods"]["categories"] == ["all"]
        assert "watch" in by_name["pods"]["verbs"]
        assert by_name["pods/eviction"]["group"] == "policy"
        assert not by_name["namespaces"]["namespaced"]
        assert by_name["pods/portforward"]["verbs"] == ["create", "get"]
        assert "pods/proxy" in by_name
        assert "nodes/proxy" not in by_name
        apps = (await client.get("/apis/apps")).body
        assert apps["preferredVersion"] == {"groupVersion": "apps/v1", "version": "v1"}
        resources = (await client.get("/apis/apps/v1")).body["resources"]
        scale = next(r for r in resources if r["name"] == "deployments/scale")
        assert (scale["group"], scale["version"], scale["kind"]) == ("autoscaling", "v1", "Scale")
        assert (await client.get("/apis/apps/v9")).code == 404

    serve(scenario)


@pytest.mark.parametrize("version", ["v2", "v2beta1"])
def test_the_aggregated_form(serve: Callable[..., None], version: str) -> None:
    async def scenario(client: Any) -> None:
        accept = AGGREGATED.format(version)
        answer = await client.get("/apis?timeout=32s", accept=f"{accept},application/json")
        assert answer.headers["content-type"] == accept
        assert answer.headers["vary"] == "Accept"
        assert answer.body["apiVersion"] == f"apidiscovery.k8s.io/{version}"
        groups = {item["metadata"]["name"]: item for item in answer.body["items"]}
        (apps,) = groups["apps"]["versions"]
        deployments = next(r for r in apps["resources"] if r["resource"] == "deployments")
        assert deployments["responseKind"] == {
            "group": "apps",
            "version": "v1",
            "kind": "Deployment",
        }
        assert {s["subresource"] for s in deployments["subresources"]} == {"status", "scale"}
        tag = answer.headers["etag"]
        same = await client.get("/apis", accept=accept, headers={"If-None-Match": tag})
        assert same.code == 304
        core = await client.get("/api", accept=accept)
        assert [v["version"] for v in core.body["items"][0]["versions"]] == ["v1"]

    serve(scenario)


def test_plain_json_first_means_plain_json(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        accept = f"application/json,{AGGREGATED.format('v2')}"
        assert (await client.get("/apis", accept=accept)).body["kind"] == "APIGroupList"

    serve(scenario)
