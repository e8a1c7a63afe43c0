"""ReplicationControllers, and which pods anybody takes in or lets go."""

from __future__ import annotations

import pytest

from kinds.toy import Refused, Toy
from kinds.workloads.makers import DEPLOYMENT, LABELS, job, pod_spec, serving, template
from sampan.kube import meta
from sampan.kube.keys import Key, Manifest, key_of

RC = Key("ReplicationController", "u", "web")


def controller(**spec: object) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ReplicationController",
        "metadata": {"name": "web", "namespace": "u"},
        "spec": {"template": template(), **spec},
    }


def bare(name: str, **labels: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": pod_spec(),
    }


def owner(toy: Toy, name: str) -> str:
    found = meta.controller_of(toy.objects[Key("Pod", "u", name)])
    return f"{found['kind']}/{found['name']}" if found else ""


def test_it_keeps_its_pods(toy: Toy) -> None:
    made = toy.create(controller(replicas=2))
    assert made["spec"]["selector"] == made["metadata"]["labels"] == LABELS
    toy.settle()
    while toy.step_pods(lambda pod: None):
        pass
    assert toy.objects[RC]["status"] == {
        "replicas": 2,
        "fullyLabeledReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "observedGeneration": 1,
    }
    toy.patch(RC, {"spec": {"replicas": 1}})
    toy.settle()
    assert len(toy.running()) == 1


def test_a_refusal_names_the_condition_and_a_success_takes_it_away(toy: Toy) -> None:
    toy.create(controller())
    said = [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}]
    toy.put({**toy.objects[RC], "status": {"replicas": 0, "conditions": said}})
    plan = toy.once(RC)
    assert plan is not None
    assert plan.refusal == "ReplicaFailure"
    assert "conditions" not in (plan.status or {})


@pytest.mark.parametrize("kind", ["ReplicationController", "ReplicaSet"])
def test_a_pod_that_was_there_before_is_taken_in(toy: Toy, kind: str) -> None:
    toy.create(bare("early", **LABELS))
    toy.run_pod(toy.objects[Key("Pod", "u", "early")], "Running")
    toy.create(controller() if kind == "ReplicationController" else serving(kind))
    toy.settle()
    assert owner(toy, "early") == f"{kind}/web"
    assert [meta.name_of(pod) for pod in toy.running()] == ["early"]
    toy.patch(Key("Pod", "u", "early"), {"metadata": {"labels": {"app": "else"}}})
    toy.settle()
    assert owner(toy, "early") == ""
    assert len(toy.running()) == 2


def test_a_stateful_set_takes_in_only_its_names(toy: Toy) -> None:
    toy.create(bare("web-0", **LABELS))
    toy.create(bare("other", **LABELS))
    toy.create(serving("StatefulSet"))
    toy.settle()
    assert owner(toy, "web-0") == "StatefulSet/web"
    assert owner(toy, "other") == ""


def test_a_job_takes_back_what_is_its_own(toy: Toy) -> None:
    toy.create(job())
    toy.settle()
    (pod,) = toy.pods()
    toy.patch(key_of(pod), {"metadata": {"ownerReferences": []}})
    toy.settle()
    assert owner(toy, meta.name_of(pod)) == "Job/j"
    assert len(toy.running()) == 1


def test_a_pod_without_labels_concerns_nobody(toy: Toy) -> None:
    toy.create(bare("lone"))
    toy.create(serving("ReplicaSet"))
    toy.settle()
    assert owner(toy, "lone") == ""


def test_a_deployment_takes_in_a_replica_set_and_replaces_it(toy: Toy) -> None:
    old = serving("ReplicaSet", replicas=1, image="web:0")
    old["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "41"}
    old["metadata"]["labels"] = dict(LABELS)
    toy.create(old)
    toy.settle()
    toy.create(serving("Deployment", replicas=1, revisionHistoryLimit=0))
    toy.settle()
    while toy.step_pods(lambda pod: None):
        pass
    sets = [each for key, each in toy.objects.items() if key.kind == "ReplicaSet.apps"]
    assert len(sets) == 1
    assert sets[0]["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "42"
    about = toy.objects[DEPLOYMENT]["metadata"]
    assert about["annotations"]["deployment.kubernetes.io/revision"] == "42"


def test_a_bad_controller_is_refused(toy: Toy) -> None:
    with pytest.raises(Refused) as refused:
        toy.create(controller(selector={"app": "other"}))
    assert str(refused.value) == (
        'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match'
        " template `labels`"
    )
    with pytest.raises(Refused) as refused:
        toy.create(controller(template=None))
    assert str(refused.value) == "spec.selector: Required value; spec.template: Required value"
