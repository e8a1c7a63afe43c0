"""A pipeline that has been read: its components, the graph of each DAG, executors, platform.

Cheap to have: `validation.validate` makes it once per pair of documents and remembers it. A
component is known by its name; that of the root is "". Nothing here changes once it is made.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from sampan.kinds.pipelines.ir.kubernetes import ExecutorConfig
from sampan.kinds.pipelines.ir.messages import (
    Component,
    Container,
    Executor,
    PipelineConfig,
    PipelineSpec,
    PlatformSpec,
    SinglePlatform,
    Task,
)

ROOT = ""
"""The name of the root component."""
_NO_PLATFORM = SinglePlatform()
_NO_EXECUTOR = Executor()
_NO_SETTINGS = ExecutorConfig()


class Graph(Struct, frozen=True):
    """The tasks of one DAG, each after those that it needs; `needs` has what is written in
    dependentTasks and the producers of its inputs."""

    tasks: Mapping[str, Task]
    needs: Mapping[str, frozenset[str]]


class Pipeline(Struct, frozen=True):
    spec: PipelineSpec
    platform: PlatformSpec
    graphs: Mapping[str, Graph]
    """By component name, of those that are DAGs and reachable from the root."""
    settings: Mapping[str, ExecutorConfig] = {}
    """What kfp-kubernetes says, by executor label."""
    unheeded: tuple[str, ...] = ()
    """Places in the documents that have no effect."""

    @property
    def name(self) -> str:
        return self.spec.pipelineInfo.name

    @property
    def root(self) -> Component:
        return self.component(ROOT)

    def component(self, name: str) -> Component:
        if name == ROOT:
            assert self.spec.root is not None
            return self.spec.root
        return self.spec.components[name]

    def graph(self, component: str) -> Graph:
        return self.graphs[component]

    def executor(self, component: Component) -> Executor:
        """An empty one for a DAG."""
        return self.spec.deploymentSpec.executors.get(component.executorLabel or "", _NO_EXECUTOR)

    def container(self, component: Component) -> Container | None:
        return self.executor(component).container

    @property
    def kubernetes(self) -> SinglePlatform:
        """What the second document says for Kubernetes."""
        return self.platform.platforms.get("kubernetes", _NO_PLATFORM)

    @property
    def config(self) -> PipelineConfig:
        return self.kubernetes.pipelineConfig

    def kubernetes_executor(self, component: Component) -> ExecutorConfig:
        """What kfp-kubernetes says of a component's executor; nothing where it says nothing."""
        return self.settings.get(component.executorLabel or "", _NO_SETTINGS)
