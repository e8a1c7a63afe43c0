"""Pods as their makers write them: from a template, controlled by its owner.

Also the choice of names (`spare_names`) and of the pods to give up first (`surplus`). Deciding
how many there should be is the business of each kind. Upstream: kubernetes
pkg/controller/controller_utils.go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import count
from typing import Any

from sampan.kinds.workloads.types import Pod
from sampan.kube import meta, names, templates
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Action, Apply, Delete, Emit

_BASE_LIMIT = 57
"""With a hyphen and five letters a name stays within the 63 characters of a host name."""
BURST = 500
"""Pods that are made in one round: the next round makes the others."""


def build(
    owner: Manifest,
    template: Mapping[str, Any],
    name: str,
    *,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    """The Pod manifest. `labels` and `annotations` come on top of the template's."""
    given = template.get("metadata") or {}
    about: dict[str, Any] = {"name": name, "namespace": meta.namespace_of(owner)}
    for field, extra in (("labels", labels), ("annotations", annotations)):
        if merged := {**(given.get(field) or {}), **(extra or {})}:
            about[field] = merged
    if given.get("finalizers"):
        about["finalizers"] = given["finalizers"]
    about["ownerReferences"] = [meta.controlled_by(owner)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": template["spec"]}


def create(pod: Manifest, told: str = "") -> tuple[Action, Action]:
    """The pod, and the Event that tells of it."""
    told = told or f"Created pod: {pod['metadata']['name']}"
    return Apply(pod), Emit("Normal", "SuccessfulCreate", told)


def delete(owner: Manifest, pod: Pod, told: str = "") -> tuple[Action, Action]:
    """Exactly this pod, not a later one of the same name."""
    key = Key(names.POD, meta.namespace_of(owner), pod.name)
    told = told or f"Deleted pod: {pod.name}"
    return Delete(key, pod.uid), Emit("Normal", "SuccessfulDelete", told)


def spare_names(
    owner: Manifest, now: datetime, taken: Collection[str], *, base: str = "", salt: str = ""
) -> Iterator[str]:
    """Names for new pods, without those that are in use.

    A function of owner, moment and index: the same look gives the same names, and the name of a
    pod that is gone does not come back, for clients wait until a name is gone. `salt` tells several
    rows of names of one look apart.
    """
    used, salts = set(taken), [meta.uid_of(owner), now.isoformat(), *([salt] if salt else [])]
    base = (base or meta.name_of(owner))[:_BASE_LIMIT]
    for number in count():
        name = f"{base}-{templates.digest(salts, number, length=5)}"
        if name not in used:
            used.add(name)
            yield name


def surplus(pods: Iterable[Pod], number: int) -> list[Pod]:
    """The pods to delete first: unassigned, not running, not ready, cheap, young."""
    newest_first = sorted(pods, key=lambda pod: (pod.created, pod.name), reverse=True)
    return sorted(newest_first, key=_rank)[:number]


def _rank(pod: Pod) -> tuple[bool, bool, bool, int]:
    return (bool(pod.node), pod.phase == "Running", pod.ready_since is not None, _cost(pod))


def _cost(pod: Pod) -> int:
    try:
        return int(pod.annotations.get(names.ANNOTATION_DELETION_COST) or 0)
    except ValueError:
        return 0


def soonest(*waits: float | None) -> float | None:
    """The first of several moments to ask again; None when there is none."""
    return min((max(wait, 0.0) for wait in waits if wait is not None), default=None)


def compact(status: Mapping[str, Any], keep: Collection[str] = ()) -> dict[str, Any]:
    """A status as Go writes it: without zeros, Nones and empty lists, except those in `keep`."""
    return {
        field: value
        for field, value in status.items()
        if field in keep or (value is not None and value != 0 and value != [] and value != "")
    }
