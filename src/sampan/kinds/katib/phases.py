"""What a Trial has come to, and the value that it is compared by.

Read here and nowhere else: the Experiment counts by it, the Trial's own controller ends by it.
Upstream: experiment/util/status_util.go, pkg/apis/controller/trials/v1beta1/util.go.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from sampan.kinds.katib import conditions
from sampan.kube.katib import UNAVAILABLE
from sampan.kube.keys import Manifest

Phase = Literal[
    "Pending", "Running", "Succeeded", "Failed", "Killed", "EarlyStopped", "MetricsUnavailable"
]
_ORDER: tuple[Phase, ...] = (
    "Killed", "Failed", "Succeeded", "EarlyStopped", "Running", "MetricsUnavailable",
)  # fmt: skip
"""Of several that are true the first counts."""
_RANKED: Mapping[str | None, tuple[Phase, int]] = {
    phase: (phase, place) for place, phase in enumerate(_ORDER)
}
_NONE: tuple[Phase, int] = ("Pending", len(_ORDER))
ACTIVE: tuple[Phase, ...] = ("Pending", "Running")
MEASURED: tuple[Phase, ...] = ("Succeeded", "EarlyStopped")
"""Of which there are metrics."""


def phase_of(trial: Manifest) -> Phase:
    found, rank = _NONE
    for each in (trial.get("status") or {}).get("conditions") or ():
        if each.get("status") == "True":
            phase, place = _RANKED.get(each.get("type"), _NONE)
            if place < rank:
                found, rank = phase, place
    return found


def over(phase: Phase) -> bool:
    return phase not in ACTIVE


def is_created(status: Mapping[str, Any]) -> bool:
    return any(
        each.get("type") == conditions.CREATED and each.get("status") == "True"
        for each in status.get("conditions") or ()
    )


def value_of(objective: Mapping[str, Any], observation: Mapping[str, Any] | None) -> str:
    """The objective's value as its metricStrategy takes it; "unavailable" when there is none."""
    name = objective.get("objectiveMetricName")
    how = None
    for each in objective.get("metricStrategies") or ():
        if each.get("name") == name:
            how = each.get("value")
            break
    for metric in (observation or {}).get("metrics") or ():
        if metric.get("name") == name and how in ("min", "max", "latest"):
            taken = metric.get(how) or ""
            return str(metric.get("latest") or "") if taken == UNAVAILABLE else str(taken)
    return UNAVAILABLE


def number(text: str) -> float | None:
    """The value as a number, NaN and infinities included; None for other texts."""
    try:
        return float(text)
    except ValueError:
        return None


def is_usable(value: str) -> bool:
    """Whether a trial with this value can be the best: a number, or a text as architectures are.
    Upstream counts "" and NaN too, which then stay the best for good."""
    found = number(value)
    return value not in ("", UNAVAILABLE) and (found is None or math.isfinite(found))
