"""Gets and lists: selectors, pages, revisions, forms."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import orjson
import pytest

CM = "/api/v1/namespaces/a/configmaps"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


async def fill(client: Any, names: str, path: str = CM, **labels: str) -> None:
    for name in names:
        body = {"metadata": {"name": name, "labels": labels}, "data": {"k": name}}
        assert (await client.post(path, body)).code == 201


def listed(answer: Any) -> list[str]:
    assert answer.code == 200, answer.body
    return [item["metadata"]["name"] for item in answer.body["items"]]


def test_a_list_has_its_kind_and_revision(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await fill(client, "cab")
        answer = await client.get(CM)
        assert listed(answer) == ["a", "b", "c"]
        assert answer.body["kind"] == "ConfigMapList"
        assert answer.body["apiVersion"] == "v1"
        assert answer.meta == {"resourceVersion": str(client.server.backend.store.revision)}
        assert answer.body["items"][0]["kind"] == "ConfigMap"

    serve(scenario)


def test_pages_are_those_of_the_first_revision(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await fill(client, "abcde")
        first = await client.get(f"{CM}?limit=2")
        assert listed(first) == ["a", "b"]
        assert first.meta["remainingItemCount"] == 3
        token = first.meta["continue"]
        content = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        revision = int(first.meta["resourceVersion"])
        assert content == {"v": "meta.k8s.io/v1", "rv": revision, "start": "b\u0000"}
        await fill(client, "f")
        await client("DELETE", f"{CM}/d")
        await client.merge(f"{CM}/c", {"data": {"k": "new"}})
        second = await client.get(f"{CM}?limit=2&continue={token}")
        assert listed(second) == ["c", "d"]
        assert second.body["items"][0]["data"] == {"k": "c"}
        assert second.meta["resourceVersion"] == first.meta["resourceVersion"]
        third = await client.get(f"{CM}?limit=2&continue={second.meta['continue']}")
        assert listed(third) == ["e"]
        assert "continue" not in third.meta

    serve(scenario)


def test_pages_over_all_namespaces(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await fill(client, "xy")
        await fill(client, "xy", "/api/v1/namespaces/b/configmaps")
        found, query = [], "?limit=1"
        while True:
            answer = await client.get(f"/api/v1/configmaps{query}")
            found += [(i["metadata"]["namespace"], i["metadata"]["name"]) for i in
                      answer.body["items"]]  # fmt: skip
            if "continue" not in answer.meta:
                break
            query = f"?limit=1&continue={answer.meta['continue']}"
        assert found == [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]

    serve(scenario)


def test_a_compacted_token_comes_with_a_fresh_one(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await fill(client, "abc")
        first = await client.get(f"{CM}?limit=1")
        await fill(client, "d")
        client.server.backend.store.compact(client.server.backend.store.revision)
        late = await client.get(f"{CM}?limit=1&continue={first.meta['continue']}")
        assert (late.code, late.body["reason"]) == (410, "Expired")
        rest = await client.get(f"{CM}?continue={late.meta['continue']}")
        assert listed(rest) == ["b", "c", "d"]

    serve(scenario)


def test_a_list_at_an_exact_revision(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await fill(client, "ab")
        revision = client.server.backend.store.revision
        await client("DELETE", f"{CM}/a")
        path = f"{CM}?resourceVersionMatch=Exact&resourceVersion="
        assert listed(await client.get(f"{path}{revision}")) == ["a", "b"]
        assert listed(await client.get(f"{CM}?resourceVersion={revision}")) == ["b"]
        assert listed(await client.get(f"{CM}?resourceVersion=0")) == ["b"]
        client.server.backend.store.compact(revision + 1)
        old = await client.get(f"{path}{revision}")
        assert old.code == 410
        assert old.message == "The resourceVersion for the provided list is too old."

    serve(scenario)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("labelSelector=app%3Dx", ["a", "b"], id="equal"),
        pytest.param("labelSelector=app!%3Dx", ["c"], id="not-equal"),
        pytest.param("labelSelector=app+in+(x,y),tier", ["b"], id="in-and-exists"),
        pytest.param("labelSelector=!tier", ["a", "c"], id="absent"),
        pytest.param("fieldSelector=metadata.name%3Db", ["b"], id="name"),
        pytest.param("fieldSelector=metadata.name!%3Db", ["a", "c"], id="not-name"),
        pytest.param("fieldSelector=metadata.namespace%3Db", [], id="namespace"),
        pytest.param(
            "fieldSelector=metadata.name%3Db,metadata.name%3Db&limit=100", ["b"], id="as-kr8s-asks"
        ),
        pytest.param("labelSelector=app%3Dx&fieldSelector=metadata.name%3Dc", [], id="both"),
    ],
)
def test_selectors(serve: Callable[..., None], query: str, expected: list[str]) -> None:
    async def scenario(client: Any) -> None:
        await fill(client, "a", app="x")
        await fill(client, "b", app="x", tier="t")
        await fill(client, "c", app="y")
        assert listed(await client.get(f"{CM}?{query}")) == expected

    serve(scenario)


def test_pods_are_found_by_node_and_phase(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        pods = "/api/v1/namespaces/a/pods"
        for name, node in (("p", "n1"), ("q", "n2")):
            spec = {"nodeName": node, "containers": [{"name": "c", "image": "busybox"}]}
            assert (await client.post(pods, {"metadata": {"name": name}, "spec": spec})).code == 201
        await client.merge(f"{pods}/q/status", {"status": {"phase": "Running"}})
        for query, expected in (
            ("spec.nodeName%3Dn1", ["p"]),
            ("status.phase%3DPending", ["p"]),
            ("status.phase!%3DPending", ["q"]),
            ("spec.hostNetwork%3Dfalse", ["p", "q"]),
            ("status.podIP%3D", ["p", "q"]),
        ):
            assert listed(await client.get(f"/api/v1/pods?fieldSelector={query}")) == expected

    serve(scenario)


def test_tables(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await fill(client, "ab")
        table = (await client.get(f"{CM}?limit=500", accept=TABLE)).body
        assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
        assert [row["cells"][0] for row in table["rows"]] == ["a", "b"]
        assert "data" not in table["rows"][0]["object"]
        whole = (await client.get(f"{CM}?includeObject=Object", accept=TABLE)).body
        assert whole["rows"][0]["object"]["data"] == {"k": "a"}
        bare = (await client.get(f"{CM}?includeObject=None", accept=TABLE)).body
        assert "object" not in bare["rows"][0]
        one = (await client.get(f"{CM}/b", accept=TABLE)).body
        assert [row["cells"][0] for row in one["rows"]] == ["b"]

    serve(scenario)


def test_metadata_alone_and_yaml(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await fill(client, "a")
        accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
        one = (await client.get(f"{CM}/a", accept=accept)).body
        assert one["kind"] == "PartialObjectMetadata"
        assert one["metadata"]["name"] == "a"
        assert "data" not in one
        accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
        many = (await client.get(CM, accept=accept)).body
        assert many["kind"] == "PartialObjectMetadataList"
        assert [item["kind"] for item in many["items"]] == ["PartialObjectMetadata"]
        text = await client.get(f"{CM}/a", accept="application/yaml")
        assert "kind: ConfigMap" in text.body
        assert text.headers["content-type"] == "application/yaml"

    serve(scenario)


def test_a_get_of_the_future_is_refused(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await fill(client, "a")
        assert (await client.get(f"{CM}/a?resourceVersion=0")).code == 200
        assert (await client.get(f"{CM}/a?resourceVersion=999999")).code == 504

    serve(scenario)


@pytest.mark.parametrize(
    ("query", "agent", "lines"),
    [
        ("", "kubectl/v1.33", 1),
        ("?pretty=true", "kubectl/v1.33", 5),
        ("?pretty=false", "curl/8", 1),
        ("?pretty=nonsense", "curl/8", 1),
        ("", "curl/8", 5),
        ("", "Mozilla/5.0 (X11)", 5),
    ],
)
def test_people_get_json_that_they_can_read(
    serve: Callable[..., None], query: str, agent: str, lines: int
) -> None:
    async def scenario(client: Any) -> None:
        headers = {"Authorization": "Bearer admin", "User-Agent": agent}
        url = f"{client.url}/api/v1/namespaces/b/configmaps{query}"
        async with client.session.get(url, headers=headers) as answer:
            text = await answer.text()
            assert text.endswith("}\n")
            assert (text.count("\n") >= 5) is (lines > 1)
            assert answer.content_length == len(text)

    serve(scenario)


@pytest.mark.parametrize(
    ("accept", "code"),
    [
        ("application/vnd.kubernetes.protobuf", 406),
        ("application/vnd.kubernetes.protobuf,application/json", 200),
        ("application/json;as=Table;v=v1;g=other.k8s.io", 406),
        ("text/html", 406),
        ("text/html,*/*", 200),
    ],
)
def test_only_what_can_be_given_is_accepted(
    serve: Callable[..., None], accept: str, code: int
) -> None:
    async def scenario(client: Any) -> None:
        answer = await client.get("/api/v1/namespaces/b/configmaps", accept=accept)
        assert answer.code == code
        assert answer.body["kind"] == ("Status" if code == 406 else "ConfigMapList")

    serve(scenario)


def test_head_has_headers_only_and_options_is_no_verb(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        path = "/api/v1/namespaces/b/configmaps"
        head = await client("HEAD", path)
        assert (head.code, head.body) == (200, "")
        assert int(head.headers["Content-Length"]) > 0
        assert (await client("OPTIONS", path)).code == 405

    serve(scenario)
