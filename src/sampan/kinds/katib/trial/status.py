"""How a Trial's status tells of what happened, with the events and counts that go with it.

Upstream: pkg/controller.v1beta1/trial/{trial_controller_util,trial_controller_status}.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from sampan.kinds.katib import conditions, phases, words
from sampan.kinds.katib.trial.jobs import Finding
from sampan.kinds.katib.trial.snapshot import Attempt
from sampan.kube.plan import Action, Emit
from sampan.kube.times import rfc3339


class Turn(Struct, frozen=True, kw_only=True):
    """The status after something happened, and what tells of it."""

    status: dict[str, Any]
    actions: Sequence[Action] = ()


def begun(attempt: Attempt) -> dict[str, Any]:
    status = dict(attempt.status)
    status.setdefault("startTime", rfc3339(attempt.now))
    return _marked(attempt, status, conditions.CREATED, "TrialCreated", "Trial is created")


def running(attempt: Attempt, status: dict[str, Any]) -> Turn:
    before = phases.phase_of(attempt.manifest)
    marked = _marked(attempt, status, conditions.RUNNING, "TrialRunning", "Trial is running")
    if attempt.blame and not attempt.finding.outcome:
        text = f"Trial is running. {attempt.blame}"
        said = conditions.worded(marked["conditions"], conditions.RUNNING, text, attempt.now)
        marked = {**marked, "conditions": said}
    if before == "Running":
        return Turn(status=marked)
    told = Emit("Normal", "JobRunning", f"Job {_job(attempt)} is running")
    return Turn(status=marked, actions=(told,))


def succeeded(attempt: Attempt, status: dict[str, Any]) -> Turn:
    reason, message = _with_job("TrialSucceeded", "Trial has succeeded", attempt.finding)
    event = Emit("Normal", "JobSucceeded", f"Job {_job(attempt)} has succeeded")
    return _ended(attempt, status, conditions.SUCCEEDED, reason, message, event)


def unavailable(attempt: Attempt, status: dict[str, Any], why: str) -> Turn:
    reason, message = _with_job("MetricsUnavailable", "Metrics are not available", attempt.finding)
    text = f"Metrics are not available for Job {_job(attempt)}"
    event = Emit("Warning", "MetricsUnavailable", f"{text}: {why}")
    return _ended(
        attempt, status, conditions.METRICS_UNAVAILABLE, reason, f"{message}. {why}", event
    )


def failed(attempt: Attempt, status: dict[str, Any], finding: Finding) -> Turn:
    reason, message = _with_job("TrialFailed", "Trial has failed", finding)
    if attempt.blame:
        message = f"{message}. {attempt.blame}"
    text = f"Job {_job(attempt)} has failed"
    if finding.message or finding.reason:
        text = f"{text}. {finding.message} {finding.reason}".rstrip()
    event = Emit("Normal", "JobFailed", text)
    return _ended(attempt, status, conditions.FAILED, reason, message, event)


def stopped(attempt: Attempt, status: dict[str, Any]) -> dict[str, Any]:
    """Somebody else has said that it was stopped early."""
    return {**status, "completionTime": status.get("completionTime") or rfc3339(attempt.now)}


_COUNTED = {
    conditions.SUCCEEDED: "succeeded",
    conditions.FAILED: "failed",
    conditions.METRICS_UNAVAILABLE: "metrics_unavailable",
}


def _ended(
    attempt: Attempt, status: dict[str, Any], type: str, reason: str, message: str, event: Emit
) -> Turn:
    said = conditions.ended(status.get("conditions"), type, reason, message, attempt.now)
    how = _COUNTED[type]
    help = f"The total number of {how.replace('_', ' ')} trials"
    return Turn(
        status={**status, "conditions": said, "completionTime": rfc3339(attempt.now)},
        actions=(event, words.counted(attempt.manifest, "trial", how, help)),
    )


def _with_job(reason: str, message: str, finding: Finding) -> tuple[str, str]:
    if finding.message:
        message = f"{message}. Job message: {finding.message}"
    if finding.reason:
        reason = f"{reason}. Job reason: {finding.reason}"
    return reason, message


def _marked(
    attempt: Attempt, status: dict[str, Any], type: str, reason: str, message: str
) -> dict[str, Any]:
    marked = conditions.marked(status.get("conditions"), type, reason, message, attempt.now)
    return {**status, "conditions": marked}


def _job(attempt: Attempt) -> str:
    return attempt.where.name if attempt.where else attempt.name
