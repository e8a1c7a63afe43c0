"""The decision: a snapshot of a pod -> its status, the next moves, when to look again.

    meant to run    keep containers running (plan.running); over when all main ones are
    has to end      deleted, past its deadline or evicted: stop all, then a last status
    is over         phase Succeeded or Failed is for ever; only the object may still go

Pure: the same snapshot always gives the same answer, and carrying it out twice is harmless.
"""

from __future__ import annotations

from sampan.kube.keys import Manifest
from sampan.kube.times import parse
from sampan.nodes.life import plan, status
from sampan.nodes.life.plan import Moves, Part
from sampan.nodes.life.seen import Decision, Snapshot, Start, Stop

_DEADLINE = (
    "DeadlineExceeded",
    "Pod was active on the node longer than the specified deadline",
)

_EVICTION_GRACE = 1.0  # seconds: what it uses is needed now, as upstream's hard thresholds have it


def decide(snapshot: Snapshot) -> Decision:
    pod = snapshot.pod
    all_parts = plan.parts(snapshot)
    deleted = bool(pod["metadata"].get("deletionTimestamp"))
    alive = any(part.seen.running for part in all_parts)
    old = pod.get("status") or {}
    if old.get("phase") in status.TERMINAL and not alive:
        return Decision(status=old, finished=True, remove=deleted)
    why = _why(snapshot)
    if deleted or why:
        return _end(snapshot, all_parts, why)
    return _run(snapshot, all_parts)


def _run(snapshot: Snapshot, all_parts: list[Part]) -> Decision:
    moves = plan.running(all_parts, snapshot.now)
    phase = status.phase(all_parts, initialized=moves.initialized, failed=moves.failed)
    built = status.build(snapshot, all_parts, phase=phase, initialized=moves.initialized, why=None)
    over = phase in status.TERMINAL
    return Decision(
        status=built,
        actions=tuple(_timed(action, snapshot.pod) for action in moves.actions),
        probes=frozenset() if over else plan.probes(all_parts),
        finished=over,
        again_in=_soonest(moves, snapshot),
    )


def _end(snapshot: Snapshot, all_parts: list[Part], why: tuple[str, str] | None) -> Decision:
    pod = snapshot.pod
    deleted = bool(pod["metadata"].get("deletionTimestamp"))
    grace = plan.grace_left(pod, snapshot.now) if deleted else _grace(pod)
    if snapshot.evicted:
        grace = min(grace, _EVICTION_GRACE)
    actions = tuple(plan.ending(all_parts, grace))
    initialized = all(part.seen.succeeded for part in all_parts if part.role == "init")
    phase = (pod.get("status") or {}).get("phase") or "Pending"
    over = not any(part.seen.running for part in all_parts)
    if over:
        phase = "Failed" if why else status.last_phase(all_parts)
    built = status.build(snapshot, all_parts, phase=phase, initialized=initialized, why=why)
    return Decision(status=built, actions=actions, finished=over, remove=over and deleted)


def _why(snapshot: Snapshot) -> tuple[str, str] | None:
    """Why the node ends the pod, if it does."""
    if snapshot.evicted is not None:
        return snapshot.evicted
    left = _until_deadline(snapshot)
    return _DEADLINE if left is not None and left <= 0 else None


def _until_deadline(snapshot: Snapshot) -> float | None:
    seconds = snapshot.pod["spec"].get("activeDeadlineSeconds")
    start = (snapshot.pod.get("status") or {}).get("startTime")
    if seconds is None:
        return None
    began = parse(start).timestamp() if start else snapshot.now
    return began + float(seconds) - snapshot.now


def _soonest(moves: Moves, snapshot: Snapshot) -> float | None:
    times = [t for t in (moves.again_in, _until_deadline(snapshot)) if t is not None]
    return max(0.0, min(times)) if times else None


def _timed(action: Start | Stop, pod: Manifest) -> Start | Stop:
    """A stop without a time of its own gets the pod's grace period."""
    if isinstance(action, Stop) and action.grace < 0:
        return Stop(action.container, _grace(pod), action.why)
    return action


def _grace(pod: Manifest) -> float:
    return float(pod["spec"].get("terminationGracePeriodSeconds", 30))
