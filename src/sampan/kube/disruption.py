"""Whether a pod may be evicted: the rule of PodDisruptionBudgets. Pure.

    ended, pending or deleted already -> it may: that disrupts nobody
    more than one budget              -> refused: upstream supports no such thing
    not ready, and enough others are  -> it may, if it is still not ready when it is deleted
    the budget allows a disruption    -> it may, and the budget's status says so
    otherwise                         -> 429, try again

The status of budgets is computed by a controller; `judge` trusts it only if it is about the present
spec. Upstream: kubernetes pkg/registry/core/pod/storage/eviction.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from sampan.kube import labels, meta
from sampan.kube.conditions import Condition, is_true, set_condition
from sampan.kube.errors import ApiStatus, Forbidden, InternalError, TooManyRequests
from sampan.kube.keys import Manifest
from sampan.kube.times import rfc3339

_HARMLESS = ("Pending", "Succeeded", "Failed")
_VIOLATION = "Cannot evict pod as it would violate the pod's disruption budget."
_MOST_DISRUPTED = 2000
"""Evictions that the controller has not yet seen through; upstream's figure."""
_PATIENCE = 10


class Ruling(Struct, frozen=True, kw_only=True):
    """refusal: the answer, if the pod may not go. status: what `budget` has to say before it goes.
    exact: it may go only as it is now."""

    refusal: ApiStatus | None = None
    budget: Manifest | None = None
    status: dict[str, Any] | None = None
    exact: bool = False


def judge(pod: Manifest, budgets: Sequence[Manifest], now: datetime) -> Ruling:
    """`budgets` are those of the pod's namespace."""
    phase = (pod.get("status") or {}).get("phase") or "Pending"
    if phase in _HARMLESS or meta.deleting(pod):
        return Ruling(exact=phase == "Pending" and not meta.deleting(pod))
    meant = [each for each in budgets if covers(each, pod)]
    if len(meant) > 1:
        text = "This pod has more than one PodDisruptionBudget, which the eviction subresource"
        return Ruling(refusal=InternalError(f"{text} does not support."))
    if not meant:
        return Ruling()
    (budget,) = meant
    if not is_true((pod.get("status") or {}).get("conditions"), "Ready") and _spares(budget):
        return Ruling(budget=budget, exact=True)
    return _decrement(budget, pod, now)


def covers(budget: Manifest, pod: Manifest) -> bool:
    return labels.matches((budget.get("spec") or {}).get("selector"), labels.of(pod))


def _spares(budget: Manifest) -> bool:
    """Pods that are not ready may go: always, or while enough others are."""
    if (budget.get("spec") or {}).get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status") or {}
    needed = status.get("desiredHealthy") or 0
    return needed > 0 and (status.get("currentHealthy") or 0) >= needed


def _decrement(budget: Manifest, pod: Manifest, now: datetime) -> Ruling:
    status, name = budget.get("status") or {}, meta.name_of(budget)
    left, gone = status.get("disruptionsAllowed") or 0, status.get("disruptedPods") or {}
    if (status.get("observedGeneration") or 0) < (budget["metadata"].get("generation") or 0):
        return Ruling(refusal=_in_progress(name))
    if left < 0 or len(gone) > _MOST_DISRUPTED:
        cause = "pdb disruptions allowed is negative" if left < 0 else (
            "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        )  # fmt: skip
        return Ruling(refusal=Forbidden(f'poddisruptionbudget "{name}" is forbidden: {cause}'))
    if left == 0:
        needs, has = status.get("desiredHealthy") or 0, status.get("currentHealthy") or 0
        text = f"The disruption budget {name} needs {needs} healthy pods and has {has} currently"
        return Ruling(refusal=_refused(text))
    new = {
        **status,
        "disruptionsAllowed": left - 1,
        "disruptedPods": {**gone, meta.name_of(pod): rfc3339(now)},
    }
    generation = budget["metadata"].get("generation") or 0
    new["conditions"] = said(status.get("conditions") or [], left - 1, generation, now)
    return Ruling(budget=budget, status=new)


def said(
    conditions: Sequence[Condition], allowed: int, generation: int, now: datetime
) -> list[Condition]:
    """The condition DisruptionAllowed beside the others."""
    condition = {
        "type": "DisruptionAllowed",
        "observedGeneration": generation,
        "status": "True" if allowed else "False",
        "reason": "SufficientPods" if allowed else "InsufficientPods",
        "message": "",
    }
    return set_condition(conditions, condition, now)


def _in_progress(name: str) -> ApiStatus:
    """The budget, or the pod, has changed meanwhile."""
    text = f"The disruption budget {name} is still being processed by the server."
    return _refused(text, _PATIENCE)


def _refused(text: str, seconds: int = 0) -> ApiStatus:
    details: dict[str, Any] = {"causes": [{"reason": "DisruptionBudget", "message": text}]}
    if seconds:
        details["retryAfterSeconds"] = seconds
    return TooManyRequests(_VIOLATION, details)
