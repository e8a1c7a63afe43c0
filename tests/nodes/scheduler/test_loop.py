"""The scheduler on a cluster in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sampan.engine.local import LocalCluster
from sampan.kube.keys import Key, Manifest
from sampan.lib.clock import SystemClock
from sampan.nodes.scheduler.loop import Scheduler
from sampan.testing.memory import MemoryApi

READY = [{"type": "Ready", "status": "True"}]


class Site:
    def __init__(self) -> None:
        self.cluster = LocalCluster(MemoryApi(clock=SystemClock()))
        self.scheduler = Scheduler(self.cluster)

    async def node(self, cpu: str = "2", name: str = "n") -> None:
        meta = {"name": name}
        if self.cluster.get(Key("Node", "", name)) is None:
            await self.cluster.create({"apiVersion": "v1", "kind": "Node", "metadata": meta,
                                       "spec": {}})  # fmt: skip
        status = {"allocatable": {"cpu": cpu, "pods": "10"}, "conditions": READY}
        key = Key("Node", "", name)
        await self.cluster.patch(key, {"status": status}, subresource="status")

    async def pod(self, name: str, cpu: str = "0", **spec: Any) -> Manifest:
        container = {"name": "c", "image": "x", "resources": {"requests": {"cpu": cpu}}}
        return await self.cluster.create(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": "ns"},
                "spec": {"containers": [container], **spec},
            }
        )

    def get(self, name: str) -> Manifest:
        return self.cluster.get(Key("Pod", "ns", name)) or {}

    def node_of(self, name: str) -> str:
        return str(self.get(name)["spec"].get("nodeName", ""))

    def fault(self, name: str) -> str:
        for each in (self.get(name).get("status") or {}).get("conditions", ()):
            if each["type"] == "PodScheduled" and each["status"] == "False":
                assert each["reason"] == "Unschedulable"
                return str(each["message"])
        return ""

    async def until(self, condition: Callable[[], Any]) -> None:
        met = asyncio.Event()
        stop = self.cluster.subscribe("*", lambda _: condition() and met.set())
        try:
            if not condition():
                await asyncio.wait_for(met.wait(), 5)
        finally:
            stop()


def play(story: Callable[[Site], Any]) -> None:
    async def whole() -> None:
        site = Site()
        await site.cluster.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns"}}
        )
        await site.scheduler.start()
        try:
            await story(site)
        finally:
            await site.scheduler.stop()

    asyncio.run(whole())


def test_a_pod_is_bound_and_told_about() -> None:
    async def story(site: Site) -> None:
        await site.node()
        await site.pod("p")
        await site.until(lambda: site.node_of("p") == "n")
        await site.until(lambda: site.cluster.list("Event", "ns"))
        event = site.cluster.list("Event", "ns")[0]
        assert event["message"] == "Successfully assigned ns/p to n"

    play(story)


def test_a_pod_waits_for_what_another_gives_back() -> None:
    async def story(site: Site) -> None:
        await site.node("2")
        await site.pod("first", "2")
        await site.until(lambda: site.node_of("first"))
        await site.pod("second", "1")
        await site.until(lambda: site.fault("second"))
        assert site.fault("second") == "0/1 nodes are available: 1 Insufficient cpu."
        done = {"status": {"phase": "Succeeded"}}
        await site.cluster.patch(Key("Pod", "ns", "first"), done, subresource="status")
        await site.until(lambda: site.node_of("second") == "n")

    play(story)


def test_a_pod_waits_for_a_node() -> None:
    async def story(site: Site) -> None:
        await site.pod("p")
        await site.until(lambda: site.fault("p") == "no nodes available to schedule pods")
        await site.node()
        await site.until(lambda: site.node_of("p") == "n")

    play(story)


def test_priority_goes_first() -> None:
    async def story(site: Site) -> None:
        await site.pod("low", "2")
        await site.pod("high", "2", priority=1000)
        await site.until(lambda: site.fault("low") and site.fault("high"))
        await site.node("2")
        await site.until(lambda: site.node_of("high"))
        assert not site.node_of("low")

    play(story)


def test_a_claim_has_to_be_bound_or_to_wait_for_its_pod() -> None:
    async def story(site: Site) -> None:
        await site.node()
        volume = [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]
        await site.pod("p", volumes=volume)
        missing = '0/1 nodes are available: persistentvolumeclaim "c" not found.'
        await site.until(lambda: site.fault("p") == missing)
        claim: Manifest = {
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "c", "namespace": "ns"}, "spec": {"storageClassName": "late"},
        }  # fmt: skip
        await site.cluster.create(claim)
        unbound = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."
        await site.until(lambda: site.fault("p") == unbound)
        await site.cluster.create({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
            "metadata": {"name": "late"}, "volumeBindingMode": "WaitForFirstConsumer",
        })  # fmt: skip
        await site.pod("q", volumes=volume)
        await site.until(lambda: site.node_of("q") == "n")
        told = site.cluster.get(Key("PersistentVolumeClaim", "ns", "c")) or {}
        assert told["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] == "n"
        bound = {"status": {"phase": "Bound"}}
        await site.cluster.patch(Key("PersistentVolumeClaim", "ns", "c"), bound,
                                 subresource="status")  # fmt: skip
        await site.until(lambda: site.node_of("p") == "n")

    play(story)


def test_gated_pods_and_those_of_others_are_left_alone() -> None:
    async def story(site: Site) -> None:
        await site.node()
        await site.pod("gated", schedulingGates=[{"name": "x"}])
        await site.pod("other", schedulerName="mine")
        await site.pod("ours")
        await site.until(lambda: site.node_of("ours"))
        assert not site.node_of("gated")
        assert not site.node_of("other")
        await site.cluster.patch(Key("Pod", "ns", "gated"), {"spec": {"schedulingGates": None}})
        await site.until(lambda: site.node_of("gated"))

    play(story)


def test_more_pods_than_room_are_placed_as_room_appears() -> None:
    async def story(site: Site) -> None:
        await site.node("2")
        for index in range(20):
            await site.pod(f"p{index}", "1")
        for _ in range(10):
            await site.until(lambda: len(_placed(site)) >= 2)
            bound = _placed(site)
            assert len(bound) == 2
            for name in bound:
                done = {"status": {"phase": "Succeeded"}}
                await site.cluster.patch(Key("Pod", "ns", name), done, subresource="status")

    play(story)


def _placed(site: Site) -> list[str]:
    """Pods that have a node and are not over."""
    return [
        pod["metadata"]["name"]
        for pod in site.cluster.list("Pod", "ns")
        if pod["spec"].get("nodeName") and not (pod.get("status") or {}).get("phase")
    ]
