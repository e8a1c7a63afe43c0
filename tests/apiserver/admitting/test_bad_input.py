"""Nonsense in configurations, policies and rules is the writer's fault, and said to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.apiserver.admitting.conftest import REGISTRATION, configuration, hook
from tests.apiserver.admitting.test_policies import binding, policy
from tests.apiserver.test_customresources import CRDS, SCHEMA, crd, version

ODD: list[Any] = [
    None,
    0,
    -1,
    "",
    "x",
    "'",
    [],
    [None],
    [[]],
    {},
    {"a": {}},
    True,
    1e300,
    "a" * 9999,
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values below a value."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += places(inner, (*path, index))
    return found


def changed(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """The value with something odd at a path."""
    if not path:
        return odd
    copy = list(value) if isinstance(value, list) else dict(value)
    copy[path[0]] = changed(value[path[0]], path[1:], odd)
    return copy


CONDITIONS = [{"name": "a", "expression": "object.metadata.name != ''"}]
RULES = [
    {"rule": "self.sails > 0", "message": "m", "reason": "FieldValueInvalid", "fieldPath": ".sails"}
]
SPEC = SCHEMA["properties"]["spec"] | {"x-kubernetes-validations": RULES}  # type: ignore[index]
MORE = {
    "additionalPrinterColumns": [
        {"name": "A", "type": "date", "jsonPath": ".spec.a", "priority": 1}
    ],
    "selectableFields": [{"jsonPath": ".spec.sails"}],
    "subresources": {"scale": {"specReplicasPath": ".spec.n", "statusReplicasPath": ".status.n"}},
}
BODIES: dict[str, Any] = {
    f"{REGISTRATION}/mutatingwebhookconfigurations": configuration(
        "Mutating",
        hook("a", service={"name": "n", "namespace": "a", "path": "/p", "port": 443})
        | {"matchConditions": CONDITIONS, "objectSelector": {"matchLabels": {"a": "b"}}},
    ),
    f"{REGISTRATION}/validatingwebhookconfigurations": configuration(
        "Validating", hook("a", url="https://127.0.0.1:1/", caBundle="")
    ),
    f"{REGISTRATION}/validatingadmissionpolicies": policy(
        {"expression": "true", "messageExpression": "'m'", "reason": "Invalid"},
        matchConditions=CONDITIONS,
        variables=[{"name": "v", "expression": "1"}],
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
    ),
    f"{REGISTRATION}/validatingadmissionpolicybindings": binding(
        "Deny",
        paramRef={"name": "n", "parameterNotFoundAction": "Allow"},
        matchResources={
            "namespaceSelector": {"matchExpressions": [{"key": "k", "operator": "Exists"}]}
        },
    ),
    CRDS: crd(version(schema={"openAPIV3Schema": SCHEMA | {"properties": {"spec": SPEC}}}, **MORE)),
}


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(BODIES), ids=lambda path: path.rpartition("/")[2])
def test_nothing_odd_is_the_fault_of_the_server(serve: Callable[..., None], path: str) -> None:
    body = BODIES[path]
    config_map = {"metadata": {"name": "m", "labels": {"a": "b"}}}

    async def scenario(client: Any) -> None:
        faults = []
        for where in places(body):
            for odd in ODD:
                answer = await client.post(path, changed(body, where, odd))
                if answer.code >= 500:
                    faults.append((where, odd))
                if answer.code == 201:
                    await client.post("/api/v1/namespaces/a/configmaps?dryRun=All", config_map)
                    await client("DELETE", f"{path}/{answer.meta['name']}")
        assert faults == []

    serve(scenario)
