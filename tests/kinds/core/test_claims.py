"""Claims and volumes: which volume a claim gets, and the way of both through their phases."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sampan.engine.local import LocalCluster
from sampan.engine.loop import Engine
from sampan.kinds.core.claims import CLAIM, choose, decide
from sampan.kinds.core.types import Claimed
from sampan.kinds.core.volumes import VOLUME
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.plan import Apply, Emit
from sampan.lib.clock import ManualClock
from sampan.testing.memory import START, MemoryApi

LOCAL = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "standard"},
    "provisioner": names.LOCAL_PROVISIONER,
    "parameters": {"path": "/srv/volumes/"},
    "reclaimPolicy": "Delete",
}


def claim(size: str = "1Gi", class_name: str | None = "standard", **spec: Any) -> Manifest:
    where = {"name": "data", "namespace": "u", "uid": "c1", "resourceVersion": "1"}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}} | spec
    if class_name is not None:
        spec["storageClassName"] = class_name
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": where, "spec": spec}


def volume(name: str, size: str = "1Gi", class_name: str = "standard", **spec: Any) -> Manifest:
    where = {"name": name, "resourceVersion": "1", "labels": spec.pop("labels", {})}
    spec = {
        "accessModes": ["ReadWriteOnce", "ReadOnlyMany"],
        "capacity": {"storage": size},
        "storageClassName": class_name,
    } | spec
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": where, "spec": spec}


OURS = {"name": "data", "namespace": "u"}


@pytest.mark.parametrize(
    ("wanted", "volumes", "chosen"),
    [
        pytest.param(claim(), [volume("a", "5Gi"), volume("b", "2Gi")], "b", id="smallest"),
        pytest.param(claim(), [volume("b"), volume("a")], "a", id="by-name-when-equal"),
        pytest.param(claim("2Gi"), [volume("a", "1Gi")], None, id="too-small"),
        pytest.param(claim("1Gi"), [volume("a", "1024Mi")], "a", id="same-size-otherwise-written"),
        pytest.param(claim(), [volume("a", class_name="fast")], None, id="another-class"),
        pytest.param(claim(class_name=""), [volume("a", class_name="")], "a", id="no-class"),
        pytest.param(
            claim(accessModes=["ReadWriteMany"]), [volume("a")], None, id="access-mode-missing"
        ),
        pytest.param(claim(), [volume("a", volumeMode="Block")], None, id="another-mode"),
        pytest.param(
            claim(selector={"matchLabels": {"disk": "ssd"}}),
            [volume("a"), volume("b", labels={"disk": "ssd"})], "b", id="by-labels",
        ),
        pytest.param(claim(), [volume("a", claimRef={"name": "x"})], None, id="claimed-by-another"),
        pytest.param(
            claim(), [volume("a"), volume("b", "9Gi", claimRef=OURS)], "b", id="reserved-for-it"
        ),
        pytest.param(
            claim(), [volume("b", claimRef={**OURS, "uid": "c0"})], None, id="reserved-for-its-past"
        ),
    ],
)  # fmt: skip
def test_choice(wanted: Manifest, volumes: list[Manifest], chosen: str | None) -> None:
    found = choose(wanted, tuple(volumes))
    assert (found and meta.name_of(found)) == chosen


def other(provisioner: str) -> Manifest:
    return {**LOCAL, "provisioner": provisioner}


@pytest.mark.parametrize(
    ("wanted", "storage_class", "reason"),
    [
        pytest.param(claim(class_name=None), None, "FailedBinding", id="no-class"),
        pytest.param(claim(), None, "ProvisioningFailed", id="class-missing"),
        pytest.param(claim(), other("ebs.csi.aws.com"), "ExternalProvisioning", id="other-maker"),
        pytest.param(claim(volumeMode="Block"), LOCAL, "ProvisioningFailed", id="block"),
        pytest.param(
            claim(selector={"matchLabels": {"a": "b"}}), LOCAL, "ProvisioningFailed", id="selector"
        ),
        pytest.param(claim(), {**LOCAL, "parameters": {}}, "ProvisioningFailed", id="no-path"),
        pytest.param(claim(volumeName="v"), LOCAL, "FailedBinding", id="named-volume-missing"),
    ],
)  # fmt: skip
def test_a_claim_that_cannot_be_met_waits_and_says_why(
    wanted: Manifest, storage_class: Manifest | None, reason: str
) -> None:
    plan = decide(
        Claimed(claim=wanted, storage_class=storage_class, volume=None, candidates=(), users=())
    )
    assert plan.status == {"phase": "Pending"}
    (event,) = plan.actions
    assert isinstance(event, Emit)
    assert event.reason == reason


class World:
    def __init__(self) -> None:
        self.cluster = LocalCluster(MemoryApi())
        self.engine = Engine(self.cluster, (CLAIM, VOLUME), clock=ManualClock(START), debug=True)

    async def begin(self, *manifests: Manifest) -> None:
        await self.engine.start()
        where = {"name": "u"}
        await self.cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": where})
        for manifest in manifests:
            await self.make(manifest)

    async def make(self, manifest: Manifest) -> None:
        where = {
            key: value
            for key, value in manifest["metadata"].items()
            if key not in ("uid", "resourceVersion")
        }
        await self.cluster.create({**manifest, "metadata": where})
        await self.engine.idle()

    def claim(self) -> Manifest:
        found = self.cluster.get(Key(names.PERSISTENT_VOLUME_CLAIM, "u", "data"))
        assert found is not None
        return found

    def volumes(self) -> list[Manifest]:
        return list(self.cluster.list(names.PERSISTENT_VOLUME))

    async def patch(self, manifest: Manifest, patch: Manifest) -> None:
        key = Key(manifest["kind"], meta.namespace_of(manifest), meta.name_of(manifest))
        await self.cluster.patch(key, patch)
        await self.engine.idle()

    async def delete(self, manifest: Manifest) -> None:
        key = Key(manifest["kind"], meta.namespace_of(manifest), meta.name_of(manifest))
        await self.cluster.delete(key)
        await self.engine.idle()


def protected(manifest: Manifest) -> Manifest:
    where = {**manifest["metadata"], "finalizers": [names.FINALIZER_PVC]}
    return {**manifest, "metadata": where}


def pod(phase: str) -> Manifest:
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]
    where = {"name": f"pod-{phase.lower()}", "namespace": "u"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": where, "spec": {"volumes": volumes}}


def test_a_volume_of_a_snapshot_is_made_empty_and_said_to_be() -> None:
    source = {"kind": "VolumeSnapshot", "name": "snap"}
    plan = decide(
        Claimed(
            claim=claim(dataSource=source),
            storage_class=LOCAL,
            volume=None,
            candidates=(),
            users=(),
        )
    )
    made, said = plan.actions
    assert isinstance(made, Apply)
    assert isinstance(said, Emit)
    assert said.reason == "DataSourceIgnored"
    assert 'VolumeSnapshot "snap"' in said.message


def test_the_local_provisioner_makes_a_directory() -> None:
    async def run() -> None:
        world = World()
        await world.begin(LOCAL, claim())
        (made,) = world.volumes()
        uid = meta.uid_of(world.claim())
        assert meta.name_of(made) == f"pvc-{uid}"
        assert made["spec"]["hostPath"] == {
            "path": f"/srv/volumes/pvc-{uid}", "type": "DirectoryOrCreate",
        }  # fmt: skip
        assert made["spec"]["claimRef"]["uid"] == uid
        assert made["status"] == {"phase": "Bound"}
        assert world.claim()["spec"]["volumeName"] == f"pvc-{uid}"
        assert world.claim()["status"] == {
            "phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"},
        }  # fmt: skip
        await world.engine.stop()

    asyncio.run(run())


def test_a_class_that_comes_later_is_used() -> None:
    async def run() -> None:
        world = World()
        await world.begin(claim())
        assert world.claim()["status"] == {"phase": "Pending"}
        await world.make(LOCAL)
        assert world.claim()["status"]["phase"] == "Bound"
        await world.engine.stop()

    asyncio.run(run())


def test_of_two_claims_one_gets_the_volume() -> None:
    async def run() -> None:
        world = World()
        second = claim(class_name="")
        second = {**second, "metadata": {**second["metadata"], "name": "more"}}
        await world.begin(claim(class_name=""), second)
        await world.make(volume("only", class_name=""))
        phases = sorted(
            each["status"]["phase"] for each in world.cluster.list(names.PERSISTENT_VOLUME_CLAIM)
        )
        assert phases == ["Bound", "Pending"]
        await world.engine.stop()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("policy", "left"), [("Delete", []), ("Retain", ["Released"])], ids=["delete", "retain"]
)
def test_what_becomes_of_the_volume(policy: str, left: list[str]) -> None:
    async def run() -> None:
        world = World()
        await world.begin({**LOCAL, "reclaimPolicy": policy}, claim())
        await world.delete(world.claim())
        assert [each["status"]["phase"] for each in world.volumes()] == left
        await world.engine.stop()

    asyncio.run(run())


def test_a_volume_that_nobody_here_can_delete_fails() -> None:
    async def run() -> None:
        world = World()
        foreign = volume("v", persistentVolumeReclaimPolicy="Delete")
        await world.begin(foreign, claim())
        assert world.claim()["spec"]["volumeName"] == "v"
        await world.delete(world.claim())
        assert [each["status"]["phase"] for each in world.volumes()] == ["Failed"]
        await world.engine.stop()

    asyncio.run(run())


def test_a_claim_in_use_is_held() -> None:
    async def run() -> None:
        world = World()
        await world.begin(LOCAL, protected(claim()), pod("Running"), pod("Succeeded"))
        for name in ("running", "succeeded"):
            live = world.cluster.get(Key(names.POD, "u", f"pod-{name}"))
            assert live is not None
            phase = {"phase": name.capitalize()}
            await world.cluster.replace({**live, "status": phase}, subresource="status")
        await world.delete(world.claim())
        assert meta.deleting(world.claim())
        await world.cluster.delete(Key(names.POD, "u", "pod-running"))
        await world.engine.idle()
        assert world.cluster.get(Key(names.PERSISTENT_VOLUME_CLAIM, "u", "data")) is None
        assert world.volumes() == []
        await world.engine.stop()

    asyncio.run(run())


def test_a_claim_whose_volume_goes_is_lost() -> None:
    async def run() -> None:
        world = World()
        await world.begin(LOCAL, claim())
        await world.delete(world.volumes()[0])
        assert world.claim()["status"]["phase"] == "Lost"
        await world.engine.stop()

    asyncio.run(run())


def test_a_bound_claim_grows() -> None:
    async def run() -> None:
        world = World()
        await world.begin(LOCAL, claim())
        bigger = {"resources": {"requests": {"storage": "3Gi"}}}
        await world.patch(world.claim(), {"spec": bigger})
        assert world.claim()["status"]["capacity"] == {"storage": "3Gi"}
        assert world.volumes()[0]["spec"]["capacity"] == {"storage": "3Gi"}
        await world.engine.stop()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("offered", "phase"),
    [
        pytest.param(volume("v"), "Bound", id="free"),
        pytest.param(volume("v", "1Mi"), "Pending", id="too-small"),
        pytest.param(volume("v", claimRef={"name": "x", "uid": "x"}), "Pending", id="taken"),
    ],
)
def test_a_claim_that_names_its_volume(offered: Manifest, phase: str) -> None:
    async def run() -> None:
        world = World()
        await world.begin(LOCAL, claim(volumeName="v"), offered)
        assert world.claim()["status"]["phase"] == phase
        await world.engine.stop()

    asyncio.run(run())


def test_what_others_write_into_a_status_stays() -> None:
    async def run() -> None:
        world = World()
        await world.begin(LOCAL, claim())
        resizing = {"type": "Resizing", "status": "True"}
        bound = world.claim()
        await world.cluster.patch(
            key_of(bound), {"status": {"conditions": [resizing]}}, subresource="status"
        )
        (made,) = world.volumes()
        note = {"status": {"message": "m", "reason": "R"}}
        await world.cluster.patch(key_of(made), note, subresource="status")
        await world.patch(bound, {"spec": {"resources": {"requests": {"storage": "3Gi"}}}})
        assert world.claim()["status"]["conditions"] == [resizing]
        assert world.claim()["status"]["capacity"] == {"storage": "3Gi"}
        assert world.volumes()[0]["status"] == {"phase": "Bound", "message": "m", "reason": "R"}
        await world.engine.stop()

    asyncio.run(run())
