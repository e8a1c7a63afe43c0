"""Templates whose main container is the executor itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kinds.toy import Toy
from kinds.workflows.makers import node, started, workflow
from sampan.lib import yaml

MANIFEST = "kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: {{workflow.name}}-x\n"


def resource(**fields: Any) -> dict[str, Any]:
    return {"name": "main", "resource": {"action": "create", "manifest": MANIFEST, **fields}}


def told(toy: Toy) -> dict[str, Any]:
    (pod,) = toy.pods()
    (init,) = pod["spec"]["initContainers"]
    (text,) = [each["value"] for each in init["env"] if each["name"] == "ARGO_TEMPLATE"]
    return dict(json.loads(text))


def test_a_resource_is_the_executor_s_own_container() -> None:
    toy = started(workflow(resource()))
    (pod,) = toy.pods()
    (main,) = pod["spec"]["containers"]
    assert main["command"][:3] == ["argoexec", "resource", "create"]
    assert main["image"].startswith("quay.io/argoproj/argoexec:")
    made = yaml.load(told(toy)["resource"]["manifest"])
    assert made["metadata"] == {"name": "wf-x"}


def test_logs_that_are_kept_bring_somebody_who_keeps_them() -> None:
    located = {"archiveLocation": {"archiveLogs": True, "s3": {"key": "logs"}}}
    (pod,) = started(workflow({**resource(), **located})).pods()
    assert [each["name"] for each in pod["spec"]["containers"]] == ["wait", "main"]


def test_what_is_made_may_belong_to_the_workflow() -> None:
    toy = started(workflow(resource(setOwnerReference=True)))
    (owner,) = yaml.load(told(toy)["resource"]["manifest"])["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("Workflow", "wf", True)


@pytest.mark.parametrize("manifest", ["- a", "metadata: 1"])
def test_what_can_have_no_owner_is_an_error(manifest: str) -> None:
    toy = started(workflow(resource(setOwnerReference=True, manifest=manifest)))
    assert node(toy, "wf")["phase"] == "Error"
    assert "resource.manifest" in node(toy, "wf")["message"]


def test_data_is_listed_where_artifacts_are_kept() -> None:
    source = {"artifactPaths": {"name": "logs", "s3": {"key": "logs"}}}
    toy = started(workflow({"name": "main", "data": {"source": source, "transformation": []}}))
    (pod,) = toy.pods()
    (main,) = pod["spec"]["containers"]
    assert main["command"][:2] == ["argoexec", "data"]
    assert json.loads(main["command"][2])["source"] == source
    assert told(toy)["archiveLocation"]["s3"]["bucket"]
