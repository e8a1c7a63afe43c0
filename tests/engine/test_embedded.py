"""The core kinds' controllers on the real embedded server: what a user sees of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from sampan.engine.cluster import Cluster
from sampan.engine.loop import Engine
from sampan.kinds.core import COMPONENT
from sampan.kube import meta, names
from sampan.kube.errors import Forbidden, NotFound
from sampan.kube.keys import Key, Manifest
from sampan.lib.clock import SystemClock

Serve = Callable[[], AbstractAsyncContextManager[Any]]


def make(api_version: str, kind: str, name: str, namespace: str = "u", **fields: Any) -> Manifest:
    where: dict[str, Any] = {"name": name, **fields.pop("metadata", {})}
    if namespace:
        where["namespace"] = namespace
    return {"apiVersion": api_version, "kind": kind, "metadata": where, **fields}


@asynccontextmanager
async def running(serve: Serve) -> AsyncIterator[tuple[Cluster, Engine]]:
    async with serve() as served:
        cluster: Cluster = served.cluster
        engine = Engine(cluster, COMPONENT.controllers, clock=SystemClock(), debug=True)
        await engine.start()
        for name in ("kube-system", "default", "u"):
            await cluster.create(make("v1", "Namespace", name, ""))
        authority = make(
            "v1", "ConfigMap", names.ROOT_CA, names.SYSTEM_NAMESPACE, data={"ca.crt": "PEM"}
        )
        await cluster.create(authority)
        await engine.idle()
        yield cluster, engine
        await engine.stop()


def pod(name: str, **metadata: Any) -> Manifest:
    containers = [{"name": "main", "image": "busybox", "ports": [{"containerPort": 80}]}]
    return make("v1", "Pod", name, metadata=metadata, spec={"containers": containers})


def test_a_namespace_gets_its_home_and_goes_with_all_it_holds(serve: Serve) -> None:
    async def run() -> None:
        async with running(serve) as (cluster, engine):
            assert cluster.get(Key(names.SERVICE_ACCOUNT, "u", "default"))
            copied = cluster.get(Key(names.CONFIG_MAP, "u", names.ROOT_CA))
            assert copied is not None
            assert copied["data"] == {"ca.crt": "PEM"}
            for number in range(20):
                await cluster.create(pod(f"p{number}"))
                await cluster.create(make("v1", "ConfigMap", f"c{number}"))
            await cluster.delete(Key(names.NAMESPACE, "", "u"))
            with pytest.raises(Forbidden, match="being terminated"):
                await cluster.create(pod("late"))
            await engine.idle()
            assert cluster.get(Key(names.NAMESPACE, "", "u")) is None
            assert list(cluster.contents("u")) == []
            with pytest.raises(NotFound):
                await cluster.create(pod("later"))

    asyncio.run(run())


@pytest.mark.parametrize(
    ("propagation", "left"), [("Background", []), ("Foreground", []), ("Orphan", ["b", "c"])]
)
def test_dependents_go_with_their_owner(serve: Serve, propagation: str, left: list[str]) -> None:
    async def run() -> None:
        async with running(serve) as (cluster, engine):
            owner = await cluster.create(make("v1", "ConfigMap", "a"))
            for name in ("b", "c"):
                reference = [meta.controlled_by(owner)]
                owner = await cluster.create(
                    make("v1", "ConfigMap", name, metadata={"ownerReferences": reference})
                )
            await engine.idle()
            await cluster.delete(Key(names.CONFIG_MAP, "u", "a"), propagation=propagation)
            await engine.idle()
            found = [meta.name_of(each) for each in cluster.list(names.CONFIG_MAP, "u")]
            assert found == [*left, names.ROOT_CA]

    asyncio.run(run())


def test_a_claim_is_bound_and_let_go(serve: Serve) -> None:
    async def run() -> None:
        async with running(serve) as (cluster, engine):
            default = {names.ANNOTATION_DEFAULT_CLASS: "true"}
            await cluster.create(
                make(
                    "storage.k8s.io/v1", "StorageClass", "standard", "",
                    metadata={"annotations": default},
                    provisioner=names.LOCAL_PROVISIONER, parameters={"path": "/srv"},
                )
            )  # fmt: skip
            spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
            await cluster.create(make("v1", "PersistentVolumeClaim", "data", spec=spec))
            await engine.idle()
            key = Key(names.PERSISTENT_VOLUME_CLAIM, "u", "data")
            claim = cluster.get(key)
            assert claim is not None
            assert claim["status"]["phase"] == "Bound"
            assert claim["status"]["capacity"] == {"storage": "1Gi"}
            (volume,) = cluster.list(names.PERSISTENT_VOLUME)
            assert volume["status"]["phase"] == "Bound"
            assert volume["spec"]["hostPath"]["path"] == f"/srv/pvc-{meta.uid_of(claim)}"
            await cluster.delete(key)
            await engine.idle()
            assert cluster.get(key) is None
            assert list(cluster.list(names.PERSISTENT_VOLUME)) == []

    asyncio.run(run())


def test_a_service_lists_its_pods(serve: Serve) -> None:
    async def run() -> None:
        async with running(serve) as (cluster, engine):
            spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
            service = await cluster.create(make("v1", "Service", "web", spec=spec))
            assert service["spec"]["clusterIP"].startswith("10.96.")
            live = await cluster.create(pod("p", labels={"app": "web"}))
            ready = [{"type": "Ready", "status": "True"}]
            status = {**live["status"], "podIP": "10.0.0.1", "conditions": ready}
            await cluster.replace({**live, "status": status}, subresource="status")
            await engine.idle()
            endpoints = cluster.get(Key(names.ENDPOINTS, "u", "web"))
            assert endpoints is not None
            assert endpoints["subsets"][0]["addresses"][0]["ip"] == "10.0.0.1"
            (piece,) = cluster.list(names.ENDPOINT_SLICE, "u")
            assert piece["endpoints"][0]["addresses"] == ["10.0.0.1"]
            before = piece["metadata"]["resourceVersion"]
            await cluster.patch(Key(names.POD, "u", "p"), {"metadata": {"annotations": {"x": "y"}}})
            await engine.idle()
            (piece,) = cluster.list(names.ENDPOINT_SLICE, "u")
            assert piece["metadata"]["resourceVersion"] == before, "nothing new, nothing written"
            await cluster.delete(Key(names.SERVICE, "u", "web"))
            await engine.idle()
            assert list(cluster.list(names.ENDPOINT_SLICE, "u")) == []

    asyncio.run(run())


def test_a_pod_is_admitted_whole(serve: Serve) -> None:
    async def run() -> None:
        async with running(serve) as (cluster, _):
            made = await cluster.create(pod("p"))
            spec = made["spec"]
            assert (spec["serviceAccountName"], spec["priority"]) == ("default", 0)
            assert spec["volumes"][0]["name"].startswith("kube-api-access-")
            assert made["status"]["phase"] == "Pending"
            lost = pod("lost")
            lost["spec"]["serviceAccountName"] = "nobody"
            with pytest.raises(Forbidden, match="error looking up service account u/nobody"):
                await cluster.create(lost)

    asyncio.run(run())


def test_everything_stands_still_when_nothing_changes(serve: Serve) -> None:
    """No controller answers its own writes for ever."""

    async def run() -> None:
        async with running(serve) as (cluster, engine):
            await cluster.create(pod("p"))
            spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
            await cluster.create(make("v1", "Service", "web", spec=spec))
            await engine.idle()
            written: list[Any] = []
            stop = cluster.subscribe("*", written.append)
            written.clear()
            await asyncio.sleep(0.3)
            await engine.idle()
            stop()
            assert written == []

    asyncio.run(run())


def test_a_restart_finds_everything_done(serve: Serve) -> None:
    async def run() -> None:
        async with running(serve) as (cluster, engine):
            spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
            await cluster.create(make("v1", "Service", "web", spec=spec))
            await engine.idle()
            before = [each["metadata"]["resourceVersion"] for each in cluster.contents("u")]
            await engine.stop()
            again = Engine(cluster, COMPONENT.controllers, clock=SystemClock(), debug=True)
            await again.start()
            await again.idle()
            after = [each["metadata"]["resourceVersion"] for each in cluster.contents("u")]
            await again.stop()
            assert after == before

    asyncio.run(run())
