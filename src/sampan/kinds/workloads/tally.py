"""What a Job has to count: each pod that ended exactly once, also after it is gone.

`status.succeeded` and `status.failed` only ever grow. A pod that ended is counted when it is first
seen; as long as it exists its uid stands in `status.uncountedTerminatedPods`, so that it is not
counted again. (Upstream keeps ended pods with a finalizer until they are counted, and lists there
those with the finalizer; without finalizers a pod can always be deleted at once.) An Indexed Job
has its memory in `completedIndexes`. A pod that is being deleted is no failure.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from sampan.kinds.workloads.jobs import Run, index_of, parse_indexes
from sampan.kinds.workloads.types import Pod

FIRST_BACKOFF = 10.0
LONGEST_BACKOFF = 600.0


class Tally(Struct, frozen=True, kw_only=True):
    """Numbers after this look. `completed` are the indexes that are done (Indexed only)."""

    succeeded: int
    failed: int
    known_succeeded: list[str]
    known_failed: list[str]
    completed: frozenset[int] = frozenset()


def count(run: Run) -> Tally:
    known = run.status.uncountedTerminatedPods
    succeeded = [pod for pod in run.pods if pod.phase == "Succeeded"]
    failed = [pod for pod in run.pods if pod.phase == "Failed"]
    new = {pod.uid for pod in succeeded} - set(known.succeeded)
    broken = {pod.uid for pod in failed if not pod.deleting} - set(known.failed)
    counted = {*known.failed, *broken}
    completed = _completed(run, succeeded)
    return Tally(
        succeeded=len(completed) if run.spec.indexed else run.status.succeeded + len(new),
        failed=run.status.failed + len(broken),
        known_succeeded=[pod.uid for pod in succeeded],
        known_failed=[pod.uid for pod in failed if pod.uid in counted],
        completed=frozenset(completed),
    )


def _completed(run: Run, succeeded: list[Pod]) -> set[int]:
    if not run.spec.indexed:
        return set()
    indexes = {index for pod in succeeded if (index := index_of(pod)) is not None}
    last = run.spec.completions or 0
    return {i for i in indexes | parse_indexes(run.status.completedIndexes) if i < last}


def backoff(run: Run) -> float:
    """Seconds to wait before the next pod: 10 s after a failure, doubled for each one more since
    the last success."""
    broken = [end for pod in run.pods if pod.phase == "Failed" and (end := _end(pod, run.now))]
    good = [end for pod in run.pods if pod.phase == "Succeeded" and (end := _end(pod, run.now))]
    since = [end for end in broken if not good or end > max(good)]
    if not since:
        return 0.0
    delay = min(FIRST_BACKOFF * 2.0 ** min(len(since) - 1, 16), LONGEST_BACKOFF)
    return delay - (run.now - max(since)).total_seconds()


def _end(pod: Pod, now: datetime) -> datetime | None:
    if pod.deleting:
        return None
    return pod.finished or pod.created_at or now
