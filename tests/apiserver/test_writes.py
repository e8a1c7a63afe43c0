"""Creates, updates, patches: who may change what, and what does not count as a change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

CM = "/api/v1/namespaces/a/configmaps"
PODS = "/api/v1/namespaces/a/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/a/deployments"
CONTAINER = {"name": "c", "image": "busybox"}


def pod(name: str = "p", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"containers": [CONTAINER], **spec}}


def deployment(replicas: int = 1) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [CONTAINER]}}
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": "x"}},
        "template": template,
    }
    return {"metadata": {"name": "d"}, "spec": spec}


def test_the_system_sets_its_own_fields(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        body = {
            "metadata": {
                "name": "x",
                "uid": "mine",
                "creationTimestamp": "2001-01-01T00:00:00Z",
                "generation": 7,
                "selfLink": "/x",
            },
            "data": {"j": "v"},
        }
        made = await client.post(f"{CM}?fieldManager=me", body)
        assert made.code == 201
        assert len(made.meta["uid"]) == 36
        assert made.meta["creationTimestamp"] > "2026"
        assert "selfLink" not in made.meta
        assert "generation" not in made.meta
        assert list(made.body)[:3] == ["apiVersion", "kind", "metadata"]
        after = await client.merge(f"{CM}/x?fieldManager=me", {"data": {"k": "v"}})
        (entry,) = after.meta["managedFields"]
        assert (entry["manager"], entry["operation"]) == ("me", "Update")

    serve(scenario)


def test_a_manager_is_named_after_the_client(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        made = await client.post(
            CM, {"metadata": {"name": "x"}, "data": {"k": "v"}}, headers={"User-Agent": "tool/1.2"}
        )
        assert made.meta["managedFields"][0]["manager"] == "tool"

    serve(scenario)


def test_put_without_a_revision_is_unconditional(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        made = await client.post(CM, {"metadata": {"name": "x"}, "data": {"k": "1"}})
        done = await client("PUT", f"{CM}/x", {"metadata": {"name": "x"}, "data": {"k": "2"}})
        assert done.code == 200
        assert done.meta["uid"] == made.meta["uid"]
        assert done.body["data"] == {"k": "2"}
        wrong = {"metadata": {"name": "x", "uid": "other"}}
        refused = await client("PUT", f"{CM}/x", wrong)
        assert refused.code == 409
        assert "Precondition failed: UID in precondition: other" in refused.message
        missing = await client("PUT", f"{CM}/y", {"metadata": {"name": "y"}})
        assert missing.code == 404

    serve(scenario)


def test_a_write_that_changes_nothing_keeps_its_revision(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        made = await client.post(CM, {"metadata": {"name": "x"}, "data": {"k": "1"}})
        same = await client("PUT", f"{CM}/x", made.body)
        assert same.meta["resourceVersion"] == made.meta["resourceVersion"]
        same = await client.merge(f"{CM}/x", {"data": {"k": "1"}})
        assert same.meta["resourceVersion"] == made.meta["resourceVersion"]

    serve(scenario)


def test_status_and_spec_are_written_apart(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        made = await client.post(DEPLOYMENTS, deployment() | {"status": {"replicas": 9}})
        assert made.code == 201, made.body
        assert (made.body.get("status") or {}).get("replicas") is None
        assert made.meta["generation"] == 1
        body = made.body | {"status": {"replicas": 3}}
        body["spec"] = body["spec"] | {"replicas": 5}
        done = await client("PUT", f"{DEPLOYMENTS}/d/status", body)
        assert done.body["status"]["replicas"] == 3
        assert done.body["spec"]["replicas"] == 1
        assert done.meta["generation"] == 1
        done = await client.merge(
            f"{DEPLOYMENTS}/d", {"spec": {"replicas": 2}, "status": {"replicas": 8}}
        )
        assert done.body["spec"]["replicas"] == 2
        assert done.body["status"]["replicas"] == 3
        assert done.meta["generation"] == 2
        labelled = await client.merge(f"{DEPLOYMENTS}/d", {"metadata": {"labels": {"l": "1"}}})
        assert labelled.meta["generation"] == 2
        managers = {(m["manager"], m.get("subresource", "")) for m in done.meta["managedFields"]}
        assert any(subresource == "status" for _, subresource in managers)

    serve(scenario)


def test_four_kinds_of_patch(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await client.post(DEPLOYMENTS, deployment())
        path = f"{DEPLOYMENTS}/d"
        json_patch = [{"op": "replace", "path": "/spec/replicas", "value": 2}]
        done = await client("PATCH", path, json_patch, type="application/json-patch+json")
        assert done.body["spec"]["replicas"] == 2
        more = {"spec": {"template": {"spec": {"containers": [{"name": "d", "image": "i"}]}}}}
        done = await client("PATCH", path, more, type="application/strategic-merge-patch+json")
        names = [c["name"] for c in done.body["spec"]["template"]["spec"]["containers"]]
        assert sorted(names) == ["c", "d"]
        done = await client.merge(path, more)
        names = [c["name"] for c in done.body["spec"]["template"]["spec"]["containers"]]
        assert names == ["d"]
        applied = {"apiVersion": "apps/v1", "kind": "Deployment", **deployment(4)}
        done = await client.apply(f"{path}?fieldManager=m&force=true", applied)
        assert done.code == 200, done.body
        assert done.body["spec"]["replicas"] == 4

    serve(scenario)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_dry_run_changes_nothing(serve: Callable[..., None], method: str) -> None:
    async def scenario(client: Any) -> None:
        await client.post(CM, {"metadata": {"name": "x"}, "data": {"k": "1"}})
        revision = client.server.backend.store.revision
        name = "y" if method == "POST" else "x"
        path = CM if method == "POST" else f"{CM}/x"
        body = {"metadata": {"name": name}, "data": {"k": "2"}}
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        sent = None if method == "DELETE" else body
        answer = await client(method, f"{path}?dryRun=All", sent, type=kind)
        assert answer.code == (201 if method == "POST" else 200)
        if sent:
            assert answer.body["data"] == {"k": "2"}
        assert client.server.backend.store.revision == revision
        wrong = await client(method, f"{path}?dryRun=Some", sent, type=kind)
        assert wrong.code == 422

    serve(scenario)


def test_patches_of_one_object_side_by_side_all_land(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await client.post(CM, {"metadata": {"name": "x"}})
        patches = [client.merge(f"{CM}/x", {"data": {f"k{i}": "v"}}) for i in range(30)]
        assert {answer.code for answer in await asyncio.gather(*patches)} == {200}
        assert len((await client.get(f"{CM}/x")).body["data"]) == 30

    serve(scenario)


def test_of_two_creates_one_wins(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        creates = [client.post(CM, {"metadata": {"name": "x"}}) for _ in range(10)]
        codes = sorted(answer.code for answer in await asyncio.gather(*creates))
        assert codes == [201] + [409] * 9

    serve(scenario)


@pytest.mark.parametrize(
    ("owners", "message"),
    [
        pytest.param(
            [{"apiVersion": "v1", "kind": "Pod", "name": "p"}],
            'metadata.ownerReferences[0].uid: Invalid value: "": must not be empty',
            id="no-uid",
        ),
        pytest.param(
            [
                {"apiVersion": "v1", "kind": "Pod", "name": n, "uid": n, "controller": True}
                for n in "pq"
            ],
            'metadata.ownerReferences: Invalid value: "": Only one reference can have Controller'
            ' set to true. Found "true" in references for p and q',
            id="two-controllers",
        ),
    ],
)
def test_owner_references_are_validated(
    serve: Callable[..., None], owners: list[Any], message: str
) -> None:
    async def scenario(client: Any) -> None:
        body = {"metadata": {"name": "x", "ownerReferences": owners}}
        answer = await client.post(CM, body)
        assert answer.code == 422
        assert answer.message == f'ConfigMap "x" is invalid: {message}'

    serve(scenario)


def test_annotations_have_a_limit(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        body = {"metadata": {"name": "x", "annotations": {"k": "v" * 262_145}}}
        answer = await client.post(CM, body)
        assert answer.code == 422
        assert answer.message == (
            'ConfigMap "x" is invalid: metadata.annotations: Too long: may not be more than 262144'
            " bytes"
        )

    serve(scenario)


def test_scale(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await client.post(DEPLOYMENTS, deployment())
        path = f"{DEPLOYMENTS}/d/scale"
        scale = (await client.get(path)).body
        assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
        assert scale["spec"] == {"replicas": 1}
        assert scale["status"] == {"replicas": 0, "selector": "app=x"}
        done = await client.merge(path, {"spec": {"replicas": 3}})
        assert done.body["spec"] == {"replicas": 3}
        stale = await client("PUT", path, scale | {"spec": {"replicas": 4}})
        assert stale.code == 409
        negative = await client.merge(path, {"spec": {"replicas": -1}})
        assert negative.code == 422
        assert (await client.get(f"{DEPLOYMENTS}/d")).meta["generation"] == 2
        assert (await client.get(f"{PODS}/p/scale")).code == 404

    serve(scenario)


def test_a_namespace_that_ends_takes_nothing_new(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        ending = await client("DELETE", "/api/v1/namespaces/a")
        assert ending.code == 200
        assert ending.body["status"]["phase"] == "Terminating"
        assert ending.meta["deletionTimestamp"]
        refused = await client.post(CM, {"metadata": {"name": "x"}})
        assert (refused.code, refused.body["reason"]) == (403, "Forbidden")
        assert refused.message == (
            'configmaps "x" is forbidden: unable to create new content in namespace a because it is'
            " being terminated"
        )
        assert refused.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"
        finalized = ending.body | {"spec": {"finalizers": []}}
        done = await client("PUT", "/api/v1/namespaces/a/finalize", finalized)
        assert done.code == 200
        assert (await client.get("/api/v1/namespaces/a")).code == 404

    serve(scenario)


@pytest.mark.parametrize(
    ("sub", "code", "words"),
    [
        pytest.param("resize", 400, "resizing a running pod is not supported", id="resize"),
        pytest.param("nonsense", 404, "could not find the requested resource", id="nonsense"),
    ],
)
def test_unsupported_subresources_are_refused_in_words(
    serve: Callable[..., None], sub: str, code: int, words: str
) -> None:
    async def scenario(client: Any) -> None:
        await client.post(PODS, pod())
        answer = await client.merge(f"{PODS}/p/{sub}", {})
        assert answer.code == code
        assert words in answer.message

    serve(scenario)


def test_containers_are_added_to_a_running_pod_and_nothing_else_is(
    serve: Callable[..., None],
) -> None:
    async def scenario(client: Any) -> None:
        await client.post(PODS, pod())
        path = f"{PODS}/p/ephemeralcontainers"
        added = {"name": "debugger", "image": "busybox", "targetContainerName": CONTAINER["name"]}
        change = {"spec": {"ephemeralContainers": [added], "restartPolicy": "Never"}}
        answer = await client("PATCH", path, change, type="application/strategic-merge-patch+json")
        assert answer.code == 200, answer.body
        spec = answer.body["spec"]
        assert spec["ephemeralContainers"][0]["imagePullPolicy"] == "Always"
        assert spec["restartPolicy"] == "Always"
        assert answer.body["metadata"]["generation"] == 2
        refused = await client.merge(path, {"spec": {"ephemeralContainers": []}})
        assert (refused.code, refused.body["reason"]) == (422, "Invalid")
        assert "may not be removed" in refused.message
        assert (await client.get(path)).body["spec"] == spec
        directly = await client.merge(f"{PODS}/p", change)
        assert "pod updates may not change fields" in directly.message

    serve(scenario)


def test_kinds_that_have_no_effect_say_so(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        answer = await client.post(
            "/apis/networking.k8s.io/v1/namespaces/a/networkpolicies",
            {"metadata": {"name": "x"}, "spec": {"podSelector": {}}},
        )
        assert answer.code == 201, answer.body
        assert "enforces no network policies" in answer.headers["warning"]

    serve(scenario)


def test_a_full_disk_is_a_503_and_not_a_hang(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        store = client.server.backend.store
        await client.post(CM, {"metadata": {"name": "x"}})
        store._database.limit_pages(40)
        big = {"metadata": {"name": "big"}, "data": {"k": "v" * 500_000}}
        answer = await client.post(CM, big)
        assert answer.code == 503
        assert "could not be stored" in answer.message
        assert (await client.get(f"{CM}/x")).code == 200
        store._database.limit_pages(1_000_000)
        assert (await client.post(CM, big)).code == 201

    serve(scenario)


LEASES = "/apis/coordination.k8s.io/v1/namespaces/a/leases"


def test_a_put_creates_where_a_kind_allows_it(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        lease = {"metadata": {"name": "l"}, "spec": {"holderIdentity": "x"}}
        made = await client("PUT", f"{LEASES}/l", lease)
        assert (made.code, made.body["spec"]) == (201, {"holderIdentity": "x"})
        blind = await client("PUT", f"{LEASES}/l", lease)
        assert blind.code == 422
        assert "metadata.resourceVersion: Invalid value: 0x0" in blind.message
        assert (await client("PUT", f"{LEASES}/l", made.body)).code == 200
        await client("DELETE", f"{LEASES}/l")
        gone = await client("PUT", f"{LEASES}/l", made.body)
        assert gone.code == 409
        assert "UID in precondition" in gone.message
        other = {"metadata": {"name": "m"}}
        assert (await client("PUT", "/api/v1/namespaces/a/configmaps/m", other)).code == 404

    serve(scenario)
