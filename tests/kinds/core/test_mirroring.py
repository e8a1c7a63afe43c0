"""Which Endpoints are shown as slices, and how."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sampan.engine.local import LocalCluster
from sampan.engine.loop import Engine
from sampan.kinds.core.mirroring import MIRRORING, decide
from sampan.kinds.core.types import Mirrored
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Apply, Delete
from sampan.lib.clock import ManualClock
from sampan.testing.memory import START, MemoryApi


def service(**spec: Any) -> Manifest:
    where = {"name": "web", "namespace": "u", "uid": "s1"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": where, "spec": spec}


def endpoints(*subsets: Manifest, **where: Any) -> Manifest:
    where = {"name": "web", "namespace": "u", "uid": "e1"} | where
    return {
        "apiVersion": "v1", "kind": "Endpoints", "metadata": where, "subsets": list(subsets)
    }  # fmt: skip


def subset(*ips: str, waiting: tuple[str, ...] = (), **port: Any) -> Manifest:
    found: Manifest = {"ports": [{"port": 80, "protocol": "TCP"} | port]}
    if ips:
        found["addresses"] = [{"ip": ip} for ip in ips]
    if waiting:
        found["notReadyAddresses"] = [{"ip": ip, "hostname": "h"} for ip in waiting]
    return found


def slices(endpoints: Manifest, service: Manifest | None) -> list[Manifest]:
    plan = decide(Mirrored(endpoints, service, ()))
    return [each.manifest for each in plan.actions if isinstance(each, Apply)]


def test_a_subset_becomes_a_slice() -> None:
    labels = {"a": "b"}
    (piece,) = slices(
        endpoints(subset("10.0.0.1", waiting=("10.0.0.2",), name="http"), labels=labels), service()
    )
    assert piece["addressType"] == "IPv4"
    assert piece["ports"] == [{"name": "http", "port": 80, "protocol": "TCP"}]
    assert piece["endpoints"] == [
        {"addresses": ["10.0.0.1"], "conditions": {"ready": True}},
        {"addresses": ["10.0.0.2"], "conditions": {"ready": False}, "hostname": "h"},
    ]
    assert piece["metadata"]["labels"] == labels | {
        names.LABEL_SERVICE_NAME: "web",
        names.LABEL_SLICE_MANAGED_BY: names.SLICE_MIRROR,
    }
    assert piece["metadata"]["ownerReferences"][0]["uid"] == "e1"


def test_families_and_ports_are_kept_apart() -> None:
    found = slices(
        endpoints(subset("10.0.0.1", "fd00::1"), subset("10.0.0.2"), subset("10.0.0.3", port=81)),
        service(),
    )
    held = {
        (each["addressType"], each["ports"][0]["port"]): [
            ip for endpoint in each["endpoints"] for ip in endpoint["addresses"]
        ]
        for each in found
    }
    assert held == {
        ("IPv4", 80): ["10.0.0.1", "10.0.0.2"],
        ("IPv4", 81): ["10.0.0.3"],
        ("IPv6", 80): ["fd00::1"],
    }
    assert len({meta.name_of(each) for each in found}) == 3


@pytest.mark.parametrize(
    ("where", "owner"),
    [
        pytest.param({}, None, id="no service"),
        pytest.param({}, service(selector={"a": "b"}), id="selector"),
        pytest.param({"labels": {names.LABEL_SKIP_MIRROR: "true"}}, service(), id="label"),
        pytest.param(
            {"annotations": {"control-plane.alpha.kubernetes.io/leader": "{}"}}, service(),
            id="leader",
        ),
        pytest.param({"ownerReferences": [meta.controlled_by(service())]}, service(), id="ours"),
    ],
)  # fmt: skip
def test_what_is_not_mirrored(where: dict[str, Any], owner: Manifest | None) -> None:
    assert slices(endpoints(subset("10.0.0.1"), **where), owner) == []


def test_a_slice_that_nothing_stands_for_goes() -> None:
    stale = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice"}
    stale["metadata"] = {"name": "web-old", "namespace": "u"}
    plan = decide(Mirrored(endpoints(), service(), (stale,)))
    assert plan.actions == (Delete(Key(names.ENDPOINT_SLICE, "u", "web-old")),)


def test_slices_follow_the_endpoints_and_the_service() -> None:
    async def run() -> None:
        cluster = LocalCluster(MemoryApi())
        engine = Engine(cluster, (MIRRORING,), clock=ManualClock(START), debug=True)
        await engine.start()
        where = {"name": "u"}
        await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": where})
        by_hand = endpoints(subset("10.0.0.1"))
        del by_hand["metadata"]["uid"]
        await cluster.create(by_hand)

        async def addresses() -> list[str]:
            await engine.idle()
            found = cluster.list(names.ENDPOINT_SLICE, "u")
            return [ip for each in found for e in each["endpoints"] for ip in e["addresses"]]

        assert await addresses() == []
        bare = service(ports=[{"port": 80}])
        del bare["metadata"]["uid"]
        await cluster.create(bare)
        assert await addresses() == ["10.0.0.1"]
        key = Key(names.ENDPOINTS, "u", "web")
        await cluster.patch(key, {"subsets": [subset("10.0.0.2")]})
        assert await addresses() == ["10.0.0.2"]
        key = Key(names.SERVICE, "u", "web")
        await cluster.patch(key, {"spec": {"selector": {"a": "b"}}})
        assert await addresses() == []
        await engine.stop()

    asyncio.run(run())
