"""What kfp-kubernetes says of a component."""

from __future__ import annotations

from sampan.kinds.pipelines.ir.kubernetes import ExecutorConfig
from sampan.kinds.pipelines.ir.messages import Component
from sampan.kinds.pipelines.ir.pipeline import Pipeline


def of(pipeline: Pipeline, component: Component) -> ExecutorConfig:
    """The settings of a component's executor; nothing set where there are none."""
    return pipeline.kubernetes_executor(component)
