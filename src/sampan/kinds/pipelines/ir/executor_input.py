"""ExecutorInput: what the program of a task is told, as JSON.

Upstream: provisionOutputs (backend/src/v2/driver/driver.go), addDefaultParams and getPlaceholders
(backend/src/v2/component/launcher_v2.go).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from sampan.kinds.pipelines.ir import values
from sampan.kinds.pipelines.ir.filling import substituted
from sampan.kinds.pipelines.ir.messages import ABSENT, ArtifactType, Component, OutputDefinitions
from sampan.kinds.pipelines.ir.resolve import Artifact, Values
from sampan.kube.launcher import ARTIFACT, LOGS, METADATA_FILE, PARAMETERS, local_path

_SCHEMA_VERSION = "0.0.1"
_FALLBACK = f"/tmp/kfp_outputs/{METADATA_FILE}"
"""Where outputs are said of a task whose root no program can see."""
_REFERENCE = re.compile(r"\{\{\$\.inputs\.parameters\['([^'{}]{1,1000})'\]\}\}")


def build(
    component: Component, inputs: Values, *, task_root: str, publish_logs: bool = False
) -> dict[str, Any]:
    """{inputs: {parameterValues, artifacts}, outputs: {parameters, artifacts, outputFile}}.
    inputs: as resolved; defaults of the component are filled in here. task_root:
    `locations.task_root`. Raises Unresolved."""
    return {
        "inputs": {
            "parameterValues": _parameters(component, inputs.parameters),
            "artifacts": {
                name: {"artifacts": [_input(name, each) for each in artifacts]}
                for name, artifacts in inputs.artifacts.items()
            },
        },
        "outputs": _outputs(component.outputDefinitions, task_root, publish_logs),
    }


def _parameters(component: Component, given: Mapping[str, Any]) -> dict[str, Any]:
    """With defaults, and with what texts say of other parameters: so the SDK writes f-strings."""
    found = dict(given)
    for name, definition in component.inputDefinitions.parameters.items():
        if definition.defaultValue is not ABSENT:
            found.setdefault(name, definition.defaultValue)
    return {name: _filled(value, found) for name, value in found.items()}


def _filled(value: Any, known: Mapping[str, Any]) -> Any:
    """Once: what a parameter says of others has no references of its own."""
    if isinstance(value, str):
        if "{{$.inputs.parameters['" not in value:
            return value
        return substituted(
            _REFERENCE,
            lambda match: values.text_of(known[match[1]]) if match[1] in known else match[0],
            value,
        )
    if isinstance(value, list):
        return [_filled(each, known) for each in value]
    if isinstance(value, dict):
        return {key: _filled(each, known) for key, each in value.items()}
    return value


def _input(name: str, artifact: Artifact) -> dict[str, Any]:
    """Where its maker had it (`customPath`) is nothing to who reads it and finds it by its URI."""
    title = artifact.get("type") or ARTIFACT
    return {
        "name": artifact.get("name") or name,
        "type": dict(title)
        if isinstance(title, Mapping)
        else {"schemaTitle": title, "schemaVersion": _SCHEMA_VERSION},
        "uri": artifact.get("uri") or "",
        "metadata": dict(artifact.get("metadata") or {}),
    }


def _outputs(definitions: OutputDefinitions, task_root: str, publish_logs: bool) -> dict[str, Any]:
    artifacts = {
        name: _output(name, task_root, definition.artifactType, definition.metadata)
        for name, definition in definitions.artifacts.items()
    }
    if publish_logs and LOGS not in artifacts:
        artifacts[LOGS] = _output(LOGS, task_root, None, {})
    try:
        output_file = posixpath.join(local_path(task_root), METADATA_FILE)
    except ValueError:
        output_file = _FALLBACK
    return {
        "parameters": {
            name: {"outputFile": f"{PARAMETERS}/{name}"} for name in definitions.parameters
        },
        "artifacts": artifacts,
        "outputFile": output_file,
    }


def _output(
    name: str, task_root: str, type_: ArtifactType | None, metadata: Mapping[str, Any]
) -> dict[str, Any]:
    schema = {"schemaTitle": ARTIFACT, "schemaVersion": _SCHEMA_VERSION}
    if type_ is not None:
        schema = {key: each for key, each in msgspec.structs.asdict(type_).items() if each}
    one: dict[str, Any] = {"name": name, "uri": f"{task_root}/{name}", "type": schema}
    if metadata:
        one["metadata"] = dict(metadata)
    return {"artifacts": [one]}
