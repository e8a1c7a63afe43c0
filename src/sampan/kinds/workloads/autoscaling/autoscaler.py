"""The controller: asks every fifteen seconds, scales its target, says what it saw.

One metric that cannot be read does not stop growth that another asks for, but it stops shrinking.
Metrics come through the view: PodMetrics of what the node measures; of other systems, objects of
the kinds below, where the cluster serves them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from sampan.kinds.workloads import pods
from sampan.kinds.workloads.autoscaling import bounds, demand
from sampan.kinds.workloads.autoscaling.bounds import Limited
from sampan.kinds.workloads.autoscaling.demand import Fault, Proposal
from sampan.kinds.workloads.autoscaling.types import (
    NOTES,
    Notes,
    Scaled,
    Spec,
    Status,
    look,
    remembered,
    used,
)
from sampan.kinds.workloads.types import Conditions, view
from sampan.kube import labels, meta, names, quantities, selectors
from sampan.kube.conditions import set_condition
from sampan.kube.errors import BadRequest
from sampan.kube.keys import Key, Manifest, kind_of
from sampan.kube.plan import Action, Controller, Emit, Patch, Plan, View
from sampan.kube.times import rfc3339

PERIOD = 15.0
EXTERNAL = "ExternalMetricValue.external.metrics.k8s.io"
CUSTOM = "MetricValue.custom.metrics.k8s.io"
_KEEP = ("currentReplicas", "desiredReplicas")


# -- seeing -------------------------------------------------------------------------------------


def see(cluster: View, key: Key) -> Scaled | None:
    manifest = cluster.get(key)
    if manifest is None or meta.deleting(manifest):
        return None
    spec, now = view(Spec, manifest["spec"]), cluster.now()
    reference = spec.scaleTargetRef
    target = Key(kind_of(reference.apiVersion, reference.kind), key.namespace, reference.name)
    seen = Scaled(
        manifest=manifest,
        spec=spec,
        status=view(Status, manifest.get("status")),
        notes=remembered(manifest),
        target=target,
        now=now,
    )
    found = cluster.get(target)
    replicas = None if found is None else (found.get("spec") or {}).get("replicas")
    if found is None or not isinstance(replicas, int):
        fault = f'{target.kind} "{target.name}" not found' if found is None else "it has no scale"
        return msgspec.structs.replace(seen, fault=fault)
    return _observed(cluster, msgspec.structs.replace(seen, replicas=replicas), found)


def _observed(cluster: View, seen: Scaled, target: Manifest) -> Scaled:
    """With the target's pods and what they use."""
    namespace, selector = seen.target.namespace, _selector(target)
    usage = {
        meta.name_of(each): used(each)
        for each in cluster.select(names.POD_METRICS, namespace, selector)
    }
    return msgspec.structs.replace(
        seen,
        pods=tuple(
            look(pod, usage.get(meta.name_of(pod)))
            for pod in cluster.select(names.POD, namespace, selector)
        ),
        values={
            number: values
            for number, metric in enumerate(seen.spec.metrics)
            if (values := _values(cluster, namespace, metric)) is not None
        },
    )


def _selector(target: Manifest) -> Mapping[str, Any]:
    """The pods of the target: a kind of one's own says them as text in its status."""
    found = (target.get("spec") or {}).get("selector")
    if found is None:
        text = (target.get("status") or {}).get("selector") or ""
        try:
            pairs = selectors.parse_labels(text).requirements if isinstance(text, str) else ()
        except BadRequest:
            pairs = ()
        found = {each.key: each.values[0] for each in pairs if each.op == "in"}
    if "matchLabels" not in found and "matchExpressions" not in found:
        found = {"matchLabels": found}
    return found


def _values(cluster: View, namespace: str, metric: Mapping[str, Any]) -> Sequence[int] | None:
    """What another system says, in thousandths; None where the cluster serves no such thing."""
    kind = {"External": EXTERNAL, "Pods": CUSTOM, "Object": CUSTOM}.get(metric["type"])
    if kind is None or not cluster.has_kind(kind):
        return None
    body = demand.body_of(metric)
    wanted = body.get("metric") or {}
    found = []
    for each in cluster.select(kind, namespace):
        name = each.get("metricName") or (each.get("metric") or {}).get("name")
        about = each.get("describedObject") or {}
        given = each.get("metricLabels") or labels.of(each)
        if name != wanted.get("name") or not labels.matches(wanted.get("selector") or {}, given):
            continue
        if metric["type"] == "Object" and not _same(about, body.get("describedObject") or {}):
            continue
        try:
            found.append(quantities.milli(each.get("value") or 0))
        except ValueError:
            continue
    return found


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one.get(field) == other.get(field) for field in ("kind", "name"))


# -- deciding -----------------------------------------------------------------------------------


class _Verdict(Struct, frozen=True, kw_only=True):
    """What the status says: the conditions that are new, the size to have, the metrics."""

    conditions: tuple[tuple[str, str, str, str], ...]
    desired: int
    metrics: list[dict[str, Any]]
    actions: tuple[Action, ...] = ()
    scaled: bool = False


