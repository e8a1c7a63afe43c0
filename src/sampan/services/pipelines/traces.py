"""How artifacts and tasks are shown: as the messages of upstream's proposal, from what is kept.

Beside the proposal's fields an artifact has its `digest`, and `schema_title`, as a type that is
none of the proposal's is `Artifact` there.
Upstream: proposals/12147-mlmd-removal/protos.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from sampan.kube.times import from_seconds
from sampan.services.pipelines.messages import compact
from sampan.services.pipelines.showing import STATES, rpc_status, shown_step

_TYPES = {
    "system.Model": "Model",
    "system.Dataset": "Dataset",
    "system.HTML": "HTML",
    "system.Markdown": "Markdown",
    "system.Metrics": "Metric",
    "system.ClassificationMetrics": "ClassificationMetric",
    "system.SlicedClassificationMetrics": "SlicedClassificationMetric",
}
_GROUPS = {"condition-branches-": "CONDITION_BRANCH", "condition-": "CONDITION",
           "exit-handler-": "EXIT_HANDLER"}  # fmt: skip
"""What the SDK calls DAGs of its own making."""


def shown_artifact(kept: Mapping[str, Any]) -> dict[str, Any]:
    metadata = kept["metadata"]
    type = _TYPES.get(kept["type"], "Artifact")
    numbers = [each for each in metadata.values() if isinstance(each, int | float)]
    found = compact(
        artifact_id=kept["artifact_id"],
        name=kept["name"],
        type=type,
        schema_title=kept["type"],
        uri=kept["uri"],
        digest=kept["digest"],
        metadata=metadata,
        created_at=from_seconds(kept["created_at"]) if kept["created_at"] else "",
        namespace=kept["namespace"],
    )
    if type == "Metric" and len(metadata) == len(numbers) == 1:
        found["number_value"] = numbers[0]
    return found


def shown_event(kept: Mapping[str, Any]) -> dict[str, Any]:
    task, key = kept["producer"]
    return compact(
        id=str(kept["number"]),
        artifact_id=kept["artifact_id"],
        run_id=kept["run_id"],
        task_id=kept["task_id"],
        type=kept["type"],
        producer_task_name=task,
        producer_key=key,
        artifact_key=kept["key"],
    )


def shown_task(kept: Mapping[str, Any]) -> dict[str, Any]:
    entry = kept["entry"]
    cache, state = entry.get("cache") or {}, entry.get("state") or "PENDING"
    began = entry.get("startedAt") or entry.get("finishedAt")
    pods = [{"name": entry["pod"], "type": "EXECUTOR"}] if entry.get("pod") else []
    return compact(
        name=entry.get("name"),
        display_name=entry.get("displayName") or entry.get("name") or "root",
        task_id=kept["task_id"],
        run_id=kept["run_id"],
        pods=pods,
        cache_fingerprint=cache.get("fingerprint"),
        create_time=began,
        start_time=began,
        end_time=entry.get("finishedAt"),
        status=STATES.get(state, state),
        status_metadata=compact(
            state=state if state in STATES else "",
            message=entry.get("message"),
            cached_from=cache.get("from"),
            not_cached=cache.get("why"),
        ),
        state_history=[shown_step(each) for each in entry.get("history") or ()],
        type=_type(entry),
        type_attributes=_attributes(entry, kept["children"]),
        error=rpc_status(entry.get("error")),
        parent_task_id=kept["parent_id"],
        child_tasks=kept["children"],
        inputs=_side(entry.get("inputs"), kept["events"], "INPUT"),
        outputs=_side(entry.get("outputs"), kept["events"], "OUTPUT"),
    )


def _type(entry: Mapping[str, Any]) -> str:
    match entry.get("type"):
        case "Loop":
            return "LOOP"
        case "Iteration":
            return "LOOP_ITERATION"
        case "Dag":
            name = str(entry.get("name") or "")
            named = (kind for begin, kind in _GROUPS.items() if name.startswith(begin))
            return next(named, "DAG") if entry.get("path") else "ROOT"
        case _:
            return "RUNTIME"


def _attributes(entry: Mapping[str, Any], children: list[Any]) -> dict[str, Any]:
    """Long numbers are text, as protocol buffers write them."""
    if entry.get("type") == "Iteration":
        return {"iteration_index": str(entry.get("iteration") or 0)}
    return {"iteration_count": str(len(children))} if entry.get("type") == "Loop" else {}


def _side(
    given: Mapping[str, Any] | None, events: list[Mapping[str, Any]], side: str
) -> dict[str, Any]:
    parameters = (given or {}).get("parameters") or {}
    return compact(
        parameters=[{"name": name, "value": _text(value)} for name, value in parameters.items()],
        artifacts=list(_artifacts(events, side)),
    )


def _artifacts(events: list[Mapping[str, Any]], side: str) -> Iterator[dict[str, Any]]:
    for event in events:
        if event["type"] == side:
            task, key = event["producer"]
            yield {
                "parameter_name": event["key"],
                "value": shown_artifact(event["artifact"]),
                "producer": {"task_name": task, "key": key},
            }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
