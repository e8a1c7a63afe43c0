"""Inputs of a task, from the inputs of the DAG that it lies in and the outputs of its siblings.

Three rules are ours: an input whose producer left no such output (it failed, and the task runs
anyway) and an artifact that the DAG was not given are passed over where the component can do
without; and a DAG in it hands on what was not given, so that its own tasks may do without.
Upstream: backend/src/v2/driver/resolve.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct

from sampan.kinds.pipelines.ir import values
from sampan.kinds.pipelines.ir.faults import Unresolved
from sampan.kinds.pipelines.ir.messages import (
    ABSENT,
    ArtifactSource,
    Component,
    InputParameter,
    ParameterSource,
    RuntimeValue,
    Task,
    TaskOutputArtifact,
    TaskOutputParameter,
)
from sampan.kube.launcher import WORKSPACE
from sampan.lib.later import later

LANGUAGE = "sampan.kinds.pipelines.ir.language"
"""Most pipelines have no expressions, and a start no time for their language."""

Artifact = Mapping[str, Any]
"""As `status.tasks` has it: {id, name, type, uri, metadata, digest}; type: a schema's title."""


class Values(Struct, frozen=True):
    """Inputs or outputs of a task, a DAG, an iteration. A parameter that is not there has not been
    given; one that is None was given as null."""

    parameters: Mapping[str, Any] = {}
    artifacts: Mapping[str, tuple[Artifact, ...]] = {}


class RunFacts(Struct, frozen=True, kw_only=True):
    """What placeholders may say about the run. Times are RFC 3339, UTC. scheduled: when its
    schedule wanted it; of a run without one the same as created."""

    id: str
    name: str
    display_name: str
    pipeline_root: str
    created: str
    scheduled: str = ""


class Scope(Protocol):
    """The DAG that a task lies in."""

    @property
    def inputs(self) -> Values:
        """Of the DAG (or the iteration of a loop)."""

    def outputs(self, task: str) -> Values | None:
        """Of a sibling that has ended well (a DAG: `outputs.of_dag`, a loop: `outputs.collected`);
        None: it has none, because it failed or was left out."""

    def state(self, task: str) -> str:
        """Of a sibling, as `status.tasks` has it: SUCCEEDED, FAILED, …"""


class _Without(Unresolved):
    """There is no such value. A component may be able to do without."""


_STATES = {"SUCCEEDED": "COMPLETE", "SKIPPED": "CANCELED", "OMITTED": "CANCELED"}
"""Of a task, in the words that its exit handler is told. Upstream's are those of ML Metadata, where
a task that was not triggered counts as canceled."""


def inputs(
    name: str, task: Task, component: Component, scope: Scope, run: RunFacts, task_id: str = ""
) -> Values:
    """What a task named so in its DAG gets; for a loop: the loop as a whole. Raises Unresolved."""
    try:
        return Values(
            _parameters(name, task, component, scope, run, task_id),
            _artifacts(task, component, scope),
        )
    except Unresolved as error:
        raise Unresolved(f"failed to resolve inputs: {error.message}") from None


def _parameters(
    name: str, task: Task, component: Component, scope: Scope, run: RunFacts, task_id: str
) -> dict[str, Any]:
    definitions = component.inputDefinitions.parameters
    found = _defaults(task, component) if component.dag is not None else {}
    for key, source in task.inputs.parameters.items():
        definition = definitions.get(key, _ANYTHING)
        if definition.parameterType == "TASK_CONFIG":
            continue  # it tells of the pod, which is made later
        try:
            value = _value(source, scope, run, name, task_id, task)
        except _Without:
            if component.dag is not None and source.componentInputParameter is not None:
                found[key] = _default(definition)
                continue
            if definition.isOptional or definition.defaultValue is not ABSENT:
                continue
            raise
        fault = values.not_literal(key, value, definition.literals)
        if fault:
            raise Unresolved(f'validating parameter "{key}": {fault}')
        value = _selected(key, value, source.parameterExpressionSelector)
        found[key] = value if key not in definitions else values.coerced(key, value, definition)
    _complain(definitions, found, _item(task))
    return found


_ANYTHING = InputParameter()


def _defaults(task: Task, component: Component) -> dict[str, Any]:
    """Optional inputs of a DAG that the task does not mention: the DAG's tasks may ask for them."""
    return {
        key: _default(definition)
        for key, definition in component.inputDefinitions.parameters.items()
        if definition.isOptional and key not in task.inputs.parameters
    }


def _default(definition: InputParameter) -> Any:
    return None if definition.defaultValue is ABSENT else definition.defaultValue


def _item(task: Task) -> str:
    return task.parameterIterator.itemInput if task.parameterIterator else ""


def _complain(
    definitions: Mapping[str, InputParameter], found: Mapping[str, Any], item: str
) -> None:
    """About what is missing. The item of a loop comes with the iteration."""
    for key, definition in definitions.items():
        needed = not definition.isOptional and definition.defaultValue is ABSENT
        if needed and key not in found and key != item:
            if definition.parameterType == "TASK_CONFIG":
                continue
            raise Unresolved(
                f'neither value nor default value provided for non-optional parameter "{key}"'
            )


