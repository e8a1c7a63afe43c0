"""Loops: the items of one, and the inputs of each iteration.

An iteration keeps the list that the items come from among its inputs: upstream takes it away, and
what is written in the loop's body may ask for it. Loops over artifacts are ours, upstream has none.
Upstream: backend/src/v2/driver/resolve.go (isIterationDriver), dag.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sampan.kinds.pipelines.ir import values
from sampan.kinds.pipelines.ir.faults import Unresolved
from sampan.kinds.pipelines.ir.messages import Component, ParameterIterator, Task
from sampan.kinds.pipelines.ir.resolve import Values

MOST = 100_000
"""Iterations of one loop."""


def of(task: Task, inputs: Values) -> Sequence[Any]:
    """The items: values, or artifacts for an artifactIterator. Raises Unresolved."""
    if task.artifactIterator is not None:
        key = task.artifactIterator.items.inputArtifact
        if key not in inputs.artifacts:
            raise Unresolved(f'the loop has no input artifact "{key}" to go through')
        found: Sequence[Any] = inputs.artifacts[key]
    elif task.parameterIterator is not None:
        found = _listed(_source(task.parameterIterator, inputs))
    else:
        raise Unresolved("the task is no loop")
    if len(found) > MOST:
        raise Unresolved(f"the loop has {len(found)} items; at most {MOST} are gone through")
    return found


def _source(iterator: ParameterIterator, inputs: Values) -> Any:
    if iterator.items.raw is not None:
        return iterator.items.raw
    key = iterator.items.inputParameter or ""
    if inputs.parameters.get(key) is None:
        raise Unresolved(f'the loop has no input parameter "{key}" to go through')
    return inputs.parameters[key]


def _listed(value: Any) -> Sequence[Any]:
    """A list, or one written as JSON."""
    found = value
    if isinstance(value, str):
        try:
            found = values.parsed(value)
        except ValueError as error:
            raise Unresolved(f"the items of the loop are no JSON: {error}") from None
    if not isinstance(found, list | tuple):
        raise Unresolved(f"value of type {values.kind_of(found)} cannot be iterated")
    return found


def iteration(task: Task, component: Component, inputs: Values, item: Any) -> Values:
    """The inputs of the iteration with that item. Raises Unresolved."""
    if task.artifactIterator is not None:
        key = task.artifactIterator.itemInput
        return Values(inputs.parameters, {**inputs.artifacts, key: (item,)})
    key = task.parameterIterator.itemInput if task.parameterIterator else ""
    definition = component.inputDefinitions.parameters.get(key)
    value = item if definition is None else values.coerced(key, item, definition, null=True)
    return Values({**inputs.parameters, key: value}, inputs.artifacts)
