"""The status of one container: its state, its last state, whether it is ready."""

from __future__ import annotations

from typing import Any

from sampan.kube import times
from sampan.nodes.life import plan
from sampan.nodes.life.plan import Part
from sampan.nodes.life.seen import Run

_MESSAGE = 4096


def status(part: Part, uid: str, now: float, *, pod_name: str, idle: str) -> dict[str, Any]:
    """A ContainerStatus. `idle` is the waiting reason of one that has not been started."""
    seen, last = part.seen, part.seen.last
    found: dict[str, Any] = {
        "name": part.name,
        "image": part.spec["image"],
        "imageID": seen.image_id,
        "ready": part.ready,
        "started": part.started,
        "restartCount": last.attempt if last else 0,
    }
    if last is not None:
        found["containerID"] = container_id(uid, part.name, last.attempt)
    if last is None:
        reason = seen.waiting
        found["state"] = {"waiting": _waiting(reason.reason, reason.message) if reason else
                          {"reason": idle}}  # fmt: skip
        found["lastState"] = {}
        return found
    if last.code is None:
        found["state"] = {"running": {"startedAt": times.from_seconds(last.started)}}
        before = seen.before
        found["lastState"] = {"terminated": _terminated(before, uid, part.name)} if before else {}
        return found
    ended = {"terminated": _terminated(last, uid, part.name)}
    waiting = _held_back(part, now, f"{pod_name}({uid})")
    found["state"] = {"waiting": waiting} if waiting else ended
    before = seen.before
    if waiting:
        found["lastState"] = ended
    else:
        found["lastState"] = {"terminated": _terminated(before, uid, part.name)} if before else {}
    return found


def container_id(uid: str, name: str, attempt: int) -> str:
    return f"sampan://{uid}.{name}.{attempt}"


def _held_back(part: Part, now: float, where: str) -> dict[str, str] | None:
    """Why an ended container that should run again does not."""
    if part.over:
        return None
    if part.seen.waiting is not None:
        return _waiting(part.seen.waiting.reason, part.seen.waiting.message)
    if plan.backoff(part, now) <= 0:
        return None
    delay = int(plan.backoff_step(part.seen.streak))
    message = f"back-off {delay}s restarting failed container={part.name} pod={where}"
    return _waiting("CrashLoopBackOff", message)


def _waiting(reason: str, message: str) -> dict[str, str]:
    return {"reason": reason, "message": message} if message else {"reason": reason}


def _terminated(run: Run, uid: str, name: str) -> dict[str, Any]:
    code = run.code or 0
    found = {
        "exitCode": code,
        "reason": run.reason or ("Error" if code else "Completed"),
        "startedAt": times.from_seconds(run.started),
        "finishedAt": times.from_seconds(run.finished or run.started),
        "containerID": container_id(uid, name, run.attempt),
    }
    if run.message:
        found["message"] = run.message[:_MESSAGE]
    return found
