"""What the failure of a pod means for its Job: the `podFailurePolicy`, and limits per index.

The first rule that matches a failed pod says whether it counts, is overlooked, or ends its index or
the whole Job. Each pod of an Indexed Job with `backoffLimitPerIndex` carries the number of failures
of its index before it, so that nothing is forgotten when old pods go.
Upstream: kubernetes pkg/controller/job/{pod_failure_policy,backoff_utils}.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from sampan.kinds.workloads.jobs import FailureRule, OnExitCodes, Run, broken, index_of
from sampan.kinds.workloads.types import Exit, Pod
from sampan.kube import meta, names

FIRST_BACKOFF = 10.0
LONGEST_BACKOFF = 600.0


class Ruling(Struct, frozen=True):
    """What one failed pod means. `message` says which rule ends the Job."""

    action: str = "Count"
    message: str = ""


def ruling(run: Run, pod: Pod) -> Ruling:
    policy = run.spec.podFailurePolicy
    for number, rule in enumerate(policy.rules if policy else ()):
        if found := _matched(rule, pod):
            where = f"{meta.namespace_of(run.manifest)}/{pod.name}"
            told = f"{found.format(pod=where)} matching {rule.action} rule at index {number}"
            return Ruling(rule.action, told)
    return Ruling()


def _matched(rule: FailureRule, pod: Pod) -> str:
    """How the rule matches, in words; "" when it does not."""
    if rule.onExitCodes is not None:
        for ended in pod.exits:
            if _means(rule.onExitCodes, ended):
                told = f"Container {ended.container} for pod {{pod}} failed with exit code"
                return f"{told} {ended.code}"
    for pattern in rule.onPodConditions or ():
        if pod.conditions.get(pattern.type) == pattern.status:
            return f"Pod {{pod}} has condition {pattern.type}"
    return ""


def _means(codes: OnExitCodes, ended: Exit) -> bool:
    if codes.containerName not in (None, ended.container):
        return False
    return (ended.code in codes.values) == (codes.operator == "In")


def failures(pod: Pod) -> int:
    """Failures of the pod's index before this pod was made."""
    text = pod.annotations.get(names.ANNOTATION_INDEX_FAILURES) or ""
    return int(text) if text.isdecimal() and len(text) < 10 else 0


class Index(Struct, frozen=True):
    """The failures of one index so far. `over`: it is not tried again. `last` failed last."""

    failures: int = 0
    over: bool = False
    last: Pod | None = None


def per_index(run: Run) -> dict[int, Index]:
    """Of the indexes that failed at least once, as far as pods still tell."""
    limit = run.spec.backoffLimitPerIndex
    found: dict[int, Index] = {}
    if limit is None:
        return found
    for pod in sorted(run.pods, key=lambda pod: (failures(pod), pod.created, pod.name)):
        index = index_of(pod)
        if index is None or not broken(run.spec, pod):
            continue
        action = ruling(run, pod).action
        number = failures(pod) + (action != "Ignore")
        over = number > limit or action == "FailIndex"
        found[index] = Index(number, over or found.get(index, Index()).over, pod)
    return found


def backoff(run: Run, pods: Iterable[Pod], number: int | None = None) -> float:
    """Seconds to wait before the next of these pods: 10 s after a failure, doubled for each one
    more since the last success. `number` of failures, if more is known than the pods tell."""
    given = list(pods)
    counted = [
        pod for pod in given if broken(run.spec, pod) and ruling(run, pod).action != "Ignore"
    ]
    ended = [end for pod in given if pod.phase == "Succeeded" and (end := pod.finished)]
    since = [pod.ended_at or run.now for pod in counted]
    since = [end for end in since if not ended or end > max(ended)]
    if not since:
        return 0.0
    times = max(len(since) if number is None else number, 1)
    delay = min(FIRST_BACKOFF * 2.0 ** min(times - 1, 16), LONGEST_BACKOFF)
    passed = (run.now - max(since)).total_seconds()
    return delay - max(passed, 0.0)  # no more than the delay, even if the clock was set back
