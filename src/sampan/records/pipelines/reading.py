"""What the records keep of a Run or of an Argo Workflow, as plain rows. No SQL here.

A Run is cut into what lists need (`Row.columns`), what many runs have in common (`shared`), what is
its own and long (`rest`), its tasks, and all else (`document`). `whole` puts it together again.
Upstream: backend/src/apiserver/model/run.go.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson
from msgspec import Struct

from sampan.kube import labels, meta, names, runs
from sampan.kube.keys import Manifest, kind_of
from sampan.kube.times import parse

Path = tuple[str, str]
_SHARED: tuple[Path, ...] = (
    ("spec", "pipelineSpec"),
    ("spec", "platformSpec"),
    ("status", "pipelineSpec"),
    ("status", "platformSpec"),
    ("spec", "templates"),
)
_REST: tuple[Path, ...] = (
    ("status", "nodes"),
    ("status", "storedTemplates"),
    ("status", "storedWorkflowTemplateSpec"),
)
_TASKS: Path = ("status", "tasks")

_STATES = {
    "": "PENDING",
    "Pending": "PENDING",
    "Running": "RUNNING",
    "Succeeded": "SUCCEEDED",
    "Failed": "FAILED",
    "Error": "FAILED",
}  # phases of workflows
_STATUS = {
    "PENDING": "Pending",
    "PAUSED": "Pending",
    "RUNNING": "Running",
    "SUCCEEDED": "Succeeded",
    "SKIPPED": "Skipped",
    "FAILED": "Failed",
    "CANCELED": "Failed",
    "CANCELING": "Terminating",
}
"""States in the words of v1beta1."""


class Row(Struct, frozen=True):
    """A run. spec: the digest of `shared`, "" for nothing."""

    columns: dict[str, Any]
    shared: dict[str, Any]
    rest: dict[str, Any]
    document: dict[str, Any]
    tasks: Mapping[str, Any]

    @property
    def ended(self) -> bool:
        return self.columns["state"] in runs.ENDS


def is_followed(manifest: Manifest) -> bool:
    """Whether this is a run of pipelines: each Run, and a Workflow that is one's."""
    return "kind" in manifest and (
        kind_of(manifest["apiVersion"], manifest["kind"]) == names.RUN
        or bool(labels.of(manifest).get(names.LABEL_RUN_ID))
    )


def state_of(manifest: Manifest) -> str:
    """A state of the pipelines API, of a Run or of a Workflow.

    What a Run is asked counts from when it is asked, as upstream: who waits for the end of what it
    tries again does not see the former end.
    """
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    if manifest["kind"] == "Workflow":
        return _STATES.get(status.get("phase") or "", "RUNNING")
    state = str(status.get("state") or "PENDING")
    if state in runs.ENDS:
        again = (spec.get("retries") or 0) > (status.get("retries") or 0)
        return "PENDING" if again else state
    return "CANCELING" if spec.get("terminate") else state


def row_of(manifest: Manifest) -> Row:
    shared, rest = _taken(manifest, _SHARED), _taken(manifest, _REST)
    tasks: Mapping[str, Any] = {}
    document = {key: value for key, value in manifest.items() if key not in ("spec", "status")}
    document["metadata"] = {k: v for k, v in manifest["metadata"].items() if k != "managedFields"}
    for part in ("spec", "status"):
        found = manifest.get(part) or {}
        cut = {name for where, name in (*_SHARED, *_REST, _TASKS) if where == part}
        document[part] = {key: value for key, value in found.items() if key not in cut}
    if manifest["kind"] == "Run":
        tasks = (manifest.get("status") or {}).get("tasks") or {}
    return Row(_columns(manifest, shared), shared, rest, document, tasks)


