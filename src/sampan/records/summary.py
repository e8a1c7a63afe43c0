"""What lists show of an archived workflow: all that is short.

Upstream: argo-workflows persist/sqldb ListWorkflows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_META = ("name", "namespace", "uid", "creationTimestamp", "labels", "annotations")
_SPEC = ("suspend", "arguments")
_STATUS = ("phase", "startedAt", "finishedAt", "progress", "message", "estimatedDuration",
           "resourcesDuration")  # fmt: skip


def summary(workflow: Mapping[str, Any]) -> dict[str, Any]:
    """The workflow without its nodes and templates."""
    return {
        "metadata": _some(workflow["metadata"], _META),
        "spec": _some(workflow.get("spec") or {}, _SPEC),
        "status": _some(workflow.get("status") or {}, _STATUS),
    }


def _some(given: Mapping[str, Any], wanted: tuple[str, ...]) -> dict[str, Any]:
    return {name: given[name] for name in wanted if name in given}
