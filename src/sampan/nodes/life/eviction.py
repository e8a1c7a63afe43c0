"""Which pods the node has to end because of what they use, and in what words. Pure.

A pod whose files have outgrown a limit of its own goes at once. When the machine itself has little
left, one goes at a time: first who uses more than it asked for, then by priority, then by use.
Upstream: kubernetes pkg/kubelet/eviction/{eviction_manager,helpers}.go, from which the words are
known to many a script.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from msgspec import Struct

from sampan.kube import quantities
from sampan.kube.keys import Manifest

EVICTED = "Evicted"
Resource = Literal["ephemeral-storage", "memory"]
STORAGE: Final = "ephemeral-storage"
MEMORY: Final = "memory"


class Usage(Struct, frozen=True):
    """Bytes: what each container has written (logs included) or holds in memory, and what lies in
    each emptyDir."""

    containers: Mapping[str, int]
    volumes: Mapping[str, int] = {}

    @property
    def total(self) -> int:
        return sum(self.containers.values()) + sum(self.volumes.values())


class Threshold(Struct, frozen=True):
    """Less than `wanted` bytes of a resource are left: `available`."""

    resource: Resource
    wanted: int
    available: int


def is_limited(pod: Manifest) -> bool:
    """Whether there is anything to measure for `excess`."""
    return bool(_size_limits(pod)) or any(_limit(each) for each in _containers(pod))


def excess(pod: Manifest, usage: Usage) -> str:
    """Why the pod has to go for the files that it has written; "" when it may stay."""
    for name, limit in _size_limits(pod).items():
        if usage.volumes.get(name, 0) > quantities.value(limit):
            return f'Usage of EmptyDir volume "{name}" exceeds the limit "{limit}". '
    limits = {each["name"]: limit for each in _containers(pod) if (limit := _limit(each))}
    bound = sum(quantities.value(limit) for limit in limits.values())
    if limits and usage.total > bound:
        text = "Pod ephemeral local storage usage exceeds the total limit of containers"
        return f"{text} {quantities.format(bound, 'binary')}. "
    for name, limit in limits.items():
        if usage.containers.get(name, 0) > quantities.value(limit):
            return f'Container {name} exceeded its local ephemeral storage limit "{limit}". '
    return ""


def first_to_go(
    candidates: Iterable[tuple[Manifest, Usage]], threshold: Threshold
) -> tuple[Manifest, str] | None:
    """(pod, why) of the one that is ended now; None when there is none."""
    resource = threshold.resource

    def rank(entry: tuple[Manifest, Usage]) -> tuple[bool, int, int]:
        pod, usage = entry
        over = usage.total - sum(_requested(each, resource) for each in _containers(pod))
        return over <= 0, pod["spec"].get("priority") or 0, -over

    # Whoever uses nothing gives nothing back.
    found = min((each for each in candidates if each[1].total), key=rank, default=None)
    return (found[0], _low(*found, threshold)) if found else None


def _low(pod: Manifest, usage: Usage, threshold: Threshold) -> str:
    resource = threshold.resource
    wanted, left = (quantities.format(n >> 10 << 10, "binary") for n in
                    (threshold.wanted, threshold.available))  # fmt: skip
    text = f"The node was low on resource: {resource}. "
    text += f"Threshold quantity: {wanted}, available: {left}. "
    for container in _containers(pod):
        used = usage.containers.get(container["name"], 0)
        request = _requested(container, resource)
        if used > request:
            amount = quantities.format(used >> 10 << 10, "binary")
            asked = quantities.format(request, "binary")
            text += (
                f"Container {container['name']} was using {amount}, request is {asked}, "
                f"has larger consumption of {resource}. "
            )
    return text


def _containers(pod: Manifest) -> list[dict[str, Any]]:
    spec = pod["spec"]
    return [*spec["containers"], *(spec.get("initContainers") or ())]


def _limit(container: Mapping[str, Any]) -> quantities.Quantity:
    limits = (container.get("resources") or {}).get("limits") or {}
    return limits.get(STORAGE) or ""


def _requested(container: Mapping[str, Any], resource: Resource) -> int:
    requests = (container.get("resources") or {}).get("requests") or {}
    return quantities.value(requests[resource]) if resource in requests else 0


def _size_limits(pod: Manifest) -> dict[str, quantities.Quantity]:
    """Of the emptyDirs that lie on disk; those in memory cannot grow beyond theirs."""
    found = {}
    for volume in pod["spec"].get("volumes") or ():
        empty = volume.get("emptyDir") or {}
        if empty.get("sizeLimit"):
            found[volume["name"]] = empty["sizeLimit"]
    return found
