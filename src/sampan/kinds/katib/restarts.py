"""Whether an Experiment has ended, and whether it may go on when its budget is raised.

Upstream: pkg/controller.v1beta1/experiment/util/status_util.go IsCompletedExperimentRestartable.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kinds.katib.conditions import FAILED, SUCCEEDED
from sampan.kube.conditions import get_condition, is_true

MAX_TRIALS_REACHED = "ExperimentMaxTrialsReached"
_KEPT = ("LongRunning", "FromVolume")


def is_completed(status: Mapping[str, Any]) -> bool:
    said = status.get("conditions")
    return is_true(said, SUCCEEDED) or is_true(said, FAILED)


def is_restartable(spec: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    said = status.get("conditions")
    ended = get_condition(said, SUCCEEDED)
    return (
        ended is not None
        and is_true(said, SUCCEEDED)
        and ended.get("reason") == MAX_TRIALS_REACHED
        and spec.get("resumePolicy") in _KEPT
    )


def is_asked(spec: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    """Whether it may go on, and has room for more trials. Without maxTrialCount one that reached
    its goal is over for good; upstream restarts it again and again."""
    most = spec.get("maxTrialCount")
    return is_restartable(spec, status) and (most is None or most > (status.get("trials") or 0))
