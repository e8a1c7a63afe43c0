"""The rules of an Experiment that has ended well, as upstream's end-to-end tests judge.

Upstream: test/e2e/v1beta1/scripts/gh-actions/verify.py. What a kind has of its own (a volume under
FromVolume, no Deployment under Never) is asked of the API server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Manifest = dict[str, Any]
Exists = Callable[[str, str], bool]
"""Whether there is an object of this plural (with its group) and name in the namespace."""
_BEYOND: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "minimize": ("min", lambda value, goal: value > goal),
    "maximize": ("max", lambda value, goal: value < goal),
}
_KEPT = "LongRunning"


def faults(experiment: Manifest, suggestion: Manifest | None, exists: Exists) -> Iterator[str]:
    """One text for each rule that does not hold."""
    spec, status = experiment["spec"], experiment.get("status") or {}
    reason = true(status, "Succeeded")
    if reason is None:
        yield f"not Succeeded: {_last(status)}"
        return
    best = _best(spec, status)
    if best is None:
        yield f"no value of {spec['objective']['objectiveMetricName']} in currentOptimalTrial"
    elif reason == "ExperimentGoalReached":
        yield from _of_goal(spec["objective"], best)
    done = (status.get("trialsSucceeded") or 0) + (status.get("trialsEarlyStopped") or 0)
    if reason == "ExperimentMaxTrialsReached" and done != spec["maxTrialCount"]:
        yield f"{done} trials of {spec['maxTrialCount']} are completed"
    yield from _of_suggestion(experiment, suggestion, exists)


def _of_goal(objective: Manifest, best: Manifest) -> Iterator[str]:
    field, beyond = _BEYOND[objective["type"]]
    if beyond(float(best[field]), float(objective["goal"])):
        yield f"goal {objective['goal']} reached with {best}"


def _of_suggestion(
    experiment: Manifest, suggestion: Manifest | None, exists: Exists
) -> Iterator[str]:
    spec = experiment["spec"]
    if suggestion is None:
        yield "no Suggestion"
        return
    said, policy = suggestion.get("status") or {}, spec.get("resumePolicy")
    if policy == _KEPT and true(said, "Succeeded") is not None:
        yield f"Suggestion is Succeeded under {policy}"
    if policy != _KEPT and true(said, "Running") is not None:
        yield f"Suggestion is Running under {policy}"
    if policy not in ("Never", "FromVolume"):
        return
    name = f"{experiment['metadata']['name']}-{spec['algorithm']['algorithmName']}"
    for kind in ("apps/v1/deployments", "v1/services"):
        if exists(kind, name):
            yield f"{kind} {name} is still there under {policy}"
    if policy == "FromVolume" and not exists("v1/persistentvolumeclaims", name):
        yield f"claim {name} is gone under {policy}"


def true(status: Manifest, type: str) -> str | None:
    """The reason of a condition that is True."""
    for each in status.get("conditions") or ():
        if each["type"] == type and each["status"] == "True":
            return str(each.get("reason") or "")
    return None


def _best(spec: Manifest, status: Manifest) -> Manifest | None:
    observation = (status.get("currentOptimalTrial") or {}).get("observation") or {}
    name = spec["objective"]["objectiveMetricName"]
    found = [each for each in observation.get("metrics") or () if each["name"] == name]
    return found[0] if found else None


def _last(status: Manifest) -> str:
    listed = status.get("conditions") or [{}]
    return f"{listed[-1].get('type')}: {listed[-1].get('message')}"
