"""What a Job's status says, and when it is over.

Reasons and messages are upstream's, for clients compare them. The counts are those of this look at
the pods; nothing that a plan is about to do is in them. Upstream: kubernetes
pkg/controller/job/job_controller.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from msgspec import Struct

from sampan.kinds.workloads.jobs import Run, format_indexes
from sampan.kinds.workloads.pods import compact
from sampan.kinds.workloads.tally import Tally
from sampan.kube.conditions import Condition, get_condition, is_true, set_condition
from sampan.kube.plan import Action, Emit
from sampan.kube.times import parse, rfc3339

_KEEP = ("ready", "terminating", "uncountedTerminatedPods")


class Verdict(Struct, frozen=True, kw_only=True):
    """How the Job ends. `sign` is the condition of the decision, `end` that of the end."""

    sign: str
    end: str
    reason: str
    message: str


COMPLETE = Verdict(
    sign="SuccessCriteriaMet",
    end="Complete",
    reason="CompletionsReached",
    message="Reached expected number of succeeded pods",
)
TOO_MANY_FAILURES = Verdict(
    sign="FailureTarget",
    end="Failed",
    reason="BackoffLimitExceeded",
    message="Job has reached the specified backoff limit",
)
TOO_LATE = Verdict(
    sign="FailureTarget",
    end="Failed",
    reason="DeadlineExceeded",
    message="Job was active longer than specified deadline",
)


def judge(run: Run, count: Tally) -> Verdict | None:
    """The verdict, if there is one; what was once said stays."""
    for verdict in (TOO_MANY_FAILURES, TOO_LATE, COMPLETE):
        said = get_condition(run.status.conditions, verdict.sign)
        if said and said.get("status") == "True" and said.get("reason") == verdict.reason:
            return verdict
    if count.failed > run.spec.backoffLimit or _restarts_too_often(run):
        return TOO_MANY_FAILURES
    left = deadline(run)
    if left is not None and left <= 0:
        return TOO_LATE
    return COMPLETE if _complete(run, count) else None


def _complete(run: Run, count: Tally) -> bool:
    if run.spec.completions is not None:
        return count.succeeded >= run.spec.completions
    return count.succeeded > 0 and not any(pod.active for pod in run.pods)


def _restarts_too_often(run: Run) -> bool:
    """Containers that restart in place count as failures too."""
    if run.spec.template.get("spec", {}).get("restartPolicy") != "OnFailure":
        return False
    restarts = sum(pod.restarts for pod in run.pods if pod.active)
    return restarts > 0 and restarts >= run.spec.backoffLimit


def deadline(run: Run) -> float | None:
    """Seconds that are left of activeDeadlineSeconds; a suspended Job has no hurry."""
    seconds, start = run.spec.activeDeadlineSeconds, _start(run)
    if seconds is None or start is None:
        return None
    return seconds - (run.now - parse(start)).total_seconds()


def finished_at(run: Run) -> datetime | None:
    for type in ("Complete", "Failed"):
        said = get_condition(run.status.conditions, type)
        if said and said.get("status") == "True":
            return parse(said["lastTransitionTime"])
    return None


def report(run: Run, count: Tally, verdict: Verdict | None, *, ends: bool = False) -> Any:
    """The status. `ends`: no pod is left, so the verdict takes effect."""
    over = verdict is not None and ends
    known = {"succeeded": count.known_succeeded, "failed": count.known_failed}
    conditions = _conditions(run, verdict, over)
    active = [pod for pod in run.pods if pod.active]
    status = {
        "startTime": _start(run),
        "completionTime": rfc3339(run.now) if over and verdict is COMPLETE else None,
        "active": len(active),
        "ready": sum(pod.ready_since is not None for pod in active),
        "terminating": sum(pod.deleting and not pod.ended for pod in run.pods),
        "succeeded": count.succeeded,
        "failed": count.failed,
        "completedIndexes": format_indexes(set(count.completed)),
        "uncountedTerminatedPods": {} if over else compact(known),
        "conditions": conditions,
    }
    return compact(status, _KEEP)


def _start(run: Run) -> str | None:
    """When the clock began: at the first look, or when the Job was resumed."""
    if run.spec.suspend:
        return None
    if is_true(run.status.conditions, "Suspended"):
        return rfc3339(run.now)
    return run.status.startTime or rfc3339(run.now)


def _conditions(run: Run, verdict: Verdict | None, over: bool) -> list[Condition]:
    conditions = list(run.status.conditions)
    suspended = is_true(conditions, "Suspended")
    if verdict is not None:
        conditions = _with(run, conditions, verdict.sign, verdict.reason, verdict.message)
        if over:
            conditions = _with(run, conditions, verdict.end, verdict.reason, verdict.message)
    elif run.spec.suspend and not suspended:
        conditions = _with(run, conditions, "Suspended", "JobSuspended", "Job suspended")
    elif suspended and not run.spec.suspend:
        conditions = _with(
            run, conditions, "Suspended", "JobResumed", "Job resumed", status="False"
        )
    return conditions


def _with(
    run: Run, old: list[Condition], type: str, reason: str, message: str, *, status: str = "True"
) -> list[Condition]:
    """The conditions with this one; one that says the same already stays as it is."""
    said = get_condition(old, type)
    if said and (said.get("status"), said.get("reason")) == (status, reason):
        return old
    new = {
        "type": type,
        "status": status,
        "lastProbeTime": rfc3339(run.now),
        "reason": reason,
        "message": message,
    }
    return set_condition(old, new, run.now)


def tell(run: Run, verdict: Verdict | None, *, ends: bool = False) -> Iterator[Action]:
    """Events of what just became true."""
    suspended = is_true(run.status.conditions, "Suspended")
    if verdict is not None:
        if ends:
            good = verdict is COMPLETE
            message = "Job completed" if good else verdict.message
            kind, reason = ("Normal", "Completed") if good else ("Warning", verdict.reason)
            yield Emit(kind, reason, message)
    elif run.spec.suspend != suspended:
        word = "Suspended" if run.spec.suspend else "Resumed"
        yield Emit("Normal", word, f"Job {word.lower()}")
