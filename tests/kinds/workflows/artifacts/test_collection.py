"""Artifacts go when their time has come, and the workflow stays until they have."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.toy import Toy
from kinds.workflows.makers import WORKFLOW, leaf, workflow
from sampan.kinds.workflows import COMPONENT
from sampan.kinds.workflows.artifacts import collection
from sampan.kinds.workflows.artifacts.strategies import Rights
from sampan.kube import names
from sampan.kube.keys import Manifest

COMPLETION, DELETION = "OnWorkflowCompletion", "OnWorkflowDeletion"
TASK = names.WORKFLOW_ARTIFACT_GC_TASK


def artifact(name: str, strategy: str = "", **gc: Any) -> dict[str, Any]:
    own = {"artifactGC": {**gc, **({"strategy": strategy} if strategy else {})}}
    return {"name": name, "path": f"/tmp/{name}", **(own if own["artifactGC"] else {})}


def toy(*artifacts: dict[str, Any], phase: str = "Succeeded", **spec: Any) -> Toy:
    """A workflow of one pod that has saved these artifacts, when it is over."""
    toy = Toy(COMPONENT)
    template = leaf(outputs={"artifacts": list(artifacts)})
    toy.create(workflow(template, entrypoint="work", **spec))
    toy.settle()
    (pod,) = toy.pods()
    kept = [{**each, "s3": {"key": f"wf/{each['name']}.tgz"}} for each in artifacts]
    toy.apply({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTaskResult",
        "metadata": {
            "name": "wf", "namespace": "u",
            "labels": {names.LABEL_WORKFLOW: "wf", names.LABEL_OUTPUTS_REPORTED: "true"},
            "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "wf",
                                 "uid": pod["metadata"]["uid"]}],
        },
        "outputs": {"artifacts": kept},
    })  # fmt: skip
    toy.run_pod(pod, phase)
    toy.settle()
    return toy


def collectors(toy: Toy) -> list[Manifest]:
    return [pod for pod in toy.pods() if "-artgc-" in pod["metadata"]["name"]]


def tasks(toy: Toy) -> list[Manifest]:
    return list(toy.select(TASK, "u"))


def carry_out(toy: Toy, phase: str = "Succeeded", error: str = "") -> None:
    """What `argoexec artifact delete` does for all tasks."""
    for pod in collectors(toy):
        if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            continue
        (task,) = (t for t in tasks(toy) if t["metadata"]["name"] == pod["metadata"]["name"] + "-0")
        result = {"success": False, "error": error} if error else {"success": True}
        by_node = {
            node: {
                "artifactResults": {name: {"name": name, **result} for name in each["artifacts"]}
            }
            for node, each in task["spec"]["artifactsByNode"].items()
        }
        toy.put({**task, "status": {"artifactResultsByNode": by_node}})
        toy.run_pod(pod, phase)
    toy.settle()


def held(toy: Toy) -> bool:
    return WORKFLOW in toy.objects and collection.is_held(toy.objects[WORKFLOW])


def deleted(toy: Toy) -> dict[str, bool]:
    status = toy.objects[WORKFLOW]["status"]
    return {a["name"]: a.get("deleted", False)
            for n in status["nodes"].values() for a in n["outputs"]["artifacts"]}  # fmt: skip


def test_without_a_strategy_nothing_is_held() -> None:
    assert not held(toy(artifact("a")))
    assert not held(toy(artifact("a", "Never"), artifactGC={"strategy": COMPLETION}))


def test_artifacts_go_when_the_workflow_is_over() -> None:
    run = toy(artifact("a"), artifact("b", "Never"), artifactGC={"strategy": COMPLETION})
    assert held(run)
    (pod,) = collectors(run)
    name = Rights().pod_name("wf", COMPLETION)
    assert pod["metadata"]["name"] == name == "wf-artgc-wfcomp-2166136261"
    assert pod["metadata"]["labels"]["workflows.argoproj.io/component"] == "artifact-gc"
    (task,) = tasks(run)
    (node,) = task["spec"]["artifactsByNode"].values()
    assert list(node["artifacts"]) == ["a"]
    assert node["archiveLocation"]["s3"]["endpoint"] == "artifacts.sampan"
    assert pod["metadata"]["ownerReferences"][0]["uid"] == task["metadata"]["uid"]
    carry_out(run)
    assert deleted(run) == {"a": True, "b": False}
    assert tasks(run) == []
    assert run.objects[WORKFLOW]["status"]["artifactGCStatus"] == {
        "strategiesProcessed": {COMPLETION: True}, "podsRecouped": {name: True},
    }  # fmt: skip
    assert not held(run)


def test_a_workflow_that_is_deleted_waits_for_its_artifacts() -> None:
    run = toy(artifact("a", COMPLETION), artifact("b"), artifactGC={"strategy": DELETION})
    carry_out(run)
    assert held(run)
    assert deleted(run) == {"a": True, "b": False}
    run.delete(WORKFLOW)
    run.settle()
    assert held(run)
    carry_out(run)
    assert WORKFLOW not in run.objects


def test_a_workflow_deleted_while_it_runs_ends_first() -> None:
    run = Toy(COMPONENT)
    run.create(workflow(leaf(outputs={"artifacts": [artifact("a", DELETION)]}), entrypoint="work"))
    run.settle()
    run.delete(WORKFLOW)
    run.settle()
    assert held(run)
    run.run_pod(run.pods()[0], "Failed", exit_code=1)
    run.settle()
    assert WORKFLOW not in run.objects


def test_each_set_of_rights_has_a_pod() -> None:
    run = toy(
        artifact("a"), artifact("b", serviceAccountName="other"),
        artifact("c", podMetadata={"labels": {"l": "1"}, "annotations": {"n": "2"}}),
        artifactGC={"strategy": COMPLETION, "serviceAccountName": "one",
                    "podSpecPatch": "nodeSelector: {disk: fast}",
                    "podMetadata": {"labels": {"all": "yes"}}},
    )  # fmt: skip
    pods = collectors(run)
    assert [p["spec"]["serviceAccountName"] for p in pods].count("one") == 2
    assert [p["spec"]["serviceAccountName"] for p in pods].count("other") == 1
    assert all(p["metadata"]["labels"]["all"] == "yes" for p in pods)
    assert all(p["spec"]["nodeSelector"] == {"disk": "fast"} for p in pods)
    assert sum(p["metadata"]["annotations"].get("n") == "2" for p in pods) == 1
    carry_out(run)
    assert set(deleted(run).values()) == {True}
    assert not held(run)


def test_a_fault_is_told_and_holds_the_workflow() -> None:
    run = toy(artifact("a"), artifactGC={"strategy": COMPLETION})
    carry_out(run, error="no such bucket")
    (task,) = tasks(run)
    condition = run.objects[WORKFLOW]["status"]["conditions"][-1]
    assert condition == {
        "type": "ArtifactGCError", "status": "True",
        "message": f"no such bucket (artifactGCTask: {task['metadata']['name']})",
    }  # fmt: skip
    assert run.events[-1].reason == "ArtifactGCFailed"
    assert held(run)
    rounds = len(run.events)
    run.settle()
    assert len(run.events) == rounds
    assert len(collectors(run)) == 1


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_fault_holds_nobody_if_that_is_asked_for(phase: str) -> None:
    run = toy(artifact("a"), artifactGC={"strategy": COMPLETION, "forceFinalizerRemoval": True})
    carry_out(run, phase, error="no such bucket")
    assert not held(run)


def test_a_pod_that_has_gone_is_made_again() -> None:
    run = toy(artifact("a"), artifactGC={"strategy": COMPLETION})
    run.gone(collectors(run)[0])
    run.settle()
    assert len(collectors(run)) == 1
    carry_out(run)
    assert not held(run)


def test_an_artifact_that_was_never_saved_holds_nobody() -> None:
    run = Toy(COMPONENT)
    run.create(
        workflow(leaf(outputs={"artifacts": [artifact("a", COMPLETION)]}), entrypoint="work")
    )
    run.settle()
    assert held(run)
    run.run_pod(run.pods()[0], "Failed", exit_code=1)
    run.settle()
    assert not held(run)


def test_a_patch_that_makes_no_sense_is_a_condition() -> None:
    run = toy(artifact("a"), artifactGC={"strategy": COMPLETION, "podSpecPatch": "["})
    condition = run.objects[WORKFLOW]["status"]["conditions"][-1]
    assert "Error applying PodSpecPatch" in condition["message"]
    assert held(run)


def test_nobody_is_held_in_a_namespace_that_goes() -> None:
    run = toy(artifact("a"), artifactGC={"strategy": DELETION})
    assert held(run)
    going = {"name": "u", "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["x"]}
    run.put({"apiVersion": "v1", "kind": "Namespace", "metadata": going})
    run.delete(WORKFLOW)
    run.settle()
    assert WORKFLOW not in run.objects
    assert collectors(run) == []
