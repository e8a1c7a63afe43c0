"""PodDisruptionBudget: how many of some pods may be taken away just now.

Only its status is written here; who asks for an eviction is answered by the API server, by the rule
in `sampan.kube.disruption`. How many pods there should be comes from their makers, where the budget
is not a plain number. A pod that an eviction has named counts as gone, for two minutes at most.
Upstream: kubernetes pkg/controller/disruption.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from sampan.kinds.workloads import pods
from sampan.kinds.workloads.rollout import amount
from sampan.kinds.workloads.types import Conditions, Pod, look, view
from sampan.kube import disruption, meta, names
from sampan.kube.keys import Key, Manifest, kind_of
from sampan.kube.plan import Action, Controller, Emit, Plan, View
from sampan.kube.times import parse

PATIENCE = timedelta(minutes=2)
"""An eviction that has not deleted its pod by then never will: upstream's figure."""
_MAKERS = (names.REPLICATION_CONTROLLER, names.REPLICA_SET, names.STATEFUL_SET)
_KEEP = ("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods")


class Spec(Struct, frozen=True, kw_only=True):
    minAvailable: int | str | None = None
    maxUnavailable: int | str | None = None
    selector: dict[str, Any] | None = None

    @property
    def by_scale(self) -> bool:
        """It needs to know how many pods there should be."""
        return self.maxUnavailable is not None or isinstance(self.minAvailable, str)


class Status(Struct, frozen=True, kw_only=True):
    disruptedPods: dict[str, str] = {}
    conditions: Conditions = []


class Budget(Struct, frozen=True, kw_only=True):
    """All that a decision may depend on.

    scales: how many pods each of the makers wants, by its uid; stray: pods without a maker that
    could say so.
    """

    manifest: Manifest
    spec: Spec
    status: Status
    pods: tuple[Pod, ...]
    scales: Mapping[str, int]
    stray: tuple[str, ...]
    now: datetime


def see(cluster: View, key: Key) -> Budget | None:
    manifest = cluster.get(key)
    if manifest is None:
        return None
    spec = view(Spec, manifest.get("spec"))
    selected = (
        cluster.select(names.POD, key.namespace, spec.selector) if spec.selector is not None else ()
    )
    scales: dict[str, int] = {}
    stray = []
    for pod in selected if spec.by_scale else ():
        found = _maker(cluster, pod)
        if found is None:
            stray.append(meta.name_of(pod))
        else:
            scales[meta.uid_of(found)] = _replicas(found)
    return Budget(
        manifest=manifest,
        spec=spec,
        status=view(Status, manifest.get("status")),
        pods=tuple(map(look, selected)),
        scales=scales,
        stray=tuple(stray),
        now=cluster.now(),
    )


def _maker(cluster: View, pod: Manifest) -> Manifest | None:
    """Who says how many there should be: the Deployment behind a ReplicaSet, else the maker."""
    maker = _controller(cluster, pod, _MAKERS)
    if maker is None or maker["kind"] != "ReplicaSet":
        return maker
    return _controller(cluster, maker, (names.DEPLOYMENT,)) or maker


def _controller(cluster: View, manifest: Manifest, kinds: tuple[str, ...]) -> Manifest | None:
    reference = meta.controller_of(manifest)
    if reference is None or kind_of(reference["apiVersion"], reference["kind"]) not in kinds:
        return None
    found = cluster.get(meta.owner_key(manifest, reference))
    return found if found is not None and meta.uid_of(found) == reference["uid"] else None


def _replicas(maker: Manifest) -> int:
    replicas = maker["spec"].get("replicas")
    return 1 if replicas is None else int(replicas)


def decide(found: Budget) -> Plan:
    gone = dict(_disrupted(found))
    expected, needed = _wanted(found)
    healthy = sum(
        pod.ready_since is not None and not pod.deleting and pod.name not in gone
        for pod in found.pods
    )
    allowed = max(0, healthy - needed) if expected > 0 else 0
    generation = found.manifest["metadata"].get("generation") or 0
    status = {
        "observedGeneration": generation,
        "disruptedPods": gone or None,
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": needed,
        "expectedPods": expected,
        "conditions": disruption.said(found.status.conditions, allowed, generation, found.now),
    }
    waits = [PATIENCE - (found.now - parse(since)) for since in gone.values()]
    return Plan(
        status=pods.compact(status, _KEEP),
        actions=tuple(_tell(found)),
        again_in=min((wait.total_seconds() for wait in waits), default=None),
    )


def _wanted(found: Budget) -> tuple[int, int]:
    """How many pods there should be, and how many of them have to be healthy."""
    spec = found.spec
    expected = sum(found.scales.values()) if spec.by_scale else len(found.pods)
    if spec.maxUnavailable is not None:
        return expected, max(0, expected - amount(spec.maxUnavailable, expected, up=True))
    return expected, amount(spec.minAvailable or 0, expected, up=True)


def _disrupted(found: Budget) -> Iterator[tuple[str, str]]:
    """The evictions that are still under way."""
    present = {pod.name for pod in found.pods if not pod.deleting and not pod.ended}
    for name, since in sorted(found.status.disruptedPods.items()):
        if name in present and found.now - parse(since) < PATIENCE:
            yield name, since


def _tell(found: Budget) -> Iterator[Action]:
    if not found.pods:
        yield Emit("Normal", "NoPods", "No matching pods found")
    if found.stray:
        text = "Pods selected by this PodDisruptionBudget were found to be unmanaged. As a result,"
        text += " they do not count: "
        yield Emit("Warning", "UnmanagedPods", text + ", ".join(found.stray[:10]))


BUDGET = Controller(name="disruption", of=names.POD_DISRUPTION_BUDGET, see=see, decide=decide)