def _taken(manifest: Manifest, paths: tuple[Path, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part, name in paths:
        value = (manifest.get(part) or {}).get(name)
        if value is not None:
            found.setdefault(part, {})[name] = value
    return found


def columns_of(manifest: Manifest) -> dict[str, Any]:
    """What lists know of a run."""
    return _columns(manifest, {})


def _columns(manifest: Manifest, shared: dict[str, Any]) -> dict[str, Any]:
    about, spec = manifest["metadata"], manifest.get("spec") or {}
    status, marked = manifest.get("status") or {}, labels.of(manifest)
    state, created = state_of(manifest), seconds(about.get("creationTimestamp"))
    archived = marked.get(names.LABEL_STORAGE_STATE)  # of a Workflow
    notes = meta.annotations_of(manifest)
    return {
        "run_id": runs.id_of(manifest),
        "namespace": meta.namespace_of(manifest),
        "experiment_id": spec.get("experimentId") or marked.get(names.LABEL_EXPERIMENT_ID, ""),
        "recurring_run_id": spec.get("recurringRunId")
        or marked.get(names.LABEL_RECURRING_RUN_ID, ""),
        "display_name": spec.get("displayName")
        or notes.get(names.ANNOTATION_RUN_NAME)
        or about["name"],
        "description": spec.get("description") or notes.get(names.ANNOTATION_DESCRIPTION) or "",
        "storage_state": spec.get("storageState") or archived or runs.AVAILABLE,
        "state": state,
        "status": _STATUS.get(state, "Unknown"),
        "created_at": created,
        "finished_at": seconds(status.get("finishedAt")),
        "scheduled_at": seconds(spec.get("scheduledAt")) or created,
        "uid": meta.uid_of(manifest),
        "name": about["name"],
        "version": str(about.get("resourceVersion") or ""),
        "spec": digest(shared) if shared else "",
    }


def whole(
    document: Mapping[str, Any], *parts: Mapping[str, Any], tasks: Mapping[str, Any] | None = None
) -> Manifest:
    """The Run (or Workflow) again."""
    found: Manifest = {**document}
    for part in (*parts, {"status": {"tasks": tasks}} if tasks else {}):
        for name, values in part.items():
            found[name] = {**found.get(name, {}), **values}
    return found


def stored(document: Mapping[str, Any], state: str) -> Manifest:
    """With another storage state."""
    if document["kind"] == "Run":
        return {**document, "spec": {**document.get("spec", {}), "storageState": state}}
    about = document["metadata"]
    marked = {**(about.get("labels") or {}), names.LABEL_STORAGE_STATE: state}
    return {**document, "metadata": {**about, "labels": marked}}


def ended_early(document: Mapping[str, Any]) -> Manifest:
    """Of a run that was deleted before it ended, and will never end by itself."""
    error = {"code": 1, "message": "The run was deleted before it ended"}
    status = {**document.get("status", {}), "state": "FAILED", "error": error}
    if document["kind"] == "Workflow":
        status = {**status, "phase": "Failed", "message": error["message"]}
    return {**document, "status": status}


def revived(run: Mapping[str, Any]) -> Manifest:
    """A Run with the status of one that is gone, to be walked again from there."""
    about, spec = run["metadata"], run.get("spec") or {}
    notes = {**(about.get("annotations") or {}), names.ANNOTATION_RESTORING: "true"}
    marked = {**(about.get("labels") or {}), names.LABEL_RUN_ID: runs.id_of({**run})}
    kept = {key: about[key] for key in ("name", "namespace")}
    status = run.get("status") or {}
    retries = max(int(each.get("retries") or 0) for each in (spec, status))
    return {
        "apiVersion": run["apiVersion"],
        "kind": run["kind"],
        "metadata": {**kept, "labels": marked, "annotations": notes},
        "spec": {**spec, "retries": retries + 1, "terminate": False},
        "status": status,
    }


def task_rows(
    tasks: Mapping[str, Any], *, namespace: str, pipeline: str, run: int, run_id: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each task's id and row, without its document, whose hash is the mark. `run` is the run's
    number."""
    ids = {path: _task_id(run_id, path, entry) for path, entry in tasks.items()}
    for path, entry in tasks.items():
        text = orjson.dumps({"path": path, **entry})
        started = seconds(entry.get("startedAt"))
        yield (
            ids[path],
            {
                "task_id": ids[path],
                "run": run,
                "parent_id": ids.get(entry.get("parent", ""), "") if path else "",
                "namespace": namespace,
                "pipeline": pipeline[:255],
                "name": str(entry.get("name") or path.rpartition("/")[2])[:255],
                "type": str(entry.get("type") or ""),
                "state": str(entry.get("state") or ""),
                "fingerprint": str((entry.get("cache") or {}).get("fingerprint") or "")[:128],
                "created_at": started,
                "finished_at": seconds(entry.get("finishedAt")),
                "mark": int.from_bytes(
                    hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True
                ),
                "document": text.decode(),
            },
        )


def without_ids(run: Manifest) -> Manifest | None:
    """With tasks that have the ids that their paths give them, as those that they say may be
    another run's; None if they say none."""
    status = run.get("status") or {}
    tasks: Mapping[str, Any] = status.get("tasks") or {}
    if not all(isinstance(entry, Mapping) for entry in tasks.values()):
        return None
    if not any("id" in entry for entry in tasks.values()):
        return None
    plain = {
        path: {name: value for name, value in entry.items() if name != "id"}
        for path, entry in tasks.items()
    }
    return {**run, "status": {**status, "tasks": plain}}


def _task_id(run_id: str, path: str, entry: Mapping[str, Any]) -> str:
    return str(entry.get("id") or digest([run_id, path])[:32])


def digest(document: Any) -> str:
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()


def seconds(text: Any) -> int:
    """Since 1970; 0 for no time."""
    return millis(text) // 1000


def millis(text: Any) -> int:
    try:
        moment: datetime | None = parse(text) if text else None
    except (TypeError, ValueError):
        return 0
    return int(moment.timestamp() * 1000) if moment else 0
