"""ExecutorInput: what the program of a task is told, as JSON."""

from __future__ import annotations

from typing import Any

from sampan.kinds.pipelines.ir.messages import Component
from sampan.kinds.pipelines.ir.resolve import Values


def build(
    component: Component, inputs: Values, *, task_root: str, publish_logs: bool = False
) -> dict[str, Any]:
    """{inputs: {parameterValues, artifacts}, outputs: {parameters, artifacts, outputFile}}.
    inputs: as resolved; defaults of the component are filled in here. task_root:
    `locations.task_root`."""
    raise NotImplementedError