def decide(seen: Scaled) -> Plan:
    verdict = _judge(seen)
    conditions: Conditions = seen.status.conditions
    for kind, value, reason, message in verdict.conditions:
        new = {"type": kind, "status": value, "reason": reason, "message": message}
        conditions = set_condition(conditions, new, seen.now)
    status = {
        "lastScaleTime": rfc3339(seen.now) if verdict.scaled else seen.status.lastScaleTime,
        "currentReplicas": seen.replicas,
        "desiredReplicas": verdict.desired,
        "currentMetrics": verdict.metrics or None,
        "conditions": conditions,
        "observedGeneration": seen.manifest["metadata"].get("generation"),
    }
    news = conditions != seen.status.conditions  # the same again is no Event
    actions = (each for each in verdict.actions if news or not isinstance(each, Emit))
    return Plan(
        status=pods.compact(status, _KEEP),
        actions=tuple(actions) if not verdict.scaled else verdict.actions,
        again_in=PERIOD,
    )


def _judge(seen: Scaled) -> _Verdict:
    if seen.fault:
        text = f"the HPA controller was unable to get the target's current scale: {seen.fault}"
        return _Verdict(
            conditions=(("AbleToScale", "False", "FailedGetScale", text),),
            desired=0,
            metrics=[],
            actions=(Emit("Warning", "FailedGetScale", seen.fault),),
        )
    low, high = seen.spec.minReplicas, seen.spec.maxReplicas
    if seen.replicas == 0 and low != 0:
        text = "scaling is disabled since the replica count of the target is zero"
        disabled = ("ScalingActive", "False", "ScalingDisabled", text)
        return _Verdict(conditions=(_ABLE, disabled), desired=0, metrics=[])
    if seen.replicas > high:
        return _forced(seen, high, "Current number of replicas above Spec.MaxReplicas")
    if seen.replicas < low:
        return _forced(seen, low, "Current number of replicas below Spec.MinReplicas")
    return _measured(seen)


_ABLE = (
    "AbleToScale",
    "True",
    "SucceededGetScale",
    "the HPA controller was able to get the target's current scale",
)


def _forced(seen: Scaled, size: int, reason: str) -> _Verdict:
    return _Verdict(
        conditions=(_rescaled(size),),
        desired=size,
        metrics=seen.status.currentMetrics,
        actions=_rescale(seen, size, reason, seen.notes),
        scaled=True,
    )


def _measured(seen: Scaled) -> _Verdict:
    found = [demand.propose(seen, number) for number in range(len(seen.spec.metrics))]
    good = [each for each in found if isinstance(each, Proposal)]
    bad = [each for each in found if isinstance(each, Fault)]
    metrics = [each.status for each in good]
    best = max(good, key=lambda each: each.replicas, default=None)
    told = tuple(Emit("Warning", each.reason, each.message) for each in bad)
    if best is None or (bad and best.replicas < seen.replicas):
        text = f"the HPA was unable to compute the replica count: {bad[0].message}" if bad else ""
        reason = bad[0].reason if bad else "InvalidMetricSourceType"
        failed = ("ScalingActive", "False", reason, text)
        return _Verdict(
            conditions=(_ABLE, failed), desired=seen.replicas, metrics=metrics, actions=told
        )
    text = f"the HPA was able to successfully calculate a replica count from {best.name}"
    active = ("ScalingActive", "True", "ValidMetricFound", text)
    now = seen.now.timestamp()
    limited = bounds.limit(seen.spec, seen.notes, seen.replicas, best.replicas, now)
    limit = ("ScalingLimited", "True" if limited.limited else "False", *limited.limit)
    if limited.size == seen.replicas:
        able, actions = _still(limited), _remember(seen, limited.notes)
    else:
        able = _rescaled(limited.size)
        up = limited.size > seen.replicas
        why = f"{best.name} above target" if up else "All metrics below target"
        actions = _rescale(seen, limited.size, why, limited.notes)
    return _Verdict(
        conditions=(able, active, limit),
        desired=limited.size,
        metrics=metrics,
        actions=(*told, *actions),
        scaled=limited.size != seen.replicas,
    )


def _still(limited: Limited) -> tuple[str, str, str, str]:
    if limited.stabilised == "ScaleUpStabilized":
        text = "recent recommendations were lower than current one, applying the lowest recent"
        return ("AbleToScale", "True", limited.stabilised, f"{text} recommendation")
    if limited.stabilised:
        text = "recent recommendations were higher than current one, applying the highest recent"
        return ("AbleToScale", "True", limited.stabilised, f"{text} recommendation")
    return ("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size")


def _rescaled(size: int) -> tuple[str, str, str, str]:
    text = f"the HPA controller was able to update the target scale to {size}"
    return ("AbleToScale", "True", "SucceededRescale", text)


def _rescale(seen: Scaled, size: int, reason: str, notes: Notes) -> tuple[Action, ...]:
    change = (seen.now.timestamp(), size - seen.replicas)
    new = Notes(recommended=notes.recommended, rescaled=[*notes.rescaled, change])
    return (
        Patch(seen.target, {"spec": {"replicas": size}}, "scale"),
        Emit("Normal", "SuccessfulRescale", f"New size: {size}; reason: {reason}"),
        *_remember(seen, new),
    )


def _remember(seen: Scaled, notes: Notes) -> tuple[Action, ...]:
    if notes == seen.notes:
        return ()
    about = seen.manifest["metadata"]
    key = Key(names.HORIZONTAL_POD_AUTOSCALER, about.get("namespace") or "", about["name"])
    text = None if notes == Notes() else msgspec.json.encode(notes).decode()
    return (Patch(key, {"metadata": {"annotations": {NOTES: text}}}),)


AUTOSCALER = Controller(
    name="horizontal-pod-autoscaler", of=names.HORIZONTAL_POD_AUTOSCALER, see=see, decide=decide
)
