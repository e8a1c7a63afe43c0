"""Deployments: rollouts, revisions, what `kubectl rollout` reads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinds.toy import Refused, Toy
from kinds.workloads.makers import DEPLOYMENT, serving, template
from sampan.kinds.workloads import COMPONENT, rollout
from sampan.kinds.workloads.rollout import Limits, Member
from sampan.kube.keys import Manifest

REVISION = "deployment.kubernetes.io/revision"


def status(toy: Toy) -> dict[str, Any]:
    return dict(toy.objects[DEPLOYMENT]["status"])


def reason(toy: Toy, type: str) -> str:
    found = [each for each in status(toy)["conditions"] if each["type"] == type]
    return f"{found[0]['status']} {found[0]['reason']}"


def sets(toy: Toy) -> dict[str, Manifest]:
    """ReplicaSets by the image of their pods."""
    found = [o for k, o in sorted(toy.objects.items()) if k.kind == "ReplicaSet.apps"]
    return {rs["spec"]["template"]["spec"]["containers"][0]["image"]: rs for rs in found}


def roll(toy: Toy) -> None:
    while toy.step_pods(lambda pod: None):
        pass


def done(toy: Toy) -> bool:
    """As `kubectl rollout status` judges."""
    manifest, now = toy.objects[DEPLOYMENT], status(toy)
    wanted = manifest["spec"]["replicas"]
    return (
        now["observedGeneration"] >= manifest["metadata"]["generation"]
        and now.get("updatedReplicas", 0) >= wanted
        and now.get("replicas", 0) <= now.get("updatedReplicas", 0)
        and now.get("availableReplicas", 0) >= now.get("updatedReplicas", 0)
    )


def test_a_deployment_becomes_available(toy: Toy) -> None:
    toy.create(serving("Deployment", replicas=2))
    toy.settle()
    assert not done(toy)
    assert reason(toy, "Available") == "False MinimumReplicasUnavailable"
    assert reason(toy, "Progressing") == "True ReplicaSetUpdated"
    roll(toy)
    assert done(toy)
    assert reason(toy, "Available") == "True MinimumReplicasAvailable"
    assert reason(toy, "Progressing") == "True NewReplicaSetAvailable"
    (rs,) = sets(toy).values()
    digest = rs["metadata"]["labels"]["pod-template-hash"]
    assert rs["metadata"]["name"] == f"web-{digest}"
    assert rs["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": digest}
    assert rs["metadata"]["annotations"][REVISION] == "1"
    assert toy.objects[DEPLOYMENT]["metadata"]["annotations"][REVISION] == "1"
    assert {k: v for k, v in status(toy).items() if k != "conditions"} == {
        "observedGeneration": 1,
        "replicas": 2,
        "updatedReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 2,
    }


def test_a_new_template_rolls_out_and_the_old_one_comes_back_as_a_new_revision(toy: Toy) -> None:
    toy.create(serving("Deployment", replicas=3))
    toy.settle()
    roll(toy)
    toy.patch(DEPLOYMENT, {"spec": {"template": template("web:2")}})
    toy.settle()
    assert not done(toy)
    roll(toy)
    assert done(toy)
    assert {image: rs["spec"]["replicas"] for image, rs in sets(toy).items()} == {
        "web:1": 0,
        "web:2": 3,
    }
    toy.patch(DEPLOYMENT, {"spec": {"template": template("web:1")}})
    toy.settle()
    roll(toy)
    assert done(toy)
    assert len(sets(toy)) == 2
    notes = sets(toy)["web:1"]["metadata"]["annotations"]
    assert notes[REVISION] == "3"
    assert notes["deployment.kubernetes.io/revision-history"] == "1"
    assert toy.objects[DEPLOYMENT]["metadata"]["annotations"][REVISION] == "3"


def test_recreate_starts_when_the_last_old_pod_is_gone(toy: Toy) -> None:
    toy.create(serving("Deployment", replicas=2, strategy={"type": "Recreate"}))
    toy.settle()
    roll(toy)

    def apart(toy: Toy) -> None:
        images = {pod["spec"]["containers"][0]["image"] for pod in toy.pods()}
        assert len(images) < 2

    toy.watch = apart
    toy.patch(DEPLOYMENT, {"spec": {"template": template("web:2")}})
    toy.settle()
    assert not toy.running()
    roll(toy)
    assert done(toy)


def test_a_paused_deployment_scales_but_does_not_roll(toy: Toy) -> None:
    toy.create(serving("Deployment", replicas=2))
    toy.settle()
    roll(toy)
    toy.patch(DEPLOYMENT, {"spec": {"paused": True, "template": template("web:2")}})
    toy.settle()
    assert list(sets(toy)) == ["web:1"]
    assert reason(toy, "Progressing") == "Unknown DeploymentPaused"
    toy.patch(DEPLOYMENT, {"spec": {"replicas": 4}})
    toy.settle()
    assert sets(toy)["web:1"]["spec"]["replicas"] == 4
    toy.patch(DEPLOYMENT, {"spec": {"paused": False}})
    toy.settle()
    roll(toy)
    assert done(toy)
    assert reason(toy, "Progressing") == "True NewReplicaSetAvailable"


@pytest.mark.parametrize("replicas", [0, 1, 5])
def test_scaling_goes_to_the_only_replica_set(toy: Toy, replicas: int) -> None:
    toy.create(serving("Deployment", replicas=2))
    toy.settle()
    roll(toy)
    toy.patch(DEPLOYMENT, {"spec": {"replicas": replicas}})
    toy.settle()
    roll(toy)
    assert done(toy)
    assert len(toy.running()) == replicas
    assert len(sets(toy)) == 1


def test_a_rollout_that_does_not_move_runs_out_of_time(toy: Toy) -> None:
    toy.create(serving("Deployment", progressDeadlineSeconds=60))
    toy.settle()
    assert toy.waits == [60.0]
    toy.advance()
    assert reason(toy, "Progressing") == "False ProgressDeadlineExceeded"
    roll(toy)
    assert reason(toy, "Progressing") == "True NewReplicaSetAvailable"


def test_old_revisions_are_forgotten(toy: Toy) -> None:
    toy.create(serving("Deployment", revisionHistoryLimit=2))
    toy.settle()
    for number in range(2, 7):
        roll(toy)
        toy.patch(DEPLOYMENT, {"spec": {"template": template(f"web:{number}")}})
        toy.settle()
    roll(toy)
    assert list(sets(toy)) == ["web:4", "web:5", "web:6"] or set(sets(toy)) == {
        "web:4",
        "web:5",
        "web:6",
    }


AMOUNTS = st.integers(0, 3) | st.sampled_from(["0%", "25%", "50%", "100%"])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), AMOUNTS, AMOUNTS, st.integers(1, 3), st.integers(0, 6))
def test_a_rollout_keeps_its_promises_and_ends(
    replicas: int, surge: int | str, unavailable: int | str, most: int, scale: int
) -> None:
    toy = Toy(COMPONENT)
    if {surge, unavailable} <= {0, "0%"}:
        surge = 1
    strategy = {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
    toy.create(serving("Deployment", replicas=replicas, strategy=strategy))
    toy.settle()
    roll(toy)
    bounds = rollout.limits(replicas, surge, unavailable)

    def kept(toy: Toy) -> None:
        alive = toy.running()
        ready = [p for p in alive if (p.get("status") or {}).get("phase") == "Running"]
        assert len(alive) <= bounds.most
        assert len(ready) >= bounds.least

    toy.watch = kept
    toy.patch(DEPLOYMENT, {"spec": {"template": template("web:2")}})
    toy.settle()
    for _ in range(100):
        if not toy.step_pods(lambda pod: None, most=most):
            break
    assert done(toy)
    toy.watch = None
    toy.patch(DEPLOYMENT, {"spec": {"template": template("web:3")}})
    toy.settle()
    toy.step_pods(lambda pod: None, most=most)
    toy.patch(DEPLOYMENT, {"spec": {"replicas": scale}})
    toy.settle()
    roll(toy)
    assert done(toy)
    assert len(toy.running()) == scale


@pytest.mark.parametrize(
    ("new", "old", "bounds", "sizes"),
    [
        pytest.param((0, 0), (3, 3), (3, 1, 0), {"new": 1}, id="surge-first"),
        pytest.param((1, 0), (3, 3), (3, 1, 0), {}, id="wait-for-the-new-one"),
        pytest.param((1, 1), (3, 3), (3, 1, 0), {"old": 2}, id="then-one-old-less"),
        pytest.param((0, 0), (3, 3), (3, 0, 1), {"old": 2}, id="make-room-first"),
        pytest.param((0, 0), (3, 1), (3, 0, 2), {"old": 1}, id="broken-ones-first"),
        pytest.param((5, 5), (0, 0), (3, 1, 0), {"new": 3}, id="scaled-down"),
        pytest.param((3, 3), (0, 0), (3, 1, 1), {}, id="done"),
    ],
)
def test_the_next_step_of_a_rolling_update(
    new: tuple[int, int],
    old: tuple[int, int],
    bounds: tuple[int, int, int],
    sizes: dict[str, int],
) -> None:
    replicas, surge, unavailable = bounds
    found = rollout.rolling(
        Member(name="new", asked=new[0], available=new[1]),
        [Member(name="old", asked=old[0], available=old[1])],
        Limits(replicas=replicas, surge=surge, unavailable=unavailable),
    )
    assert found == sizes


@pytest.mark.parametrize(
    ("surge", "unavailable", "bounds"),
    [
        pytest.param("25%", "25%", (4, 2, 1), id="a-quarter-of-four"),
        pytest.param("25%", "25%", (5, 2, 1), id="up-and-down"),
        pytest.param("1%", "1%", (1, 1, 0), id="one"),
        pytest.param("0%", "0%", (4, 0, 1), id="both-zero-must-move"),
    ],
)
def test_percentages(surge: str, unavailable: str, bounds: tuple[int, int, int]) -> None:
    replicas = bounds[0]
    found = rollout.limits(replicas, surge, unavailable)
    wanted = (replicas, 1 if replicas == 4 and surge == "25%" else bounds[1], bounds[2])
    assert (found.replicas, found.surge, found.unavailable) == wanted


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        pytest.param(
            {"strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}},
            "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is"
            " 'Recreate'",
            id="recreate-with-numbers",
        ),
        pytest.param(
            {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}},
            'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when'
            " `maxSurge` is 0",
            id="cannot-move",
        ),
        pytest.param(
            {"progressDeadlineSeconds": 5, "minReadySeconds": 5},
            "spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds",
            id="deadline-too-short",
        ),
        pytest.param(
            {"strategy": {"type": "Slowly", "rollingUpdate": {"maxSurge": "fast"}}},
            'spec.strategy.type: Unsupported value: "Slowly": supported values: "Recreate",'
            ' "RollingUpdate"',
            id="strategy",
        ),
    ],
)
def test_a_bad_deployment_is_refused(toy: Toy, spec: dict[str, Any], problem: str) -> None:
    with pytest.raises(Refused) as refused:
        toy.create(serving("Deployment", **spec))
    assert str(refused.value) == problem


def test_the_selector_may_not_change(toy: Toy) -> None:
    toy.create(serving("Deployment"))
    other = {"matchLabels": {"tier": "x"}}
    labels = {"metadata": {"labels": {"tier": "x"}}}
    with pytest.raises(Refused) as refused:
        toy.patch(DEPLOYMENT, {"spec": {"selector": other, "template": labels}})
    assert str(refused.value) == (
        'spec.selector: Invalid value: {"matchLabels":{"app":"web","tier":"x"}}: field is immutable'
    )
