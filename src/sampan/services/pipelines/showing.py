"""How a run is shown: the Run as the API's message, and its tasks as `task_details`.

One detail per task, DAG and iteration, in the order in which they began; upstream's has one per
node of the Argo Workflow that it makes. Artifacts have ids that are text here, and ids that are
numbers there; `/artifacts` and `/tasks` know ours. An Argo Workflow that is a run is shown with
what it has in common with a Run.
Upstream: server/api_converter.go (toApiRun, toApiPipelineTaskDetail).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sampan.kube import labels, meta, names, runs
from sampan.kube.keys import Manifest
from sampan.records.pipelines import reading
from sampan.services.pipelines.messages import EPOCH, compact
from sampan.services.pipelines.sources import shown_source

STATES = {"CACHED": "SKIPPED", "OMITTED": "SKIPPED"}
"""Upstream's engine passes over the pod of what is in the cache."""


def shown(run: Manifest) -> dict[str, Any]:
    """Without details, as in lists."""
    spec, status, marked = run.get("spec") or {}, run.get("status") or {}, labels.of(run)
    notes = meta.annotations_of(run)
    config = spec.get("runtimeConfig") or {}
    created = run["metadata"]["creationTimestamp"]
    state = reading.state_of(run)
    end = status if state in runs.ENDS else {}
    return compact(
        experiment_id=spec.get("experimentId") or marked.get(names.LABEL_EXPERIMENT_ID),
        run_id=runs.id_of(run),
        display_name=spec.get("displayName")
        or notes.get(names.ANNOTATION_RUN_NAME)
        or meta.name_of(run),
        storage_state=spec.get("storageState")
        or marked.get(names.LABEL_STORAGE_STATE)
        or runs.AVAILABLE,
        description=spec.get("description") or notes.get(names.ANNOTATION_DESCRIPTION),
        **shown_source(_source(run)),
        runtime_config=compact(
            parameters=config.get("parameters"), pipeline_root=config.get("pipelineRoot")
        ),
        service_account=spec.get("serviceAccount") or spec.get("serviceAccountName"),
        created_at=created,
        scheduled_at=spec.get("scheduledAt") or created,
        finished_at=end.get("finishedAt") or EPOCH,
        state=state,
        error=rpc_status(end.get("error")),
        recurring_run_id=spec.get("recurringRunId") or marked.get(names.LABEL_RECURRING_RUN_ID),
        state_history=[shown_step(each) for each in status.get("stateHistory") or ()],
    )


def _source(run: Manifest) -> Mapping[str, Any]:
    """Where the pipeline came from; of a Run that names its version alone, what was copied."""
    spec, status = run.get("spec") or {}, run.get("status") or {}
    if run["kind"] == "Workflow":
        return {}
    return {key: status[key] for key in ("pipelineSpec", "platformSpec") if key in status} | spec


def detailed(run: Manifest) -> dict[str, Any]:
    """With its tasks."""
    tasks: Mapping[str, Any] = (run.get("status") or {}).get("tasks") or {}
    found = shown(run)
    if tasks:
        children = _children(tasks)
        order = sorted(tasks, key=lambda path: tasks[path].get("startedAt") or "~")
        details = [_detail(found, path, tasks, children.get(path, ())) for path in order]
        found["run_details"] = {"task_details": details}
    return found


def _children(tasks: Mapping[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in tasks:
        if path:
            found.setdefault(_parent(path, tasks), []).append(path)
    return found


def _parent(path: str, tasks: Mapping[str, Any]) -> str:
    return str(tasks[path].get("parent") or path.rpartition("/")[0])


def _detail(
    run: Mapping[str, Any], path: str, tasks: Mapping[str, Any], children: Iterable[str]
) -> dict[str, Any]:
    entry = tasks[path]
    parent = tasks.get(_parent(path, tasks), {}) if path else {}
    state = entry.get("state", "PENDING")
    pod = entry.get("pod")
    began = entry.get("startedAt") or entry.get("finishedAt") or EPOCH
    return compact(
        run_id=run["run_id"],
        task_id=entry.get("id"),
        display_name=entry.get("name") or path.rpartition("/")[2] or "root",
        create_time=began,
        start_time=began,
        end_time=entry.get("finishedAt") or EPOCH,
        executor_detail=compact(main_job=pod),
        state=STATES.get(state, state),
        error=rpc_status(entry.get("error")),
        parent_task_id=parent.get("id"),
        state_history=[shown_step(each) for each in entry.get("history") or ()],
        pod_name=pod,
        child_tasks=[{"task_id": tasks[each].get("id", "")} for each in sorted(children)],
    )


def shown_step(step: Mapping[str, Any]) -> dict[str, Any]:
    state = step.get("state", "")
    return compact(
        update_time=step.get("updateTime"),
        state=STATES.get(state, state),
        error=rpc_status(step.get("error")),
    )


def rpc_status(said: Any) -> dict[str, Any]:
    """A google.rpc.Status, of text or of {code, message}."""
    if isinstance(said, Mapping):
        return compact(code=said.get("code"), message=said.get("message"))
    return {"code": 13, "message": said} if said else {}
