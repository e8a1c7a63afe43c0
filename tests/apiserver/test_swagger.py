"""OpenAPI v2: the document, what kubectl can read of it, and how it is served."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sampan.apiserver.resources import Resource, Resources
from sampan.apiserver.schemas import Schema
from sampan.apiserver.swagger.contents import document
from sampan.apiserver.swagger.schemas import definitions
from sampan.apiserver.traits import ORDINARY

PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
ANSWERED = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
TYPES = {"object", "array", "string", "integer", "number", "boolean"}
Made = dict[str, Any]


@pytest.fixture(scope="module")
def everything() -> Made:
    return document(list(Resources()))


def crontab(schema: Made, kind: str = "CronTab") -> Resource:
    return Resource(
        group="stable.example.com", version="v1", object_kind=kind, plural=f"{kind.lower()}s",
        singular=kind.lower(), list_kind=f"{kind}List", namespaced=True, trait=ORDINARY,
        schema=lambda: Schema.from_crd(schema),
    )  # fmt: skip


def custom(schema: Made) -> Made:
    """The definition of a custom resource with this schema for its spec."""
    made = document([crontab({"type": "object", "properties": {"spec": schema}})])
    found: Made = made["definitions"]["com.example.stable.v1.CronTab"]
    return found


def schemas(value: Any) -> Iterator[Made]:
    """A schema and all that are in it."""
    yield value
    for inner in value.get("properties", {}).values():
        yield from schemas(inner)
    for key in ("items", "additionalProperties"):
        if isinstance(value.get(key), dict):
            yield from schemas(value[key])


def readable(definitions: Made) -> None:
    """What kubectl demands of every schema before it believes any."""
    for name, definition in definitions.items():
        for schema in schemas(definition):
            if "$ref" in schema:
                assert schema["$ref"].removeprefix("#/definitions/") in definitions, name
                assert not {"type", "properties"} & schema.keys()
            assert schema.get("type", "object") in TYPES, name
            if schema.get("type") == "array":
                assert isinstance(schema["items"], dict), name
            assert not {"allOf", "anyOf", "oneOf", "not", "nullable"} & schema.keys(), name


def test_kubectl_can_read_all_definitions(everything: Made) -> None:
    readable(everything["definitions"])


def test_definitions_name_their_kind_and_how_to_merge(everything: Made) -> None:
    found = everything["definitions"]
    gvk = {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert found["io.k8s.api.apps.v1.Deployment"]["x-kubernetes-group-version-kind"] == [gvk]
    containers = found["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"]
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert containers["items"] == {"$ref": "#/definitions/io.k8s.api.core.v1.Container"}
    strategy = found["io.k8s.api.apps.v1.DeploymentSpec"]["properties"]["strategy"]
    assert strategy["x-kubernetes-patch-strategy"] == "retainKeys"
    assert strategy["$ref"] == "#/definitions/io.k8s.api.apps.v1.DeploymentStrategy"
    quantity = found["io.k8s.apimachinery.pkg.api.resource.Quantity"]
    assert quantity == {"type": "string"}


def test_lists_have_definitions_too(everything: Made) -> None:
    found = everything["definitions"]["io.k8s.api.core.v1.ConfigMapList"]
    assert found["properties"]["items"]["items"] == {
        "$ref": "#/definitions/io.k8s.api.core.v1.ConfigMap"
    }
    assert found["x-kubernetes-group-version-kind"][0]["kind"] == "ConfigMapList"


def test_patches_tell_their_media_types_and_parameters(everything: Made) -> None:
    item = everything["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]
    patch = item["patch"]
    assert "application/strategic-merge-patch+json" in patch["consumes"]
    queries = {each["name"] for each in patch["parameters"] if each["in"] == "query"}
    assert queries == {"dryRun", "fieldManager", "fieldValidation", "pretty"}
    assert [each["name"] for each in item["parameters"]] == ["namespace", "name"]
    answer = item["get"]["responses"]["200"]["schema"]
    assert answer == {"$ref": "#/definitions/io.k8s.api.apps.v1.Deployment"}


@pytest.mark.parametrize(
    ("given", "left"),
    [
        pytest.param({"type": "integer", "minimum": 1}, {"type": "integer", "minimum": 1},
                     id="plain"),
        pytest.param({"type": "string", "nullable": True, "description": "d"},
                     {"description": "d"}, id="null"),
        pytest.param(
            {"type": "object", "x-kubernetes-preserve-unknown-fields": True,
             "properties": {"a": {"type": "string"}}},
            {"x-kubernetes-preserve-unknown-fields": True}, id="unknown-fields"),
        pytest.param(
            {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}]},
            {"x-kubernetes-int-or-string": True}, id="int-or-string"),
        pytest.param(
            {"type": "object", "required": ["a", "b"], "properties": {
                "a": {"type": "string"}, "b": {"type": "string", "nullable": True}}},
            {"type": "object", "required": ["a"],
             "properties": {"a": {"type": "string"}, "b": {}}}, id="required-null"),
        pytest.param({"type": "object", "properties": {}}, {"type": "object"}, id="no-properties"),
        pytest.param({"type": "array", "items": {"type": "string", "maxLength": "x"}},
                     {"type": "array", "items": {"type": "string"}}, id="wrong-type"),
        pytest.param({"type": "array"}, {}, id="no-items"),
        pytest.param({"type": "string", "allOf": [{"$ref": "#/components/schemas/none"}]},
                     {"type": "string"}, id="foreign-reference"),
    ],
)  # fmt: skip
def test_what_v2_cannot_say_is_left_open(given: Made, left: Made) -> None:
    assert custom(given)["properties"]["spec"] == left


def test_embedded_resources_have_metadata() -> None:
    template = {"type": "object", "x-kubernetes-embedded-resource": True,
                "properties": {"spec": {"type": "object"}}}  # fmt: skip
    found = custom(template)["properties"]["spec"]["properties"]
    assert found.keys() == {"apiVersion", "kind", "metadata", "spec"}


def test_endless_schemas_are_cut() -> None:
    schema: Made = {"type": "string"}
    for _ in range(5000):
        schema = {"type": "array", "items": schema}
    made = definitions({"deep": schema})
    assert len(list(schemas(made["deep"]))) < 200


def test_the_document_comes_as_json_and_as_protobuf(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        for accept in ("", "application/json", "*/*"):
            found = await client.get("/openapi/v2", accept=accept)
            assert found.headers["Content-Type"] == "application/json"
            assert found.body["swagger"] == "2.0"
        url = client.url + "/openapi/v2"
        headers = {"Authorization": "Bearer admin", "Accept": PROTOBUF}
        async with client.session.get(url, headers=headers) as answer:
            assert answer.headers["Content-Type"] == ANSWERED
            assert answer.headers["Vary"] == "Accept"
            assert (await answer.read()).startswith(b"\x0a\x032.0")
            headers["If-None-Match"] = answer.headers["ETag"]
        async with client.session.get(url, headers=headers) as again:
            assert (again.status, await again.read()) == (304, b"")
        headers["Accept"] = "*/*"
        async with client.session.get(url, headers=headers) as other:
            assert other.status == 200
        refused = await client.get("/openapi/v2", accept="text/html")
        assert refused.code == 406
        assert (await client.get("/openapi/v2/more")).code == 404

    serve(scenario)


def test_a_new_definition_appears(serve: Callable[..., None]) -> None:
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "boats.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "boats", "singular": "boat", "kind": "Boat"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object"}},
                }
            ],
        },
    }

    async def scenario(client: Any) -> None:
        before = await client.get("/openapi/v2")
        assert "com.example.v1.Boat" not in before.body["definitions"]
        await client.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
        after = await client.get("/openapi/v2")
        assert {"com.example.v1.Boat", "com.example.v1.BoatList"} <= after.body[
            "definitions"
        ].keys()
        assert after.headers["ETag"] != before.headers["ETag"]
        readable(after.body["definitions"])

    serve(scenario)
