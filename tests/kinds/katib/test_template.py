"""What stands in the placeholders of a trial's template, and what makes no trial."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinds.toy import Toy
from sampan.kinds.katib import template, types
from sampan.kinds.katib.template import Missing, Unusable
from sampan.kinds.katib.types import ConfigMapSource, TrialParameter, TrialTemplate
from sampan.kube.keys import key_of

JOB: dict[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"labels": {"tier": "gold"}, "annotations": {"note/x": "hi"}},
    "spec": {"args": ["--lr=${trialParameters.rate}", "${trialParameters.about}"]},
}


def parameters(**references: str) -> list[TrialParameter]:
    return [TrialParameter(name=name, reference=each) for name, each in references.items()]


def text_of(trial: dict[str, Any]) -> str:
    return template.find(Toy(), TrialTemplate(trialSpec=trial), "n")


def render(text: str, references: dict[str, str], **assignments: str) -> dict[str, Any]:
    return template.render(text, parameters(**references), assignments, name="t", namespace="n")


def test_assignments_stand_for_the_parameters_that_refer_to_them() -> None:
    made = render(text_of(JOB), {"rate": "lr", "about": "${trialSpec.Name}"}, lr="0.05")
    assert made["spec"] == {"args": ["--lr=0.05", "t"]}
    assert made["metadata"] == {**JOB["metadata"], "name": "t", "namespace": "n"}


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("${trialSpec.Name}", "t"),
        ("${trialSpec.Namespace}", "n"),
        ("${trialSpec.Kind}", "Job"),
        ("${trialSpec.APIVersion}", "batch/v1"),
        ("${trialSpec.Labels[tier]}", "gold"),
        ("${trialSpec.Annotations[note/x]}", "hi"),
    ],
)
def test_metadata_of_the_trial(reference: str, value: str) -> None:
    assert template.is_meta(reference)
    made = render(text_of(JOB), {"rate": "lr", "about": reference}, lr="1")
    assert made["spec"]["args"][1] == value


@pytest.mark.parametrize(
    ("references", "assignments", "fault"),
    [
        pytest.param(
            {"rate": "lr"}, {"speed": "1"}, "unable to find non-meta parameter", id="not-assigned"
        ),
        pytest.param(
            {"rate": "lr"},
            {"lr": "1", "more": "2"},
            "non-meta trial parameter count: 1",
            id="not-used",
        ),
        pytest.param(
            {"rate": "${trialSpec.Size}"}, {}, "illegal reference of trial metadata", id="no-such"
        ),
        pytest.param(
            {"rate": "${trialSpec.Labels[none]}"}, {}, "failed to fetch Label: none", id="no-label"
        ),
        pytest.param(
            {"rate": "lr"}, {"lr": '"'}, "failed to convert string to unstructured", id="quotes"
        ),
    ],
)
def test_what_makes_no_trial(
    references: dict[str, str], assignments: dict[str, str], fault: str
) -> None:
    with pytest.raises(Unusable, match=fault):
        render(text_of(JOB), references, **assignments)


def test_a_value_is_replaced_as_text_so_that_it_may_be_a_number_in_yaml() -> None:
    made = render("kind: Job\nspec: {parallelism: ${trialParameters.rate}}", {"rate": "lr"}, lr="3")
    assert made["spec"] == {"parallelism": 3}


def test_other_alphabets_are_found() -> None:
    made = render(text_of({"x": "${trialParameters.größe}"}), {"größe": "lr"}, lr="ä")
    assert made["x"] == "ä"


def test_what_a_value_brings_along_is_no_placeholder() -> None:
    text = text_of({"x": "${trialParameters.a}", "y": "${trialParameters.b}"})
    made = render(text, {"a": "a", "b": "b"}, a="${trialParameters.b}", b="1")
    assert (made["x"], made["y"]) == ("${trialParameters.b}", "1")


# -- from where -----------------------------------------------------------------------------------
SOURCE = ConfigMapSource(configMapName="c", configMapNamespace="k", templatePath="t.yaml")
MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "k"},
       "data": {"t.yaml": "kind: Job"}}  # fmt: skip


def test_a_template_of_a_config_map() -> None:
    cluster = Toy()
    cluster.objects = {key_of(MAP): MAP}
    assert template.find(cluster, TrialTemplate(configMap=SOURCE), "k") == "kind: Job"


def test_of_other_namespaces_only_what_is_for_everybody_is_read() -> None:
    cluster = Toy()
    cluster.objects = {key_of(MAP): MAP}
    with pytest.raises(Missing) as raised:
        template.find(cluster, TrialTemplate(configMap=SOURCE), "n")
    assert "kind: Job" not in str(raised.value)
    labels = {"katib.kubeflow.org/component": "trial-templates"}
    cluster.objects = {key_of(MAP): {**MAP, "metadata": {**MAP["metadata"], "labels": labels}}}
    assert template.find(cluster, TrialTemplate(configMap=SOURCE), "n") == "kind: Job"


def test_what_is_not_there_may_come() -> None:
    cluster = Toy()
    with pytest.raises(Missing, match="configMap not found"):
        template.find(cluster, TrialTemplate(configMap=SOURCE), "k")
    cluster.objects = {key_of(MAP): {**MAP, "data": {}}}
    with pytest.raises(Missing, match="unable to find trial template in ConfigMap"):
        template.find(cluster, TrialTemplate(configMap=SOURCE), "k")
    with pytest.raises(Unusable, match="neither"):
        template.find(cluster, TrialTemplate(), "k")


@pytest.mark.parametrize("text", ["", "[1]", "{", "a: b: c", "x", "- 1", "{'a': 1}"])
def test_what_is_no_object(text: str) -> None:
    with pytest.raises(Unusable, match="failed to convert string to unstructured"):
        template.parsed(text)


@given(st.text(max_size=60))
def test_any_text_is_an_object_or_unusable(text: str) -> None:
    with contextlib.suppress(Unusable):
        assert isinstance(template.parsed(text), dict)


@given(st.text(alphabet=st.characters(blacklist_characters='"\\', min_codepoint=32), max_size=20))
def test_plain_values_arrive_as_they_are(value: str) -> None:
    made = render(text_of({"x": "${trialParameters.a}"}), {"a": "lr"}, lr=value)
    assert made["x"] == value


def test_types_are_told_with_their_place() -> None:
    with pytest.raises(ValueError, match=r"trialParameters\[0\].name"):
        types.read({"trialParameters": [{"name": 1}]}, TrialTemplate)
