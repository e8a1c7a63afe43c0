"""What a definition may say of its versions, and what becomes of objects when it changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.apiserver.test_customresources import BOATS, CRDS, SCHEMA, boat, conditions, crd, version

ITEM = f"{CRDS}/boats.sea.example.com"
Serve = Callable[..., None]


def with_spec(**properties: Any) -> dict[str, Any]:
    """A schema whose spec has these properties besides."""
    spec = SCHEMA["properties"]["spec"]  # type: ignore[index]
    spec = spec | {"properties": spec["properties"] | properties}
    properties = SCHEMA["properties"] | {"spec": spec}  # type: ignore[operator]
    return {"openAPIV3Schema": SCHEMA | {"properties": properties}}


@pytest.mark.parametrize(
    ("change", "field", "text"),
    [
        (
            {"additionalPrinterColumns": [{"name": "A", "type": "text", "jsonPath": ".spec.a"}]},
            "additionalPrinterColumns[0].type",
            "must be one of",
        ),
        (
            {"additionalPrinterColumns": [{"name": "A", "type": "string", "jsonPath": ".spec["}]},
            "additionalPrinterColumns[0].jsonPath",
            "invalid JSONPath",
        ),
        (
            {"additionalPrinterColumns": [{"type": "string", "jsonPath": ".spec"}]},
            "additionalPrinterColumns[0].name",
            "Required value",
        ),
        (
            {
                "subresources": {
                    "scale": {"specReplicasPath": ".spec.n", "statusReplicasPath": ".spec.n"}
                }
            },
            "subresources.scale.statusReplicasPath",
            "json path under .status",
        ),
        (
            {"subresources": {"scale": {"specReplicasPath": ".spec.n"}}},
            "subresources.scale.statusReplicasPath",
            "Required value",
        ),
        (
            {"selectableFields": [{"jsonPath": ".metadata.name"}]},
            "selectableFields[0].jsonPath",
            "metadata",
        ),
        (
            {"selectableFields": [{"jsonPath": ".spec.nope"}]},
            "selectableFields[0].jsonPath",
            "valid field",
        ),
        (
            {"selectableFields": [{"jsonPath": ".spec"}]},
            "selectableFields[0].jsonPath",
            "Unsupported value",
        ),
        (
            {"selectableFields": [{"jsonPath": ".spec.sails[0]"}]},
            "selectableFields[0].jsonPath",
            "simple paths",
        ),
        (
            {"selectableFields": [{"jsonPath": ".spec.sails"}] * 2},
            "selectableFields[1].jsonPath",
            "Duplicate",
        ),
        ({"deprecationWarning": "old"}, "deprecationWarning", "only be set for deprecated"),
    ],
)
def test_versions_are_validated(serve: Serve, change: Any, field: str, text: str) -> None:
    async def scenario(client: Any) -> None:
        answer = await client.post(CRDS, crd(version(**change)))
        assert answer.code == 422, answer.body
        causes = {cause["field"]: cause["message"] for cause in answer.body["details"]["causes"]}
        assert text in causes[f"spec.versions[0].{field}"]

    serve(scenario)


def test_names_that_become_free_are_accepted(serve: Serve) -> None:
    async def scenario(client: Any) -> None:
        await client.post(CRDS, crd())
        rival = crd(names={"plural": "ships", "kind": "Ship", "shortNames": ["bo"]})
        rival["metadata"]["name"] = "ships.sea.example.com"
        waiting = await client.post(CRDS, rival)
        assert conditions(waiting.body) == {"NamesAccepted": "False", "Established": "False"}
        async with client.watch(
            f"{CRDS}?watch=true&fieldSelector=metadata.name%3Dships.sea.example.com"
        ) as events:
            await events.next()
            await client("DELETE", ITEM)
            _, found = await events.next()
            assert conditions(found) == {"NamesAccepted": "True", "Established": "True"}
        assert (await client.get("/apis/sea.example.com/v1/namespaces/a/ships")).code == 200

    serve(scenario)


def test_what_is_established_stays_so(serve: Serve) -> None:
    async def scenario(client: Any) -> None:
        await client.post(CRDS, crd())
        rival = crd(names={"plural": "ships", "kind": "Ship", "shortNames": ["sh"]})
        await client.post(CRDS, rival | {"metadata": {"name": "ships.sea.example.com"}})
        changed = await client.merge(ITEM, {"spec": {"names": {"shortNames": ["sh"]}}})
        assert conditions(changed.body) == {"NamesAccepted": "False", "Established": "True"}
        assert changed.body["status"]["acceptedNames"]["shortNames"] == ["bo"]
        assert (await client.get(BOATS)).code == 200

    serve(scenario)


def test_the_status_is_also_for_others(serve: Serve) -> None:
    async def scenario(client: Any) -> None:
        await client.post(CRDS, crd())
        found = (await client.get(f"{ITEM}/status")).body
        found["status"]["conditions"].append(
            {"type": "Extra", "status": "True", "reason": "r", "message": "m"}
        )
        written = await client("PUT", f"{ITEM}/status", found)
        assert written.code == 200, written.body
        labelled = await client.merge(ITEM, {"metadata": {"labels": {"a": "b"}}})
        assert conditions(labelled.body)["Extra"] == "True"

    serve(scenario)


def test_a_stored_version_cannot_be_taken_away(serve: Serve) -> None:
    async def scenario(client: Any) -> None:
        await client.post(CRDS, crd(version(), version("v2")))
        await client.merge(
            ITEM, {"spec": {"versions": [version(storage=False), version("v2", storage=True)]}}
        )
        only = {"spec": {"versions": [version("v2", storage=True)]}}
        refused = await client.merge(ITEM, only)
        assert refused.code == 422
        assert "status.storedVersions[0]" in refused.message
        assert "missing from spec.versions" in refused.message
        moved = await client.merge(f"{ITEM}/status", {"status": {"storedVersions": ["v2"]}})
        assert moved.body["status"]["storedVersions"] == ["v2"]
        assert (await client.merge(ITEM, only)).code == 200
        wrong = await client.merge(f"{ITEM}/status", {"status": {"storedVersions": ["v1"]}})
        assert wrong.code == 422

    serve(scenario)


def test_defaults_that_come_later_are_seen_in_what_is_stored(serve: Serve) -> None:
    async def scenario(client: Any) -> None:
        await client.post(CRDS, crd())
        await client.post(BOATS, boat())
        later = version(schema=with_spec(anchor={"type": "string", "default": "iron"}))
        assert (await client.merge(ITEM, {"spec": {"versions": [later]}})).code == 200
        assert (await client.get(f"{BOATS}/b")).body["spec"]["anchor"] == "iron"
        assert (await client.get(BOATS)).body["items"][0]["spec"]["anchor"] == "iron"
        async with client.watch(f"{BOATS}?watch=true") as events:
            assert (await events.next())[1]["spec"]["anchor"] == "iron"
        await client.merge(ITEM, {"spec": {"versions": [version()]}})
        assert "anchor" not in (await client.get(f"{BOATS}/b")).body["spec"]

    serve(scenario)


def test_each_version_has_its_selectable_fields(serve: Serve) -> None:
    async def scenario(client: Any) -> None:
        second = version("v2", selectableFields=[{"jsonPath": ".spec.sails"}])
        await client.post(
            CRDS, crd(version(selectableFields=[{"jsonPath": ".spec.colour"}]), second)
        )
        await client.post(BOATS, boat("r"))
        await client.post(BOATS, boat("b", colour="blue", sails=2))
        others = BOATS.replace("v1", "v2")

        async def names(path: str) -> list[str]:
            return [item["metadata"]["name"] for item in (await client.get(path)).body["items"]]

        assert await names(f"{BOATS}?fieldSelector=spec.colour%3Dblue") == ["b"]
        assert await names(f"{others}?fieldSelector=spec.sails%3D1") == ["r"]
        unknown = await client.get(f"{others}?fieldSelector=spec.colour%3Dblue")
        assert '"spec.colour" is not a known field selector' in unknown.message
        async with client.watch(f"{BOATS}?watch=true&fieldSelector=spec.colour%3Dred") as events:
            assert (await events.names(1)) == [("ADDED", "r")]
            await client.merge(f"{BOATS}/r", {"spec": {"colour": "blue"}})
            await client.merge(f"{BOATS}/b", {"spec": {"colour": "red"}})
            assert (await events.names(2)) == [("DELETED", "r"), ("ADDED", "b")]
        await client("DELETE", f"{BOATS}?fieldSelector=spec.colour%3Dred")
        assert await names(BOATS) == ["r"]
        later = version(selectableFields=[{"jsonPath": ".spec.sails"}])
        await client.merge(ITEM, {"spec": {"versions": [later, second]}})
        assert await names(f"{BOATS}?fieldSelector=spec.sails%3D1") == ["r"]
        document = (await client.get("/openapi/v3/apis/sea.example.com/v1")).body
        schema = document["components"]["schemas"]["com.example.sea.v1.Boat"]
        assert schema["x-kubernetes-selectable-fields"] == [{"fieldPath": "spec.sails"}]

    serve(scenario)


def test_what_was_there_before_a_definition_became_stricter_is_let_be(serve: Serve) -> None:
    async def scenario(client: Any) -> None:
        await client.post(CRDS, crd(version(subresources={"status": {}})))
        await client.post(BOATS, boat(sails=1))
        schema = with_spec(sails={"type": "integer", "minimum": 2}, replicas={"type": "integer"})
        later = version(schema=schema, subresources={"status": {}})
        assert (await client.merge(ITEM, {"spec": {"versions": [later]}})).code == 200
        assert (await client.merge(f"{BOATS}/b/status", {"status": {"replicas": 1}})).code == 200
        assert (await client.merge(f"{BOATS}/b", {"spec": {"replicas": 1}})).code == 200
        refused = await client.merge(f"{BOATS}/b", {"spec": {"sails": 0}})
        assert "spec.sails in body should be greater than or equal to 2" in refused.message
        assert (await client.post(BOATS, boat("c", sails=1))).code == 422
        removed = await client.merge(f"{BOATS}/b", {"spec": {"sails": None}})
        assert "spec.sails: Required value" in removed.message

    serve(scenario)
