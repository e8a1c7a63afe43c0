"""ReplicaSets: the number of pods, which go first, what is let go."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.toy import Refused, Toy
from kinds.workloads.makers import REPLICA_SET, serving
from sampan.kinds.workloads.pods import surplus
from sampan.kinds.workloads.types import Pod
from sampan.kube import meta
from sampan.kube.keys import Key
from sampan.kube.times import parse


def status(toy: Toy) -> dict[str, Any]:
    return dict(toy.objects[REPLICA_SET]["status"])


def test_it_keeps_its_number_of_pods(toy: Toy) -> None:
    toy.create(serving("ReplicaSet", replicas=3))
    toy.settle()
    assert len(toy.running()) == 3
    toy.step_pods(lambda pod: None)
    assert status(toy) == {
        "replicas": 3,
        "fullyLabeledReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "observedGeneration": 1,
    }
    toy.delete(Key("Pod", "u", meta.name_of(toy.pods()[0])))
    toy.settle()
    assert len(toy.running()) == 3
    toy.patch(REPLICA_SET, {"spec": {"replicas": 1}})
    toy.settle()
    assert len(toy.running()) == 1
    assert status(toy)["observedGeneration"] == 2


def test_a_pod_is_available_after_a_while(toy: Toy) -> None:
    toy.create(serving("ReplicaSet", minReadySeconds=30))
    toy.settle()
    toy.step_pods(lambda pod: None)
    assert "availableReplicas" not in status(toy)
    assert toy.waits == [30.0]
    toy.advance()
    assert status(toy)["availableReplicas"] == 1


def test_a_pod_with_another_label_is_let_go_and_replaced(toy: Toy) -> None:
    toy.create(serving("ReplicaSet"))
    toy.settle()
    name = meta.name_of(toy.pods()[0])
    toy.patch(Key("Pod", "u", name), {"metadata": {"labels": {"app": "broken"}}})
    toy.settle()
    assert len(toy.pods()) == 2
    stray = toy.objects[Key("Pod", "u", name)]
    assert not meta.owners(stray)


def pod(name: str, **fields: Any) -> Pod:
    fields = {"phase": "Running", "node": "n", "created": "2026-01-01T00:00:00Z"} | fields
    return Pod(name=name, uid=name, **fields)


READY = parse("2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(pod("x", node=""), pod("y"), id="unassigned-first"),
        pytest.param(pod("x", phase="Pending"), pod("y"), id="pending-first"),
        pytest.param(pod("x"), pod("y", ready_since=READY), id="not-ready-first"),
        pytest.param(pod("x", created="2026-01-02T00:00:00Z"), pod("y"), id="young-first"),
        pytest.param(
            pod("x"),
            pod("y", annotations={"controller.kubernetes.io/pod-deletion-cost": "5"}),
            id="cheap-first",
        ),
    ],
)
def test_which_pod_goes_first(one: Pod, other: Pod) -> None:
    assert surplus([other, one], 1) == [one]
    assert surplus([one, other], 1) == [one]


@pytest.mark.parametrize("kind", ["ReplicaSet", "Deployment", "StatefulSet"])
@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        pytest.param({"selector": None}, "spec.selector: Required value", id="no-selector"),
        pytest.param(
            {"selector": {"matchLabels": {"app": "other"}}},
            'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not'
            " match template `labels`",
            id="other-labels",
        ),
        pytest.param(
            {"replicas": -1},
            "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            id="negative",
        ),
    ],
)
def test_a_bad_maker_of_pods_is_refused(
    toy: Toy, kind: str, spec: dict[str, Any], problem: str
) -> None:
    with pytest.raises(Refused) as refused:
        toy.create(serving(kind, **spec))
    assert str(refused.value) == problem


def test_a_restart_policy_other_than_always_is_refused(toy: Toy) -> None:
    manifest = serving("ReplicaSet")
    manifest["spec"]["template"]["spec"]["restartPolicy"] = "Never"
    with pytest.raises(Refused) as refused:
        toy.create(manifest)
    assert str(refused.value) == (
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'
    )
