"""What a run or a job of v1beta1 is asked to run: a version, the newest version of a pipeline, or a
manifest that comes with it. Upstream: server/api_converter.go toModelRun, toModelJob.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kinds.pipelines import legacy
from sampan.kinds.pipelines.ir import documents, validation, values
from sampan.kinds.pipelines.ir.faults import Fault
from sampan.kinds.pipelines.ir.messages import ParameterType
from sampan.lib import yaml
from sampan.services.errors import invalid
from sampan.services.pipelines import sources
from sampan.services.pipelines.call import Call
from sampan.services.pipelines.sources import Source
from sampan.services.pipelines.trying import WORKFLOW
from sampan.services.pipelines.v1beta1 import references


def name(given: Mapping[str, Any], what: str) -> str:
    """Raises Refused."""
    found = given.get("name") or (given.get("pipeline_spec") or {}).get("pipeline_name")
    if not found:
        raise invalid(f"{what} name cannot be empty")
    return str(found)


async def source(call: Call, given: Mapping[str, Any]) -> Source:
    """Raises Refused."""
    spec = given.get("pipeline_spec") or {}
    version = references.of(given, "PIPELINE_VERSION")
    pipeline = spec.get("pipeline_id") or references.of(given, "PIPELINE")
    if version or pipeline:
        return await sources.of_version(call, pipeline, version)
    text = spec.get("pipeline_manifest") or spec.get("workflow_manifest")
    if not text:
        raise invalid("Failed to fetch a template with an empty pipeline spec manifest")
    return of_text(text)


def of_text(text: str) -> Source:
    """Of a manifest as text: a Workflow or IR. Raises Refused."""
    try:
        found = yaml.load_all(text)
    except (yaml.YamlError, RecursionError) as error:
        raise invalid(f"Failed to parse the workflow template: {error}") from None
    first = found[0] if len(found) == 1 else None
    if isinstance(first, dict) and ("apiVersion" in first or "kind" in first):
        _check_kind(first)
        return Source(document=first)
    try:
        return sources.of_document(documents.joined(documents.read(text)))
    except Fault as fault:
        raise invalid(f"pipeline spec is invalid: {fault.message}") from None


def _check_kind(manifest: Mapping[str, Any]) -> None:
    for field, wanted, what in (
        ("apiVersion", WORKFLOW.api_version, "Unsupported argo version"),
        ("kind", WORKFLOW.kind, "Unexpected resource type"),
    ):
        if manifest.get(field) != wanted:
            raise invalid(f"{what}. Expected: {wanted}. Received: {manifest.get(field, '')}")


def texts(given: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of a Workflow."""
    listed = (given.get("pipeline_spec") or {}).get("parameters") or ()
    return {each.get("name", ""): each.get("value", "") for each in listed}


def parameters(given: Mapping[str, Any], source: Source) -> dict[str, Any]:
    """The parameters of IR: as they are in the runtime config, and those that are text read as
    what the pipeline wants. Raises Refused."""
    config = (given.get("pipeline_spec") or {}).get("runtime_config") or {}
    found = dict(config.get("parameters") or {})
    wanted = _types(source)
    for name, text in texts(given).items():
        try:
            found[name] = values.of_text(text, wanted.get(name, "STRING"))
        except Fault as fault:
            raise invalid(f"parameter {name}: {fault.message}") from None
    return found


def _types(source: Source) -> Mapping[str, ParameterType]:
    try:
        pipeline = validation.validate(source.document, source.platform or {})
    except Fault as fault:
        raise invalid(f"pipeline spec is invalid: {fault.message}") from None
    listed = pipeline.root.inputDefinitions.parameters
    return {name: definition.parameterType for name, definition in listed.items()}


def root(given: Mapping[str, Any]) -> str:
    config = (given.get("pipeline_spec") or {}).get("runtime_config") or {}
    return str(config.get("pipeline_root") or "")


def check(given: Mapping[str, Any], source: Source) -> None:
    """Whether a run could begin with these parameters. Raises Refused."""
    if not source.is_workflow:
        sources.check_arguments(source, parameters(given, source), root(given))
        return
    config = (given.get("pipeline_spec") or {}).get("runtime_config") or {}
    if any(config.values()):
        raise invalid("pipeline_spec.runtime_config: a Workflow takes pipeline_spec.parameters")
    known = legacy.parameters(source.document)
    for name in texts(given):
        if name not in known:
            raise invalid(f"Unrecognized input parameter: {name}")
