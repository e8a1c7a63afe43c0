"""Whether and how an Experiment ends. In the order of the tests; the words are upstream's.

    goal reached -> too many failed -> enough trials -> stopped by its owner -> nothing left to try

Trials that run at the end go on, as with upstream (kubeflow/katib#2061).
Upstream: pkg/controller.v1beta1/experiment/util/status_util.go UpdateExperimentStatusCondition.
"""

from __future__ import annotations

from msgspec import Struct, structs

from sampan.kinds.katib import phases, restarts
from sampan.kinds.katib.conditions import EXHAUSTED, FAILED, SUCCEEDED
from sampan.kinds.katib.experiment import holding, suggestions
from sampan.kinds.katib.experiment.snapshot import Search
from sampan.kinds.katib.experiment.tally import Tally
from sampan.kube.conditions import get_condition, is_true


class Verdict(Struct, frozen=True, kw_only=True):
    type: str
    reason: str
    message: str


def succeeded(reason: str, because: str) -> Verdict:
    message = f"Experiment has succeeded because {because}"
    return Verdict(type=SUCCEEDED, reason=reason, message=message)


def failed(message: str) -> Verdict:
    return Verdict(type=FAILED, reason="ExperimentFailed", message=message)


GOAL = succeeded("ExperimentGoalReached", "Objective goal has reached")
ENOUGH = succeeded(restarts.MAX_TRIALS_REACHED, "max trial count has reached")
STOPPED = succeeded("ExperimentStopped", "it was stopped by spec.shutdown")
NOTHING_LEFT = succeeded("ExperimentSuggestionEndReached", "suggestion service has reached the end")
_TOO_MANY_FAILED = "Experiment has failed because max failed count has reached"


def judge(search: Search, tally: Tally) -> Verdict | None:
    if said := _of_trials(search, tally):
        return said
    if holding.is_ending(search) and not tally.count(*phases.ACTIVE):
        return STOPPED
    conditions = ((search.suggestion or {}).get("status") or {}).get("conditions")
    if is_true(conditions, FAILED):
        why = (get_condition(conditions, FAILED) or {}).get("message") or ""
        return failed(f"Suggestion has failed: {why}" if why else "Suggestion has failed")
    if is_true(conditions, EXHAUSTED) and not tally.count(*phases.ACTIVE):
        return None if any(suggestions.waiting(search)) else NOTHING_LEFT
    return None


def _of_trials(search: Search, tally: Tally) -> Verdict | None:
    spec = search.spec
    if tally.reached:
        return GOAL
    most = spec.maxFailedTrialCount
    if most is not None and tally.failed and tally.failed >= most:
        return failed(f"{_TOO_MANY_FAILED}{_culprit(tally)}")
    if spec.maxTrialCount is not None and tally.completed >= spec.maxTrialCount:
        return _with_hint(ENOUGH, search, tally)
    return None


def _with_hint(verdict: Verdict, search: Search, tally: Tally) -> Verdict:
    """An Experiment succeeds with upstream when none of its trials did."""
    objective = search.spec.objective
    if tally.best is not None or tally.infeasible or objective is None:
        return verdict
    hint = f". No trial has a value of {objective.objectiveMetricName}{_culprit(tally)}"
    return structs.replace(verdict, message=f"{verdict.message}{hint}")


def _culprit(tally: Tally) -> str:
    """Where it stands what went wrong; "" when nothing did."""
    wrong = [*tally.by.get("Failed", ()), *tally.by.get("MetricsUnavailable", ())]
    return f": see trial {wrong[-1]}" if wrong else ""
