"""A DaemonSet as its decisions read it, its nodes, and the pods that it makes for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from sampan.kinds.workloads import pods
from sampan.kinds.workloads.history import History, Revision
from sampan.kinds.workloads.rollout import amount
from sampan.kinds.workloads.types import Conditions, Pod
from sampan.kube import meta, names, placement
from sampan.kube.keys import Manifest

_NODE = "node.kubernetes.io/"
TOLERATIONS = (
    *({"key": _NODE + key, "operator": "Exists", "effect": "NoExecute"}
      for key in ("not-ready", "unreachable")),
    *({"key": _NODE + key, "operator": "Exists", "effect": "NoSchedule"}
      for key in ("disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")),
)  # fmt: skip
"""A daemon stays on its node whatever becomes of it."""
_HOST_NETWORK = {
    "key": _NODE + "network-unavailable", "operator": "Exists", "effect": "NoSchedule",
}  # fmt: skip


class RollingUpdate(Struct, frozen=True, kw_only=True):
    maxUnavailable: int | str = 1
    maxSurge: int | str = 0


class Strategy(Struct, frozen=True, kw_only=True):
    type: str = "RollingUpdate"
    rollingUpdate: RollingUpdate | None = None


class Spec(Struct, frozen=True, kw_only=True):
    selector: dict[str, Any] = {}
    template: dict[str, Any] = {}
    updateStrategy: Strategy = Strategy()
    minReadySeconds: int = 0
    revisionHistoryLimit: int = 10

    @property
    def rolling(self) -> RollingUpdate:
        return self.updateStrategy.rollingUpdate or RollingUpdate()


class Status(Struct, frozen=True, kw_only=True):
    conditions: Conditions = []
    collisionCount: int = 0


class Place(Struct, frozen=True, kw_only=True):
    """A node. wanted: a pod should be there; tolerated: one that is there may stay; free: the name
    for a new one."""

    name: str
    wanted: bool
    tolerated: bool
    pods: tuple[Pod, ...] = ()
    free: str = ""

    @property
    def present(self) -> list[Pod]:
        """Its pods that are not on their way out, the oldest first."""
        return sorted((p for p in self.pods if not p.deleting), key=lambda p: (p.created, p.name))


class Fleet(Struct, frozen=True, kw_only=True):
    """All that a decision may depend on.

    lost: pods of nodes that are gone; strays: pods that are owned but no longer match.
    """

    manifest: Manifest
    spec: Spec
    status: Status
    places: tuple[Place, ...]
    lost: tuple[Pod, ...]
    strays: tuple[Manifest, ...]
    history: History
    now: datetime

    @property
    def desired(self) -> int:
        return sum(place.wanted for place in self.places)

    @property
    def unavailable(self) -> int:
        """How many nodes may be without an available pod because of an update."""
        return amount(self.spec.rolling.maxUnavailable, self.desired, up=True)

    @property
    def surge(self) -> int:
        """How many nodes may have an old and a new pod at once."""
        return amount(self.spec.rolling.maxSurge, self.desired, up=True)

    def is_updated(self, pod: Pod) -> bool:
        """Made from the present template; whichever of its revisions the pod names."""
        return revision_of(pod) in {
            each.digest for each in self.history.revisions if each.template == self.spec.template
        }

    def is_available(self, pod: Pod) -> bool:
        return not pod.ended and pod.available(self.now, self.spec.minReadySeconds)


def revision_of(pod: Pod) -> str:
    return pod.labels.get(names.LABEL_CONTROLLER_REVISION_HASH) or ""


def place(node: Manifest, template: Mapping[str, Any], found: Sequence[Pod]) -> Place:
    """Whether the template's pods want, and may have, the node."""
    spec, name = template.get("spec") or {}, meta.name_of(node)
    named = spec.get("nodeName") in (None, "", name)
    labels = node["metadata"].get("labels") or {}
    fits = named and placement.selected(spec, name, labels)
    tolerations = [*(spec.get("tolerations") or ()), *_extra(spec)]
    bad = [
        taint.get("effect")
        for taint in (node.get("spec") or {}).get("taints") or ()
        if not placement.tolerated(taint, tolerations)
    ]
    return Place(
        name=name,
        wanted=fits and "NoSchedule" not in bad and "NoExecute" not in bad,
        tolerated=fits and "NoExecute" not in bad,
        pods=tuple(found),
    )


def target(pod: Manifest) -> str:
    """The node that a pod is for, bound or not; "" for one that says nothing."""
    spec = pod["spec"]
    if spec.get("nodeName"):
        return str(spec["nodeName"])
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            if field.get("key") == "metadata.name" and len(field.get("values") or ()) == 1:
                return str(field["values"][0])
    return ""


def build(fleet: Fleet, node: str, name: str, revision: Revision) -> Manifest:
    """The pod of a node: the scheduler may put it nowhere else."""
    labels = {names.LABEL_CONTROLLER_REVISION_HASH: revision.digest}
    generation = meta.annotations_of(fleet.manifest).get(names.ANNOTATION_TEMPLATE_GENERATION)
    if generation:
        labels[names.LABEL_TEMPLATE_GENERATION] = generation
    pod = pods.build(fleet.manifest, fleet.spec.template, name, labels=labels)
    spec = {**pod["spec"]}
    affinity = spec.get("affinity") or {}
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    required = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    spec["affinity"] = {
        **affinity,
        "nodeAffinity": {
            **(affinity.get("nodeAffinity") or {}),
            "requiredDuringSchedulingIgnoredDuringExecution": required,
        },
    }
    given = spec.get("tolerations") or []
    spec["tolerations"] = [*given, *(each for each in _extra(spec) if each not in given)]
    pod["spec"] = spec
    return pod


def _extra(spec: Mapping[str, Any]) -> list[dict[str, str]]:
    return [*TOLERATIONS, *([_HOST_NETWORK] if spec.get("hostNetwork") else [])]
