"""What a Job has to count: each pod that ended exactly once, also after it is gone.

A finalizer keeps each pod until it has been counted:

    it ended, or is made to go -> counted, and its uid noted in `uncountedTerminatedPods`
    the note is in the status  -> the finalizer goes
    no finalizer               -> the note goes; the pod never counts again

So a crash between two steps neither loses a pod nor counts it twice. (Upstream lists there what it
has yet to count, with the same effect.) Pods that the Job itself gives up lose the finalizer first
and are never counted. An Indexed Job has its memory in `completedIndexes` and `failedIndexes`.
Upstream: kubernetes pkg/controller/job trackJobStatusAndRemoveFinalizers.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from sampan.kinds.workloads import indexes, jobfailures
from sampan.kinds.workloads.jobfailures import Index
from sampan.kinds.workloads.jobs import Run, broken, index_of, tracked
from sampan.kinds.workloads.types import Pod


class Tally(Struct, frozen=True, kw_only=True):
    """Numbers after this look. `completed` and `lost` are the indexes that are done and those that
    failed for good; `troubled` what is known of those that failed at least once.

    fatal: why the policy about failures ends the Job, "" if it does not.
    counted: pods whose count is in the status, which may go.
    """

    succeeded: int
    failed: int
    known_succeeded: list[str]
    known_failed: list[str]
    completed: frozenset[int] = frozenset()
    lost: frozenset[int] = frozenset()
    troubled: Mapping[int, Index] = {}
    fatal: str = ""
    counted: tuple[Pod, ...] = ()


def count(run: Run) -> Tally:
    known = run.status.uncountedTerminatedPods
    seen = [pod for pod in run.pods if tracked(pod)]
    good = [pod for pod in seen if pod.phase == "Succeeded"]
    bad = [pod for pod in seen if broken(run.spec, pod)]
    new = [pod for pod in good if pod.uid not in {*known.succeeded, *known.failed}]
    rulings = [jobfailures.ruling(run, pod) for pod in bad if pod.uid not in known.failed]
    completed, troubled = _completed(run, good), jobfailures.per_index(run)
    lost = _lost(run, troubled) - completed
    noted = {*known.succeeded, *known.failed}
    return Tally(
        succeeded=len(completed) if run.spec.indexed else run.status.succeeded + len(new),
        failed=run.status.failed + sum(ruling.action != "Ignore" for ruling in rulings),
        known_succeeded=[pod.uid for pod in good if pod.uid not in known.failed],
        known_failed=[pod.uid for pod in seen if pod in bad or pod.uid in known.failed],
        completed=frozenset(completed),
        lost=frozenset(lost),
        troubled=troubled,
        fatal=next((each.message for each in rulings if each.action == "FailJob"), ""),
        counted=tuple(
            pod for pod in seen if pod.uid in noted and not _remembers(run, pod, troubled)
        ),
    )


def _completed(run: Run, succeeded: list[Pod]) -> set[int]:
    if not run.spec.indexed:
        return set()
    last = run.spec.completions or 0
    found = {index for pod in succeeded if (index := index_of(pod)) is not None and index < last}
    return found | indexes.read(run.status.completedIndexes, below=last)


def _lost(run: Run, troubled: Mapping[int, Index]) -> set[int]:
    if run.spec.backoffLimitPerIndex is None:
        return set()
    last = run.spec.completions or 0
    found = {index for index, state in troubled.items() if state.over and index < last}
    return found | indexes.read(run.status.failedIndexes, below=last)


def _remembers(run: Run, pod: Pod, troubled: Mapping[int, Index]) -> bool:
    """Only this pod tells how often its index failed: it stays until the next one is made."""
    index = index_of(pod)
    state = troubled.get(index) if index is not None else None
    if state is None or state.over or state.last is not pod:
        return False
    return not any(index_of(other) == index and not other.ended for other in run.pods)
