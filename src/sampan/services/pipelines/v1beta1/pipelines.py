"""Pipelines and their versions in the words of v1beta1.

The default version of a pipeline is its newest one. Upstream: server/pipeline_server.go,
server/pipeline_upload_server.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sampan.kinds.pipelines import legacy
from sampan.kinds.pipelines.ir import documents
from sampan.kinds.pipelines.ir.documents import Documents
from sampan.kube import meta, names
from sampan.kube.keys import Manifest
from sampan.lib import yaml
from sampan.services.errors import UNIMPLEMENTED, Refused, invalid, not_found
from sampan.services.pipelines import listing, naming, pipelines, uploads, versions
from sampan.services.pipelines.call import PIPELINE, PIPELINE_VERSION, Call, Row
from sampan.services.pipelines.messages import compact
from sampan.services.pipelines.v1beta1 import messages, paging, references


async def create(call: Call) -> Mapping[str, Any]:
    await call.read(messages.PIPELINE)
    raise _from_elsewhere("url")


async def create_version(call: Call) -> Mapping[str, Any]:
    await call.read(messages.VERSION)
    raise _from_elsewhere("package_url")


def _from_elsewhere(field: str) -> Refused:
    return invalid(f"{field}: nothing is fetched from other servers here: upload the package")


async def upload(call: Call) -> Mapping[str, Any]:
    made = await uploads.new_pipeline(call)
    return shown(made, await versions.latest(call, meta.uid_of(made)))


async def upload_version(call: Call) -> Mapping[str, Any]:
    return shown_version(await uploads.new_version(call), call.query("pipelineid"))


async def get(call: Call) -> Mapping[str, Any]:
    return await _told(call, await call.get(PIPELINE, call.path["pipeline_id"]))


async def by_name(call: Call) -> Mapping[str, Any]:
    namespace, name = call.path["namespace"], call.path["name"]
    where = call.parts.namespace if namespace == "-" else namespace
    found = call.parts.ids.named(names.PIPELINE, where, name)
    if found is None:
        await call.check("get", PIPELINE, where)
        raise not_found(f"Pipeline {name} not found in namespace {where}")
    return await _told(call, await call.get(PIPELINE, found.id))


async def _told(call: Call, pipeline: Manifest) -> Mapping[str, Any]:
    where, name = meta.namespace_of(pipeline), meta.name_of(pipeline)
    own = call.parts.ids.within(names.PIPELINE_VERSION, where, name)
    return shown(pipeline, await call.get(PIPELINE_VERSION, own[-1].id) if own else None)


async def list_pipelines(call: Call) -> Mapping[str, Any]:
    scope = await references.scope(call)
    wanted = paging.asked(call, listing.PIPELINES, namespace=scope.namespace)
    there = (await call.kube.list(PIPELINE, wanted.namespace))["items"]
    tie = "pipeline_id"
    found = paging.answer("pipelines", wanted, there, pipelines.shown, dict, tie=tie)
    if "pipelines" in found:
        found["pipelines"] = [await _told(call, each) for each in found["pipelines"]]
    return found


async def delete(call: Call) -> Mapping[str, Any]:
    """Its versions go with it."""
    pipeline = await call.get(PIPELINE, call.path["pipeline_id"])
    where, name = meta.namespace_of(pipeline), meta.name_of(pipeline)
    for each in call.parts.ids.within(names.PIPELINE_VERSION, where, name):
        await call.delete(PIPELINE_VERSION, each.id)
    await call.delete(PIPELINE, call.path["pipeline_id"])
    return {}


async def template(call: Call) -> Mapping[str, Any]:
    return {"template": text_of(await versions.latest(call, call.path["pipeline_id"]))}


async def version_template(call: Call) -> Mapping[str, Any]:
    return {"template": text_of(await call.get(PIPELINE_VERSION, call.path["version_id"]))}


def text_of(version: Manifest) -> str:
    """The package, as YAML."""
    spec = version.get("spec") or {}
    document = spec.get("pipelineSpec") or {}
    if legacy.is_workflow(document):
        return yaml.dump(document)
    return documents.package(Documents(document, spec.get("platformSpec") or {}))


async def set_default(call: Call) -> Mapping[str, Any]:
    """Only what is so anyway."""
    newest = await versions.latest(call, call.path["pipeline_id"])
    wanted = await versions.find(call, call.path["version_id"], call.path["pipeline_id"])
    if meta.uid_of(newest) != meta.uid_of(wanted):
        raise Refused(UNIMPLEMENTED, "The default version of a pipeline is its newest one")
    return {}


async def get_version(call: Call) -> Mapping[str, Any]:
    found = await call.get(PIPELINE_VERSION, call.path["version_id"])
    return shown_version(found, versions.pipeline_id_of(call, found))


async def list_versions(call: Call) -> Mapping[str, Any]:
    kind, id = references.asked(call, "resource_key")
    if kind != "PIPELINE" or not id:
        raise invalid("Invalid resource key: versions are of a PIPELINE, whose id is needed")
    wanted = paging.asked(call, listing.VERSIONS)
    pipeline = await call.get(PIPELINE, id)
    name = meta.name_of(pipeline)
    there = (await call.kube.list(PIPELINE_VERSION, meta.namespace_of(pipeline)))["items"]
    own = [each for each in there if (each.get("spec") or {}).get("pipelineName") == name]
    tie = "pipeline_version_id"
    return paging.answer(
        "versions", wanted, own, versions.shown, lambda each: shown_version(each, id), tie=tie
    )


async def delete_version(call: Call) -> Mapping[str, Any]:
    await call.get(PIPELINE_VERSION, call.path["version_id"])
    await call.delete(PIPELINE_VERSION, call.path["version_id"])
    return {}


def shown(pipeline: Manifest, version: Manifest | None) -> dict[str, Any]:
    newest = shown_version(version, meta.uid_of(pipeline)) if version else {}
    return compact(
        id=meta.uid_of(pipeline),
        name=naming.name_of(pipeline),
        description=(pipeline.get("spec") or {}).get("description"),
        created_at=pipeline["metadata"]["creationTimestamp"],
        parameters=newest.get("parameters"),
        default_version=newest,
        resource_references=references.owner("NAMESPACE", meta.namespace_of(pipeline)),
    )


def shown_version(version: Manifest, pipeline_id: str) -> dict[str, Any]:
    spec = version.get("spec") or {}
    source = spec.get("codeSourceURL")
    return compact(
        id=meta.uid_of(version),
        name=naming.name_of(version),
        description=spec.get("description"),
        created_at=version["metadata"]["creationTimestamp"],
        parameters=_parameters(spec.get("pipelineSpec") or {}),
        code_source_url=source,
        package_url=compact(pipeline_url=source),
        resource_references=references.owner("PIPELINE", pipeline_id),
    )


def _parameters(document: Manifest) -> list[dict[str, Any]]:
    if not legacy.is_workflow(document):
        return []
    return [compact(name=name, value=value) for name, value in legacy.parameters(document).items()]


_PIPELINES = "apis/v1beta1/pipelines"
_ONE = f"{_PIPELINES}/{{pipeline_id}}"
_VERSIONS = "apis/v1beta1/pipeline_versions"
_VERSION = f"{_VERSIONS}/{{version_id}}"
ROWS: Sequence[Row] = (
    ("POST", f"{_PIPELINES}/upload", upload),
    ("POST", f"{_PIPELINES}/upload_version", upload_version),
    ("POST", _PIPELINES, create),
    ("GET", _PIPELINES, list_pipelines),
    ("GET", _ONE, get),
    ("DELETE", _ONE, delete),
    ("GET", f"{_ONE}/templates", template),
    ("POST", f"{_ONE}/default_version/{{version_id}}", set_default),
    ("GET", "apis/v1beta1/namespaces/{namespace}/pipelines/{name}", by_name),
    ("POST", _VERSIONS, create_version),
    ("GET", _VERSIONS, list_versions),
    ("GET", _VERSION, get_version),
    ("DELETE", _VERSION, delete_version),
    ("GET", f"{_VERSION}/templates", version_template),
)
