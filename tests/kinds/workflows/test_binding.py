"""Which Workflows an event submits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sampan.kinds.workflows import binding
from sampan.kube.keys import Key, Manifest

PUSH = binding.Event(
    namespace="u",
    discriminator="git",
    payload={"repo": {"name": "boat"}, "commits": [{"id": "a"}, {"id": "b"}], "size": 3},
    headers={"X-Github-Event": ["push"], "Authorization": ["secret"], "x-trace": ["1", "2"]},
    now=datetime(2026, 5, 1, tzinfo=UTC),
)
TEMPLATE = {
    "metadata": {"name": "build", "namespace": "u"},
    "spec": {"workflowMetadata": {"labels": {"team": "a"}, "annotations": {"doc": "b"}}},
}


def bound(selector: str = "true", *, cluster: bool = False, **submit: Any) -> Manifest:
    reference = {"name": "build", **({"clusterScope": True} if cluster else {})}
    return {
        "metadata": {"name": "on-push", "namespace": "u"},
        "spec": {
            "event": {"selector": selector},
            "submit": {"workflowTemplateRef": reference, **submit},
        },
    }


@pytest.mark.parametrize(
    ("selector", "answer"),
    [
        ('discriminator == "git" && namespace == "u"', True),
        ('payload.repo.name == "boat" && metadata["x-github-event"] == ["push"]', True),
        ('metadata["x-trace"][1] == "2"', True),
        ("metadata.authorization != nil", False),
        ("len(payload.commits) > 2", False),
        ("payload.absent?.deeper == nil", True),
        ("payload.size == 3", True),
    ],
)
def test_a_selector_decides(selector: str, answer: bool) -> None:
    assert binding.selects(bound(selector), PUSH) is answer


def test_a_binding_without_submit_selects_nothing() -> None:
    one = bound()
    del one["spec"]["submit"]
    assert not binding.selects(one, PUSH)


@pytest.mark.parametrize(
    ("selector", "fault"),
    [
        ("payload.", "expected name"),
        ("payload.size", "unable to cast expression result '3' to bool"),
        ("header == 1", "unknown name header"),
        ("", "unexpected token EOF"),
    ],
)
def test_a_selector_that_has_no_answer(selector: str, fault: str) -> None:
    with pytest.raises(binding.Wrong) as caught:
        binding.selects(bound(selector), PUSH)
    assert str(caught.value).startswith("failed to evaluate workflow template expression: ")
    assert fault in str(caught.value)


def test_the_workflow_refers_to_the_template() -> None:
    made = binding.submission(bound(), PUSH, TEMPLATE)
    assert made["spec"] == {"workflowTemplateRef": {"name": "build"}}
    assert made["metadata"] == {
        "generateName": "build-",
        "namespace": "u",
        "labels": {
            "workflows.argoproj.io/workflow-template": "build",
            "workflows.argoproj.io/workflow-event-binding": "on-push",
            "team": "a",
        },
        "annotations": {"doc": "b"},
    }


def test_a_template_of_the_cluster() -> None:
    one = bound(cluster=True)
    made = binding.submission(one, PUSH, TEMPLATE)
    assert made["spec"]["workflowTemplateRef"] == {"name": "build", "clusterScope": True}
    assert "workflows.argoproj.io/cluster-workflow-template" in made["metadata"]["labels"]
    assert binding.template_of(one) == Key("ClusterWorkflowTemplate.argoproj.io", "", "build")
    assert binding.template_of(bound()) == Key("WorkflowTemplate.argoproj.io", "u", "build")


def test_names_and_labels_are_expressions() -> None:
    metadata = {
        "name": 'payload.repo.name + "-1"',
        "labels": {"event": 'metadata["x-github-event"][0]', "team": "'b'"},
        "annotations": {"day": "sprig.date('2006-01-02', now())", "id": "sprig.trim(' x ')"},
    }
    about = binding.submission(bound(metadata=metadata), PUSH, TEMPLATE)["metadata"]
    assert about["name"] == "boat-1"
    assert about["labels"].items() >= {"event": "push", "team": "b"}.items()
    assert about["annotations"] == {"doc": "b", "day": "2026-05-01", "id": "x"}


def test_arguments_are_texts_or_json() -> None:
    sources = {"text": "payload.repo.name", "number": "payload.size", "list": "payload.commits"}
    parameters = [{"name": name, "valueFrom": {"event": one}} for name, one in sources.items()]
    made = binding.submission(bound(arguments={"parameters": parameters}), PUSH, TEMPLATE)
    values = {p["name"]: p["value"] for p in made["spec"]["arguments"]["parameters"]}
    assert values == {"text": "boat", "number": "3", "list": '[{"id":"a"},{"id":"b"}]'}


@pytest.mark.parametrize(
    ("submit", "fault"),
    [
        ({"metadata": {"name": "payload.size"}}, "must evaluate to a string, not a float64"),
        (
            {"metadata": {"labels": {"a": "1 +"}}},
            'failed to evaluate workflow label "a" expression',
        ),
        ({"arguments": {"parameters": [{"name": "p"}]}}, "valueFrom is nil"),
        (
            {"arguments": {"parameters": [{"name": "p", "valueFrom": {"event": "x.y"}}]}},
            'failed to evaluate workflow template parameter "p" expression: unknown name x',
        ),
    ],
)
def test_what_cannot_be_submitted_is_said(submit: dict[str, Any], fault: str) -> None:
    with pytest.raises(binding.Wrong) as caught:
        binding.submission(bound(**submit), PUSH, TEMPLATE)
    assert fault in str(caught.value)
