"""CEL of a pipeline: conditions of tasks and selectors of parameters."""

from __future__ import annotations

from typing import Any

from sampan.kinds.pipelines.ir.resolve import Values


def holds(condition: str, inputs: Values) -> bool:
    """Whether a task with these inputs is to run. Raises Unresolved."""
    raise NotImplementedError


def selected(value: Any, selector: str) -> Any:
    """What `parameterExpressionSelector` takes from a value. Raises Unresolved."""
    raise NotImplementedError
