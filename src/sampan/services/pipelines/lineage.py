"""Lineage: artifacts, tasks, and what went into what; and where an artifact comes from.

The shape is that of upstream's proposal, in which these endpoints take the place of ML Metadata.
Who may get (or list) the runs of a namespace may see what they made. All of it is recorded from
what becomes of runs, so that nothing can be written here; upstream's launcher writes by these.
`/artifacts/{id}:lineage` is ours: it walks back to what an artifact was made of, or forward to what
was made of it, across runs.
Upstream: proposals/12147-mlmd-removal/protos.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sampan.services.errors import UNIMPLEMENTED, Refused, denied, invalid, not_found
from sampan.services.pipelines import listing
from sampan.services.pipelines.call import RUN, Call, Handler, Row
from sampan.services.pipelines.listing import Listed
from sampan.services.pipelines.messages import integer
from sampan.services.pipelines.traces import shown_artifact, shown_event, shown_task

_DEPTH, _DEEPEST = 20, 1000
_DIRECTIONS = ("back", "forward")
_SIDES = ("INPUT", "OUTPUT")
_MOST_IDS = 200

ARTIFACTS = Listed(
    "Artifact",
    {
        **{key: key for key in ("artifact_id", "namespace", "name", "created_at", "uri")},
        "id": "artifact_id",
        "digest": "digest",
        "schema_title": "type",
    },
)
TASKS = Listed(
    "Task",
    {
        **{key: key for key in ("task_id", "name", "created_at", "end_time")},
        "id": "task_id",
        "display_name": "name",
        "cache_fingerprint": "cache_fingerprint",
        "create_time": "created_at",
        "start_time": "start_time",
    },
)
EVENTS = Listed(
    "ArtifactTask",
    {key: key for key in ("id", "artifact_id", "task_id", "type", "artifact_key", "created_at")},
)


async def list_artifacts(call: Call) -> Mapping[str, Any]:
    wanted = call.asked(ARTIFACTS, namespace=call.namespace)
    await _may(call, "list", call.namespace)
    await call.parts.recorder.settled()
    found = await call.parts.records.artifacts(wanted)
    return listing.told("artifacts", wanted, found, [shown_artifact(each) for each in found.items])


async def get_artifact(call: Call) -> Mapping[str, Any]:
    return shown_artifact(await _artifact(call))


async def _artifact(call: Call) -> Mapping[str, Any]:
    """Raises Refused."""
    await call.parts.recorder.settled()
    id = call.path["artifact_id"]
    found = await call.parts.records.artifact(id)
    if found is None:
        raise not_found(f"Artifact {id} not found")
    await _may(call, "get", found["namespace"])
    return found


async def lineage(call: Call) -> Mapping[str, Any]:
    """{artifact, artifacts, tasks, artifact_tasks, complete}: all on the ways from the artifact,
    itself too. complete: no way goes on beyond what is told."""
    direction = call.query("direction") or "back"
    if direction not in _DIRECTIONS:
        raise invalid(f'direction must be back or forward, not "{direction}"')
    depth = integer(call.query("depth") or str(_DEPTH), "depth")
    if not 0 < depth <= _DEEPEST:
        raise invalid(f"depth must be between 1 and {_DEEPEST}, not {depth}")
    artifact = await _artifact(call)
    found = await call.parts.records.lineage(artifact["artifact_id"], cast(Any, direction), depth)
    return {
        "artifact": shown_artifact(artifact),
        "artifacts": [shown_artifact(each) for each in found.artifacts],
        "tasks": [shown_task(each) for each in found.tasks],
        "artifact_tasks": [shown_event(each) for each in found.events],
        "complete": not found.cut,
    }


async def list_artifact_tasks(call: Call) -> Mapping[str, Any]:
    """Of the runs, tasks and artifacts that are named; of the namespace, if none is."""
    which = {
        key: list(call.request.queries(f"{key}s")) for key in ("run_id", "task_id", "artifact_id")
    }
    for key, ids in which.items():
        if len(ids) > _MOST_IDS:
            raise invalid(f"{key}s: at most {_MOST_IDS} can be asked for at once")
    side = _side(call.query("type"))
    named = any(which.values())
    wanted = call.asked(EVENTS, namespace="" if named else call.namespace)
    await call.parts.recorder.settled()
    where = await call.parts.records.namespaces(which) if named else [call.namespace]
    for namespace in where:
        await _may(call, "list", namespace)
    found = await call.parts.records.artifact_tasks(wanted, which, side)
    shown = [shown_event(each) for each in found.items]
    return listing.told("artifact_tasks", wanted, found, shown)


def _side(given: str) -> str:
    """By name or number, "" for both."""
    if given in ("0", "1"):
        return _SIDES[int(given)]
    if given and given not in _SIDES:
        raise invalid(f'type must be INPUT or OUTPUT, not "{given}"')
    return given


async def list_tasks(call: Call) -> Mapping[str, Any]:
    run_id, parent_id = call.query("run_id"), call.query("parent_id")
    if bool(run_id) == bool(parent_id):
        raise invalid("one of run_id and parent_id has to be given")

    def query(name: str) -> str:
        return call.query("order_by" if name == "sort_by" else name)

    wanted = listing.asked(query, TASKS)
    await call.parts.recorder.settled()
    if run_id:
        kept = await call.parts.records.run(run_id)
        namespace = kept and kept.run["metadata"]["namespace"]
    else:
        parent = await call.parts.records.task(parent_id)
        namespace = parent and parent["namespace"]
    if not namespace:
        raise not_found(f"Run {run_id} not found" if run_id else f"Task {parent_id} not found")
    await _may(call, "get", namespace)
    found = await call.parts.records.tasks(wanted, run_id=run_id, parent_id=parent_id)
    return listing.told("tasks", wanted, found, [shown_task(each) for each in found.items])


async def get_task(call: Call) -> Mapping[str, Any]:
    await call.parts.recorder.settled()
    found = await call.parts.records.task(call.path["task_id"])
    if found is None:
        raise not_found(f"Task {call.path['task_id']} not found")
    await _may(call, "get", found["namespace"])
    return shown_task(found)


async def _may(call: Call, verb: str, namespace: str) -> None:
    """Raises Refused."""
    if not await call.kube.may_i(verb, RUN, namespace):
        raise denied(f"{call.caller.name} may not {verb} runs in namespace {namespace}")


def _read_only(what: str) -> Handler:
    async def refuse(call: Call) -> Mapping[str, Any]:
        raise Refused(
            UNIMPLEMENTED,
            f"{what} are recorded from what becomes of runs, and cannot be written by clients; an"
            " importer makes an artifact of a URI",
        )

    return refuse


_ONE = "apis/v2beta1/artifacts/{artifact_id}"
ROWS: Sequence[Row] = (
    ("GET", "apis/v2beta1/artifacts", list_artifacts),
    ("POST", "apis/v2beta1/artifacts", _read_only("artifacts")),
    ("GET", f"{_ONE}:lineage", lineage),
    ("GET", _ONE, get_artifact),
    ("GET", "apis/v2beta1/artifact_tasks", list_artifact_tasks),
    ("POST", "apis/v2beta1/artifact_tasks", _read_only("artifact tasks")),
    ("GET", "apis/v2beta1/tasks", list_tasks),
    ("POST", "apis/v2beta1/tasks", _read_only("tasks")),
    ("GET", "apis/v2beta1/tasks/{task_id}", get_task),
    ("PATCH", "apis/v2beta1/tasks/{task_id}", _read_only("tasks")),
)
