"""StatefulSets: order, names, claims, updates."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinds.toy import Refused, Toy, phase_of
from kinds.workloads.makers import LABELS, STATEFUL_SET, pod_spec, serving, template
from sampan.kinds.workloads import COMPONENT
from sampan.kube import meta
from sampan.kube.keys import Key

CLAIM = {
    "metadata": {"name": "data"},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    },
}


def status(toy: Toy) -> dict[str, Any]:
    return dict(toy.objects[STATEFUL_SET]["status"])


def names(toy: Toy) -> list[str]:
    return [meta.name_of(pod) for pod in toy.pods()]


def images(toy: Toy) -> dict[str, str]:
    return {meta.name_of(p): p["spec"]["containers"][0]["image"] for p in toy.running()}


def claims(toy: Toy) -> list[str]:
    return [k.name for k in sorted(toy.objects) if k.kind == "PersistentVolumeClaim"]


def roll(toy: Toy) -> None:
    while toy.step_pods(lambda pod: None):
        pass


def test_pods_come_one_after_the_other(toy: Toy) -> None:
    toy.create(serving("StatefulSet", replicas=3, serviceName="web"))
    toy.settle()
    assert names(toy) == ["web-0"]
    toy.step_pods(lambda pod: None, most=1)
    assert names(toy) == ["web-0", "web-1"]
    roll(toy)
    assert names(toy) == ["web-0", "web-1", "web-2"]
    revision = status(toy)["updateRevision"]
    assert status(toy) == {
        "observedGeneration": 1,
        "replicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "currentReplicas": 3,
        "updatedReplicas": 3,
        "currentRevision": revision,
        "updateRevision": revision,
        "collisionCount": 0,
    }
    pod = toy.pods()[1]
    assert pod["metadata"]["labels"] == {
        **LABELS,
        "statefulset.kubernetes.io/pod-name": "web-1",
        "apps.kubernetes.io/pod-index": "1",
        "controller-revision-hash": revision,
    }
    assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("web-1", "web")


def test_a_pod_that_failed_is_told_of_and_made_again(toy: Toy) -> None:
    toy.create(serving("StatefulSet", replicas=1))
    toy.settle()
    (pod,) = toy.pods()
    toy.run_pod(pod, "Failed")
    toy.settle()
    assert meta.uid_of(toy.pods()[0]) != meta.uid_of(pod)
    assert [(event.reason, event.message) for event in toy.events] == [
        ("SuccessfulCreate", "create Pod web-0 in StatefulSet web successful"),
        ("RecreatingFailedPod", "StatefulSet u/web is recreating failed Pod web-0"),
        ("SuccessfulDelete", "delete Pod web-0 in StatefulSet web successful"),
        ("SuccessfulCreate", "create Pod web-0 in StatefulSet web successful"),
    ]


def test_parallel_pods_come_at_once(toy: Toy) -> None:
    toy.create(serving("StatefulSet", replicas=3, podManagementPolicy="Parallel"))
    toy.settle()
    assert names(toy) == ["web-0", "web-1", "web-2"]
    toy.patch(STATEFUL_SET, {"spec": {"replicas": 1}})
    toy.settle()
    assert names(toy) == ["web-0"]


def test_a_set_may_want_any_number(toy: Toy) -> None:
    """Found by chance: a list of all ordinals took all memory."""
    toy.create(serving("StatefulSet", replicas=2_000_000_000))
    toy.settle()
    toy.step_pods(lambda pod: None, most=1)
    assert names(toy) == ["web-0", "web-1"]


def test_a_pod_of_a_high_ordinal_is_a_pod_as_any(toy: Toy) -> None:
    toy.create(serving("StatefulSet", replicas=2_000_000_000))
    toy.settle()
    high = toy.get(Key("Pod", "u", "web-0"))
    toy.create({**high, "metadata": {**high["metadata"], "name": "web-1999999999", "uid": "high"}})
    toy.settle()
    assert names(toy) == ["web-0", "web-1999999999"]


def test_ordinals_may_start_elsewhere(toy: Toy) -> None:
    toy.create(serving("StatefulSet", replicas=2, ordinals={"start": 5}))
    toy.settle()
    roll(toy)
    assert names(toy) == ["web-5", "web-6"]


def test_the_highest_goes_first(toy: Toy) -> None:
    toy.create(serving("StatefulSet", replicas=3))
    toy.settle()
    roll(toy)
    toy.patch(STATEFUL_SET, {"spec": {"replicas": 0}})
    toy.settle()
    gone = []
    while toy.pods():
        doomed = [meta.name_of(pod) for pod in toy.pods() if meta.deleting(pod)]
        assert len(doomed) == 1
        gone += doomed
        toy.step_pods(lambda pod: None)
    assert gone == ["web-2", "web-1", "web-0"]


def test_an_update_goes_from_the_highest_down_one_at_a_time(toy: Toy) -> None:
    toy.create(serving("StatefulSet", replicas=3))
    toy.settle()
    roll(toy)
    old = status(toy)["currentRevision"]
    toy.patch(STATEFUL_SET, {"spec": {"template": template("web:2")}})
    toy.settle()
    assert [meta.name_of(p) for p in toy.pods() if meta.deleting(p)] == ["web-2"]
    assert status(toy)["currentRevision"] == old != status(toy)["updateRevision"]
    roll(toy)
    assert set(images(toy).values()) == {"web:2"}
    assert status(toy)["currentRevision"] == status(toy)["updateRevision"]
    assert status(toy)["updatedReplicas"] == 3


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
@pytest.mark.parametrize(("most", "missing"), [(2, 2), ("60%", 3), ("10%", 1)])
def test_an_update_may_take_several_at_a_time(
    toy: Toy, policy: str, most: int | str, missing: int
) -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": most}}
    toy.create(
        serving("StatefulSet", replicas=5, updateStrategy=rolling, podManagementPolicy=policy)
    )
    toy.settle()
    roll(toy)
    least = 5

    def watch(toy: Toy) -> None:
        nonlocal least
        least = min(least, sum(phase_of(pod) == "Running" for pod in toy.running()))

    toy.watch = watch
    toy.patch(STATEFUL_SET, {"spec": {"template": template("web:2")}})
    toy.settle()
    roll(toy)
    assert set(images(toy).values()) == {"web:2"}
    assert least == 5 - missing


def test_a_partition_keeps_the_lower_ones_as_they_were(toy: Toy) -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    toy.create(serving("StatefulSet", replicas=3, updateStrategy=rolling))
    toy.settle()
    roll(toy)
    toy.patch(STATEFUL_SET, {"spec": {"template": template("web:2")}})
    toy.settle()
    roll(toy)
    assert images(toy) == {"web-0": "web:1", "web-1": "web:1", "web-2": "web:2"}
    toy.delete(Key("Pod", "u", "web-0"))
    roll(toy)
    assert images(toy)["web-0"] == "web:1"
    assert status(toy)["updatedReplicas"] == 1


def test_on_delete_waits_for_the_user(toy: Toy) -> None:
    toy.create(serving("StatefulSet", replicas=2, updateStrategy={"type": "OnDelete"}))
    toy.settle()
    roll(toy)
    toy.patch(STATEFUL_SET, {"spec": {"template": template("web:2")}})
    toy.settle()
    roll(toy)
    assert set(images(toy).values()) == {"web:1"}
    toy.delete(Key("Pod", "u", "web-0"))
    roll(toy)
    assert images(toy) == {"web-0": "web:2", "web-1": "web:1"}


def test_a_failed_pod_is_made_again(toy: Toy) -> None:
    toy.create(serving("StatefulSet"))
    toy.settle()
    toy.step_pods(lambda pod: None)
    (pod,) = toy.pods()
    toy.run_pod(pod, "Failed")
    toy.settle()
    assert meta.uid_of(toy.pods()[0]) != meta.uid_of(pod)


def test_a_pod_of_somebody_else_is_left_alone(toy: Toy) -> None:
    stranger = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-0"}}
    toy.create({**stranger, "spec": pod_spec()})
    toy.create(serving("StatefulSet"))
    toy.settle()
    (pod,) = toy.pods()
    assert not meta.owners(pod)
    assert toy.events[0].reason == "FailedCreate"


def test_each_ordinal_has_its_claim_and_keeps_it(toy: Toy) -> None:
    toy.create(serving("StatefulSet", replicas=2, volumeClaimTemplates=[CLAIM]))
    toy.settle()
    roll(toy)
    assert claims(toy) == ["data-web-0", "data-web-1"]
    assert toy.pods()[1]["spec"]["volumes"] == [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data-web-1"}}
    ]
    toy.patch(STATEFUL_SET, {"spec": {"replicas": 1}})
    toy.settle()
    roll(toy)
    assert claims(toy) == ["data-web-0", "data-web-1"]
    toy.delete(STATEFUL_SET)
    assert claims(toy) == ["data-web-0", "data-web-1"]


def test_claims_go_with_their_ordinal_or_with_the_set(toy: Toy) -> None:
    policy = {"whenScaled": "Delete", "whenDeleted": "Delete"}
    toy.create(
        serving(
            "StatefulSet",
            replicas=2,
            volumeClaimTemplates=[CLAIM],
            persistentVolumeClaimRetentionPolicy=policy,
        )
    )
    toy.settle()
    roll(toy)
    toy.patch(STATEFUL_SET, {"spec": {"replicas": 1}})
    toy.settle()
    owners = toy.objects[Key("PersistentVolumeClaim", "u", "data-web-1")]["metadata"]
    assert [ref["kind"] for ref in owners["ownerReferences"]] == ["Pod"]
    toy.delete(STATEFUL_SET)
    assert "data-web-0" not in claims(toy)


def test_old_revisions_are_forgotten(toy: Toy) -> None:
    toy.create(serving("StatefulSet", revisionHistoryLimit=1))
    toy.settle()
    for number in range(2, 6):
        roll(toy)
        toy.patch(STATEFUL_SET, {"spec": {"template": template(f"web:{number}")}})
        toy.settle()
    roll(toy)
    kept = [k for k in toy.objects if k.kind == "ControllerRevision.apps"]
    assert len(kept) == 2
    assert max(toy.objects[key]["revision"] for key in kept) == 5


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["OrderedReady", "Parallel"]),
    st.lists(st.tuples(st.sampled_from(["scale", "image", "kill"]), st.integers(0, 4)), max_size=6),
    st.integers(1, 3),
)
def test_every_set_becomes_what_it_should_be(
    policy: str, changes: list[tuple[str, int]], most: int
) -> None:
    toy = Toy(COMPONENT)
    toy.create(serving("StatefulSet", replicas=2, podManagementPolicy=policy))
    toy.settle()
    image, replicas = "web:1", 2
    for change, number in changes:
        toy.step_pods(lambda pod: None, most=most)
        if change == "scale":
            replicas = number
            toy.patch(STATEFUL_SET, {"spec": {"replicas": replicas}})
        elif change == "image":
            image = f"web:{number}"
            toy.patch(STATEFUL_SET, {"spec": {"template": template(image)}})
        elif alive := toy.running():
            toy.run_pod(alive[number % len(alive)], "Failed")
        toy.settle()
    roll(toy)
    assert images(toy) == {f"web-{place}": image for place in range(replicas)}
    assert status(toy)["currentRevision"] == status(toy)["updateRevision"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param(
            {"serviceName": "other"},
            "spec: Forbidden: updates to statefulset spec for fields other than 'replicas',"
            " 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit',"
            " 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
            id="immutable",
        ),
        pytest.param(
            {"updateStrategy": {"rollingUpdate": {"maxUnavailable": "0%"}}},
            'spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: "0%": cannot be 0',
            id="max-unavailable",
        ),
    ],
)
def test_a_bad_change_is_refused(toy: Toy, change: dict[str, Any], problem: str) -> None:
    toy.create(serving("StatefulSet"))
    with pytest.raises(Refused) as refused:
        toy.patch(STATEFUL_SET, {"spec": change})
    assert str(refused.value) == problem
