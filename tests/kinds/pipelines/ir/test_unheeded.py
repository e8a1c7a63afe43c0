"""What a pipeline says in vain, and that nothing else is said of the others."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import fields

from kinds.pipelines.ir.making import dag, spec, task
from sampan.kinds.pipelines.ir import kubernetes, messages
from sampan.kinds.pipelines.ir.unheeded import MOST
from sampan.kinds.pipelines.ir.validation import validate


def written(path: str, value: Any) -> dict[str, Any]:
    made = spec(dag(one=task("comp")), comp={})
    *parents, last = path.split("/")
    place: Any = made
    for key in parents:
        place = place.setdefault(key, {})
    place[last] = value
    return made


def kubernetes_says(**said: Any) -> dict[str, Any]:
    return {"platforms": {"kubernetes": said}}


CONTAINER = "deploymentSpec/executors/exec/container"
ARTIFACT = "components/comp/outputDefinitions/artifacts/model"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("defaultPipelineRoot", "gs://bucket", id="root"),
        pytest.param("components/comp/singlePlatformSpecs", [{"platform": "x"}], id="platform"),
        pytest.param(f"{CONTAINER}/lifecycle", {"preCacheCheck": {"command": ["a"]}}, id="hook"),
        pytest.param(f"{CONTAINER}/commnad", ["a"], id="mistyped"),
        pytest.param(f"{CONTAINER}/resources/gpus", 2, id="deeper"),
        pytest.param(f"{ARTIFACT}/properties", {"a": {"constant": 1}}, id="properties"),
        pytest.param(f"{ARTIFACT}/customProperties", {"a": {"constant": 1}}, id="custom"),
    ],
)
def test_the_place_is_named(path: str, value: Any) -> None:
    assert validate(written(path, value)).unheeded == (path.replace("/", "."),)


def test_names_of_the_proto_are_told_as_json_has_them() -> None:
    made = written("default_pipeline_root", "gs://bucket")
    assert validate(made).unheeded == ("defaultPipelineRoot",)


def test_the_second_document_is_looked_at() -> None:
    plain = spec(dag(one=task("comp")), comp={})
    platform = kubernetes_says(
        config={"a": 1}, deploymentSpec={"executors": {"exec": {}, "exec-old": {}}}
    )
    assert validate(plain, platform).unheeded == (
        "platforms.kubernetes.config",
        "platforms.kubernetes.deploymentSpec.executors.exec-old",
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("defaultPipelineRoot", "", id="empty"),
        pytest.param(f"{CONTAINER}/lifecycle", None, id="null"),
        pytest.param(f"{CONTAINER}/env", [{"name": "A", "value": "b"}], id="heeded"),
        pytest.param("root/dag/tasks/one/cachingOptions", {"enableCache": True}, id="task"),
        pytest.param(f"{ARTIFACT}/metadata", {"lifecycle": 1}, id="free-value"),
    ],
)
def test_what_has_an_effect_or_is_empty_is_not_named(path: str, value: Any) -> None:
    assert validate(written(path, value)).unheeded == ()


def test_few_places_are_named() -> None:
    many = {f"field{index}": 1 for index in range(3 * MOST)}
    found = validate(written(CONTAINER, {"image": "alpine", **many})).unheeded
    assert len(found) == MOST


def test_fields_without_effect_are_fields() -> None:
    declared = [
        each
        for module in (messages, kubernetes)
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, messages.Message)
    ]
    for cls in declared:
        assert set(cls.UNHEEDED) <= {field.name for field in fields(cls)}, cls
