"""Conditions of tasks: CEL over the ExecutorInput, of which only `inputs` is there by then.

Upstream: backend/src/v2/expression/expression.go (Condition).
"""

from __future__ import annotations

from typing import Any

from sampan.kinds.pipelines.ir.faults import Unresolved
from sampan.kinds.pipelines.ir.resolve import LANGUAGE, Artifact, Values
from sampan.lib.later import later


def holds(condition: str, inputs: Values) -> bool:
    """Whether a task with these inputs is to run. Raises Unresolved."""
    language = later(LANGUAGE)
    said = {"inputs": language.doubles(_inputs(inputs)), "outputs": {}}
    found = language.evaluated(condition, said)
    if not isinstance(found, bool):
        raise Unresolved(f"evaluation error: return type is not bool, got {found}")
    return found


def _inputs(inputs: Values) -> dict[str, Any]:
    return {
        "parameter_values": inputs.parameters,
        "artifacts": {
            name: {"artifacts": [_artifact(each) for each in artifacts]}
            for name, artifacts in inputs.artifacts.items()
        },
    }


def _artifact(artifact: Artifact) -> dict[str, Any]:
    return {
        "name": artifact.get("name") or "",
        "uri": artifact.get("uri") or "",
        "metadata": artifact.get("metadata") or {},
    }
