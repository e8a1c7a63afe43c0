"""What a Deployment's status says: counts, and the conditions Available and Progressing.

`kubectl rollout status` waits for `observedGeneration`, then compares the counts, and gives up on
the reason ProgressDeadlineExceeded; all are exact here. Counts are what the ReplicaSets report.
Upstream: kubernetes pkg/controller/deployment/{progress,sync}.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from sampan.kinds.workloads.deployments import Replicas, Spec, Status
from sampan.kinds.workloads.pods import compact
from sampan.kinds.workloads.types import Conditions, view
from sampan.kube.conditions import Condition, get_condition, set_condition, without_condition
from sampan.kube.keys import Manifest
from sampan.kube.times import parse, rfc3339

AVAILABLE, PROGRESSING, FAILURE = "Available", "Progressing", "ReplicaFailure"
DONE, EXCEEDED = "NewReplicaSetAvailable", "ProgressDeadlineExceeded"
NO_DEADLINE = 2**31 - 1


class Report(Struct, frozen=True):
    status: dict[str, Any]
    again_in: float | None = None


def report(
    manifest: Manifest,
    spec: Spec,
    sets: Sequence[Replicas],
    new: Replicas | None,
    now: datetime,
) -> Report:
    old = view(Status, manifest.get("status"))
    counts = _counts(spec, sets, new)
    conditions = _available(old.conditions, spec, counts, now)
    conditions = _failing(conditions, new, now)
    conditions, wait = _progressing(conditions, _Look(spec, old, counts, new, now))
    status = compact(
        {
            "observedGeneration": manifest["metadata"].get("generation", 0),
            **counts,
            "collisionCount": old.collisionCount,
            "conditions": conditions,
        }
    )
    return Report(status, wait)


def _counts(spec: Spec, sets: Sequence[Replicas], new: Replicas | None) -> dict[str, int]:
    available = sum(rs.availableReplicas for rs in sets)
    asked = sum(rs.asked for rs in sets)
    return {
        "replicas": sum(rs.replicas for rs in sets),
        "updatedReplicas": new.replicas if new else 0,
        "readyReplicas": sum(rs.readyReplicas for rs in sets),
        "availableReplicas": available,
        "unavailableReplicas": max(0, (asked if sets else spec.replicas) - available),
    }


def _available(
    conditions: Conditions, spec: Spec, counts: dict[str, int], now: datetime
) -> Conditions:
    if counts["availableReplicas"] >= spec.limits.least:
        said = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        said = (
            "False",
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
        )
    old = get_condition(conditions, AVAILABLE)
    same = old is not None and (old["status"], old.get("reason")) == said[:2]
    if same:
        return conditions
    return set_condition(conditions, _condition(AVAILABLE, *said, now=now), now)


def _failing(conditions: Conditions, new: Replicas | None, now: datetime) -> Conditions:
    """What hinders the new ReplicaSet hinders the Deployment."""
    if new is None or new.failure is None:
        return without_condition(conditions, FAILURE)
    reason, message = new.failure.get("reason") or "", new.failure.get("message") or ""
    old = get_condition(conditions, FAILURE)
    if old is not None and old.get("message") == message:
        return conditions
    condition = _condition(FAILURE, "True", reason, message, now=now)
    return set_condition(conditions, condition, now)


class _Look(Struct, frozen=True):
    """What the judgement of progress depends on."""

    spec: Spec
    old: Status
    counts: dict[str, int]
    new: Replicas | None
    now: datetime

    @property
    def complete(self) -> bool:
        counts, wanted = self.counts, self.spec.replicas
        return (
            counts["updatedReplicas"] == counts["replicas"] == wanted
            and counts["availableReplicas"] == wanted
            and self.new is not None
        )

    @property
    def moved(self) -> bool:
        """Whether more is new, ready or available, or less is old, than the status says."""
        new, old = self.counts, self.old
        return (
            new["updatedReplicas"] > old.updatedReplicas
            or new["replicas"] - new["updatedReplicas"] < old.replicas - old.updatedReplicas
            or new["readyReplicas"] > old.readyReplicas
            or new["availableReplicas"] > old.availableReplicas
        )


def _progressing(conditions: Conditions, seen: _Look) -> tuple[Conditions, float | None]:
    old = get_condition(conditions, PROGRESSING)
    deadline = seen.spec.progressDeadlineSeconds
    if seen.spec.paused or (old and old.get("reason") == "DeploymentPaused"):
        return _pause(conditions, seen, old), None
    if deadline >= NO_DEADLINE:
        return conditions, None
    said = _judge(seen, old)
    if said is None:
        assert old is not None
        return conditions, _left(seen, old)
    new = _condition(PROGRESSING, *said, now=seen.now)
    return set_condition(conditions, new, seen.now), _left(seen, new)


def _pause(conditions: Conditions, seen: _Look, old: Condition | None) -> Conditions:
    if not seen.spec.paused:
        said = ("Unknown", "DeploymentResumed", "Deployment is resumed")
    elif old and old.get("reason") == "DeploymentPaused":
        return conditions
    else:
        said = ("Unknown", "DeploymentPaused", "Deployment is paused")
    return set_condition(conditions, _condition(PROGRESSING, *said, now=seen.now), seen.now)


def _judge(seen: _Look, old: Condition | None) -> tuple[str, str, str] | None:
    """Status, reason and message to write; None where the last ones still hold."""
    reason = old.get("reason") if old else None
    if seen.new is None:
        if reason == "ReplicaSetUpdated" and not seen.moved:
            return None
        return "True", "ReplicaSetUpdated", "A new replica set is being made."
    name = f'ReplicaSet "{seen.new.name}"'
    if seen.complete:
        if reason == DONE and old and name in old.get("message", ""):
            return None
        return "True", DONE, f"{name} has successfully progressed."
    if seen.moved or reason is None or (reason == DONE and not _finished_before(seen, old)):
        return "True", "ReplicaSetUpdated", f"{name} is progressing."
    if reason in (DONE, EXCEEDED):
        return None  # a rollout that was complete stays so while pods come and go
    if old and (left := _left(seen, old)) is not None and left <= 0:
        return "False", EXCEEDED, f"{name} has timed out progressing."
    return None


def _finished_before(seen: _Look, old: Condition | None) -> bool:
    """Whether the present ReplicaSet is the one that was rolled out."""
    return bool(old and seen.new and f'"{seen.new.name}"' in old.get("message", ""))


def _left(seen: _Look, condition: Condition) -> float | None:
    """Seconds until the deadline; None when it does not run."""
    if condition.get("reason") in (DONE, EXCEEDED):
        return None
    since = parse(condition.get("lastUpdateTime") or rfc3339(seen.now))
    return seen.spec.progressDeadlineSeconds - (seen.now - since).total_seconds()


def _condition(type: str, status: str, reason: str, message: str, *, now: datetime) -> Condition:
    """As apps/v1 has them: with a time of the last word beside that of the last turn."""
    return {
        "type": type,
        "status": status,
        "lastUpdateTime": rfc3339(now),
        "reason": reason,
        "message": message,
    }
