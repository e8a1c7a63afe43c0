"""The graph of a DAG: what each task needs, and an order in which it comes after that.

Upstream: backend/src/v2/compiler/argocompiler/dag.go (addImplicitDependencies).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

import msgspec

from sampan.kinds.pipelines.ir.faults import Invalid
from sampan.kinds.pipelines.ir.messages import Dag, RetryPolicy, Task
from sampan.kinds.pipelines.ir.pipeline import Graph


def of(dag: Dag, policy: RetryPolicy | None = None) -> Graph:
    """policy: of tasks that have none. Raises Invalid: a cycle, a task that is not there, a loop
    without an item."""
    needs = {name: frozenset(_needed(task)) for name, task in dag.tasks.items()}
    for name, wanted in needs.items():
        _check_name(name)
        missing = sorted(each for each in wanted if each not in dag.tasks)
        if missing:
            raise Invalid(f'task "{name}": unknown producer task "{missing[0]}" in DAG')
        _check_loop(name, dag.tasks[name])
    if all(task.runs_anyway and not needs[name] for name, task in dag.tasks.items()):
        raise Invalid("the DAG must contain one or more non-exit tasks")
    for subtask in _producers(dag):
        if subtask not in dag.tasks:
            raise Invalid(f'outputs: unknown producer task "{subtask}" in DAG')
    order = _sorted(needs)
    return Graph({name: _retried(dag.tasks[name], policy) for name in order}, needs)


def _check_name(name: str) -> None:
    """Names are parts of paths, in which [0] is an iteration."""
    if not name or "/" in name or "\0" in name or name.startswith("["):
        raise Invalid(f'task name "{name[:200]}" is empty, begins with "[" or has a "/" in it')


def _retried(task: Task, policy: RetryPolicy | None) -> Task:
    if policy is None or task.retryPolicy is not None:
        return task
    return msgspec.structs.replace(task, retryPolicy=policy)


def _sorted(needs: Mapping[str, frozenset[str]]) -> list[str]:
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise Invalid(f"tasks wait for each other: {' -> '.join(error.args[1])}") from None


def _needed(task: Task) -> Iterator[str]:
    yield from task.dependentTasks
    for source in task.inputs.parameters.values():
        if source.taskOutputParameter is not None:
            yield source.taskOutputParameter.producerTask
        if source.taskFinalStatus is not None and source.taskFinalStatus.producerTask:
            yield source.taskFinalStatus.producerTask
    for artifact in task.inputs.artifacts.values():
        if artifact.taskOutputArtifact is not None:
            yield artifact.taskOutputArtifact.producerTask


def _check_loop(name: str, task: Task) -> None:
    parameters, artifacts = task.parameterIterator, task.artifactIterator
    if parameters is not None:
        given = parameters.items.raw is not None or parameters.items.inputParameter
        if not (parameters.itemInput and given):
            raise Invalid(f'task "{name}": parameterIterator needs items and itemInput')
    if artifacts is not None and not (artifacts.itemInput and artifacts.items.inputArtifact):
        raise Invalid(f'task "{name}": artifactIterator needs items and itemInput')
    if task.iteratorPolicy.parallelismLimit < 0:
        raise Invalid(f'task "{name}": parallelismLimit must not be negative')


def _producers(dag: Dag) -> Iterator[str]:
    for output in dag.outputs.parameters.values():
        if output.valueFromParameter is not None:
            yield output.valueFromParameter.producerSubtask
        if output.valueFromOneof is not None:
            yield from (each.producerSubtask for each in output.valueFromOneof.parameterSelectors)
    for artifact in dag.outputs.artifacts.values():
        yield from (each.producerSubtask for each in artifact.artifactSelectors)
