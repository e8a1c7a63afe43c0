"""Pipelines: a name under which versions are kept. Versions are in `versions`.

Upstream: server/pipeline_server.go, resource_manager.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sampan.kube import meta, names, times
from sampan.kube.errors import AlreadyExists
from sampan.kube.keys import Manifest
from sampan.services.errors import EXISTS, Refused, invalid, not_found
from sampan.services.kube import Resource
from sampan.services.pipelines import listing, messages, naming
from sampan.services.pipelines.call import PIPELINE, PIPELINE_VERSION, Call, Row
from sampan.services.pipelines.lengths import check_length, check_tags
from sampan.services.pipelines.messages import compact


async def create(call: Call) -> Mapping[str, Any]:
    return shown(await make(call, await call.read(messages.PIPELINE)))


async def make(call: Call, given: Mapping[str, Any]) -> Manifest:
    """The Pipeline of a message. Raises Refused."""
    name = given.get("name") or given.get("display_name") or ""
    if not name:
        raise invalid("name is required")
    check_length("Pipeline", "Name", name)
    check_tags(given.get("tags") or {})
    namespace = given.get("namespace") or call.parts.namespace
    if call.parts.ids.named(names.PIPELINE, namespace, name):
        await call.check("create", PIPELINE, namespace)
        raise _exists(name)
    called = naming.object_name(name)
    annotations = {names.ANNOTATION_CREATED_AT: times.micro(call.moment)}
    if called != name:
        annotations[names.ANNOTATION_PIPELINE_NAME] = name
    spec = compact(
        displayName=given.get("display_name") or name,
        description=given.get("description"),
        tags=given.get("tags"),
    )
    manifest = {"metadata": {"name": called, "annotations": annotations}, "spec": spec}
    try:
        return await call.create(PIPELINE, namespace, manifest)
    except AlreadyExists:
        raise _exists(name) from None


def _exists(name: str) -> Refused:
    return Refused(
        EXISTS, f"Failed to create a new pipeline. The name {name} already exists. Please specify a"
        " new name",
    )  # fmt: skip


async def get(call: Call) -> Mapping[str, Any]:
    return shown(await call.get(PIPELINE, call.path["pipeline_id"]))


async def by_name(call: Call) -> Mapping[str, Any]:
    name = call.path["name"]
    found = call.parts.ids.named(names.PIPELINE, call.namespace, name)
    if found is None:
        await call.check("get", PIPELINE, call.namespace)
        raise not_found(f"Pipeline {name} not found in namespace {call.namespace}")
    return shown(await call.get(PIPELINE, found.id))


async def list_pipelines(call: Call) -> Mapping[str, Any]:
    wanted = call.asked(listing.PIPELINES, namespace=call.namespace)
    found = (await call.kube.list(PIPELINE, wanted.namespace))["items"]
    return listing.answer("pipelines", wanted, found, shown, tie="pipeline_id")


async def update(call: Call) -> Mapping[str, Any]:
    """What is given of display_name and tags; the others of a pipeline do not change."""
    return shown(await changed(call, PIPELINE, call.path["pipeline_id"], messages.PIPELINE))


async def changed(call: Call, resource: Resource, id: str, kind: messages.Message) -> Manifest:
    given = await call.read(kind)
    key = call.key(resource, id)
    spec: dict[str, Any] = {}
    if given.get("display_name"):
        spec["displayName"] = given["display_name"]
    if "tags" in given:
        check_tags(given["tags"])
        former = (await call.get(resource, id)).get("spec") or {}
        spec["tags"] = {**dict.fromkeys(former.get("tags") or {}), **given["tags"]}
    if not spec:
        return await call.get(resource, id)
    return await call.kube.patch(resource, key.namespace, key.name, {"spec": spec})


async def delete(call: Call) -> Mapping[str, Any]:
    """With `cascade` its versions too; without, only if it has none."""
    id = call.path["pipeline_id"]
    pipeline = await call.get(PIPELINE, id)
    namespace, name = meta.namespace_of(pipeline), meta.name_of(pipeline)
    versions = call.parts.ids.within(names.PIPELINE_VERSION, namespace, name)
    if versions and not call.asks("cascade"):
        raise invalid(
            f"Failed to delete pipeline with id {id} as it has existing pipeline versions (e.g."
            f" {versions[-1].id}). Set cascade=true to delete all versions"
        )
    for each in versions:
        await call.delete(PIPELINE_VERSION, each.id)
    await call.delete(PIPELINE, id)
    return {}


def shown(pipeline: Manifest) -> dict[str, Any]:
    spec = pipeline.get("spec") or {}
    return compact(
        pipeline_id=meta.uid_of(pipeline),
        name=naming.name_of(pipeline),
        display_name=naming.display_name_of(pipeline),
        description=spec.get("description"),
        created_at=pipeline["metadata"]["creationTimestamp"],
        namespace=meta.namespace_of(pipeline),
        tags=spec.get("tags"),
    )


ROWS: Sequence[Row] = (
    ("POST", "apis/v2beta1/pipelines", create),
    ("GET", "apis/v2beta1/pipelines", list_pipelines),
    ("GET", "apis/v2beta1/pipelines/names/{name}", by_name),
    ("GET", "apis/v2beta1/pipelines/{pipeline_id}", get),
    ("PATCH", "apis/v2beta1/pipelines/{pipeline_id}", update),
    ("DELETE", "apis/v2beta1/pipelines/{pipeline_id}", delete),
)
