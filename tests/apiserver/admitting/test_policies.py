"""ValidatingAdmissionPolicies and their bindings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.apiserver.admitting.conftest import REGISTRATION, config_map, rule

POLICIES = f"{REGISTRATION}/validatingadmissionpolicies"
BINDINGS = f"{REGISTRATION}/validatingadmissionpolicybindings"
MAPS = "/api/v1/namespaces/a/configmaps"
Serve = Callable[..., None]


def policy(*validations: dict[str, Any], **spec: Any) -> dict[str, Any]:
    match = {"resourceRules": [rule("configmaps")]}
    given = {"matchConstraints": match, "validations": list(validations)}
    return {"metadata": {"name": "p"}, "spec": given | spec}


def binding(*actions: str, name: str = "b", **spec: Any) -> dict[str, Any]:
    given = {"policyName": "p", "validationActions": list(actions or ("Deny",))}
    return {"metadata": {"name": name}, "spec": given | spec}


async def enforce(client: Any, given: dict[str, Any], *bindings: dict[str, Any]) -> Any:
    made = await client.post(POLICIES, given)
    assert made.code == 201, made.body
    for each in bindings or (binding(),):
        bound = await client.post(BINDINGS, each)
        assert bound.code == 201, bound.body
    return made


def test_a_policy_does_nothing_until_it_is_bound(serve: Serve) -> None:
    async def scenario(client: Any) -> None:
        made = await client.post(POLICIES, policy({"expression": "object.data.size() < 2"}))
        assert made.body["spec"]["failurePolicy"] == "Fail"
        assert made.body["status"] == {"observedGeneration": 1, "typeChecking": {}}
        assert "warning" not in made.headers
        assert (await client.post(MAPS, config_map(a="1", b="2"))).code == 201
        await client.post(BINDINGS, binding())
        refused = await client.post(MAPS, config_map("n", a="1", b="2"))
        assert (refused.code, refused.body["reason"]) == (422, "Invalid")
        assert refused.message == (
            "configmaps \"n\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied"
            " request: failed expression: object.data.size() < 2"
        )
        assert (await client.post(MAPS, config_map("n", a="1"))).code == 201
        await client("DELETE", f"{BINDINGS}/b")
        assert (await client.merge(f"{MAPS}/n", {"data": {"b": "2"}})).code == 200

    serve(scenario)


def test_messages_reasons_and_variables(serve: Serve) -> None:
    async def scenario(client: Any) -> None:
        given = policy(
            {
                "expression": "variables.n < variables.limit",
                "messageExpression": "namespaceObject.metadata.name + ' : ' + string(variables.n)",
                "reason": "Forbidden",
            },
            variables=[
                {"name": "n", "expression": "object.data.size()"},
                {"name": "limit", "expression": "variables.n == 0 ? 1 : 2"},
            ],
        )
        await enforce(client, given)
        refused = await client.post(MAPS, config_map(a="1", b="2"))
        assert (refused.code, refused.body["reason"]) == (403, "Forbidden")
        assert refused.message.endswith("denied request: a : 2")
        assert (await client.post(MAPS, config_map(a="1"))).code == 201

    serve(scenario)


def test_what_a_policy_may_ask(serve: Serve) -> None:
    async def scenario(client: Any) -> None:
        given = policy(
            {
                "expression": "oldObject == null || oldObject.data.a == object.data.a",
                "message": "a stays",
            },
            {
                "expression": "authorizer.group('').resource('pods').namespace(request.namespace)"
                ".check('create').allowed()"
            },
            matchConditions=[{"name": "no-delete", "expression": "request.operation != 'DELETE'"}],
        )
        await enforce(client, given)
        assert (await client.post(MAPS, config_map(a="1"))).code == 201
        assert "a stays" in (await client.merge(f"{MAPS}/m", {"data": {"a": "2"}})).message
        assert (await client("DELETE", f"{MAPS}/m")).code == 200

    serve(scenario)


def test_warnings_and_audits_let_through(serve: Serve) -> None:
    async def scenario(client: Any) -> None:
        await enforce(
            client, policy({"expression": "false", "message": "no good"}), binding("Warn", "Audit")
        )
        made = await client.post(MAPS, config_map())
        assert made.code == 201
        assert (
            "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': no good"
            in made.headers["warning"]
        )

    serve(scenario)


def test_parameters(serve: Serve) -> None:
    async def scenario(client: Any) -> None:
        given = policy(
            {"expression": "object.data.size() <= int(params.data.most)"},
            paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
        )
        ref = {"name": "limit", "namespace": "b", "parameterNotFoundAction": "Deny"}
        await enforce(client, given, binding(paramRef=ref))
        lacking = await client.post(MAPS, config_map(a="1"))
        assert "no params found for policy binding" in lacking.message
        await client("DELETE", f"{BINDINGS}/b")
        await client.post(MAPS.replace("/a/", "/b/"), config_map("limit", most="1"))
        await client.post(BINDINGS, binding(paramRef=ref))
        assert (await client.post(MAPS, config_map(a="1"))).code == 201
        assert (
            "failed expression" in (await client.post(MAPS, config_map("n", a="1", b="1"))).message
        )
        await client("DELETE", f"{BINDINGS}/b")
        chosen = {"selector": {"matchLabels": {"l": "v"}}, "parameterNotFoundAction": "Allow"}
        await client.post(BINDINGS, binding(paramRef=chosen))
        assert (await client.post(MAPS, config_map("n", a="1", b="1"))).code == 201

    serve(scenario)


def test_a_binding_narrows_its_policy(serve: Serve) -> None:
    async def scenario(client: Any) -> None:
        narrow = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "b"}}}
        await client.merge(
            "/api/v1/namespaces/b", {"metadata": {"labels": {"kubernetes.io/metadata.name": "b"}}}
        )
        excluded = {"resourceRules": [rule("*")], "excludeResourceRules": [rule("secrets")]}
        await enforce(
            client,
            policy({"expression": "false"}, matchConstraints=excluded),
            binding(matchResources=narrow),
        )
        assert (await client.post(MAPS, config_map())).code == 201
        other = await client.post(MAPS.replace("/a/", "/b/"), config_map())
        assert other.code == 422
        secret = {"metadata": {"name": "s"}}
        assert (await client.post("/api/v1/namespaces/b/secrets", secret)).code == 201

    serve(scenario)


def test_a_policy_that_goes_wrong(serve: Serve) -> None:
    async def scenario(client: Any) -> None:
        await enforce(client, policy({"expression": "object.nope == 1"}))
        refused = await client.post(MAPS, config_map())
        assert (
            "expression 'object.nope == 1' resulted in error: no such key: nope" in refused.message
        )
        await client.merge(f"{POLICIES}/p", {"spec": {"failurePolicy": "Ignore"}})
        assert (await client.post(MAPS, config_map())).code == 201

    serve(scenario)


def test_types_are_checked(serve: Serve) -> None:
    async def scenario(client: Any) -> None:
        match = {"resourceRules": [rule("deployments", group="apps", version="v1")]}
        given = policy(
            {"expression": "object.spec.replicas > '1'", "messageExpression": "'n ' + variables.n"},
            {"expression": "object.spec.template.spec.containers.all(c, c.image != '')"},
            {"expression": "object.spec.nope == 1 || params.x"},
            variables=[{"name": "n", "expression": "object.spec.replicas"}],
            matchConstraints=match,
        )
        made = await client.post(POLICIES, given)
        assert made.code == 201, made.body
        warnings = made.body["status"]["typeChecking"]["expressionWarnings"]
        assert [warning["fieldRef"].rpartition("spec.validations")[2] for warning in warnings] == [
            "[0].expression",
            "[0].messageExpression",
            "[2].expression",
        ]
        texts = [warning["warning"] for warning in warnings]
        assert texts[0].startswith("apps/v1, Kind=Deployment: ERROR: <input>:1:22: ")
        assert "no matching overload for '_>_' applied to '(int, string)'" in texts[0]
        assert "no matching overload for '_+_' applied to '(string, int)'" in texts[1]
        assert "undefined field 'nope'" in texts[2]
        mended = {"validations": [{"expression": "object.spec.replicas > 1"}]}
        changed = await client.merge(f"{POLICIES}/p", {"spec": mended})
        assert changed.body["status"] == {"observedGeneration": 2, "typeChecking": {}}

    serve(scenario)


@pytest.mark.parametrize(
    ("spec", "field", "text"),
    [
        ({"validations": []}, "spec.validations", "at least one"),
        (
            {"validations": [{"expression": "nope"}]},
            "spec.validations[0].expression",
            "undeclared reference",
        ),
        (
            {"validations": [{"expression": "1"}]},
            "spec.validations[0].expression",
            "must evaluate to bool",
        ),
        (
            {"validations": [{"expression": "true", "reason": "X"}]},
            "spec.validations[0].reason",
            "Unsupported",
        ),
        ({"matchConstraints": {}}, "spec.matchConstraints.resourceRules", "Required value"),
        (
            {"variables": [{"name": "a-b", "expression": "1"}]},
            "spec.variables[0].name",
            "identifier",
        ),
        ({"paramKind": {"kind": "X"}}, "spec.paramKind.apiVersion", "Required value"),
        (
            {"auditAnnotations": [{"key": "k", "valueExpression": "'v'"}]},
            "spec.auditAnnotations",
            "Forbidden",
        ),
    ],
)
def test_policies_are_validated(serve: Serve, spec: Any, field: str, text: str) -> None:
    async def scenario(client: Any) -> None:
        answer = await client.post(
            POLICIES,
            policy({"expression": "true"})
            | {"spec": policy({"expression": "true"})["spec"] | spec},
        )
        assert answer.code == 422, answer.body
        causes = {cause["field"]: cause["message"] for cause in answer.body["details"]["causes"]}
        assert text in causes[field]

    serve(scenario)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (binding("Deny", "Warn"), "spec.validationActions"),
        (binding("Nope"), "spec.validationActions[0]"),
        (binding(policyName=""), "spec.policyName"),
        (binding(paramRef={"name": "x"}), "spec.paramRef.parameterNotFoundAction"),
    ],
)
def test_bindings_are_validated(serve: Serve, given: Any, field: str) -> None:
    async def scenario(client: Any) -> None:
        answer = await client.post(BINDINGS, given)
        assert answer.code == 422, answer.body
        assert field in [cause["field"] for cause in answer.body["details"]["causes"]]

    serve(scenario)


def test_a_policy_without_words_is_no_fault_of_the_server(serve: Serve) -> None:
    async def scenario(client: Any) -> None:
        for spec in ({}, {"variables": [{}]}, {"validations": [{}]}, {"paramKind": {}}):
            answer = await client.post(POLICIES, policy({"expression": "true"}, **spec))
            assert answer.code == (422 if spec else 201), answer.body

    serve(scenario)
