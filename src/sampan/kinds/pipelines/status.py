"""What a look writes into the status: one patch, of what has changed and nothing else.

It is a JSON patch: entries are replaced whole and a null in a value stays a null, which a merge
patch would take for a removal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from sampan.kinds.pipelines import tasks
from sampan.kinds.pipelines.snapshot import Run
from sampan.kinds.pipelines.tasks import Entry
from sampan.kinds.pipelines.walk import Walk
from sampan.kube import meta, runs
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Action, Emit, Patch
from sampan.kube.times import micro, rfc3339

_MOST = 5_000
"""Entries that are told one by one; more are told with all the others."""
_REASONS = {
    "SUCCEEDED": ("True", "RunSucceeded"),
    "FAILED": ("False", "RunFailed"),
    "CANCELED": ("False", "RunCanceled"),
    "CANCELING": ("Unknown", "RunCanceling"),
    "RUNNING": ("Unknown", "RunRunning"),
    "PENDING": ("Unknown", "RunPending"),
}


def patch(walk: Walk, state: str, error: str) -> Patch | None:
    """None when there is nothing to say."""
    run = walk.run
    said = of_state(run, state, error)
    if state in runs.ENDS and state != run.state and (ttl := _lifetime(run, state)):
        said["expiresAt"] = micro(run.now + timedelta(seconds=ttl))
    if said or walk.changed:
        walk.changed = {**walk.late, **walk.changed}
    if walk.values != int(run.status.get("valueBytes") or 0):
        said["valueBytes"] = walk.values
    if not run.state:
        said |= run.copied
        said["conditions"] = [*said.get("conditions", ()), *_unheeded(run)]
    return patched(run.key, run.manifest, said, walk.changed)


def of_state(run: Run, state: str, error: str) -> dict[str, Any]:
    """The fields of the run's own state."""
    before = run.status
    if not run.state:
        created = {"state": "PENDING", "updateTime": run.manifest["metadata"]["creationTimestamp"]}
        before = {"stateHistory": [created], "state": "PENDING"}
    return with_condition(run.status, tasks.told(before, state, run.now, error), rfc3339(run.now))


def with_condition(status: Mapping[str, Any], said: dict[str, Any], now: str) -> dict[str, Any]:
    if "state" not in said:
        return said
    value, reason = _REASONS[said["state"]]
    condition = {
        "type": "Succeeded",
        "status": value,
        "reason": reason,
        "message": (said.get("error") or {}).get("message") or "",
        "lastTransitionTime": now,
    }
    others = [each for each in status.get("conditions") or () if each["type"] != "Succeeded"]
    return {**said, "conditions": [*others, condition]}


def _unheeded(run: Run) -> Iterator[dict[str, Any]]:
    """A condition about what the documents say in vain; none where they do not."""
    if places := run.pipeline.unheeded:
        yield {
            "type": "FieldsIgnored",
            "status": "True",
            "reason": "WithoutEffect",
            "message": f"neither here nor upstream anything comes of {', '.join(places)}",
            "lastTransitionTime": rfc3339(run.now),
        }


def patched(
    key: Key,
    manifest: Manifest,
    said: Mapping[str, Any],
    changed: Mapping[str, Entry],
    removed: tuple[str, ...] = (),
) -> Patch | None:
    """A patch of fields of the status, of entries, and of fields that are no more."""
    if not (said or changed or removed):
        return None
    told = manifest.get("status")
    operations: list[dict[str, Any]] = [
        {"op": "test", "path": "/metadata/uid", "value": meta.uid_of(manifest)}
    ]
    if not isinstance(told, dict):
        whole = {**said, "tasks": dict(changed)}
        operations.append({"op": "add", "path": "/status", "value": whole})
        return Patch(key, operations, "status")
    for field, value in said.items():
        operations.append({"op": "add", "path": f"/status/{field}", "value": value})
    gone = [field for field in removed if field in told]
    operations += [{"op": "remove", "path": f"/status/{field}"} for field in gone]
    known = told.get("tasks")
    if changed and (not isinstance(known, dict) or len(changed) > _MOST):
        whole = {**(known or {}), **changed}
        operations.append({"op": "add", "path": "/status/tasks", "value": whole})
    else:
        for path, entry in changed.items():
            place = path.replace("~", "~0").replace("/", "~1")
            operations.append({"op": "add", "path": f"/status/tasks/{place}", "value": entry})
    return Patch(key, operations, "status")


def events(run: Run, state: str, error: str) -> list[Action]:
    """An Event when the run ends."""
    if state == run.state or state not in runs.ENDS:
        return []
    _, reason = _REASONS[state]
    kind = "Normal" if state == "SUCCEEDED" else "Warning"
    return [Emit(kind, reason, error or "The run has succeeded")]


def _lifetime(run: Run, state: str) -> int:
    """Seconds that the run is kept after its end; 0: for good."""
    config = run.pipeline.config
    special = config.resourceTtlOnSuccess if state == "SUCCEEDED" else config.resourceTtlOnFailure
    return max(special or config.resourceTtlOnCompletion, 0)
