"""What a task says of artifacts: the artifacts that it names, its events, the metrics in them.

No SQL here. An artifact that came without an id has the one that its place and content give it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from sampan.kube import launcher
from sampan.kube.lineage import artifact_id

INPUT, OUTPUT = "INPUT", "OUTPUT"
_METRICS = "system.Metrics"
_INNER = frozenset({"Dag", "Loop", "Iteration"})
"""Types of tasks in which other tasks make what they give out."""


def artifacts_of(entry: Mapping[str, Any]) -> Iterator[tuple[str, str, int, Mapping[str, Any]]]:
    """(INPUT or OUTPUT, key, position, artifact) of each artifact that a task names."""
    for side, direction in (("inputs", INPUT), ("outputs", OUTPUT)):
        for key, found in ((entry.get(side) or {}).get("artifacts") or {}).items():
            for position, artifact in enumerate(found if isinstance(found, list) else [found]):
                if isinstance(artifact, Mapping):
                    yield direction, str(key), position, artifact


def event_rows(
    task_id: str, entry: Mapping[str, Any], *, namespace: str, run: int
) -> Iterator[dict[str, Any]]:
    for direction, key, position, artifact in artifacts_of(entry):
        yield {
            "artifact_id": id_of(artifact, namespace),
            "task_id": task_id,
            "run": run,
            "type": direction,
            "leaf": entry.get("type") not in _INNER,
            "key": key[:255],
            "position": position,
        }


def artifact_row(artifact: Mapping[str, Any], *, namespace: str, created: int) -> dict[str, Any]:
    """`created` in seconds since 1970."""
    return {
        "artifact_id": id_of(artifact, namespace),
        "namespace": namespace,
        "name": _short(artifact.get("name")),
        "type": _short(artifact.get("type")) or launcher.ARTIFACT,
        "digest": _short(artifact.get("digest")),
        "created_at": created,
        "uri": str(artifact.get("uri") or "").replace("\0", ""),
        "document": orjson.dumps(artifact.get("metadata") or {}).decode(),
    }


def id_of(artifact: Mapping[str, Any], namespace: str) -> str:
    return str(artifact.get("id") or "")[:128] or artifact_id(
        namespace, str(artifact.get("uri") or ""), str(artifact.get("digest") or "")
    )


def own_id(id: str, namespace: str) -> str:
    """Instead of an id that an artifact of another namespace has: whoever may write a status must
    not reach it."""
    return artifact_id(namespace, f"id:{id}")


def metrics_of(entry: Mapping[str, Any]) -> dict[str, float]:
    """The numbers in the metadata of the system.Metrics that a task gave out."""
    found: dict[str, float] = {}
    if entry.get("type") in _INNER:
        return found
    for direction, _, _, artifact in artifacts_of(entry):
        if direction == OUTPUT and artifact.get("type") == _METRICS:
            for name, value in (artifact.get("metadata") or {}).items():
                if type(value) in (int, float) and math.isfinite(value):
                    found[str(name)[:255]] = float(value)
    return found


def _short(value: Any) -> str:
    return str(value or "").replace("\0", "")[:255]
