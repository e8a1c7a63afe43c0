"""Fields that nobody declared, and fields that are named twice: the seven cases of upstream's
test/e2e/apimachinery/field_validation.go, and the same for the other ways to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
DEPLOYMENTS = "/apis/apps/v1/namespaces/a/deployments"
NOXUS = "/apis/mygroup.example.com/v1beta1/noxus"
HEAD = "\napiVersion: mygroup.example.com/v1beta1\nkind: Noxu\nmetadata:\n  name: mytest\n"
STRICT = "?fieldManager=me&fieldValidation=Strict"
Serve = Callable[..., None]

META = '"metadata": {"name": "my-dep", "labels": {"app": "n"}'
SPEC = """"selector": {"matchLabels": {"app": "n"}},
 "template": {"metadata": {"labels": {"app": "n"}},
              "spec": {"containers": [{"name": "n", "image": "n:1"}]}}"""


def definition(spec: dict[str, Any] | None) -> dict[str, Any]:
    """`spec` None preserves everything."""
    schema: dict[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    if spec is not None:
        schema = {"type": "object", "properties": {"spec": {"type": "object"} | spec}}
    versions = [
        {"name": name, "served": True, "storage": name == "v1beta1",
         "schema": {"openAPIV3Schema": schema}}
        for name in ("v1beta1", "v1beta2")
    ]  # fmt: skip
    names = {"plural": "noxus", "kind": "Noxu"}
    spec = {"group": "mygroup.example.com", "scope": "Cluster", "names": names}
    return {
        "metadata": {"name": "noxus.mygroup.example.com"},
        "spec": spec | {"versions": versions},
    }


FOO = {"properties": {"foo": {"type": "string"}}}
EMBEDDED = {
    "x-kubernetes-preserve-unknown-fields": True,
    "properties": {
        "template": {
            "type": "object",
            "x-kubernetes-embedded-resource": True,
            "properties": {
                "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
                "spec": {"type": "object"},
            },
        }
    },
}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(
            f'{{{META}}}, "spec": {{"unknownField": "f", "replicas": 2, "replicas": 3, {SPEC}}}}}',
            'error: unknown field "spec.unknownField", duplicate field "spec.replicas"',
            id="unknown-and-duplicate",
        ),
        pytest.param(
            f'{{{META}, "unknownMeta": "foo"}}, "spec": {{{SPEC}}}}}',
            'strict decoding error: unknown field "metadata.unknownMeta"',
            id="metadata",
        ),
    ],
)
def test_typed_objects(serve: Serve, body: str, text: str) -> None:
    async def scenario(client: Any) -> None:
        refused = await client.post(f"{DEPLOYMENTS}{STRICT}", body.encode())
        assert refused.code == 400
        assert text in refused.message
        warned = await client.post(f"{DEPLOYMENTS}?fieldValidation=Warn", body.encode())
        assert warned.code == 201
        assert "unknown field" in warned.headers["warning"]
        silent = await client.post(
            f"{DEPLOYMENTS}?fieldValidation=Ignore", body.replace("my-dep", "other").encode()
        )
        assert (silent.code, "warning" in silent.headers) == (201, False)

    serve(scenario)


@pytest.mark.parametrize(
    ("spec", "body", "text"),
    [
        pytest.param(FOO, "spec:\n  foo: foo1\n", "", id="valid"),
        pytest.param(None, "spec:\n  unknown: uk1\n", "", id="unknown-without-schema"),
        pytest.param(
            FOO,
            "unknownField: unknown\nspec:\n  foo: foo1\n",
            ".unknownField: field not declared in schema",
            id="unknown-with-schema",
        ),
        pytest.param(
            EMBEDDED,
            "  unknownMeta: u\nspec:\n  template:\n    apiVersion: foo/v1\n    kind: Sub\n"
            "    metadata:\n      unknownSubMeta: u\n      name: sub\n",
            ".spec.template.metadata.unknownSubMeta: field not declared in schema",
            id="embedded-metadata",
        ),
        pytest.param(
            {"x-kubernetes-preserve-unknown-fields": True} | FOO,
            "spec:\n  unknown: uk1\n  foo: foo1\n  foo: foo2\n",
            'line 9: key "foo" already set in map',
            id="duplicate-while-preserving",
        ),
    ],
)
def test_applied_custom_resources(serve: Serve, spec: Any, body: str, text: str) -> None:
    async def scenario(client: Any) -> None:
        assert (await client.post(CRDS, definition(spec))).code == 201
        answer = await client.apply(f"{NOXUS}/mytest{STRICT}", (HEAD + body).encode())
        if text:
            assert answer.code == 400
            assert text in answer.message
        else:
            assert answer.code == 201, answer.body

    serve(scenario)


def test_patches_of_a_custom_resource(serve: Serve) -> None:
    async def scenario(client: Any) -> None:
        await client.post(CRDS, definition(FOO))
        await client.apply(f"{NOXUS}/mytest{STRICT}", (HEAD + "spec:\n  foo: x\n").encode())
        unknown = {"spec": {"bar": 1}}
        refused = await client.merge(f"{NOXUS}/mytest{STRICT}", unknown)
        assert (refused.code, 'unknown field "spec.bar"' in refused.message) == (400, True)
        warned = await client.merge(f"{NOXUS}/mytest", unknown)
        assert (warned.code, warned.body["spec"]) == (200, {"foo": "x"})
        assert 'unknown field \\"spec.bar\\"' in warned.headers["warning"]
        silent = await client.merge(f"{NOXUS}/mytest?fieldValidation=Ignore", unknown)
        assert "warning" not in silent.headers
        twice = b'{"spec": {"foo": "y", "foo": "z"}}'
        refused = await client.merge(f"{NOXUS}/mytest{STRICT}", twice)
        assert 'duplicate field "spec.foo"' in refused.message
        warned = await client.merge(f"{NOXUS}/mytest", twice)
        assert 'duplicate field \\"spec.foo\\"' in warned.headers["warning"]
        operations = [{"op": "add", "path": "/spec/bar", "value": 1}]
        type_ = "application/json-patch+json"
        refused = await client("PATCH", f"{NOXUS}/mytest{STRICT}", operations, type=type_)
        assert 'unknown field "spec.bar"' in refused.message
        found = (await client.get(f"{NOXUS}/mytest")).body | {"extra": 1}
        refused = await client("PUT", f"{NOXUS}/mytest{STRICT}", found)
        assert 'unknown field "extra"' in refused.message

    serve(scenario)
