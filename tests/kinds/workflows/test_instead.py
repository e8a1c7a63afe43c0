"""What the cluster refuses for good ends a node, or the workflow."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kinds.toy import Toy
from kinds.workflows.makers import WORKFLOW, call, dag, leaf, steps, task, workflow
from sampan.kinds.workflows import COMPONENT
from sampan.kinds.workflows.workflow import decide, see
from sampan.kube.keys import Manifest
from sampan.kube.plan import Apply, Delete, Patch, Plan


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
    node, root = patch.patch["status"]["nodes"].values()
    assert (root["phase"], root["children"]) == ("Running", [node["id"]])
    assert (node["displayName"], node["phase"], node["message"]) == ("a", "Error", "no")
    assert node["finishedAt"]


def test_a_refused_claim_ends_the_workflow() -> None:
    claim = {"metadata": {"name": "work"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    (patch,) = refused(
        workflow(leaf("main"), volumeClaimTemplates=[claim]), "PersistentVolumeClaim"
    )
    assert patch.patch["status"]["phase"] == "Error"
    assert patch.patch["status"]["message"] == "pvc create error: no"
    assert patch.patch["metadata"]["labels"]["workflows.argoproj.io/completed"] == "true"


def test_arguments_that_are_too_long_for_a_config_map_end_their_node() -> None:
    long = {"image": "busybox", "command": ["true"], "args": ["x" * 200_000]}
    (patch,) = refused(workflow({"name": "main", "container": long}), "ConfigMap")
    (node,) = patch.patch["status"]["nodes"].values()
    assert (node["displayName"], node["phase"], node["message"]) == ("wf", "Error", "no")


def carry_on(manifest: Manifest, account: str) -> dict[str, Any]:
    """The status in the end, where every pod is refused."""
    toy = Toy(COMPONENT)
    toy.create({**manifest, "spec": {**manifest["spec"], "serviceAccountName": account}})
    for _ in range(20):
        plan = decide(see(toy, WORKFLOW))
        for action in plan.actions:
            if isinstance(action, Apply) and action.manifest["kind"] == "Pod":
                assert plan.instead is not None
                toy.carry_out(WORKFLOW, Plan(actions=tuple(plan.instead(action, "no account"))))
                break
            toy.carry_out(WORKFLOW, Plan(actions=(action,)))
        toy.time += timedelta(seconds=1)
    status: dict[str, Any] = toy.objects[WORKFLOW]["status"]
    return status


def test_an_attempt_that_may_not_be_made_is_followed_by_the_next() -> None:
    again = {"limit": "2", "retryPolicy": "Always"}
    status = carry_on(workflow(leaf("main", retryStrategy=again)), "nobody")
    assert (status["phase"], len(status["nodes"])) == ("Error", 4)
    attempts = [node for node in status["nodes"].values() if node["type"] == "Pod"]
    assert {node["message"] for node in attempts} == {"no account"}


@pytest.mark.parametrize(
    "main",
    [
        dag(task("a"), task("b", "a"), task("c")),
        dag(task("a"), task("b", "a.Succeeded"), task("c", "b.Failed || b.Errored")),
        steps([call("a"), call("b")], [call("c")]),
        steps([{**call("a"), "withItems": [1, 2]}]),
        dag({**task("a"), "withItems": [1, 2]}, task("b", "a")),
    ],
)
def test_what_is_around_a_refused_pod_ends_as_well(main: dict[str, Any]) -> None:
    status = carry_on(workflow(leaf(), main), "nobody")
    assert status["phase"] in ("Failed", "Error")
    assert all(node["finishedAt"] for node in status["nodes"].values())
    listed = [each for node in status["nodes"].values() for each in node.get("children") or ()]
    assert set(listed) == status["nodes"].keys() - {"wf"}


def test_what_an_agent_was_to_do_ends_in_error_when_there_may_be_no_agent() -> None:
    status = carry_on(workflow({"name": "main", "http": {"url": "http://x/"}}), "nobody")
    assert status["phase"] == "Error"
    assert status["message"] == 'create agent pod failed with reason:"no account"'
