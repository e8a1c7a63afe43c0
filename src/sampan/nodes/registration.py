"""The Node object: what this machine has, that it is well, and a Lease as heartbeat."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
from collections.abc import Callable, Mapping, Set
from pathlib import Path

from sampan.config import NodeSettings
from sampan.engine.cluster import Cluster
from sampan.kube import names, quantities
from sampan.kube.errors import AlreadyExists, ApiStatus, NotFound
from sampan.kube.keys import Key, Manifest
from sampan.kube.times import micro, rfc3339
from sampan.lib.clock import Clock
from sampan.nodes import gpus

LEASES = "kube-node-lease"
LEASE_SECONDS = 40
HEARTBEAT = 10.0
PRESSURES = {"memory": "MemoryPressure", "ephemeral-storage": "DiskPressure"}
"""What the node says of a resource that is running out. Upstream: pkg/kubelet/eviction."""
_WORDS = {
    "MemoryPressure": ("memory", "KubeletHasInsufficientMemory", "KubeletHasSufficientMemory"),
    "DiskPressure": ("disk space", "KubeletHasDiskPressure", "KubeletHasNoDiskPressure"),
}
_TAINTS = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
}
_MOST_RESERVED = 2 << 30  # bytes
_LABEL_OS, _LABEL_ARCH = "kubernetes.io/os", "kubernetes.io/arch"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def capacity(home: Path, gpu_count: int, pods: int) -> dict[str, str]:
    """What this machine has."""
    found = {
        "cpu": str(os.cpu_count() or 1),
        "memory": f"{memory() // 1024}Ki",
        "pods": str(pods),
        "ephemeral-storage": f"{shutil.disk_usage(home).total // 1024}Ki",
    }
    if gpu_count:
        found[gpus.RESOURCE] = str(gpu_count)
    return found


def allocatable(has: Mapping[str, str], settings: NodeSettings) -> dict[str, str]:
    """What pods may use of it: the rest belongs to the machine's owner."""
    whole = quantities.value(has["memory"])
    reserved = min(whole // 10, _MOST_RESERVED)
    if settings.reserved_memory:
        reserved = quantities.value(settings.reserved_memory)
    cpu = quantities.milli(has["cpu"]) - quantities.milli(settings.reserved_cpu)
    return {
        **has,
        "cpu": quantities.canonical(f"{max(cpu, 0)}m"),
        "memory": f"{max(whole - reserved, 0) // 1024}Ki",
    }


class Registration:
    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        name: str,
        host_ip: str,
        amounts: tuple[Mapping[str, str], Mapping[str, str]],
    ) -> None:
        """`amounts` are capacity and allocatable."""
        self._cluster = cluster
        self._clock = clock
        self._name = name
        self._host_ip = host_ip
        self._capacity, self._allocatable = map(dict, amounts)
        self._key = Key(names.NODE, "", name)
        self._pressures: set[str] = set()
        self._reported = False
        self.images: Callable[[], list[Manifest]] = list
        self.network = "pods are connected"

    async def register(self) -> None:
        """Make the Node object, or bring the one of an earlier start up to date."""
        machine = _ARCHITECTURES.get(platform.machine(), platform.machine())
        labels = {
            names.LABEL_HOSTNAME: self._name,
            _LABEL_OS: platform.system().lower(),
            _LABEL_ARCH: machine,
        }
        node: Manifest = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self._name, "labels": labels},
            "spec": {},
        }
        try:
            await self._cluster.create(node)
        except AlreadyExists:
            await self._cluster.patch(self._key, {"metadata": {"labels": labels}})
        status = {"status": self._status(ready=True)}
        await self._cluster.patch(self._key, status, subresource="status")
        await self.beat()

    async def beat(self) -> None:
        """Renew the Lease; a cluster that has no place for it does without."""
        spec = {
            "holderIdentity": self._name,
            "leaseDurationSeconds": LEASE_SECONDS,
            "renewTime": micro(self._clock.now()),
        }
        key = Key(names.LEASE, LEASES, self._name)
        try:
            await self._cluster.patch(key, {"spec": spec})
        except NotFound:
            await self._make_lease(spec)

    async def report(self, pressures: set[str]) -> None:
        """Say which resources are running out: conditions, and taints that keep pods away."""
        found = self._cluster.get(self._key)
        if found is None or (self._reported and pressures == self._pressures):
            return
        self._reported = True  # a taint of an earlier start may be there still
        ours = set(_TAINTS.values())
        taints = [t for t in found["spec"].get("taints") or () if t.get("key") not in ours]
        taints += [{"key": _TAINTS[kind], "effect": "NoSchedule"} for kind in sorted(pressures)]
        self._pressures = set(pressures)
        if taints == (found["spec"].get("taints") or []):
            return
        await self._cluster.patch(self._key, {"spec": {"taints": taints}})
        status = {"status": self._status(ready=True)}
        await self._cluster.patch(self._key, status, subresource="status")

    async def list_images(self) -> None:
        """The images that are here have changed."""
        status = {"status": {"images": self.images()}}
        await self._cluster.patch(self._key, status, subresource="status")

    async def unready(self) -> None:
        """Say that the node has left; nobody is told to do anything about its pods."""
        try:
            status = {"status": self._status(ready=False)}
            await self._cluster.patch(self._key, status, subresource="status")
        except ApiStatus:
            return

    async def _make_lease(self, spec: Manifest) -> None:
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": LEASES},
            "spec": spec,
        }
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": LEASES}}
        for manifest in (namespace, lease):
            try:
                await self._cluster.create(manifest)
            except AlreadyExists:
                continue
            except ApiStatus:
                return

    def _status(self, *, ready: bool) -> Manifest:
        now = rfc3339(self._clock.now())
        old = self._cluster.get(self._key) or {}
        before = {each["type"]: each for each in (old.get("status") or {}).get("conditions", ())}
        conditions = [
            {
                "type": kind,
                "status": value,
                "reason": reason,
                "message": message,
                "lastHeartbeatTime": now,
                "lastTransitionTime": before[kind]["lastTransitionTime"]
                if before.get(kind, {}).get("status") == value
                else now,
            }
            for kind, value, reason, message in _conditions(
                self._pressures, self.network, ready=ready
            )
        ]
        return {
            "capacity": self._capacity,
            "allocatable": self._allocatable,
            "conditions": conditions,
            "addresses": [
                {"type": "InternalIP", "address": self._host_ip},
                {"type": "Hostname", "address": self._name},
            ],
            "images": self.images(),
            "nodeInfo": _machine(),
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}},
        }


