"""When a Job is over, and how. What was once decided stays.

In the order of the checks: a rule of the policy about failures, too many failures, too late, too
many failed indexes, success. Reasons and messages are upstream's, for clients compare them.
Upstream: kubernetes pkg/controller/job/{job_controller,success_policy}.go.
"""

from __future__ import annotations

from msgspec import Struct

from sampan.kinds.workloads import indexes
from sampan.kinds.workloads.jobs import Run, SuccessRule
from sampan.kinds.workloads.tally import Tally
from sampan.kube.conditions import get_condition, is_true
from sampan.kube.times import parse, rfc3339


class Verdict(Struct, frozen=True, kw_only=True):
    """How the Job ends. `sign` is the condition of the decision, `end` that of the end."""

    sign: str
    end: str
    reason: str
    message: str

    @property
    def good(self) -> bool:
        return self.end == "Complete"


def _failure(reason: str, message: str) -> Verdict:
    return Verdict(sign="FailureTarget", end="Failed", reason=reason, message=message)


def _success(reason: str, message: str) -> Verdict:
    return Verdict(sign="SuccessCriteriaMet", end="Complete", reason=reason, message=message)


COMPLETE = _success("CompletionsReached", "Reached expected number of succeeded pods")
TOO_MANY_FAILURES = _failure("BackoffLimitExceeded", "Job has reached the specified backoff limit")
TOO_LATE = _failure("DeadlineExceeded", "Job was active longer than specified deadline")
TOO_MANY_LOST = _failure(
    "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes"
)
SOME_LOST = _failure("FailedIndexes", "Job has failed indexes")


def judge(run: Run, count: Tally) -> Verdict | None:
    """The verdict, if there is one."""
    for make, sign in ((_failure, "FailureTarget"), (_success, "SuccessCriteriaMet")):
        said = get_condition(run.status.conditions, sign)
        if said and said.get("status") == "True":
            return make(said.get("reason") or "", said.get("message") or "")
    return _failed(run, count) or _succeeded(run, count)


def _failed(run: Run, count: Tally) -> Verdict | None:
    if count.fatal:
        return _failure("PodFailurePolicy", count.fatal)
    if count.failed > run.spec.backoffLimit or _restarts_too_often(run):
        return TOO_MANY_FAILURES
    left = deadline(run)
    if left is not None and left <= 0:
        return TOO_LATE
    most = run.spec.maxFailedIndexes
    if most is not None and len(count.lost) > most:
        return TOO_MANY_LOST
    if count.lost and len(count.lost) + count.succeeded >= (run.spec.completions or 0):
        return SOME_LOST
    return None


def _restarts_too_often(run: Run) -> bool:
    """Containers that restart in place count as failures too."""
    if run.spec.template.get("spec", {}).get("restartPolicy") != "OnFailure":
        return False
    restarts = sum(pod.restarts for pod in run.pods if pod.active)
    return restarts > 0 and restarts >= run.spec.backoffLimit


def _succeeded(run: Run, count: Tally) -> Verdict | None:
    policy = run.spec.successPolicy
    for number, rule in enumerate(policy.rules if policy else ()):
        if _met(run, count, rule):
            return _success("SuccessPolicy", f"Matched rules at index {number}")
    if run.spec.completions is not None:
        done = count.succeeded >= run.spec.completions
    else:
        done = count.succeeded > 0 and not any(pod.active for pod in run.pods)
    return COMPLETE if done else None


def _met(run: Run, count: Tally, rule: SuccessRule) -> bool:
    done, needed = len(count.completed), rule.succeededCount
    if rule.succeededIndexes is not None:
        meant = indexes.read(rule.succeededIndexes, below=run.spec.completions or 0)
        done = len(count.completed & meant)
        needed = len(meant) if needed is None else needed
    return needed is not None and done >= needed


def deadline(run: Run) -> float | None:
    """Seconds that are left of activeDeadlineSeconds; a suspended Job has no hurry."""
    seconds, began = run.spec.activeDeadlineSeconds, start(run)
    if seconds is None or began is None:
        return None
    return seconds - (run.now - parse(began)).total_seconds()


def start(run: Run) -> str | None:
    """When the clock began: at the first look, or when the Job was resumed."""
    if run.spec.suspend:
        return None
    if is_true(run.status.conditions, "Suspended"):
        return rfc3339(run.now)
    return run.status.startTime or rfc3339(run.now)
