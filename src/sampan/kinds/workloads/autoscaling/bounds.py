"""How far and how fast the number of replicas may move.

    recommended -> stabilised (the window's largest or smallest) -> limited by the policies of
    behavior -> within minReplicas and maxReplicas

Without a behavior, growth is limited to twice the size (four at least), and shrinking waits for
five minutes. What was recommended of late is remembered only while it differs from the present
size, so that an autoscaler at rest writes nothing.
Upstream: pkg/controller/podautoscaler/horizontal.go normalizeDesiredReplicas….
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

from msgspec import Struct

from sampan.kinds.workloads.autoscaling.types import Behavior, Notes, Policy, Rules, Spec

DOWN_WINDOW = 300
_LEAST_GROWTH = 4
_UP = [
    Policy(type="Pods", value=4, periodSeconds=15),
    Policy(type="Percent", value=100, periodSeconds=15),
]
_WITHIN = ("DesiredWithinRange", "the desired count is within the acceptable range")
_DOWN = [Policy(type="Percent", value=100, periodSeconds=15)]


class Limited(Struct, frozen=True, kw_only=True):
    """The size to have. stabilised: the reason of AbleToScale, "" if the recommendation stood;
    limit: reason and message of ScalingLimited; limited: whether it is."""

    size: int
    stabilised: str
    limited: bool
    limit: tuple[str, str]
    notes: Notes


def limit(spec: Spec, notes: Notes, current: int, wanted: int, now: float) -> Limited:
    """The size to have, if a metric asks for `wanted` and the target has `current`."""
    behavior = spec.behavior or Behavior()
    bounded = min(max(wanted, spec.minReplicas), spec.maxReplicas)
    notes = _noted(notes, behavior, current, bounded, now)
    size, stabilised = _stabilised(behavior, notes, current, bounded, now)
    reason = _reason(spec, wanted, size)
    if size > current and size > (most := max(_ceiling(spec, notes, current, now), current)):
        text = "the desired replica count is increasing faster than the maximum scale rate"
        size, reason = most, ("ScaleUpLimit", text)
    elif size < current and size < (
        least := min(_floor(behavior.scaleDown, notes, current, now), current)
    ):
        text = "the desired replica count is decreasing faster than the maximum scale rate"
        size, reason = least, ("ScaleDownLimit", text)
    return Limited(
        size=size,
        stabilised=stabilised,
        limited=reason != _WITHIN,
        limit=reason,
        notes=notes,
    )


def _reason(spec: Spec, wanted: int, size: int) -> tuple[str, str]:
    if wanted > size == spec.maxReplicas:
        text = "the desired replica count is more than the maximum replica count"
        return "TooManyReplicas", text
    if wanted < size == spec.minReplicas:
        text = "the desired replica count is less than the minimum replica count"
        return "TooFewReplicas", text
    return _WITHIN


def _noted(notes: Notes, behavior: Behavior, current: int, wanted: int, now: float) -> Notes:
    """With this recommendation, and without what no window reaches any more."""
    up, down = _window(behavior.scaleUp, 0), _window(behavior.scaleDown, DOWN_WINDOW)
    before = notes.recommended
    if not before and wanted != current:
        before = [(now, current)]  # for as long as nothing was noted
    # of each size the last time, and only what can hold back a move towards the wanted one
    kept = [
        (at, size)
        for at, size in before
        if (size > wanted and now - at < down) or (size < wanted and now - at < up)
    ]
    if kept or wanted != current:
        kept.append((now, wanted))
    rules = (behavior.scaleUp or Rules(), behavior.scaleDown or Rules())
    period = max(each.periodSeconds for rule in rules for each in rule.policies or _UP)
    rescaled = [(at, change) for at, change in notes.rescaled if now - at < period]
    return Notes(recommended=kept, rescaled=rescaled)


def _window(rules: Rules | None, usual: int) -> int:
    given = rules.stabilizationWindowSeconds if rules else None
    return usual if given is None else given


def _stabilised(
    behavior: Behavior, notes: Notes, current: int, wanted: int, now: float
) -> tuple[int, str]:
    def recent(window: int) -> list[int]:
        return [size for at, size in notes.recommended if now - at < window] + [wanted]

    lowest = min(recent(_window(behavior.scaleUp, 0)))
    highest = max(recent(_window(behavior.scaleDown, DOWN_WINDOW)))
    size = min(max(current, lowest), highest)  # upstream: up to the lowest, down to the highest
    if size == wanted:
        return size, ""
    return size, "ScaleUpStabilized" if wanted > size else "ScaleDownStabilized"


def _ceiling(spec: Spec, notes: Notes, current: int, now: float) -> int:
    if spec.behavior is None:
        return max(2 * current, _LEAST_GROWTH)
    rules = spec.behavior.scaleUp or Rules()
    if rules.selectPolicy == "Disabled":
        return current
    found = []
    for policy in rules.policies or _UP:
        before = current - sum(_changes(notes, policy, now, up=True))
        if policy.type == "Pods":
            found.append(before + policy.value)
        else:
            found.append(ceil(before * (100 + policy.value) / 100))
    return min(found) if rules.selectPolicy == "Min" else max(found)


def _floor(rules: Rules | None, notes: Notes, current: int, now: float) -> int:
    rules = rules or Rules()
    if rules.selectPolicy == "Disabled":
        return current
    found = []
    for policy in rules.policies or _DOWN:
        before = current - sum(_changes(notes, policy, now, up=False))
        if policy.type == "Pods":
            found.append(before - policy.value)
        else:
            found.append(int(before * (100 - policy.value) / 100))
    return max(found) if rules.selectPolicy == "Min" else min(found)


def _changes(notes: Notes, policy: Policy, now: float, *, up: bool) -> Iterable[int]:
    """The rescales in this direction within the policy's period."""
    for at, change in notes.rescaled:
        if now - at < policy.periodSeconds and (change > 0) == up:
            yield change
