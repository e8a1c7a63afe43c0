"""What a Workflow's status and labels say, as a merge patch of what changed.

A Workflow has no status subresource (upstream's CRD declares none), so labels and status go
together in one write; only nodes that changed are in it. Upstream: argo-workflows
workflow/controller/operator.go markWorkflowPhase.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from sampan.kinds.workflows import progress, usage
from sampan.kinds.workflows.artifacts import strategies
from sampan.kinds.workflows.locks import requests
from sampan.kinds.workflows.locks.requests import Wants
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.pods import claims
from sampan.kinds.workflows.types import Run
from sampan.kinds.workflows.walk import Walk
from sampan.kube import meta, names
from sampan.kube.keys import Key
from sampan.kube.plan import Action, Emit, Patch
from sampan.kube.times import rfc3339

DONE = ("Succeeded", "Failed", "Error")
_TOLD = {
    "Running": ("Normal", "WorkflowRunning", "Workflow Running"),
    "Succeeded": ("Normal", "WorkflowSucceeded", "Workflow completed"),
    "Failed": ("Warning", "WorkflowFailed", ""),
    "Error": ("Warning", "WorkflowFailed", ""),
}


class Word(Struct, frozen=True, kw_only=True):
    """The workflow's phase and the reason for it."""

    phase: str
    message: str = ""

    @property
    def done(self) -> bool:
        return self.phase in DONE


def patch(walk: Walk, word: Word) -> Patch | None:
    """The write that brings the Workflow up to date; None when it is."""
    run = walk.workflow
    said = progress.update(walk)
    status: dict[str, Any] = {
        "phase": word.phase,
        "message": word.message or None,
        "progress": said,
        "startedAt": run.status.get("startedAt") or (None if word.phase == "Pending" else walk.now),
        "finishedAt": walk.now if word.done else None,
        "conditions": _conditions(run, walk, word),
        "artifactRepositoryRef": run.repository.ref,
    }
    if run.spec.volumeClaimTemplates:
        gone = word.done and claims.released(run, word.phase)
        status["persistentVolumeClaims"] = None if gone else claims.listed(run)
    if walk.spent:
        status["resourcesDuration"] = walk.spent
    if not run.phase and (took := usage.estimated(run)):
        status["estimatedDuration"] = took
    if walk.outputs:
        status["outputs"] = walk.outputs
    changed = {key: value for key, value in status.items() if run.status.get(key) != value}
    if walk.changed:
        changed["nodes"] = {id: _difference(run, id, walk) for id in walk.changed}
    if walk.book.learned:
        changed["storedTemplates"] = dict(walk.book.learned)
    if word.done and run.status.get("synchronization"):
        changed["synchronization"] = None
    return _patch(run, changed, word, {} if word.done else walk.wants)


def of_nodes(run: Run, some: Iterable[Node]) -> Patch:
    """These nodes alone, as they are."""
    told = {node["id"]: node for node in some}
    body = {"metadata": {"uid": meta.uid_of(run.manifest)}, "status": {"nodes": told}}
    return Patch(Key(names.WORKFLOW, run.namespace, run.name), body)


def refusal(run: Run, word: Word) -> Patch | None:
    """The end of a workflow that can never run."""
    now = rfc3339(run.now)
    done = [{"type": "Completed", "status": "True"}]
    status = {
        "phase": word.phase,
        "message": word.message,
        "startedAt": run.status.get("startedAt") or now,
        "finishedAt": now,
        "conditions": done,
    }
    return _patch(run, status, word, {})


def _patch(run: Run, status: Mapping[str, Any], word: Word, wants: Wants) -> Patch | None:
    wanted = {
        names.LABEL_WORKFLOW_PHASE: word.phase,
        names.LABEL_WORKFLOW_COMPLETED: str(word.done).lower(),
    }
    about, began = run.manifest["metadata"], run.begins
    noted = requests.noted(run.manifest, wants)
    metadata = {**began.get("metadata", {}), "uid": about["uid"]}
    if not wanted.items() <= (about.get("labels") or {}).items():
        metadata["labels"] = {**metadata.get("labels", {}), **wanted}
    elif not status and not began and not noted:
        return None
    if not run.phase and not word.done and strategies.is_wanted(run.manifest, run.library):
        metadata["finalizers"] = [*(about.get("finalizers") or ()), strategies.FINALIZER]
    for field, pairs in noted.items():
        metadata[field] = {**metadata.get(field, {}), **pairs}
    if run.baseline is not None and not run.phase:
        model = {names.ANNOTATION_BASELINE: run.baseline["metadata"]["name"]}
        metadata["annotations"] = {**metadata.get("annotations", {}), **model}
    body: dict[str, Any] = {"metadata": metadata}
    if "spec" in began:
        body["spec"] = began["spec"]
    if status or "status" in began:
        body["status"] = {**began.get("status", {}), **status}
    return Patch(Key(names.WORKFLOW, run.namespace, run.name), body)


def _difference(run: Run, id: str, walk: Walk) -> dict[str, Any]:
    """A node as a merge patch: all that is new, and None for what is no more."""
    old, new = run.nodes.get(id) or {}, walk.changed[id]
    found = {key: value for key, value in new.items() if key not in old or old[key] != value}
    return found | {key: None for key in old if key not in new}


def _conditions(run: Run, walk: Walk, word: Word) -> list[dict[str, str]]:
    ids = {**run.nodes, **walk.changed}
    running = any(node["type"] == "Pod" and node["phase"] == "Running" for node in ids.values())
    said: dict[str, str] = {
        "PodRunning": "True" if running else "False",
        "Completed": "True" if word.done else "False",
    }
    told = {type: {"type": type, "status": status} for type, status in said.items()}
    if walk.metrics_error:
        fault = {"type": "MetricsError", "status": "True", "message": walk.metrics_error}
        told["MetricsError"] = fault
    kept = [each for each in run.status.get("conditions") or () if each["type"] not in told]
    return [*kept, *told.values()]


def tell(run: Run, word: Word) -> list[Action]:
    """The Event of a phase that is new."""
    if word.phase in (run.phase, "Pending"):
        return []
    kind, reason, message = _TOLD[word.phase]
    return [Emit(kind, reason, message or word.message or f"Workflow {word.phase.lower()}")]
