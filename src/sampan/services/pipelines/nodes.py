"""Nodes: the tasks of a run, as paths of the API name them.

Upstream a node is one of the Argo Workflow's, which is a pod. Here it is the name of a pod, or the
id, the path or the name of a task.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kube.keys import Manifest


def find(run: Manifest, node: str) -> Mapping[str, Any] | None:
    """The entry of `status.tasks` that is meant; of several with this name the last."""
    tasks: Mapping[str, Any] = (run.get("status") or {}).get("tasks") or {}
    for field in ("pod", "id"):
        for entry in tasks.values():
            if entry.get(field) == node:
                found: Mapping[str, Any] = entry
                return found
    if node in tasks:
        entry = tasks[node]
        return entry if isinstance(entry, Mapping) else None
    named = [entry for entry in tasks.values() if entry.get("name") == node]
    return named[-1] if named else None
