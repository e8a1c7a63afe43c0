"""CustomResourceDefinitions: what they must say, and what they make the server do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from sampan.kube.keys import Key

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
BOATS = "/apis/sea.example.com/v1/namespaces/a/boats"
OBJECT = {"type": "object"}
SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["sails"],
            "properties": {
                "sails": {"type": "integer", "minimum": 1},
                "colour": {"type": "string", "default": "red", "enum": ["red", "blue"]},
                "replicas": {"type": "integer"},
            },
        },
        "status": {
            "type": "object",
            "properties": {"replicas": {"type": "integer"}, "selector": {"type": "string"}},
        },
    },
}


def version(name: str = "v1", **more: Any) -> dict[str, Any]:
    base = {"name": name, "served": True, "storage": name == "v1"}
    return base | {"schema": {"openAPIV3Schema": SCHEMA}} | more


def crd(*versions: dict[str, Any], **spec: Any) -> dict[str, Any]:
    base = {
        "group": "sea.example.com",
        "scope": "Namespaced",
        "names": {"plural": "boats", "kind": "Boat", "shortNames": ["bo"]},
        "versions": list(versions) or [version()],
    }
    return {"metadata": {"name": "boats.sea.example.com"}, "spec": base | spec}


def boat(name: str = "b", api_version: str = "sea.example.com/v1", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": api_version,
        "kind": "Boat",
        "metadata": {"name": name},
        "spec": {"sails": 1, **spec},
    }


def conditions(body: Any) -> dict[str, str]:
    return {c["type"]: c["status"] for c in body["status"]["conditions"]}


def test_a_definition_can_be_used_at_once(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        assert (await client.get(BOATS)).code == 404
        made = await client.post(CRDS, crd())
        assert made.code == 201, made.body
        assert conditions(made.body) == {"NamesAccepted": "True", "Established": "True"}
        assert made.body["status"]["storedVersions"] == ["v1"]
        assert made.body["status"]["acceptedNames"]["listKind"] == "BoatList"
        assert made.body["spec"]["names"]["singular"] == "boat"
        launched = await client.post(BOATS, boat())
        assert launched.code == 201, launched.body
        assert launched.body["spec"] == {"sails": 1, "colour": "red"}
        assert launched.meta["generation"] == 1
        listed = await client.get(BOATS)
        assert listed.body["kind"] == "BoatList"
        resources = (await client.get("/apis/sea.example.com/v1")).body["resources"]
        assert [(r["name"], r["shortNames"]) for r in resources] == [("boats", ["bo"])]

    serve(scenario)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        pytest.param({"sails": 0}, "spec.sails: Invalid value", id="minimum"),
        pytest.param({"sails": "x"}, "spec.sails: Invalid value", id="type"),
        pytest.param({"colour": "green"}, 'spec.colour: Unsupported value: "green"', id="enum"),
        pytest.param({"sails": None}, "spec.sails", id="required"),
    ],
)
def test_objects_are_validated(serve: Callable[..., None], spec: Any, words: str) -> None:
    async def scenario(client: Any) -> None:
        await client.post(CRDS, crd())
        body = boat(**spec)
        body["spec"] = {key: value for key, value in body["spec"].items() if value is not None}
        answer = await client.post(BOATS, body)
        assert answer.code == 422
        assert answer.message.startswith('Boat.sea.example.com "b" is invalid: ')
        assert words in answer.message

    serve(scenario)


def test_unknown_fields_are_pruned_or_refused(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await client.post(CRDS, crd())
        strict = await client.post(f"{BOATS}?fieldValidation=Strict", boat(mast=1))
        assert strict.code == 400
        assert strict.message == 'strict decoding error: unknown field "spec.mast"'
        warned = await client.post(BOATS, boat(mast=1))
        assert warned.code == 201
        assert "mast" not in warned.body["spec"]
        assert 'unknown field \\"spec.mast\\"' in warned.headers["warning"]

    serve(scenario)


def test_an_update_needs_a_revision(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await client.post(CRDS, crd())
        await client.post(BOATS, boat())
        answer = await client("PUT", f"{BOATS}/b", boat(sails=2))
        assert answer.code == 422
        assert answer.message.endswith(
            "metadata.resourceVersion: Invalid value: 0x0: must be specified for an update"
        )

    serve(scenario)


def test_versions_differ_in_their_name_only(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        made = await client.post(CRDS, crd(version(), version("v2")))
        assert made.code == 201, made.body
        newer = BOATS.replace("/v1/", "/v2/")
        api = "sea.example.com/v2"
        launched = await client.post(newer, boat(api_version=api))
        assert launched.body["apiVersion"] == api
        assert (await client.get(f"{BOATS}/b")).body["apiVersion"] == "sea.example.com/v1"
        items = (await client.get(newer)).body["items"]
        assert [item["apiVersion"] for item in items] == [api]
        done = await client.merge(f"{newer}/b", {"spec": {"sails": 5}})
        assert (done.code, done.body["apiVersion"]) == (200, api)
        wrong = await client.post(newer, boat("c"))
        assert wrong.code == 400
        assert "does not match the expected API version (sea.example.com/v2)" in wrong.message
        async with client.watch(f"{newer}?watch=1") as watching:
            _, seen = await watching.next()
            assert seen["apiVersion"] == api
        group = (await client.get("/apis/sea.example.com")).body
        assert [v["version"] for v in group["versions"]] == ["v2", "v1"]

    serve(scenario)


def test_a_version_can_be_added_and_stored(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await client.post(CRDS, crd())
        await client.post(BOATS, boat("old"))
        versions = [version(storage=False), version("v2", storage=True)]
        changed = await client.merge(
            f"{CRDS}/boats.sea.example.com", {"spec": {"versions": versions}}
        )
        assert changed.code == 200, changed.body
        assert changed.body["status"]["storedVersions"] == ["v1", "v2"]
        newer = BOATS.replace("/v1/", "/v2/")
        api = "sea.example.com/v2"
        await client.post(newer, boat("new", api))
        for path, wanted in ((BOATS, "sea.example.com/v1"), (newer, api)):
            items = (await client.get(path)).body["items"]
            assert [(i["metadata"]["name"], i["apiVersion"]) for i in items] == [
                ("new", wanted),
                ("old", wanted),
            ]

    serve(scenario)


def test_status_and_scale(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        scale = {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        }
        made = await client.post(CRDS, crd(version(subresources={"status": {}, "scale": scale})))
        assert made.code == 201, made.body
        launched = await client.post(BOATS, boat() | {"status": {"replicas": 7}})
        assert "status" not in launched.body
        done = await client.merge(
            f"{BOATS}/b/status",
            {"spec": {"sails": 9}, "status": {"replicas": 2, "selector": "x=y"}},
        )
        assert done.body["status"] == {"replicas": 2, "selector": "x=y"}
        assert done.body["spec"]["sails"] == 1
        assert done.meta["generation"] == 1
        scaled = await client.merge(f"{BOATS}/b/scale", {"spec": {"replicas": 4}})
        assert scaled.body["spec"] == {"replicas": 4}
        assert scaled.body["status"] == {"replicas": 2, "selector": "x=y"}
        assert (await client.get(f"{BOATS}/b")).meta["generation"] == 2

    serve(scenario)


def test_patches_of_a_status_that_holds_anything_leave_what_was_read(
    serve: Callable[..., None],
) -> None:
    async def scenario(client: Any) -> None:
        free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        properties: dict[str, Any] = {"spec": free, "status": free}
        schema = {"type": "object", "properties": properties}
        await client.post(
            CRDS, crd(version(subresources={"status": {}}, schema={"openAPIV3Schema": schema}))
        )
        await client.post(BOATS, boat())
        crew = {"a": {"age": 1}, "b": {"age": 2}}
        await client.merge(f"{BOATS}/b/status", {"status": {"crew": crew}})
        api, key = client.server.inprocess, Key("Boat.sea.example.com", "a", "b")
        before = api.get(key)
        said = deepcopy(before)
        add = [{"op": "add", "path": "/status/crew/c", "value": {"age": None}}]
        type_ = "application/json-patch+json"
        done = await client("PATCH", f"{BOATS}/b/status", add, type=type_)
        assert done.body["status"]["crew"] == crew | {"c": {"age": None}}
        assert before == said
        assert api.get(key) == done.body

    serve(scenario)


def test_objects_can_be_selected_by_declared_fields(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        fields = [{"jsonPath": ".spec.colour"}]
        await client.post(CRDS, crd(version(selectableFields=fields)))
        await client.post(BOATS, boat("r"))
        await client.post(BOATS, boat("b", colour="blue"))
        answer = await client.get(f"{BOATS}?fieldSelector=spec.colour%3Dblue")
        assert [item["metadata"]["name"] for item in answer.body["items"]] == ["b"]

    serve(scenario)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"group": ""}, "spec.group: Required value", id="no-group"),
        pytest.param({"scope": "Galaxy"}, 'spec.scope: Unsupported value: "Galaxy"', id="scope"),
        pytest.param({"versions": []}, "spec.versions: Required value", id="no-versions"),
        pytest.param(
            {"versions": [version(storage=False)]},
            "must have exactly one version marked as storage version",
            id="no-storage",
        ),
        pytest.param(
            {"names": {"plural": "ships", "kind": "Ship"}},
            'must be spec.names.plural+"."+spec.group',
            id="name",
        ),
        pytest.param(
            {"conversion": {"strategy": "Webhook"}}, "calls no conversion webhooks", id="webhook"
        ),
        pytest.param(
            {"versions": [version(schema={})]}, "schemas are required", id="no-schema"
        ),
    ],
)  # fmt: skip
def test_definitions_are_validated(serve: Callable[..., None], change: Any, words: str) -> None:
    async def scenario(client: Any) -> None:
        answer = await client.post(CRDS, crd(**change))
        assert answer.code == 422
        assert words in answer.message

    serve(scenario)


def test_rules_are_kept(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        spec = SCHEMA["properties"]["spec"] | {  # type: ignore[index]
            "x-kubernetes-validations": [
                {"rule": "self.sails < 9", "message": "too many sails"},
                {"rule": "self.sails >= oldSelf.sails"},
            ]
        }
        schema = SCHEMA | {"properties": SCHEMA["properties"] | {"spec": spec}}  # type: ignore[operator]
        broken = [{"rule": "self.spec.masts > 0"}]
        refused = await client.post(
            CRDS,
            crd(version(schema={"openAPIV3Schema": schema | {"x-kubernetes-validations": broken}})),
        )
        assert refused.code == 422
        assert "undefined field 'masts'" in refused.message
        made = await client.post(CRDS, crd(version(schema={"openAPIV3Schema": schema})))
        assert made.code == 201, made.body
        assert "warning" not in made.headers
        many = await client.post(BOATS, boat(sails=9))
        assert many.code == 422
        assert many.message == (
            'Boat.sea.example.com "b" is invalid: spec: Invalid value: "object": too many sails'
        )
        assert many.body["details"]["causes"] == [
            {
                "reason": "FieldValueInvalid",
                "message": 'Invalid value: "object": too many sails',
                "field": "spec",
            }
        ]
        assert (await client.post(BOATS, boat(sails=3))).code == 201
        fewer = await client.merge(f"{BOATS}/b", {"spec": {"sails": 2}})
        assert "failed rule: self.sails >= oldSelf.sails" in fewer.message
        assert (await client.merge(f"{BOATS}/b", {"spec": {"sails": 4}})).code == 200
        shapeless = await client.post(BOATS, boat("c", sails="x"))
        assert "some validation rules were not checked" in shapeless.message

    serve(scenario)


def test_names_that_are_taken_are_not_accepted(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await client.post(CRDS, crd())
        second = crd(names={"plural": "ferries", "kind": "Ferry", "shortNames": ["bo"]})
        second["metadata"]["name"] = "ferries.sea.example.com"
        made = await client.post(CRDS, second)
        assert made.code == 201
        assert conditions(made.body) == {"NamesAccepted": "False", "Established": "False"}
        assert (await client.get("/apis/sea.example.com/v1/ferries")).code == 404

    serve(scenario)


def test_a_definition_takes_its_objects_along(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await client.post(CRDS, crd())
        held = boat("held")
        held["metadata"]["finalizers"] = ["x.y/z"]
        await client.post(BOATS, held)
        await client.post(BOATS, boat("free"))
        async with client.watch(f"{BOATS}?watch=1") as watching:
            await watching.names(2)
            gone = await client("DELETE", f"{CRDS}/boats.sea.example.com")
            assert gone.code == 200
            assert gone.meta["deletionTimestamp"]
            seen = dict(reversed(pair) for pair in await watching.names(2))
            assert seen == {"free": "DELETED", "held": "MODIFIED"}
            refused = await client.post(BOATS, boat("late"))
            assert refused.code == 405
            await client.merge(f"{BOATS}/held", {"metadata": {"finalizers": None}})
            await watching.rest()
        async with asyncio.timeout(5):
            while (await client.get(f"{CRDS}/boats.sea.example.com")).code == 200:
                await client.get("/readyz")
        assert (await client.get(BOATS)).code == 404
        assert (await client.post(CRDS, crd())).code == 201
        assert (await client.get(BOATS)).body["items"] == []

    serve(scenario)


def test_custom_resources_are_served_after_a_restart(serve: Callable[..., None]) -> None:
    async def before(client: Any) -> None:
        await client.post(CRDS, crd())
        await client.post(BOATS, boat())

    async def after(client: Any) -> None:
        assert (await client.get(f"{BOATS}/b")).body["spec"]["colour"] == "red"

    serve(before)
    serve(after)


def test_finalizers_of_custom_resources_need_no_domain(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await client.post(CRDS, crd())
        held = boat("held")
        held["metadata"]["finalizers"] = ["anchor"]
        assert (await client.post(BOATS, held)).code == 201
        held["metadata"] |= {"name": "other", "finalizers": ["no anchor"]}
        assert (await client.post(BOATS, held)).code == 422
        await client.merge(f"{BOATS}/held", {"metadata": {"finalizers": None}})

    serve(scenario)
