"""How many finished workflows stay."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.toy import Toy
from kinds.workflows.makers import finish, leaf, workflow
from sampan.kinds.workflows import COMPONENT


def ended(policy: str, *phases: str) -> set[str]:
    """The workflows that are left of some that ended like this, the oldest first."""
    toy = Toy(COMPONENT)
    for number, phase in enumerate(phases):
        manifest: dict[str, Any] = workflow(leaf("main"))
        manifest["metadata"]["name"] = f"w{number}"
        toy.create(manifest)
        toy.settle()
        finish(toy, **{f"w{number}": phase})
    data = {"retentionPolicy": policy}
    about = {"name": "workflow-controller-configmap", "namespace": "argo"}
    toy.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": data})
    toy.settle()
    return {key.name for key in toy.objects if key.kind.startswith("Workflow.")}


@pytest.mark.parametrize(
    ("policy", "left"),
    [
        ("{completed: 2, failed: 1}", {"w1", "w3", "w4"}),
        ("{completed: 9, failed: 9}", {"w0", "w1", "w2", "w3", "w4"}),
        ("{completed: 1}", {"w3"}),
        ("{}", set()),
        ("[]", {"w0", "w1", "w2", "w3", "w4"}),
    ],
)
def test_the_newest_of_each_phase_stay(policy: str, left: set[str]) -> None:
    ends = ("Succeeded", "Succeeded", "Failed", "Succeeded", "Failed")
    assert ended(policy, *ends) == left


def test_what_runs_stays() -> None:
    toy = Toy(COMPONENT)
    toy.create(workflow(leaf("main")))
    about = {"name": "workflow-controller-configmap", "namespace": "kubeflow"}
    data = {"config": "retentionPolicy: {completed: 0}"}
    toy.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": data})
    toy.settle()
    assert any(key.kind.startswith("Workflow.") for key in toy.objects)
    finish(toy)
    toy.settle()
    assert not any(key.kind.startswith("Workflow.") for key in toy.objects)
