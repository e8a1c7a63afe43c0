"""The kinds that the package serves, and what the API server is told of them."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.kinds.workflows import COMPONENT
from sampan.kube import names

CRDS = {crd["spec"]["names"]["kind"]: crd["spec"] for crd in COMPONENT.crds}


def schema(kind: str) -> dict[str, Any]:
    (version,) = CRDS[kind]["versions"]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]
    return found


@pytest.mark.parametrize(
    ("kind", "short"),
    [
        ("Workflow", ["wf"]),
        ("WorkflowTemplate", ["wftmpl"]),
        ("ClusterWorkflowTemplate", ["clusterwftmpl", "cwft"]),
        ("CronWorkflow", ["cwf", "cronwf"]),
        ("WorkflowEventBinding", ["wfeb"]),
        ("WorkflowTaskSet", ["wfts"]),
        ("WorkflowTaskResult", []),
        ("WorkflowArtifactGCTask", ["wfat"]),
    ],
)
def test_each_kind_of_upstream_has_its_short_names(kind: str, short: list[str]) -> None:
    called = CRDS[kind]["names"]
    assert called.get("shortNames", []) == short
    assert CRDS[kind]["scope"] == ("Cluster" if kind.startswith("Cluster") else "Namespaced")
    assert CRDS[kind]["group"] == names.ARGO_GROUP


def test_only_what_the_agent_writes_has_a_status_of_its_own() -> None:
    split = {k for k, crd in CRDS.items() if crd["versions"][0].get("subresources")}
    assert split == {"WorkflowTaskSet", "WorkflowArtifactGCTask"}


def test_the_columns_are_status_age_and_message() -> None:
    columns = CRDS["Workflow"]["versions"][0]["additionalPrinterColumns"]
    assert [column["name"] for column in columns] == ["Status", "Age", "Message"]


def test_every_type_of_template_is_in_the_schema() -> None:
    template = schema("Workflow")["spec"]["properties"]["templates"]["items"]["properties"]
    assert {
        "container", "script", "steps", "dag", "suspend", "resource", "http", "plugin", "data",
        "containerSet",
    } <= template.keys()  # fmt: skip


def test_old_names_are_in_the_schema_beside_the_new_ones() -> None:
    cron = schema("CronWorkflow")["spec"]
    assert cron["required"] == ["workflowSpec"]
    assert cron["properties"]["schedule"]["type"] == "string"
    spec = cron["properties"]["workflowSpec"]["properties"]
    assert {"mutex", "mutexes", "semaphore"} <= spec["synchronization"]["properties"].keys()
    assert spec["podPriority"]["type"] == "integer"


@pytest.mark.parametrize("kind", ["Workflow", "WorkflowTemplate"])
def test_values_of_parameters_may_be_numbers(kind: str) -> None:
    spec = schema(kind)["spec"]["properties"]
    template = spec["templates"]["items"]["properties"]
    for place in (spec["arguments"], template["inputs"]):
        parameter = place["properties"]["parameters"]["items"]["properties"]
        assert "type" not in parameter["value"]
        assert "type" not in parameter["enum"]["items"]


def test_a_dag_may_have_more_tasks_than_upstream_s_full_crds_allow() -> None:
    templates = schema("Workflow")["spec"]["properties"]["templates"]
    assert "maxItems" not in templates
    assert "maxItems" not in templates["items"]["properties"]["dag"]["properties"]["tasks"]


def test_the_component_has_rules_for_what_people_write() -> None:
    assert list(COMPONENT.rules)[:4] == [
        names.WORKFLOW,
        names.WORKFLOW_TEMPLATE,
        names.CLUSTER_WORKFLOW_TEMPLATE,
        names.CRON_WORKFLOW,
    ]
