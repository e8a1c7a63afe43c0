"""Versions of pipelines: a pipeline's documents, kept under a name of the pipeline's own.

The documents are checked when the version is made. An Argo Workflow is a version too, as it was of
the API's first version: it is kept as it was written.
Upstream: server/pipeline_server.go, resource_manager.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sampan.kinds.pipelines import legacy
from sampan.kinds.pipelines.ir import documents, validation
from sampan.kinds.pipelines.ir.documents import Documents
from sampan.kinds.pipelines.ir.faults import Invalid
from sampan.kube import meta, names, times
from sampan.kube.errors import AlreadyExists, ApiStatus
from sampan.kube.keys import Manifest
from sampan.services.errors import EXISTS, Refused, invalid
from sampan.services.pipelines import listing, messages, naming, pipelines, trying
from sampan.services.pipelines.call import PIPELINE, PIPELINE_VERSION, Call, Row, missing
from sampan.services.pipelines.lengths import check_length, check_tags
from sampan.services.pipelines.messages import compact

_VERSION_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?\Z")
_SPEC_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,127}\Z")


async def create(call: Call) -> Mapping[str, Any]:
    given = await call.read(messages.PIPELINE_VERSION)
    pipeline = await call.get(PIPELINE, call.path["pipeline_id"])
    return shown(await make(call, pipeline, given, source(given)))


async def create_both(call: Call) -> Mapping[str, Any]:
    """A pipeline with its first version, which is called and described as the pipeline is where it
    does not say itself; it gives a name to a pipeline that has none."""
    given = await call.read(messages.PIPELINE_AND_VERSION)
    pipeline, version = given.get("pipeline") or {}, given.get("pipeline_version") or {}
    spec = source(version)
    name = pipeline.get("name") or pipeline.get("display_name") or ""
    told = {key: pipeline[key] for key in ("display_name", "description") if pipeline.get(key)}
    version = {"name": name or spec_name(spec), **told, **version}
    pipeline = {"name": name or version["name"], **pipeline}
    return pipelines.shown(await make_both(call, pipeline, version, spec))


async def make_both(
    call: Call, pipeline: Mapping[str, Any], version: Mapping[str, Any], spec: Mapping[str, Any]
) -> Manifest:
    """The Pipeline; no pipeline stays without the version. Raises Refused."""
    checked(spec)
    made = await pipelines.make(call, pipeline)
    try:
        await make(call, made, version, spec)
    except (Refused, ApiStatus):
        await call.delete(PIPELINE, meta.uid_of(made))
        raise
    return made


def source(given: Mapping[str, Any]) -> dict[str, Any]:
    """The documents that a message has. Raises Refused."""
    if spec := given.get("pipeline_spec"):
        return dict(spec)
    if given.get("package_url"):
        raise invalid(
            "package_url: nothing is fetched from other servers here: send pipeline_spec, or upload"
            " the package"
        )
    raise invalid("Pipeline version must have a pipeline spec")


def checked(spec: Mapping[str, Any], *, kept: bool = True) -> Documents:
    """The documents, if they are a pipeline that can run here; of a Workflow it is the only one.
    `kept`: it becomes a version, whose name has to be a good one. Raises Refused."""
    if legacy.is_workflow(spec):
        for field in ("metadata", "spec"):
            if not isinstance(spec.get(field) or {}, Mapping):
                raise invalid(f"pipeline spec is invalid: {field} of the Workflow is no object")
        return Documents(dict(spec), {})
    try:
        found = documents.split(spec)
        validation.validate(found.spec, found.platform)
    except Invalid as error:
        raise invalid(f"pipeline spec is invalid: {error.message}") from None
    name = spec_name(spec)
    if kept and not _SPEC_NAME.match(name):
        raise invalid(
            "pipeline's name must contain only lowercase alphanumeric characters or '-' and must"
            f' start with alphanumeric characters: "{name[:200]}"'
        )
    return found


def spec_name(spec: Mapping[str, Any]) -> str:
    """What a pipeline calls itself, "" if it does not say."""
    if legacy.is_workflow(spec):
        found = spec.get("metadata") or {}
        return str(found.get("name") or found.get("generateName") or "").rstrip("-")
    inner = spec.get("pipeline_spec") or spec
    info = inner.get("pipelineInfo") if isinstance(inner, dict) else None
    return str(info.get("name") or "") if isinstance(info, dict) else ""


async def make(
    call: Call, pipeline: Manifest, given: Mapping[str, Any], spec: Mapping[str, Any]
) -> Manifest:
    """The PipelineVersion of a message. Raises Refused."""
    name = given.get("name") or given.get("display_name") or ""
    if not name:
        raise invalid("name is required")
    check_length("PipelineVersion", "Name", name)
    check_tags(given.get("tags") or {})
    found = checked(spec)
    namespace, parent = meta.namespace_of(pipeline), meta.name_of(pipeline)
    if legacy.is_workflow(found.spec):
        await trying.check_pipeline(call, found.spec, namespace)
    if call.parts.ids.named(names.PIPELINE_VERSION, namespace, name, parent=parent):
        raise _exists(name)
    plain = bool(_VERSION_NAME.match(name))
    annotations = compact(
        **{
            names.ANNOTATION_CREATED_AT: times.micro(call.moment),
            names.ANNOTATION_PIPELINE_NAME: "" if plain else name,
        }
    )
    metadata = {
        "name": naming.version_name(parent, name),
        "labels": {names.LABEL_PIPELINE_ID: meta.uid_of(pipeline)},
        "annotations": annotations,
        "ownerReferences": [meta.controlled_by(pipeline)],
    }
    fields = compact(
        pipelineName=parent,
        displayName=given.get("display_name") or name,
        versionName=name if plain else "",
        description=given.get("description"),
        codeSourceURL=given.get("code_source_url"),
        pipelineSpecURI=(given.get("package_url") or {}).get("pipeline_url"),
        tags=given.get("tags"),
        platformSpec=found.platform,
    )
    manifest = {"metadata": metadata, "spec": {**fields, "pipelineSpec": found.spec}}
    try:
        return await call.create(PIPELINE_VERSION, namespace, manifest)
    except AlreadyExists:
        raise _exists(name) from None


def _exists(name: str) -> Refused:
    return Refused(
        EXISTS, f"Failed to create a new pipeline version. The name {name} already exists. Please"
        " specify a new name",
    )  # fmt: skip


async def find(call: Call, version_id: str, pipeline_id: str = "") -> Manifest:
    """A version by its id, of this pipeline if one is named; the latest one of the pipeline
    without. Raises Refused."""
    if not version_id:
        return await latest(call, pipeline_id)
    version = await call.get(PIPELINE_VERSION, version_id)
    if pipeline_id and pipeline_id != pipeline_id_of(call, version):
        raise missing(PIPELINE_VERSION, version_id)
    return version


async def latest(call: Call, pipeline_id: str) -> Manifest:
    pipeline = call.key(PIPELINE, pipeline_id)
    ids = call.parts.ids
    found = ids.within(names.PIPELINE_VERSION, pipeline.namespace, pipeline.name)
    if not found:
        raise missing(PIPELINE_VERSION, f"of pipeline {pipeline_id}")
    return await call.get(PIPELINE_VERSION, found[-1].id)


def pipeline_id_of(call: Call, version: Manifest) -> str:
    """Versions that kubectl made say which pipeline they are of by its name alone."""
    name = str((version.get("spec") or {}).get("pipelineName") or "")
    return call.parts.ids.at(names.PIPELINE, meta.namespace_of(version), name)


async def get(call: Call) -> Mapping[str, Any]:
    """Whichever pipeline the path names, as upstream, whose tests count on it."""
    version = await call.get(PIPELINE_VERSION, call.path["pipeline_version_id"])
    return {**shown(version), "pipeline_id": pipeline_id_of(call, version)}


async def list_versions(call: Call) -> Mapping[str, Any]:
    id = call.path["pipeline_id"]
    wanted = call.asked(listing.VERSIONS)
    pipeline = await call.get(PIPELINE, id)
    name = meta.name_of(pipeline)
    items = (await call.kube.list(PIPELINE_VERSION, meta.namespace_of(pipeline)))["items"]
    found = (each for each in items if (each.get("spec") or {}).get("pipelineName") == name)

    def told(version: Manifest) -> dict[str, Any]:
        return {**shown(version), "pipeline_id": id}

    return listing.answer("pipeline_versions", wanted, found, told, tie="pipeline_version_id")


async def update(call: Call) -> Mapping[str, Any]:
    id = call.path["pipeline_version_id"]
    changed = await pipelines.changed(call, PIPELINE_VERSION, id, messages.PIPELINE_VERSION)
    return {**shown(changed), "pipeline_id": pipeline_id_of(call, changed)}


async def delete(call: Call) -> Mapping[str, Any]:
    await call.delete(PIPELINE_VERSION, call.path["pipeline_version_id"])
    return {}


def shown(version: Manifest) -> dict[str, Any]:
    spec = version.get("spec") or {}
    labels = version["metadata"].get("labels") or {}
    return compact(
        pipeline_id=labels.get(names.LABEL_PIPELINE_ID),
        pipeline_version_id=meta.uid_of(version),
        name=naming.name_of(version),
        display_name=naming.display_name_of(version),
        description=spec.get("description"),
        created_at=version["metadata"]["creationTimestamp"],
        code_source_url=spec.get("codeSourceURL"),
        package_url=compact(pipeline_url=spec.get("pipelineSpecURI")),
        pipeline_spec=documents_of(spec),
        tags=spec.get("tags"),
    )


def documents_of(spec: Mapping[str, Any]) -> dict[str, Any]:
    """How an answer shows the documents in an object's spec."""
    found = Documents(spec.get("pipelineSpec") or {}, spec.get("platformSpec") or {})
    return documents.joined(found) if found.spec else {}


_ALL = "apis/v2beta1/pipelines/{pipeline_id}/versions"
_ONE = f"{_ALL}/{{pipeline_version_id}}"
ROWS: Sequence[Row] = (
    ("POST", "apis/v2beta1/pipelines/create", create_both),
    ("POST", _ALL, create),
    ("GET", _ALL, list_versions),
    ("GET", _ONE, get),
    ("PATCH", _ONE, update),
    ("DELETE", _ONE, delete),
)
