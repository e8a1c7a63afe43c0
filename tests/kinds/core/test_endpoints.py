"""Which addresses a service has."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sampan.engine.local import LocalCluster
from sampan.engine.loop import Engine
from sampan.kinds.core.endpoints import ENDPOINTS, decide
from sampan.kinds.core.types import Routed
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Apply, Delete
from sampan.lib.clock import ManualClock
from sampan.testing.memory import START, MemoryApi


def service(**spec: Any) -> Manifest:
    where = {"name": "web", "namespace": "u", "uid": "s1", "labels": {"a": "b"}}
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]} | spec
    return {"apiVersion": "v1", "kind": "Service", "metadata": where, "spec": spec}


def pod(name: str, ip: str, *, ready: bool = True, dying: bool = False, **spec: Any) -> Manifest:
    where: dict[str, Any] = {"name": name, "namespace": "u", "uid": name, "labels": {"app": "web"}}
    if dying:
        where["deletionTimestamp"] = "x"
    container = {"name": "main", "ports": spec.pop("ports", [])}
    status = {
        "podIP": ip,
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": str(ready)}],
    }
    spec = {"nodeName": "n", "containers": [container]} | spec
    return {"apiVersion": "v1", "kind": "Pod", "metadata": where, "spec": spec, "status": status}


def made(service: Manifest, *pods: Manifest) -> tuple[Manifest, list[Manifest]]:
    """The Endpoints and the EndpointSlices that are applied."""
    plan = decide(Routed(service, pods, ()))
    first, *rest = (each.manifest for each in plan.actions if isinstance(each, Apply))
    return first, rest


def ips(addresses: list[dict[str, Any]] | None) -> list[str]:
    return [each["ip"] for each in addresses or ()]


def test_ready_and_others_are_told_apart() -> None:
    endpoints, (piece,) = made(
        service(),
        pod("a", "10.0.0.1"),
        pod("b", "10.0.0.2", ready=False),
        pod("c", "10.0.0.3", dying=True),
    )
    (subset,) = endpoints["subsets"]
    assert ips(subset["addresses"]) == ["10.0.0.1"]
    assert ips(subset["notReadyAddresses"]) == ["10.0.0.2"]
    assert subset["ports"] == [{"port": 8080, "protocol": "TCP"}]
    assert [each["conditions"] for each in piece["endpoints"]] == [
        {"ready": True, "serving": True, "terminating": False},
        {"ready": False, "serving": False, "terminating": False},
        {"ready": False, "serving": True, "terminating": True},
    ]


def test_a_service_may_publish_all() -> None:
    endpoints, (piece,) = made(
        service(publishNotReadyAddresses=True), pod("b", "10.0.0.2", ready=False)
    )
    assert ips(endpoints["subsets"][0]["addresses"]) == ["10.0.0.2"]
    assert piece["endpoints"][0]["conditions"]["ready"] is True


def test_named_ports_are_looked_up_in_each_pod() -> None:
    named = service(ports=[{"name": "http", "port": 80, "targetPort": "web"}])
    endpoints, pieces = made(
        named,
        pod("a", "10.0.0.1", ports=[{"name": "web", "containerPort": 8000}]),
        pod("b", "10.0.0.2", ports=[{"name": "web", "containerPort": 9000}]),
    )
    found = [(ips(each["addresses"]), each["ports"][0]["port"]) for each in endpoints["subsets"]]
    assert found == [(["10.0.0.1"], 8000), (["10.0.0.2"], 9000)]
    assert len({meta.name_of(each) for each in pieces}) == 2


def test_a_headless_service_without_ports_has_addresses() -> None:
    endpoints, (piece,) = made(service(clusterIP="None", ports=[]), pod("a", "10.0.0.1"))
    assert endpoints["subsets"][0].keys() == {"addresses"}
    assert piece["ports"] == []


@pytest.mark.parametrize(("subdomain", "named"), [("web", True), ("other", False)])
def test_a_host_name_counts_below_its_own_service(subdomain: str, named: bool) -> None:
    endpoints, _ = made(service(), pod("a", "10.0.0.1", hostname="h", subdomain=subdomain))
    assert ("hostname" in endpoints["subsets"][0]["addresses"][0]) is named


def test_slices_belong_to_their_service() -> None:
    _, (piece,) = made(service(), pod("a", "10.0.0.1"))
    assert piece["metadata"]["labels"][names.LABEL_SERVICE_NAME] == "web"
    assert piece["metadata"]["ownerReferences"][0]["uid"] == "s1"
    assert piece["endpoints"][0]["targetRef"]["name"] == "a"


def test_a_slice_without_its_group_goes() -> None:
    stale = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice"}
    stale["metadata"] = {"name": "web-old", "namespace": "u"}
    plan = decide(Routed(service(), (), (stale,)))
    assert plan.actions[-1] == Delete(Key(names.ENDPOINT_SLICE, "u", "web-old"))


def test_endpoints_follow_the_pods() -> None:
    async def run() -> None:
        cluster = LocalCluster(MemoryApi())
        engine = Engine(cluster, (ENDPOINTS,), clock=ManualClock(START), debug=True)
        await engine.start()
        where = {"name": "u"}
        await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": where})
        web = service()
        del web["metadata"]["uid"]
        await cluster.create(web)
        await cluster.create(
            service(selector=None) | {"metadata": {"name": "bare", "namespace": "u"}}
        )

        async def addresses() -> list[str]:
            await engine.idle()
            found = cluster.get(Key(names.ENDPOINTS, "u", "web"))
            assert found is not None
            return [ip for each in found["subsets"] for ip in ips(each.get("addresses"))]

        assert await addresses() == []
        for name in "ab":
            manifest = pod(name, f"10.0.0.{ord(name)}")
            status = manifest.pop("status")
            live = await cluster.create(manifest)
            await cluster.replace({**live, "status": status}, subresource="status")
        assert await addresses() == ["10.0.0.97", "10.0.0.98"]
        key = Key(names.POD, "u", "b")
        for ip in ("nonsense", "169.254.0.1", "fd00::1"):
            await cluster.patch(key, {"status": {"podIP": ip}}, subresource="status")
            assert await addresses() == ["10.0.0.97"]
        await cluster.patch(key, {"status": {"podIP": "10.0.0.98"}}, subresource="status")
        await cluster.patch(Key(names.POD, "u", "a"), {"metadata": {"labels": {"app": "x"}}})
        assert await addresses() == ["10.0.0.98"]
        assert cluster.get(Key(names.ENDPOINTS, "u", "bare")) is None
        await engine.stop()

    asyncio.run(run())
