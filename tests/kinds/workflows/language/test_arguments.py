"""Inputs of templates: where their values come from."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.kinds.workflows.language import arguments
from sampan.kube.keys import Manifest

KEY = {"configMapKeyRef": {"name": "simple-{{workflow.name}}", "key": "msg"}}
KNOWN = {"workflow.name": "wf"}
DEFAULTED = {"valueFrom": {**KEY, "default": "d"}}


def configmap(type: str = "Parameter", **data: str) -> dict[str, Manifest]:
    labels = {"workflows.argoproj.io/configmap-type": type}
    return {"simple-wf": {"metadata": {"name": "simple-wf", "labels": labels}, "data": data}}


def resolved(
    parameter: dict[str, Any],
    *arguments_given: dict[str, Any],
    maps: dict[str, Manifest] | None = None,
) -> dict[str, Any]:
    template = {"inputs": {"parameters": [{"name": "p", **parameter}]}}
    given = [{"name": "p", **each} for each in arguments_given]
    found = arguments.resolve(template, {"parameters": given}, KNOWN, maps or {})
    (only,) = found["parameters"]
    return dict(only)


@pytest.mark.parametrize(
    ("parameter", "given", "value"),
    [
        pytest.param({}, [{"value": "x"}], "x", id="argument"),
        pytest.param({"default": 7}, [], "7", id="default"),
        pytest.param({"value": "v", "default": "d"}, [], "v", id="value-before-default"),
        pytest.param({"value": "v"}, [{"value": "x"}], "x", id="argument-before-value"),
        pytest.param({"valueFrom": KEY}, [{"value": "x"}], "x", id="argument-before-map"),
        pytest.param({"valueFrom": KEY}, [], "from-map", id="map"),
        pytest.param({"default": "d"}, [{"valueFrom": KEY}], "from-map", id="argument-from-map"),
        pytest.param({"default": "of-{{workflow.name}}"}, [], "of-wf", id="tags-in-default"),
        pytest.param({}, [{"value": "{{inputs.x}}"}], "{{inputs.x}}", id="others-stay"),
        pytest.param({"default": "d"}, [{"value": arguments.ABSENT}], "d", id="absent-output"),
        pytest.param({"value": ""}, [], "", id="empty-is-a-value"),
    ],
)
def test_a_parameter_takes_its_value(
    parameter: dict[str, Any], given: list[dict[str, Any]], value: str
) -> None:
    assert resolved(parameter, *given, maps=configmap(msg="from-map"))["value"] == value


def test_an_input_may_speak_of_another() -> None:
    listed = [
        {"name": "p", "default": "{{=inputs.parameters.q + '!'}}"},
        {"name": "q", "default": "{{workflow.name}}"},
    ]
    found = arguments.resolve({"inputs": {"parameters": listed}}, {}, KNOWN, {})
    assert [each["value"] for each in found["parameters"]] == ["wf!", "wf"]


def test_what_else_is_said_of_a_parameter_is_shown() -> None:
    said = resolved({"default": 1.0, "enum": [1, "b"], "description": "why", "globalName": None})
    assert said == {
        "name": "p", "default": "1", "enum": ["1", "b"], "description": "why", "value": "1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("parameter", "given", "why"),
    [
        pytest.param({}, [], "inputs.parameters.p was not supplied", id="nothing"),
        pytest.param(
            {}, [{"value": arguments.ABSENT}],
            "inputs.parameters.p: argument references an absent optional"
            " (skipped/omitted node output with no default)",
            id="absent-output",
        ),
    ],
)  # fmt: skip
def test_a_parameter_may_be_missing(
    parameter: dict[str, Any], given: list[dict[str, Any]], why: str
) -> None:
    with pytest.raises(arguments.Missing) as missing:
        resolved(parameter, *given)
    assert str(missing.value) == why


def test_a_default_stands_for_a_key_that_is_not_there() -> None:
    assert resolved(DEFAULTED)["value"] == "d"
    assert resolved(DEFAULTED, maps=configmap(other="x"))["value"] == "d"


def test_a_configmap_has_to_be_labelled_whatever_the_default() -> None:
    with pytest.raises(arguments.Missing, match="needs to have the label"):
        resolved(DEFAULTED, maps=configmap("Cache", msg="x"))


def test_a_key_that_is_not_there_is_named() -> None:
    with pytest.raises(arguments.Missing) as missing:
        resolved({"valueFrom": KEY}, maps=configmap(other="x"))
    assert str(missing.value) == (
        "unable to retrieve inputs.parameters.p from ConfigMap: "
        "ConfigMap 'simple-wf' does not have the key 'msg'"
    )


RAW = {"raw": {"data": "x"}}


@pytest.mark.parametrize(
    ("declared", "given", "found"),
    [
        pytest.param({"path": "/a", "mode": 0o755}, RAW,
                     {"path": "/a", "mode": 0o755, **RAW}, id="path-is-the-template's"),
        pytest.param({"path": "/a"}, {"path": "/b", **RAW}, {"path": "/a", **RAW}, id="no-other"),
        pytest.param({"s3": {"key": "k"}}, None, {"s3": {"key": "k"}}, id="its-own-place"),
        pytest.param({"s3": {"key": "k"}}, RAW, RAW, id="argument-first"),
        pytest.param({"optional": True, "path": "/a"}, None,
                     {"optional": True, "path": "/a"}, id="optional"),
    ],
)  # fmt: skip
def test_an_artifact_takes_its_place(
    declared: dict[str, Any], given: dict[str, Any] | None, found: dict[str, Any]
) -> None:
    template = {"inputs": {"artifacts": [{"name": "a", **declared}]}}
    listed = [] if given is None else [{"name": "a", **given}]
    inputs = arguments.resolve(template, {"artifacts": listed}, {}, {})
    assert inputs == {"artifacts": [{"name": "a", **found}]}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        pytest.param([], "inputs.artifacts.a was not supplied", id="nothing"),
        pytest.param(
            [{"name": "a"}], "inputs.artifacts.a missing location information", id="nowhere"
        ),
    ],
)
def test_an_artifact_may_be_missing(given: list[dict[str, Any]], why: str) -> None:
    template = {"inputs": {"artifacts": [{"name": "a", "path": "/a"}]}}
    with pytest.raises(arguments.Missing) as missing:
        arguments.resolve(template, {"artifacts": given}, {}, {})
    assert str(missing.value) == why
