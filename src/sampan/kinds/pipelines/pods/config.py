"""What kfp-kubernetes says of a component, read and checked."""

from __future__ import annotations

from sampan.kinds.pipelines.ir.kubernetes import ExecutorConfig
from sampan.kinds.pipelines.ir.messages import Component
from sampan.kinds.pipelines.ir.pipeline import Pipeline

_NONE = ExecutorConfig()


def of(pipeline: Pipeline, component: Component) -> ExecutorConfig:
    """The settings of a component's executor; nothing set where there are none. ir.faults.Invalid
    names the field that is unknown or of another type."""
    if not pipeline.kubernetes_executor(component):
        return _NONE
    raise NotImplementedError


def check(pipeline: Pipeline) -> None:
    """All of them. ir.faults.Invalid."""
    for component in pipeline.spec.components.values():
        of(pipeline, component)
