"""Variables of a container, `$(NAME)`, the downward API."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.nodes.environment import expand, service_variables, variables
from sampan.nodes.facts import ConfigError, PodFacts, field, resource

POD = {
    "metadata": {
        "name": "p", "namespace": "ns", "uid": "u",
        "labels": {"app": "a", "b": 'q"'}, "annotations": {"note": "n"},
    },
    "spec": {
        "nodeName": "node", "serviceAccountName": "sa",
        "containers": [
            {"name": "main", "resources": {"limits": {"cpu": "1500m"},
                                           "requests": {"memory": "64Mi"}}},
            {"name": "other", "resources": {}},
        ],
    },
}  # fmt: skip
OBJECTS = {
    ("ConfigMap", "settings"): {"kind": "ConfigMap", "data": {"color": "blue", "size": "9"}},
    ("Secret", "keys"): {
        "kind": "Secret", "data": {"token": base64.b64encode(b"t0ken").decode()}
    },
}  # fmt: skip
FACTS = PodFacts(
    POD, "127.1.0.1", "127.0.0.1", {"cpu": "2", "memory": "1Gi"},
    lambda kind, name: OBJECTS.get((kind, name)),
)  # fmt: skip


def env(*entries: Any, **container: Any) -> dict[str, str]:
    spec = {**POD["spec"]["containers"][0], "env": list(entries), **container}
    return variables(FACTS, spec, {"SVC_HOST": "10.0.0.1"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$(A)", "1"),
        ("$(A)$(B)", "12"),
        ("$(NONE)", "$(NONE)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$A", "$A"),
        ("$(A", "$(A"),
        ("cost: $5", "cost: $5"),
    ],
)
def test_expansion(text: str, expected: str) -> None:
    assert expand(text, {"A": "1", "B": "2"}) == expected


@given(st.text(alphabet="ab$()", max_size=20))
def test_expansion_never_fails_and_leaves_text_without_dollars_alone(text: str) -> None:
    expanded = expand(text, {"a": "x"})
    assert "$" in text or expanded == text


def test_later_wins_and_sees_what_came_before() -> None:
    found = env(
        {"name": "A", "value": "1"},
        {"name": "B", "value": "$(A)$(C)$(SVC_HOST)"},
        {"name": "C", "value": "3"},
        {"name": "A", "value": "$(A)2"},
        envFrom=[{"configMapRef": {"name": "settings"}}, {"prefix": "S_", "secretRef": {
            "name": "keys"}}],
    )  # fmt: skip
    assert found == {
        "SVC_HOST": "10.0.0.1", "A": "12", "B": "1$(C)10.0.0.1", "C": "3",
        "color": "blue", "size": "9", "S_token": "t0ken",
    }  # fmt: skip


def source(**reference: Any) -> dict[str, Any]:
    return {"name": "X", "valueFrom": reference}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (source(configMapKeyRef={"name": "settings", "key": "color"}), "blue"),
        (source(secretKeyRef={"name": "keys", "key": "token"}), "t0ken"),
        (source(fieldRef={"fieldPath": "metadata.name"}), "p"),
        (source(fieldRef={"fieldPath": "metadata.labels['app']"}), "a"),
        (source(fieldRef={"fieldPath": "metadata.annotations['none']"}), ""),
        (source(fieldRef={"fieldPath": "status.podIP"}), "127.1.0.1"),
        (source(fieldRef={"fieldPath": "spec.serviceAccountName"}), "sa"),
        (source(resourceFieldRef={"resource": "limits.cpu"}), "2"),
        (source(resourceFieldRef={"resource": "limits.cpu", "divisor": "1m"}), "1500"),
        (source(resourceFieldRef={"resource": "limits.memory", "divisor": "1Mi"}), "1024"),
        (source(resourceFieldRef={"resource": "requests.memory"}), str(64 << 20)),
    ],
)
def test_values_from_elsewhere(entry: dict[str, Any], expected: str) -> None:
    assert env(entry)["X"] == expected


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (source(configMapKeyRef={"name": "no", "key": "k"}), 'configmap "no" not found'),
        (
            source(configMapKeyRef={"name": "settings", "key": "k"}),
            "couldn't find key k in ConfigMap ns/settings",
        ),
        (source(secretKeyRef={"name": "no", "key": "k"}), 'secret "no" not found'),
        (source(fieldRef={"fieldPath": "spec.x"}), 'unsupported fieldPath "spec.x"'),
        (
            source(resourceFieldRef={"resource": "limits.gpu"}),
            'unsupported container resource "limits.gpu"',
        ),
        (source(fileKeyRef={"path": "x"}), "env X: this node does not know fileKeyRef"),
    ],
)
def test_what_is_missing_is_named(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        env(entry)
    assert str(caught.value) == message


def test_what_is_optional_may_be_missing() -> None:
    assert "X" not in env(source(configMapKeyRef={"name": "no", "key": "k", "optional": True}))
    assert "X" not in env(source(secretKeyRef={"name": "keys", "key": "k", "optional": True}))
    env(envFrom=[{"configMapRef": {"name": "no", "optional": True}}])


def test_labels_as_a_table_and_resources_of_another_container() -> None:
    assert field(FACTS, "metadata.labels") == 'app="a"\nb="q\\""'
    reference = {"containerName": "main", "resource": "limits.cpu", "divisor": "1m"}
    assert resource(FACTS, POD["spec"]["containers"][1], reference) == "1500"


def test_services_become_variables() -> None:
    ports = [{"name": "http", "port": 80}, {"port": 9, "protocol": "UDP"}]
    service = {"metadata": {"name": "my-db"}, "spec": {"clusterIP": "10.0.0.9", "ports": ports}}
    found = service_variables(service)
    assert found["MY_DB_SERVICE_HOST"] == "10.0.0.9"
    assert found["MY_DB_SERVICE_PORT"] == found["MY_DB_SERVICE_PORT_HTTP"] == "80"
    assert found["MY_DB_PORT"] == "tcp://10.0.0.9:80"
    assert found["MY_DB_PORT_9_UDP"] == "udp://10.0.0.9:9"
    headless = {**service, "spec": {"clusterIP": "None", "ports": ports}}
    assert service_variables(headless) == {}
