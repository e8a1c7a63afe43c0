"""OpenAPI v3 documents hold what kubectl looks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from msgspec import Struct, structs

from sampan.apiserver import openapi
from sampan.apiserver.schemas import Schema, facts


class Thing(Struct, frozen=True, kw_only=True):
    """A served resource."""

    group: str
    version: str
    object_kind: str
    plural: str
    list_kind: str = "Things"
    namespaced: bool = True
    verbs: tuple[str, ...] = ("create", "delete", "get", "list", "patch", "update")
    schema: Schema
    selectable_fields: tuple[str, ...] = ()


class Registry:
    def __init__(self, *things: Thing) -> None:
        self.things = list(things)
        self.changed = 1

    def __iter__(self) -> Iterator[Thing]:
        return iter(self.things)


def own(group: str, kind: str, plural: str) -> Thing:
    schema = facts().schema(group, "v1", kind)
    assert schema is not None
    return Thing(group=group, version="v1", object_kind=kind, plural=plural, schema=schema)


def custom(**spec: Any) -> Thing:
    source = {"type": "object", "properties": {"spec": {"type": "object", "properties": spec}}}
    return Thing(
        group="stable.example.com", version="v1", object_kind="CronTab", plural="crontabs",
        schema=Schema.from_crd(source),
    )  # fmt: skip


def refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref" and isinstance(inner, str):
                yield inner.removeprefix("#/components/schemas/")
            else:
                yield from refs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from refs(inner)


@pytest.mark.parametrize("thing", [own("apps", "Deployment", "deployments"), custom()],
                         ids=["own", "custom"])  # fmt: skip
def test_every_reference_leads_somewhere(thing: Thing) -> None:
    made = openapi.document([thing])
    assert set(refs(made)) <= made["components"]["schemas"].keys()


def test_paths_tell_patch_types_and_validation() -> None:
    made = openapi.document([own("apps", "Deployment", "deployments")])
    item = made["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]
    patch = item["patch"]
    gvk = {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert patch["x-kubernetes-group-version-kind"] == gvk
    assert "fieldValidation" in {parameter["name"] for parameter in patch["parameters"]}
    assert "application/strategic-merge-patch+json" in patch["requestBody"]["content"]
    schema = made["components"]["schemas"]["io.k8s.api.apps.v1.Deployment"]
    assert schema["x-kubernetes-group-version-kind"] == [gvk]
    containers = made["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]["properties"][
        "containers"
    ]
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert containers["x-kubernetes-patch-strategy"] == "merge"
    assert containers["x-kubernetes-list-type"] == "map"


def test_custom_resources_have_their_own_schema_and_no_strategic_patch() -> None:
    made = openapi.document([custom(cron={"type": "string"})])
    schema = made["components"]["schemas"]["com.example.stable.v1.CronTab"]
    assert schema["properties"]["spec"]["properties"]["cron"] == {"type": "string"}
    assert schema["properties"]["metadata"]["allOf"]
    path = "/apis/stable.example.com/v1/namespaces/{namespace}/crontabs/{name}"
    content = made["paths"][path]["patch"]["requestBody"]["content"]
    assert "application/merge-patch+json" in content
    assert "application/strategic-merge-patch+json" not in content


def test_the_index_names_each_document_with_what_it_depends_on() -> None:
    registry = Registry(own("", "Pod", "pods"), custom())
    documents = openapi.Documents(registry)
    body, tag = documents.serve(()) or (b"", "")
    paths = orjson.loads(body)["paths"]
    assert set(paths) == {"api/v1", "apis/stable.example.com/v1"}
    address = paths["apis/stable.example.com/v1"]["serverRelativeURL"]
    _, mine = documents.serve(("apis", "stable.example.com", "v1")) or (b"", "")
    assert address == f"/openapi/v3/apis/stable.example.com/v1?hash={mine}"
    registry.things[1] = custom(more={"type": "string"})
    registry.changed += 1
    _, other = documents.serve(("apis", "stable.example.com", "v1")) or (b"", "")
    assert other != mine
    assert (documents.serve(()) or (b"", ""))[1] != tag
    assert documents.serve(("apis", "none", "v1")) is None


def test_all_of_kubernetes_can_be_documented() -> None:
    for fact in facts().resources():
        schema = facts().schema(fact.group, fact.version, fact.kind)
        assert schema is not None
        thing = Thing(group=fact.group, version=fact.version, object_kind=fact.kind,
                      plural=fact.plural, schema=schema)  # fmt: skip
        made = openapi.document([thing])
        assert set(refs(made)) <= made["components"]["schemas"].keys()


def test_groups_that_are_alike_have_documents_of_their_own() -> None:
    one = custom(a={"type": "string"})
    other = structs.replace(one, group="other.example.com")
    registry = Registry(one)
    documents = openapi.Documents(registry)
    for thing in (one, other):  # the one goes, the other comes
        registry.things, registry.changed = [thing], registry.changed + 1
        body, _ = documents.serve(["apis", thing.group, "v1"]) or (b"", "")
        found = [path.split("/")[2] for path in orjson.loads(body)["paths"]]
        assert set(found) == {thing.group}
