"""The seed's own two documents, and how a workflow of two tasks goes from node to node."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kinds.toy import Toy
from sampan.kinds.workflows import COMPONENT
from sampan.kube.keys import Key, Manifest

ROOT = Path(__file__).parents[3]
SEEDS = ROOT.parent / "shared" / "seeds"
EXAMPLE = ROOT / "examples" / "00-seed-workflow"
WORKFLOW = Key("Workflow.argoproj.io", "u", "kubeflow-test-abc")


@pytest.fixture
def seed() -> Manifest:
    manifest: Manifest = yaml.safe_load((EXAMPLE / "argo-workflow-pvc.yaml").read_text())
    manifest["metadata"]["name"] = WORKFLOW.name
    return manifest


@pytest.mark.parametrize("name", ["pvc.yaml", "argo-workflow-pvc.yaml"])
def test_the_example_is_the_seed_unchanged(name: str) -> None:
    if not SEEDS.is_dir():
        pytest.skip("the seed's documents are not here")
    assert (EXAMPLE / name).read_bytes() == (SEEDS / name).read_bytes()


def test_the_seed_runs_its_two_tasks_in_order(seed: Manifest) -> None:
    toy = Toy(COMPONENT)
    toy.create(seed)
    toy.settle()
    assert [pod["metadata"]["name"] for pod in toy.pods()] == [
        "kubeflow-test-abc-repeat-line-4021284172"
    ]
    while toy.step_pods(lambda pod: "Succeeded"):
        pass
    workflow = toy.objects[WORKFLOW]
    status = workflow["status"]
    assert status["phase"] == "Succeeded"
    assert status["progress"] == "2/2"
    assert status["conditions"] == [
        {"type": "PodRunning", "status": "False"},
        {"type": "Completed", "status": "True"},
    ]
    assert workflow["metadata"]["labels"] == {
        "workflows.argoproj.io/phase": "Succeeded",
        "workflows.argoproj.io/completed": "true",
    }
    first, second = "kubeflow-test-abc-4021284172", "kubeflow-test-abc-390782045"
    root = status["nodes"]["kubeflow-test-abc"]
    assert (root["type"], root["children"], root["outboundNodes"]) == ("DAG", [first], [second])
    assert status["nodes"][first]["children"] == [second]
    assert status["nodes"][second] == {
        "id": second,
        "name": "kubeflow-test-abc.print-text",
        "displayName": "print-text",
        "type": "Pod",
        "templateName": "print-text",
        "templateScope": "local/kubeflow-test-abc",
        "boundaryID": "kubeflow-test-abc",
        "phase": "Succeeded",
        "progress": "1/1",
        "startedAt": "2026-01-01T00:00:00Z",
        "finishedAt": "2026-01-01T00:00:00Z",
        "hostNodeName": "n",
        "outputs": {"exitCode": "0"},
        "resourcesDuration": {"cpu": 0, "memory": 0},
    }


def test_a_pod_of_the_seed_mounts_its_claim_and_knows_its_workflow(seed: Manifest) -> None:
    toy = Toy(COMPONENT)
    toy.create(seed)
    toy.settle()
    (pod,) = toy.pods()
    assert pod["metadata"]["labels"] == {
        "workflows.argoproj.io/workflow": "kubeflow-test-abc",
        "workflows.argoproj.io/completed": "false",
    }
    (owner,) = pod["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("Workflow", WORKFLOW.name, True)
    (main,) = pod["spec"]["containers"]
    assert (main["name"], main["image"]) == ("main", "python:3.7")
    assert main["command"] == seed["spec"]["templates"][1]["container"]["command"]
    assert pod["spec"]["restartPolicy"] == "Never"
    assert pod["spec"]["volumes"] == [
        {"name": "workdir", "persistentVolumeClaim": {"claimName": "kubeflow-test-pv"}}
    ]
