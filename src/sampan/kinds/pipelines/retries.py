"""Whether a task that failed is tried again, and when.

    the n-th wait is backoffDuration x backoffFactor^(n-1); backoffMaxDuration is the time, from the
    first beginning, after which no attempt begins

Upstream: api/v2alpha1/pipeline_spec.proto RetryPolicy; argo-workflows workflow/controller/
operator.go processNodeRetries.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sampan.kinds.pipelines.ir.messages import RetryPolicy
from sampan.kube.times import parse

_FACTOR = 2.0
_LONGEST = 3600.0
"""Seconds: backoffMaxDuration where there is none."""
_BOUND = 10.0**9


def again_at(
    policy: RetryPolicy | None, entry: Mapping[str, Any], now: datetime
) -> datetime | None:
    """When the next attempt of a task begins whose last one failed now; None: never."""
    if policy is None:
        return None
    tried = int(entry.get("attempt") or 0) - int(entry.get("firstAttempt") or 0)
    if tried >= policy.maxRetryCount:
        return None
    at = now + timedelta(seconds=_wait(policy, tried))
    longest = _LONGEST if policy.backoffMaxDuration is None else float(policy.backoffMaxDuration)
    began = entry.get("startedAt")
    if longest > 0 and began and at > parse(began) + timedelta(seconds=min(longest, _BOUND)):
        return None
    return at


def _wait(policy: RetryPolicy, tried: int) -> float:
    first = float(policy.backoffDuration or 0.0)
    if first <= 0:
        return 0.0
    factor = policy.backoffFactor if policy.backoffFactor > 0 else _FACTOR
    if factor <= 1:
        return min(first * factor**tried, _BOUND)
    wait = first
    for _ in range(tried):
        wait *= factor
        if wait > _BOUND:
            return _BOUND
    return wait
