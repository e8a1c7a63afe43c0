"""An importer: an artifact that exists already becomes a task's output. No pod is needed.

The same URI with the same type and metadata is the same artifact, unless `reimport` asks for a new
one. Metadata may hold placeholders of the task's inputs, which upstream leaves as they are.
Upstream: backend/src/v2/component/importer_launcher.go.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from sampan.kinds.pipelines import tasks
from sampan.kinds.pipelines.ir import executor_input
from sampan.kinds.pipelines.ir.faults import Unresolved
from sampan.kinds.pipelines.ir.messages import Importer, RuntimeValue
from sampan.kinds.pipelines.ir.placeholders import Placeholders
from sampan.kinds.pipelines.ir.resolve import Values
from sampan.kinds.pipelines.walk import Call, Walk
from sampan.kube import lineage

_KEY = "artifact"
"""The output of an importer that declares none."""


def begin(walk: Walk, call: Call, inputs: Values) -> None:
    definition = call.definition(walk)
    importer = walk.pipeline.executor(definition).importer
    assert importer is not None
    more = tasks.with_inputs(inputs)
    try:
        found = _artifact(walk, call, importer, inputs)
    except Unresolved as fault:
        walk.born(call, "FAILED", fault.message, **more)
        return
    keys = list(definition.outputDefinitions.artifacts) or [_KEY]
    outputs = {"artifacts": {keys[0]: [found]}}
    walk.born(call, "SUCCEEDED", outputs=outputs, **more)


def _artifact(walk: Walk, call: Call, importer: Importer, inputs: Values) -> dict[str, Any]:
    if importer.downloadToWorkspace:
        raise Unresolved("downloadToWorkspace of an importer is not supported yet")
    told = executor_input.build(call.definition(walk), inputs, task_root="")
    known = Placeholders(told, inputs, walk.facts, call.name)
    uri = _value(importer.artifactUri, inputs)
    if not isinstance(uri, str) or not uri:
        raise Unresolved(f"the URI of an imported artifact has to be a text, not {uri!r}")
    kind = importer.typeSchema
    metadata = {
        **{key: _value(each, inputs) for key, each in importer.properties.items()},
        **{key: _value(each, inputs) for key, each in importer.customProperties.items()},
        **{key: _filled(each, known) for key, each in importer.metadata.items()},
    }
    id = lineage.artifact_id(walk.run.namespace, uri)
    found: dict[str, Any] = {
        "id": call.id(walk) if importer.reimport else id,
        "name": uri.rstrip("/").rpartition("/")[2],
        "type": (kind and kind.schemaTitle) or "system.Artifact",
        "uri": known.text(uri),
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
