"""Taints with the effect NoExecute: pods of the node that do not tolerate them are deleted.

A pod that tolerates a taint for some seconds goes when they are over, counted from the taint's
`timeAdded`. A taint that somebody adds has none: it is written when the taint is first seen, so
that the count outlives a restart and ends with the taint. Of several tolerations with seconds the
shortest counts. Upstream: kubernetes pkg/controller/tainteviction.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sampan.kinds.core.types import Tainted
from sampan.kube import conditions, meta, names, placement, times
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.plan import Action, Controller, Delete, Emit, Patch, Plan, View

_EFFECT = "NoExecute"
Taint = dict[str, Any]


def see(view: View, key: Key) -> Tainted | None:
    node = view.get(key)
    if node is None or meta.deleting(node) or not _taints(node):
        return None
    pods = view.select(names.POD)
    here = tuple(pod for pod in pods if pod["spec"].get("nodeName") == key.name)
    return Tainted(node, here, view.now())


def decide(tainted: Tainted) -> Plan:
    actions: list[Action] = []
    if any("timeAdded" not in taint for taint in _taints(tainted.node)):
        actions.append(_dated(tainted.node, tainted.now))
    waits = []
    for pod in tainted.pods:
        end = _end(pod, tainted)
        if end is None or meta.deleting(pod):
            continue
        if end <= tainted.now:
            actions += _evict(pod, tainted.now)
        else:
            waits.append((end - tainted.now).total_seconds())
    return Plan(actions=tuple(actions), again_in=min(waits, default=None))


def _taints(node: Manifest) -> list[Taint]:
    return [each for each in node["spec"].get("taints") or () if each.get("effect") == _EFFECT]


def _dated(node: Manifest, now: datetime) -> Patch:
    """Exact by resourceVersion: a taint that has been taken away stays away."""
    taints = [
        {"timeAdded": times.rfc3339(now), **each} if each.get("effect") == _EFFECT else each
        for each in node["spec"]["taints"]
    ]
    version = node["metadata"]["resourceVersion"]
    patch = {"metadata": {"resourceVersion": version}, "spec": {"taints": taints}}
    return Patch(key_of(node), patch)


def _end(pod: Manifest, tainted: Tainted) -> datetime | None:
    """When the pod's time on the node is over; None for never."""
    ends = [_end_by(pod, taint, tainted.now) for taint in _taints(tainted.node)]
    return min((end for end in ends if end is not None), default=None)


def _end_by(pod: Manifest, taint: Taint, now: datetime) -> datetime | None:
    tolerations = pod["spec"].get("tolerations") or ()
    meant = [each for each in tolerations if placement.tolerated(taint, (each,))]
    if not meant:
        return now
    seconds = [each["tolerationSeconds"] for each in meant if "tolerationSeconds" in each]
    if not seconds:
        return None
    added = times.parse(taint["timeAdded"]) if "timeAdded" in taint else now
    since = max(added, times.parse(pod["metadata"]["creationTimestamp"]))
    return since + timedelta(seconds=max(0, min(seconds)))


def _evict(pod: Manifest, now: datetime) -> list[Action]:
    """Say why in the pod's status, then delete it."""
    found = conditions.set_condition(
        (pod.get("status") or {}).get("conditions"),
        {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "DeletionByTaintManager",
            "message": "Taint manager: deleting due to NoExecute taint",
        },
        now,
    )
    version = {"resourceVersion": pod["metadata"]["resourceVersion"]}
    text = f"Marking for deletion Pod {meta.namespace_of(pod)}/{meta.name_of(pod)}"
    return [
        Patch(key_of(pod), {"metadata": version, "status": {"conditions": found}}, "status"),
        Emit("Normal", "TaintManagerEviction", text, about=pod),
        Delete(key_of(pod), uid=meta.uid_of(pod)),
    ]


EVICTION = Controller(name="taint-eviction", of=names.NODE, see=see, decide=decide)
