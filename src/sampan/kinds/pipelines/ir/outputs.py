"""Outputs of DAGs and loops out of those of the tasks in them: selectors, OneOf, Collected.

Upstream: backend/src/v2/driver/resolve.go (GetProducerTask, CollectInputs). It makes one flat list
of nested loops' parameters, though the SDK types them as lists of lists; here they are these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sampan.kinds.pipelines.ir.messages import (
    Component,
    Dag,
    DagOutputParameter,
    ParameterSelector,
)
from sampan.kinds.pipelines.ir.resolve import Artifact, Values


def of_dag(component: Component, tasks: Mapping[str, Values]) -> Values:
    """tasks: outputs of those that ended well (SUCCEEDED or CACHED), by name. An output whose
    producer is not among them is left out. OneOf takes the first one that is."""
    written = (component.dag or Dag()).outputs
    parameters: dict[str, Any] = {}
    for key, output in written.parameters.items():
        for each in _selectors(output):
            made = tasks.get(each.producerSubtask)
            if made is not None and each.outputParameterKey in made.parameters:
                parameters[key] = made.parameters[each.outputParameterKey]
                break
    artifacts: dict[str, tuple[Artifact, ...]] = {}
    for key, chosen in written.artifacts.items():
        for selector in chosen.artifactSelectors:
            made = tasks.get(selector.producerSubtask)
            if made is not None and selector.outputArtifactKey in made.artifacts:
                artifacts[key] = made.artifacts[selector.outputArtifactKey]
                break
    return Values(parameters, artifacts)


def _selectors(output: DagOutputParameter) -> Sequence[ParameterSelector]:
    if output.valueFromOneof is not None:
        return output.valueFromOneof.parameterSelectors
    return [output.valueFromParameter] if output.valueFromParameter else []


def collected(component: Component, iterations: Sequence[Values]) -> Values:
    """Of a loop over a component, from the outputs of its iterations in their order: each parameter
    becomes a list (of lists, where the iterations' own are), artifacts one flat list. An iteration
    that lacks an output is not in its list; a loop without iterations has empty lists."""
    written, declared = (component.dag or Dag()).outputs, component.outputDefinitions
    return Values(
        {
            key: [each.parameters[key] for each in iterations if key in each.parameters]
            for key in written.parameters or declared.parameters
        },
        {
            key: tuple(one for each in iterations for one in each.artifacts.get(key, ()))
            for key in written.artifacts or declared.artifacts
        },
    )
