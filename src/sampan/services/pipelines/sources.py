"""Sources: what a run or a schedule is asked to run, and in which experiment.

A pipeline of its own, or a version: the one that is named, else the newest of its pipeline.
Upstream: backend/src/apiserver/resource/resource_manager.go (fetchTemplateFromPipelineSpec,
GetValidExperimentNamespacePair).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sampan.kinds.pipelines import legacy
from sampan.kinds.pipelines.ir import arguments, locations, validation
from sampan.kinds.pipelines.ir.faults import Fault
from sampan.kube import meta
from sampan.kube.keys import Manifest
from sampan.services.errors import invalid
from sampan.services.pipelines import experiments, versions
from sampan.services.pipelines.call import EXPERIMENT, Call


class Source(Struct, frozen=True, kw_only=True):
    """document: IR, or a Workflow manifest. latest: no version was named, and this is the newest.
    Without a pipeline_id the document came with the request."""

    document: Manifest
    platform: Manifest | None = None
    pipeline_id: str = ""
    version_id: str = ""
    latest: bool = False

    @property
    def is_workflow(self) -> bool:
        return legacy.is_workflow(self.document)


async def of_message(call: Call, given: Mapping[str, Any]) -> Source:
    """What the fields of PIPELINE_SOURCE name. Raises Refused."""
    if spec := given.get("pipeline_spec"):
        return of_document(spec)
    reference = given.get("pipeline_version_reference") or {}
    version_id = given.get("pipeline_version_id") or reference.get("pipeline_version_id", "")
    return await of_version(call, reference.get("pipeline_id", ""), version_id)


def of_document(spec: Mapping[str, Any]) -> Source:
    """Of IR, alone or beside what it says for a platform. Raises Refused."""
    found = versions.checked(spec, kept=False)
    return Source(document=found.spec, platform=found.platform or None)


async def of_version(call: Call, pipeline_id: str, version_id: str) -> Source:
    """Raises Refused."""
    if not pipeline_id and not version_id:
        raise invalid("Failed to fetch a template with an empty pipeline spec manifest")
    found = await versions.find(call, version_id, pipeline_id)
    spec = found.get("spec") or {}
    return Source(
        document=spec.get("pipelineSpec") or {},
        platform=spec.get("platformSpec") or None,
        pipeline_id=pipeline_id or versions.pipeline_id_of(call, found),
        version_id=meta.uid_of(found),
        latest=not version_id,
    )


def check_arguments(source: Source, parameters: Mapping[str, Any], root: str = "") -> None:
    """Whether a run of it could begin with these. Raises Refused."""
    if source.is_workflow:
        for name in parameters.keys() - legacy.parameters(source.document).keys():
            raise invalid(f"Unrecognized input parameter: {name}")
        return
    try:
        pipeline = validation.validate(source.document, source.platform or {})
        arguments.check(pipeline, parameters)
        if root:
            locations.check_root(root)
    except Fault as fault:
        raise invalid(f"invalid pipeline job inputs: {fault.message}") from None


async def experiment(call: Call, experiment_id: str, namespace: str) -> tuple[str, str]:
    """The experiment's id and namespace; the default one, made if need be. Raises Refused."""
    if not experiment_id:
        where = namespace or call.parts.namespace
        return await experiments.default(call, where), where
    there = meta.namespace_of(await call.get(EXPERIMENT, experiment_id))
    if namespace not in ("", there):
        raise invalid(
            f"Experiment {experiment_id} belongs to namespace '{there}' instead of '{namespace}'"
        )
    return experiment_id, there


def as_spec(source: Source) -> dict[str, Any]:
    """The fields of a ScheduledWorkflow: a version is looked up at each time."""
    if not source.pipeline_id and not source.version_id:
        return {"pipelineSpec": source.document, "platformSpec": source.platform}
    version = {} if source.latest else {"pipelineVersionId": source.version_id}
    return {"pipelineId": source.pipeline_id or None, **version}


def shown_source(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of PIPELINE_SOURCE, from those of a ScheduledWorkflow or a Run."""
    origin = spec.get("pipelineVersionReference") or spec
    ids = {
        field: origin[name]
        for field, name in (
            ("pipeline_id", "pipelineId"),
            ("pipeline_version_id", "pipelineVersionId"),
        )
        if origin.get(name)
    }
    if ids:
        return {"pipeline_version_reference": ids}
    document = versions.documents_of(spec)
    return {"pipeline_spec": document} if document else {}
