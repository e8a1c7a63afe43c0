"""What may be changed in an Experiment: its budget, as long as there is something to do with more,
and whether it is suspended or shut down, until it has ended.

Upstream: pkg/webhook/v1beta1/experiment/validator/validator.go ValidateExperiment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sampan.kinds.katib import restarts
from sampan.kube.errors import Problem, forbidden, invalid
from sampan.kube.keys import Manifest

_BUDGET = ("parallelTrialCount", "maxTrialCount", "maxFailedTrialCount")
_HOLDING = ("suspend", "shutdown")
"""Not upstream's."""


def problems(new: Mapping[str, Any], old: Manifest) -> Iterator[Problem]:
    """`new` is the spec to be, `old` the Experiment as it is."""
    before, status = old.get("spec") or {}, old.get("status") or {}
    if new == before:
        return
    if _without(new, _HOLDING) == _without(before, _HOLDING):
        if restarts.is_completed(status) and (new.get("suspend") or new.get("shutdown")):
            yield forbidden(
                "spec", "the Experiment has ended, and cannot be suspended or shut down"
            )
        return
    if restarts.is_completed(status) and not restarts.is_restartable(before, status):
        yield invalid(
            "spec.resumePolicy",
            new.get("resumePolicy") or "",
            "Experiment can be restarted if it is in succeeded state by reaching max trials and "
            "spec.resumePolicy = LongRunning or spec.resumePolicy = FromVolume, when experiment is "
            "completed",
        )
    most = new.get("maxTrialCount")
    if isinstance(most, int) and most <= (status.get("trials") or 0):
        yield invalid("spec.maxTrialCount", most, "must be greater than status.trials count")
    if _without(new, _BUDGET + _HOLDING) != _without(before, _BUDGET + _HOLDING):
        free = "spec.parallelTrialCount, spec.maxTrialCount and spec.maxFailedTrialCount"
        yield forbidden("spec", f"only {free} are editable")


def _without(spec: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    return {field: value for field, value in spec.items() if field not in fields}
