"""Which pods go when their node is tainted, and when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sampan.kinds.core.taints import decide
from sampan.kinds.core.types import Tainted
from sampan.kube import names, times
from sampan.kube.keys import Manifest
from sampan.kube.plan import Delete, Emit, Patch
from sampan.testing.memory import START

TAINT = {"key": "k", "value": "v", "effect": "NoExecute"}
BEFORE = times.rfc3339(START - timedelta(seconds=10))
OLD = {**TAINT, "timeAdded": BEFORE}


def node(*taints: Manifest) -> Manifest:
    where = {"name": "n", "resourceVersion": "7"}
    spec = {"taints": list(taints)}
    return {"apiVersion": "v1", "kind": "Node", "metadata": where, "spec": spec}


def pod(*tolerations: Manifest, created: str = BEFORE, **where: Any) -> Manifest:
    where = {
        "name": "p", "namespace": "u", "uid": "p", "resourceVersion": "8",
        "creationTimestamp": created,
    } | where  # fmt: skip
    spec = {"nodeName": "n", "tolerations": list(tolerations)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": where, "spec": spec}


def tolerating(**fields: Any) -> Manifest:
    return {"key": "k", "operator": "Equal", "value": "v", "effect": "NoExecute"} | fields


def test_a_pod_that_does_not_tolerate_goes_and_says_why() -> None:
    told, event, last = decide(Tainted(node(OLD), (pod(),), START)).actions
    assert isinstance(told, Patch)
    assert isinstance(event, Emit)
    assert isinstance(last, Delete)
    assert told.subresource == "status"
    (condition,) = told.patch["status"]["conditions"]
    assert (condition["type"], condition["reason"]) == (
        "DisruptionTarget",
        "DeletionByTaintManager",
    )
    assert event.message == "Marking for deletion Pod u/p"
    assert last.uid == "p"


@pytest.mark.parametrize(
    ("tolerations", "wait"),
    [
        pytest.param((tolerating(),), None, id="for-ever"),
        pytest.param((tolerating(tolerationSeconds=60),), 50, id="counted-from-the-taint"),
        pytest.param(
            (tolerating(), tolerating(tolerationSeconds=60), tolerating(tolerationSeconds=30)),
            20, id="shortest",
        ),
    ],
)  # fmt: skip
def test_a_pod_that_tolerates_stays(tolerations: tuple[Manifest, ...], wait: float | None) -> None:
    plan = decide(Tainted(node(OLD), (pod(*tolerations),), START))
    assert (plan.actions, plan.again_in) == ((), wait)


@pytest.mark.parametrize("seconds", [10, 0, -1])
def test_it_goes_when_its_time_is_over(seconds: int) -> None:
    plan = decide(Tainted(node(OLD), (pod(tolerating(tolerationSeconds=seconds)),), START))
    assert any(isinstance(each, Delete) for each in plan.actions)


def test_a_pod_that_came_later_is_counted_from_then() -> None:
    late = pod(tolerating(tolerationSeconds=5), created=times.rfc3339(START))
    assert decide(Tainted(node(OLD), (late,), START)).again_in == 5


def test_one_that_goes_already_is_left_alone() -> None:
    plan = decide(Tainted(node(OLD), (pod(deletionTimestamp=BEFORE),), START))
    assert plan.actions == ()


def test_a_new_taint_is_dated() -> None:
    other = {"key": "o", "effect": "NoSchedule"}
    waiting = pod(tolerating(tolerationSeconds=5))
    plan = decide(Tainted(node(TAINT, other), (waiting,), START))
    (patch,) = plan.actions
    assert isinstance(patch, Patch)
    assert patch.key.kind == names.NODE
    dated = {**TAINT, "timeAdded": times.rfc3339(START)}
    assert patch.patch["spec"]["taints"] == [dated, other]
    assert patch.patch["metadata"]["resourceVersion"] == "7"
    assert plan.again_in == 5
