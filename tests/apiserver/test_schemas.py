"""Kubernetes' own kinds: resources, JSON types, unknown fields, duplicates."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.apiserver.schemas import Schema, duplicates, facts
from sampan.kube.errors import BadRequest


def schema(group: str, kind: str) -> Schema:
    found = facts().schema(group, "v1", kind)
    assert found is not None
    return found


POD = schema("", "Pod")


def pod(**spec: Any) -> dict[str, Any]:
    container = {"name": "main", "image": "busybox", "ports": [{"containerPort": 80}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "labels": {"a": "b"}},
        "spec": {"containers": [container], **spec},
    }


def test_resources_tell_discovery() -> None:
    by_plural = {(fact.group, fact.version, fact.plural): fact for fact in facts().resources()}
    deployments = by_plural["apps", "v1", "deployments"]
    assert deployments.short_names == ("deploy",)
    assert deployments.categories == ("all",)
    assert deployments.singular == "deployment"
    assert [(sub.name, sub.kind) for sub in deployments.subresources] == [
        ("scale", "Scale"),
        ("status", "Deployment"),
    ]
    assert by_plural["", "v1", "nodes"].namespaced is False
    assert "deletecollection" not in by_plural["", "v1", "namespaces"].verbs
    assert ("", "v1", "bindings") not in by_plural
    assert ("", "v1", "componentstatuses") not in by_plural
    assert {"TokenReview", "SubjectAccessReview"} <= {fact.kind for fact in facts().reviews()}


def test_every_resource_has_a_schema_with_metadata() -> None:
    for fact in facts().resources():
        found = facts().schema(fact.group, fact.version, fact.kind)
        assert found is not None, fact
        assert "metadata" in found.root.fields, fact
    assert facts().schema("", "v1", "Nonsense") is None


@pytest.mark.parametrize(
    ("group", "kind", "body", "fault"),
    [
        pytest.param(
            "", "ConfigMap", {"data": {"a": 1}},
            "json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
            id="map",
        ),
        pytest.param(
            "", "ConfigMap", {"data": []},
            "json: cannot unmarshal array into Go struct field ConfigMap.data"
            " of type map[string]string", id="map-itself",
        ),
        pytest.param(
            "", "Pod", {"spec": {"containers": {"name": "x"}}},
            "json: cannot unmarshal object into Go struct field PodSpec.spec.containers"
            " of type []v1.Container", id="list",
        ),
        pytest.param(
            "", "Pod", {"spec": {"containers": [{"env": [{"name": "A", "value": 1}]}]}},
            "json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value"
            " of type string", id="deep",
        ),
        pytest.param(
            "apps", "Deployment", {"spec": {"replicas": "3"}},
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas"
            " of type int32", id="int",
        ),
        pytest.param(
            "apps", "Deployment", {"spec": {"replicas": 3_000_000_000}},
            "json: cannot unmarshal number 3000000000 into Go struct field"
            " DeploymentSpec.spec.replicas of type int32", id="int32",
        ),
        pytest.param(
            "apps", "Deployment", {"spec": {"replicas": 1.5}},
            "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas"
            " of type int32", id="float",
        ),
        pytest.param(
            "", "Pod", {"spec": {"containers": [{"resources": {"limits": {"cpu": "1x"}}}]}},
            "quantities must match the regular expression"
            " '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'", id="quantity",
        ),
        pytest.param(
            "", "Pod", {"spec": {"hostNetwork": "yes"}},
            "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork"
            " of type bool", id="bool",
        ),
        pytest.param(
            "", "Secret", {"data": {"a": "x=y"}}, "illegal base64 data at input byte 1", id="base64"
        ),
        pytest.param(
            "", "Pod", {"metadata": {"creationTimestamp": "now"}},
            'parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006"',
            id="time",
        ),
        pytest.param(
            "", "Pod", {"metadata": {"labels": {"a": True}}},
            "json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels"
            " of type string", id="labels",
        ),
    ],
)  # fmt: skip
def test_wrong_types_are_bad_requests(
    group: str, kind: str, body: dict[str, Any], fault: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        schema(group, kind).check(body, kind, "v1")
    assert caught.value.message == f'{kind} in version "v1" cannot be handled as a {kind}: {fault}'


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"activeDeadlineSeconds": None}, id="null-is-absent"),
        pytest.param({"overhead": {"cpu": 1, "memory": "1Gi", "x": 0.5}}, id="quantity-as-number"),
        pytest.param({"unknown": object}, id="unknown-is-no-type-fault"),
    ],
)
def test_these_types_are_right(spec: dict[str, Any]) -> None:
    POD.check(pod(**spec), "Pod", "v1")


def test_int_or_string() -> None:
    for port in (80, "http"):
        schema("", "Service").check(
            {"spec": {"ports": [{"port": 80, "targetPort": port}]}}, "Service", "v1"
        )
    with pytest.raises(BadRequest, match="cannot unmarshal bool into Go value of type int32"):
        schema("", "Service").check({"spec": {"ports": [{"targetPort": True}]}}, "Service", "v1")


def test_unknown_fields_are_named() -> None:
    manifest = pod(foo=1)
    manifest["spec"]["containers"][0]["x"] = {}
    manifest["dataa"] = {}
    manifest["metadata"]["labels"]["free"] = "x"
    assert POD.unknown(manifest) == ["spec.containers[0].x", "spec.foo", "dataa"]
    assert POD.examine(manifest, "Pod", "v1") == POD.unknown(manifest)
    assert POD.unknown(manifest, prune=True)
    assert POD.unknown(manifest) == []
    assert manifest["spec"] == pod()["spec"]


def test_a_manifest_in_order_has_nothing_unknown() -> None:
    assert POD.examine(pod(), "Pod", "v1") == []
    free = {"spec": {"template": {"spec": {}}}, "webhooks": [], "data": {"any": {"x": [1]}}}
    revision = schema("apps", "ControllerRevision")
    assert revision.unknown({"data": free, "revision": 1}) == []


def test_nulls_are_dropped() -> None:
    manifest = pod(nodeName=None, volumes=[{"name": "a", "emptyDir": None}])
    POD.fill(manifest)
    assert manifest == pod(volumes=[{"name": "a"}])


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        (b'{"data":{"a":"1","a":"2"}}', ["data.a"]),
        (b'{"a":1,"a":2,"b":[{"c":1},{"c":1,"d":2,"c":3}]}', ["a", "b[1].c"]),
        (b'{"a":{"b":1},"c":{"b":1}}', []),
        (b"{bad", []),
        (b"[" * 5000, []),
    ],
)
def test_duplicate_fields(body: bytes, paths: list[str]) -> None:
    assert duplicates(body) == paths


def test_duplicates_with_the_decoded_body_at_hand() -> None:
    for body in (b'{"a":1,"a":2}', b'{"a":1}', b'{ "a": 1 }'):
        assert duplicates(body, orjson.loads(body)) == duplicates(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["spec", "metadata", "containers", "name", "ports", "x", "labels"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(json_values)
def test_any_json_is_judged(value: Any) -> None:
    before = copy.deepcopy(value)
    try:
        POD.check(value, "Pod", "v1")
    except BadRequest:
        return
    assert before == value
    POD.unknown(value, prune=True)
    assert POD.unknown(value) == []


def test_no_list_of_structures_has_a_null_in_it() -> None:
    schema = facts().schema("", "v1", "Pod")
    assert schema is not None
    with pytest.raises(BadRequest, match="cannot unmarshal null into Go struct field"):
        schema.check({"spec": {"containers": [None]}}, "Pod", "v1")
    schema.check({"spec": {"containers": None}}, "Pod", "v1")
