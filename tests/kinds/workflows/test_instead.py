"""What the cluster refuses for good ends a node, or the workflow."""

from __future__ import annotations

from kinds.toy import Toy
from kinds.workflows.makers import WORKFLOW, dag, leaf, task, workflow
from sampan.kinds.workflows import COMPONENT
from sampan.kinds.workflows.workflow import decide, see
from sampan.kube.keys import Manifest
from sampan.kube.plan import Apply, Delete, Patch


def refused(manifest: Manifest, kind: str) -> list[Patch]:
    """What is patched when the first object of this kind is refused."""
    toy = Toy(COMPONENT)
    toy.create(manifest)
    plan = decide(see(toy, WORKFLOW))
    assert plan.instead is not None
    action = next(
        each for each in plan.actions if isinstance(each, Apply) and each.manifest["kind"] == kind
    )
    assert plan.instead(Delete(WORKFLOW), "no") == []
    return [each for each in plan.instead(action, "no") if isinstance(each, Patch)]


def test_a_refused_pod_ends_its_node_in_error() -> None:
    (patch,) = refused(workflow(leaf(), dag(task("a"), task("b"))), "Pod")
    (node,) = patch.patch["status"]["nodes"].values()
    assert (node["displayName"], node["phase"], node["message"]) == ("a", "Error", "no")
    assert node["finishedAt"]


def test_a_refused_claim_ends_the_workflow() -> None:
    claim = {"metadata": {"name": "work"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    (patch,) = refused(
        workflow(leaf("main"), volumeClaimTemplates=[claim]), "PersistentVolumeClaim"
    )
    assert patch.patch["status"]["phase"] == "Error"
    assert patch.patch["status"]["message"] == "no"
    assert patch.patch["metadata"]["labels"]["workflows.argoproj.io/completed"] == "true"