def _selected(key: str, value: Any, selector: str) -> Any:
    if not selector:
        return value
    try:
        return later(LANGUAGE).selected(value, selector)
    except Unresolved as error:
        raise Unresolved(
            f'resolving parameter "{key}": evaluation of parameter expression selector '
            f'"{selector}" failed: {error.message}'
        ) from None


def parameter(
    source: ParameterSource, scope: Scope, run: RunFacts, name: str, task_id: str = ""
) -> Any:
    """One value from anywhere in a spec (kfp-kubernetes settings have such sources too); None for
    null. Raises Unresolved."""
    try:
        value = _value(source, scope, run, name, task_id, Task())
    except _Without:
        if source.componentInputParameter is not None:
            return None
        raise
    return _selected(name, value, source.parameterExpressionSelector)


def _value(
    source: ParameterSource, scope: Scope, run: RunFacts, name: str, task_id: str, task: Task
) -> Any:
    if source.componentInputParameter is not None:
        return _input(source.componentInputParameter, scope)
    if source.taskOutputParameter is not None:
        return _output(source.taskOutputParameter, scope)
    if source.runtimeValue is not None:
        return _constant(source.runtimeValue, run, name, task_id)
    if source.taskFinalStatus is not None:
        return _final_status(source.taskFinalStatus.producerTask, task, scope, run)
    raise Unresolved("a parameter has no source")


def _input(key: str, scope: Scope) -> Any:
    known = scope.inputs.parameters
    if key not in known:
        raise Unresolved(f"parent DAG does not have input parameter {key}")
    if known[key] is None:
        raise _Without(f"the resolved input parameter is null: {key}")
    return known[key]


def _output(source: TaskOutputParameter, scope: Scope) -> Any:
    made = scope.outputs(source.producerTask)
    key = source.outputParameterKey
    if made is None or made.parameters.get(key) is None:
        state = scope.state(source.producerTask)
        raise _Without(f'task "{source.producerTask}" ({state}) has no output parameter "{key}"')
    return made.parameters[key]


def _constant(source: RuntimeValue, run: RunFacts, name: str, task_id: str) -> Any:
    if source.constant is ABSENT:
        raise Unresolved("a runtime value that is no constant is not supported")
    value = source.constant
    return filled(value, run, name, task_id) if isinstance(value, str) else value


def _final_status(producer: str, task: Task, scope: Scope, run: RunFacts) -> dict[str, Any]:
    """A PipelineTaskFinalStatus. error is empty upstream, too."""
    producer = producer or next(iter(task.dependentTasks), "")
    if not producer:
        raise Unresolved("a task that asks for a final status has no dependent tasks")
    state = scope.state(producer)
    return {
        "state": _STATES.get(state, state),
        "error": {},
        "pipelineJobResourceName": run.name,
        "pipelineTaskName": producer,
    }


_ABOUT_RUN = re.compile(
    r"\{\{\$\.(pipeline_job_name|pipeline_job_resource_name|pipeline_job_uuid|pipeline_task_name"
    r"|pipeline_task_uuid|pipeline_job_create_time_utc|pipeline_job_schedule_time_utc"
    r"|pipeline_root|workspace_path)\}\}"
)


def filled(template: str, run: RunFacts, task: str, task_id: str = "") -> str:
    """A text with what it says about the run and the task. Upstream knows these placeholders (but
    the workspace's) only as a whole constant; the SDK writes them into texts. What is not known
    stays as it is."""
    if "{{$." not in template:
        return template
    said = {
        "pipeline_job_name": run.display_name,
        "pipeline_job_resource_name": run.name,
        "pipeline_job_uuid": run.id,
        "pipeline_task_name": task,
        "pipeline_task_uuid": task_id,
        "pipeline_job_create_time_utc": run.created,
        "pipeline_job_schedule_time_utc": run.scheduled or run.created,
        "pipeline_root": run.pipeline_root,
        "workspace_path": WORKSPACE,
    }
    return _ABOUT_RUN.sub(lambda match: said[match[1]] or match[0], template)


def _artifacts(task: Task, component: Component, scope: Scope) -> dict[str, tuple[Artifact, ...]]:
    found = {}
    for key, source in task.inputs.artifacts.items():
        definition = component.inputDefinitions.artifacts.get(key)
        try:
            found[key] = _artifact(source, scope)
        except _Without as error:
            handed_on = component.dag is not None and source.componentInputArtifact is not None
            if not handed_on and (definition is None or not definition.isOptional):
                raise Unresolved(
                    f"failed to resolve input artifact {key}: {error.message}"
                ) from None
    return found


def _artifact(source: ArtifactSource, scope: Scope) -> tuple[Artifact, ...]:
    if source.taskOutputArtifact is not None:
        return _made(source.taskOutputArtifact, scope)
    key = source.componentInputArtifact
    if not key:
        raise Unresolved("component input artifact key is empty")
    if key not in scope.inputs.artifacts:
        raise _Without(f"parent DAG does not have input artifact {key}")
    return scope.inputs.artifacts[key]


def _made(source: TaskOutputArtifact, scope: Scope) -> tuple[Artifact, ...]:
    made = scope.outputs(source.producerTask)
    if made is None or source.outputArtifactKey not in made.artifacts:
        raise _Without(
            f'cannot find output artifact key "{source.outputArtifactKey}" '
            f'in producer task "{source.producerTask}"'
        )
    return made.artifacts[source.outputArtifactKey]
