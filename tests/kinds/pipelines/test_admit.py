"""What may be written, and what the API server adds."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.pipelines.ir.making import dag, parameters, spec, task
from kinds.toy import Toy
from sampan.kinds.pipelines.admit import RULES
from sampan.kube import names
from sampan.kube.errors import BadRequest, Problem
from sampan.kube.keys import Manifest, key_of

PIPELINE = {
    "apiVersion": "pipelines.kubeflow.org/v2beta1",
    "kind": "Pipeline",
    "metadata": {"name": "greet", "namespace": "team", "uid": "u1"},
    "spec": {},
}
IR = spec({**parameters(who="STRING"), **dag(one=task("comp"))}, comp={})


def version(**fields: Any) -> Manifest:
    return {
        "apiVersion": "pipelines.kubeflow.org/v2beta1",
        "kind": "PipelineVersion",
        "metadata": {"name": "greet-1", "namespace": "team"},
        "spec": {"pipelineName": "greet", "pipelineSpec": IR, **fields},
    }


def run(**fields: Any) -> Manifest:
    given = {"pipelineSpec": IR, "runtimeConfig": {"parameters": {"who": "x"}}}
    return {"metadata": {"name": "r"}, "spec": {**given, **fields}}


def problems(kind: str, manifest: Manifest, old: Manifest | None = None) -> list[str]:
    validate = RULES[kind].validate
    assert validate is not None
    found: list[Problem] = validate(manifest, old)
    return [str(each) for each in found]


def admit(manifest: Manifest, old: Manifest | None = None, *known: Manifest) -> None:
    rule = RULES[names.PIPELINE_VERSION].admit
    assert rule is not None
    cluster = Toy()
    cluster.objects = {key_of(each): each for each in known}
    rule(cluster, manifest, old)


def test_a_run_that_can_begin_is_admitted() -> None:
    assert problems(names.RUN, run()) == []
    named = {"metadata": {}, "spec": {"pipelineRef": {"pipeline": "greet"}}}
    assert problems(names.RUN, named) == []


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        pytest.param({"pipelineSpec": None}, "spec.pipelineSpec: Required value: or", id="none"),
        pytest.param({"pipelineRef": {"pipeline": "p"}}, "spec.pipelineRef: Forbidden", id="both"),
        pytest.param({"pipelineSpec": {**IR, "schemaVersion": "2.0.0"}},
                     "spec.pipelineSpec: KFP only supports schema version 2.1.0", id="schema"),
        pytest.param({"pipelineSpec": "text"}, "spec.pipelineSpec: invalid v2 pipeline", id="text"),
        pytest.param({"platformSpec": {"x": 1}}, 'platform specific configs: unknown field "x"',
                     id="platform"),
        pytest.param({"runtimeConfig": None}, "parameters: parameter who is not optional",
                     id="missing"),
        pytest.param({"runtimeConfig": {"parameters": {"who": 1}}},
                     "spec.runtimeConfig.parameters: input parameter who requires type string",
                     id="type"),
        pytest.param({"runtimeConfig": {"parameters": {"who": "x"}, "pipelineRoot": "file:///x"}},
                     'spec.runtimeConfig.pipelineRoot: pipeline root "file:///x" is no place of',
                     id="root"),
    ],
)  # fmt: skip
def test_a_run_that_cannot_begin_is_refused(fields: dict[str, Any], problem: str) -> None:
    assert problem in problems(names.RUN, run(**fields))[0]


def test_of_a_run_only_what_is_asked_of_it_changes() -> None:
    asked = run(terminate=True, retries=1, displayName="R", storageState="ARCHIVED")
    assert problems(names.RUN, asked, run()) == []
    other = run(runtimeConfig={"parameters": {"who": "y"}})
    assert problems(names.RUN, other, run())[0].startswith("spec.runtimeConfig: Forbidden")
    assert "must not become less" in problems(names.RUN, run(), asked)[0]


def test_a_run_keeps_its_id() -> None:
    taken = {**run(), "metadata": {"name": "r", "labels": {names.LABEL_RUN_ID: "x"}}}
    assert "metadata.labels[pipeline/runid]: Forbidden" in problems(names.RUN, taken, run())[0]


@pytest.mark.parametrize("kind", [names.EXPERIMENT, names.RUN])
def test_what_is_new_is_not_put_away(kind: str) -> None:
    manifest: Manifest = {"metadata": {}}
    default = RULES[kind].default
    assert default is not None
    default(manifest)
    assert manifest["spec"] == {"storageState": "AVAILABLE"}


@pytest.mark.parametrize("kind", [names.EXPERIMENT, names.PIPELINE])
def test_a_name_has_128_characters_at_most(kind: str) -> None:
    assert problems(kind, {"spec": {"displayName": "x" * 128}}) == []
    assert "no more than 128" in problems(kind, {"spec": {"displayName": "x" * 129}})[0]


def test_a_version_becomes_its_pipelines() -> None:
    manifest = version()
    admit(manifest, None, PIPELINE)
    about = manifest["metadata"]
    assert about["labels"] == {
        "pipelines.kubeflow.org/pipeline-id": "u1",
        "pipelines.kubeflow.org/pipeline": "greet",
    }
    assert [(each["kind"], each["uid"]) for each in about["ownerReferences"]] == [
        ("Pipeline", "u1")
    ]
    again = version()
    again["metadata"] = {**about}
    admit(again, None, PIPELINE)
    assert again == manifest


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"pipelineName": "other"}, "doesn't map to an existing Pipeline", id="owner"),
        pytest.param({"pipelineSpec": {}}, "The pipeline spec is invalid: ", id="empty"),
        pytest.param({"pipelineSpec": {**IR, "pipelineInfo": {"name": "Über"}}},
                     "must contain only lowercase", id="name"),
        pytest.param({"pipelineSpec": {**IR, "pipelineInfo": {"name": "x" * 129}}},
                     "no more than 128", id="long"),
    ],
)  # fmt: skip
def test_a_version_that_is_none_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        admit(version(**fields), None, PIPELINE)


def test_of_a_version_only_what_is_shown_changes() -> None:
    admit(version(displayName="New", tags={"a": "b"}), version())
    with pytest.raises(BadRequest, match="Pipeline spec is immutable"):
        admit(version(description="other"), version())
