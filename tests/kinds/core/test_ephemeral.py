"""Claims of ephemeral volumes: made for a pod, never taken from somebody else."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.kinds.core.ephemeral import Wanted, concerns, decide
from sampan.kube import meta
from sampan.kube.keys import Manifest
from sampan.kube.plan import Apply, Emit
from sampan.nodes.scheduler import claims

TEMPLATE = {
    "metadata": {"labels": {"a": "b"}},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
POD: Manifest = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "u", "uid": "p1"},
    "spec": {"volumes": [
        {"name": "cache", "ephemeral": {"volumeClaimTemplate": TEMPLATE}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
    ]},
}  # fmt: skip


def made() -> Manifest:
    (action,) = decide(Wanted(POD, {})).actions
    assert isinstance(action, Apply)
    return action.manifest


def test_a_missing_claim_is_made_of_the_template_and_owned_by_the_pod() -> None:
    claim = made()
    assert meta.name_of(claim) == "p-cache"
    assert claim["metadata"]["labels"] == {"a": "b"}
    assert claim["spec"] == TEMPLATE["spec"]
    assert meta.is_controlled_by(claim, POD)


def test_a_claim_that_is_there_is_left_alone() -> None:
    assert decide(Wanted(POD, {"p-cache": made()})).actions == ()


def test_a_claim_of_somebody_else_is_not_taken_but_told() -> None:
    foreign = {**made(), "metadata": {"name": "p-cache", "namespace": "u"}}
    (event,) = decide(Wanted(POD, {"p-cache": foreign})).actions
    assert isinstance(event, Emit)
    assert event.message == (
        "ephemeral volume cache: PVC u/p-cache was not created for pod u/p (pod is not owner)"
    )


def test_only_pods_with_such_volumes_are_looked_at() -> None:
    assert concerns(POD)
    assert not concerns({**POD, "spec": {"volumes": POD["spec"]["volumes"][1:]}})
    assert not concerns({**POD, "spec": {}})


@pytest.mark.parametrize(
    ("claim", "fault"),
    [
        pytest.param(
            None,
            'waiting for ephemeral volume controller to create the persistentvolumeclaim "p-cache"',
            id="not-yet",
        ),
        pytest.param(
            {"metadata": {"name": "p-cache", "namespace": "u"}},
            "PVC u/p-cache was not created for pod u/p (pod is not owner)",
            id="foreign",
        ),
        pytest.param(made(), "pod has unbound immediate PersistentVolumeClaims", id="unbound"),
        pytest.param({**made(), "status": {"phase": "Bound"}}, "", id="bound"),
    ],
)
def test_the_scheduler_waits_for_the_pods_own_claim(claim: Manifest | None, fault: str) -> None:
    pod: dict[str, Any] = {**POD, "spec": {"volumes": POD["spec"]["volumes"][:1]}}
    assert claims.judge(pod, lambda key: claim if key.name == "p-cache" else None).fault == fault
