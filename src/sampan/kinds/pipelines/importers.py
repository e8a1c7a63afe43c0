"""An importer: an artifact that exists already becomes a task's output.

The same URI is the same artifact, unless `reimport` asks for a new one. Metadata may hold
placeholders of the task's inputs, which upstream leaves as they are. No pod is needed but for
`downloadToWorkspace`: the launcher brings the artifact, a small program copies it to the workspace.
Upstream: backend/src/v2/component/importer_launcher.go.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from sampan.kinds.pipelines import attempts, tasks
from sampan.kinds.pipelines.ir import executor_input, locations
from sampan.kinds.pipelines.ir.faults import Unresolved
from sampan.kinds.pipelines.ir.messages import (
    Component,
    Container,
    Deployment,
    Executor,
    Importer,
    InputArtifact,
    InputDefinitions,
    InputParameter,
    RuntimeValue,
)
from sampan.kinds.pipelines.ir.placeholders import Placeholders
from sampan.kinds.pipelines.ir.resolve import Artifact, Values
from sampan.kinds.pipelines.pods.about import Unbuildable, Work
from sampan.kinds.pipelines.tasks import Entry
from sampan.kinds.pipelines.walk import Call, Walk
from sampan.kube import launcher, lineage

_KEY = "artifact"
"""The output of an importer that declares none, and the input of what copies it."""
_COPY = "copies-to-workspace"
_COPYING = Container(
    image="busybox",
    command=["sh", "-ec", 'mkdir -p "${1%/*}"; rm -rf "$1"; cp -R "$0" "$1"'],
    args=[f"{{{{$.inputs.artifacts['{_KEY}'].path}}}}", "{{$.inputs.parameters['place']}}"],
)
_COPIER = Component(
    executorLabel=_COPY,
    inputDefinitions=InputDefinitions(
        parameters={"place": InputParameter(parameterType="STRING")},
        artifacts={_KEY: InputArtifact()},
    ),
)


class _Recipe:
    """The pod of an importer with `downloadToWorkspace`."""

    def work(self, walk: Walk, call: Call, inputs: Values, attempt: int) -> Work:
        found = _artifact(walk, call, inputs)
        if str(found["uri"]).startswith("oci://"):
            raise Unresolved("importer workspace download does not support OCI registries")
        place = locations.path_of({**found, "metadata": {launcher.IN_WORKSPACE: True}})
        if not place:
            raise Unresolved(f"no place in the workspace for an artifact at {found['uri']}")
        told = Values({"place": place}, {_KEY: (found,)})
        deployment = Deployment(executors={_COPY: Executor(container=_COPYING)})
        spec = replace(walk.pipeline.spec, deploymentSpec=deployment)
        pipeline = replace(walk.pipeline, spec=spec)
        return attempts.work_of(walk, call, pipeline, _COPIER, told, attempt)

    def outputs(self, walk: Walk, call: Call, entry: Entry, result: launcher.Result) -> Values:
        found = _artifact(walk, call, tasks.inputs_of(entry))
        metadata = {**found.get("metadata", {}), launcher.IN_WORKSPACE: True}
        return _given(walk, call, {**found, "metadata": metadata})


_RECIPE = _Recipe()


def begin(walk: Walk, call: Call, inputs: Values) -> None:
    more = tasks.with_inputs(inputs)
    try:
        if not _importer(walk, call).downloadToWorkspace:
            found = _given(walk, call, _artifact(walk, call, inputs))
            walk.born(call, "SUCCEEDED", **tasks.with_outputs(found), **more)
        elif walk.asking:
            walk.begun += 1
        else:
            work = _RECIPE.work(walk, call, inputs, attempts.first_of(walk, call))
            attempts.begin(walk, call, work, more)
    except (Unresolved, Unbuildable) as fault:
        walk.born(call, "FAILED", str(fault), **more)


def look(walk: Walk, call: Call) -> None:
    attempts.look(walk, call, _RECIPE)


def _importer(walk: Walk, call: Call) -> Importer:
    importer = walk.pipeline.executor(call.definition(walk)).importer
    assert importer is not None
    return importer


def _given(walk: Walk, call: Call, found: Artifact) -> Values:
    """The one output of an importer."""
    keys = list(call.definition(walk).outputDefinitions.artifacts) or [_KEY]
    return Values({}, {keys[0]: (found,)})


def _artifact(walk: Walk, call: Call, inputs: Values) -> dict[str, Any]:
    importer = _importer(walk, call)
    told = executor_input.build(call.definition(walk), inputs, task_root="")
    known = Placeholders(told, inputs, walk.facts, call.name)
    uri = _value(importer.artifactUri, inputs)
    if not isinstance(uri, str) or not uri:
        raise Unresolved(f"the URI of an imported artifact has to be a text, not {uri!r}")
    kind, uri = importer.typeSchema, known.text(uri)
    metadata = {
        **{key: _value(each, inputs) for key, each in importer.properties.items()},
        **{key: _value(each, inputs) for key, each in importer.customProperties.items()},
        **{key: _filled(each, known) for key, each in importer.metadata.items()},
    }
    id = lineage.artifact_id(walk.run.namespace, uri)
    found: dict[str, Any] = {
        "id": call.id(walk) if importer.reimport else id,
        "name": uri.rstrip("/").rpartition("/")[2],
        "type": (kind and kind.schemaTitle) or launcher.ARTIFACT,
        "uri": uri,
    }
    if metadata:
        found["metadata"] = metadata
    return found


def _value(source: RuntimeValue, inputs: Values) -> Any:
    if source.runtimeParameter is not None:
        if source.runtimeParameter not in inputs.parameters:
            raise Unresolved(f"cannot find input parameter {source.runtimeParameter!r}")
        return inputs.parameters[source.runtimeParameter]
    if source.constant is not UNSET:
        return source.constant
    old = source.constantValue
    if old is None:
        return None
    values = (old.stringValue, old.intValue, old.doubleValue)
    return next((each for each in values if each is not None), None)


def _filled(value: Any, known: Placeholders) -> Any:
    if isinstance(value, str):
        return known.text(value)
    if isinstance(value, list):
        return [_filled(each, known) for each in value]
    if isinstance(value, dict):
        return {known.text(key): _filled(each, known) for key, each in value.items()}
    return value
