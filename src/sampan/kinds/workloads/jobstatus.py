"""What a Job's status says, and the Events that go with it.

The counts are those of this look at the pods; nothing that a plan is about to do is in them. When
the Job is over is decided in `jobverdict`. Upstream: kubernetes
pkg/controller/job/job_controller.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sampan.kinds.workloads import indexes
from sampan.kinds.workloads.jobs import Run
from sampan.kinds.workloads.jobverdict import Verdict, start
from sampan.kinds.workloads.pods import compact
from sampan.kinds.workloads.tally import Tally
from sampan.kube.conditions import Condition, get_condition, is_true, set_condition
from sampan.kube.plan import Action, Emit
from sampan.kube.times import parse, rfc3339

_KEEP = ("ready", "terminating", "uncountedTerminatedPods")


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
    per_index = run.spec.backoffLimitPerIndex is not None
    status = {
        "startTime": start(run),
        "completionTime": rfc3339(run.now)
        if over and verdict is not None and verdict.good
        else None,
        "active": len(active),
        "ready": sum(pod.ready_since is not None for pod in active),
        "terminating": sum(pod.deleting and not pod.ended for pod in run.pods),
        "succeeded": count.succeeded,
        "failed": count.failed,
        "completedIndexes": indexes.write(count.completed),
        "failedIndexes": indexes.write(count.lost) if per_index else None,
        "uncountedTerminatedPods": {} if over else compact(known),
        "conditions": conditions,
    }
    return compact(status, (*_KEEP, "failedIndexes") if per_index else _KEEP)


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
            good = verdict.good
            message = "Job completed" if good else verdict.message
            kind, reason = ("Normal", "Completed") if good else ("Warning", verdict.reason)
            yield Emit(kind, reason, message)
    elif run.spec.suspend != suspended:
        word = "Suspended" if run.spec.suspend else "Resumed"
        yield Emit("Normal", word, f"Job {word.lower()}")