def _conditions(
    pressures: Set[str], network: str, *, ready: bool
) -> list[tuple[str, str, str, str]]:
    found = []
    for kind, (what, low, fine) in _WORDS.items():
        if kind in pressures:
            found.append((kind, "True", low, f"there is little {what} left"))
        else:
            found.append((kind, "False", fine, f"there is enough {what}"))
    found.append(
        ("PIDPressure", "False", "KubeletHasSufficientPID", "there are enough process ids")
    )
    found.append(("NetworkUnavailable", "False", "PodsAreConnected", network))
    if ready:
        return [*found, ("Ready", "True", "KubeletReady", "the node starts pods")]
    return [*found, ("Ready", "False", "NodeStopped", "the control plane has been stopped")]


def _machine() -> dict[str, str]:
    return {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "bootID": "",
        "containerRuntimeVersion": "sampan://0.1",
        "kernelVersion": platform.release(),
        "kubeProxyVersion": names.KUBERNETES_VERSION,
        "kubeletVersion": names.KUBERNETES_VERSION,
        "machineID": "",
        "operatingSystem": platform.system().lower(),
        "osImage": _system(),
        "systemUUID": "",
    }


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return f"{platform.system()} {platform.release()}"


def tasks() -> int:
    """The most processes and threads that this machine can have; 0 where it does not say."""
    found = []
    for name in ("pid_max", "threads-max"):
        with contextlib.suppress(OSError, ValueError):
            found.append(int(Path(f"/proc/sys/kernel/{name}").read_text()))
    return min(found, default=0)


def memory() -> int:
    """Bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
