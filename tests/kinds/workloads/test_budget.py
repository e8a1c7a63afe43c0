"""PodDisruptionBudgets: how many pods may go, as the status says."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.toy import Refused, Toy
from kinds.workloads.makers import LABELS, serving
from sampan.kube import meta
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.times import rfc3339

BUDGET = Key("PodDisruptionBudget.policy", "u", "b")


def budget(**spec: Any) -> Manifest:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "b", "namespace": "u"},
        "spec": {"selector": {"matchLabels": LABELS}, **spec},
    }


def figures(toy: Toy) -> tuple[int, int, int, int]:
    """Expected, desired, healthy, allowed."""
    status = toy.objects[BUDGET]["status"]
    fields = ("expectedPods", "desiredHealthy", "currentHealthy", "disruptionsAllowed")
    return tuple(status[field] for field in fields)  # type: ignore[return-value]


def roll(toy: Toy) -> None:
    while toy.step_pods(lambda pod: None):
        pass


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"minAvailable": 3}, (4, 3, 4, 1), id="number"),
        pytest.param({"minAvailable": "60%"}, (4, 3, 4, 1), id="share-rounded-up"),
        pytest.param({"maxUnavailable": 1}, (4, 3, 4, 1), id="max"),
        pytest.param({"maxUnavailable": "30%"}, (4, 2, 4, 2), id="max-share"),
        pytest.param({"maxUnavailable": 9}, (4, 0, 4, 4), id="all"),
        pytest.param({"minAvailable": 5}, (4, 5, 4, 0), id="none"),
    ],
)
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "ReplicaSet"])
def test_figures(toy: Toy, kind: str, spec: dict[str, Any], expected: tuple[int, ...]) -> None:
    toy.create(serving(kind, replicas=4))
    toy.settle()
    roll(toy)
    toy.create(budget(**spec))
    toy.settle()
    assert figures(toy) == expected
    (condition,) = toy.objects[BUDGET]["status"]["conditions"]
    assert condition["status"] == ("True" if expected[3] else "False")


def test_pods_that_come_and_go_are_counted(toy: Toy) -> None:
    toy.create(serving("ReplicaSet", replicas=2))
    toy.create(budget(minAvailable=1))
    toy.settle()
    assert figures(toy) == (2, 1, 0, 0)
    roll(toy)
    assert figures(toy) == (2, 1, 2, 1)
    toy.delete(key_of(toy.pods()[0]))
    toy.settle()
    assert figures(toy)[2:] == (1, 0)


def test_an_eviction_counts_until_its_pod_is_gone_or_two_minutes_are_over(toy: Toy) -> None:
    toy.create(serving("ReplicaSet", replicas=3))
    toy.create(budget(minAvailable=1))
    toy.settle()
    roll(toy)
    name = meta.name_of(toy.pods()[0])
    live = toy.objects[BUDGET]
    gone = {name: rfc3339(toy.time), "nobody": rfc3339(toy.time)}
    toy.put({**live, "status": {**live["status"], "disruptedPods": gone}})
    toy.settle()
    assert figures(toy)[2:] == (2, 1)
    assert list(toy.objects[BUDGET]["status"]["disruptedPods"]) == [name]
    toy.advance(120)
    assert figures(toy)[2:] == (3, 2)
    assert "disruptedPods" not in toy.objects[BUDGET]["status"]


def test_pods_of_nobody_do_not_count_towards_a_share(toy: Toy) -> None:
    toy.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "lone", "labels": LABELS},
            "spec": {"containers": [{"name": "main", "image": "web"}]},
        }
    )
    toy.create(budget(maxUnavailable=1))
    toy.settle()
    assert figures(toy)[0] == 0
    assert "UnmanagedPods" in [event.reason for event in toy.events]


def test_a_budget_without_pods_says_so(toy: Toy) -> None:
    toy.create(budget(minAvailable=1))
    toy.settle()
    assert figures(toy) == (0, 1, 0, 0)
    assert [event.reason for event in toy.events][:1] == ["NoPods"]


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (
            {"minAvailable": 1, "maxUnavailable": 1},
            'spec: Invalid value: {"maxUnavailable":1,"minAvailable":1}: minAvailable and'
            " maxUnavailable cannot be both set",
        ),
        (
            {"minAvailable": "101%"},
            'spec.minAvailable: Invalid value: "101%": must not be greater than 100%',
        ),
        (
            {"minAvailable": -1},
            "spec.minAvailable: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            {"unhealthyPodEvictionPolicy": "Never"},
            'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values:'
            ' "AlwaysAllow", "IfHealthyBudget"',
        ),
    ],
)
def test_a_bad_budget_is_refused(toy: Toy, spec: dict[str, Any], problem: str) -> None:
    with pytest.raises(Refused) as refused:
        toy.create(budget(**spec))
    assert str(refused.value) == problem
