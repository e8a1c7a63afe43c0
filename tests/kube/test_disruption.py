"""Evictions: who may go, and what the budget says afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.kube import disruption
from sampan.kube.errors import Forbidden, InternalError, TooManyRequests
from sampan.kube.keys import Manifest
from sampan.lib.clock import SystemClock

NOW = SystemClock().now()


def pod(phase: str = "Running", *, ready: bool = True, **about: Any) -> Manifest:
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    meta = {"name": "p", "namespace": "u", "labels": {"app": "web"}, **about}
    return {"metadata": meta, "status": {"phase": phase, "conditions": [condition]}}


def budget(allowed: int = 0, *, generation: int = 1, **fields: Any) -> Manifest:
    spec = {"selector": {"matchLabels": {"app": "web"}}}
    spec |= {key: value for key, value in fields.items() if key == "unhealthyPodEvictionPolicy"}
    status = {"observedGeneration": 1, "disruptionsAllowed": allowed}
    status |= {key: value for key, value in fields.items() if key not in spec}
    about = {"name": "b", "namespace": "u", "generation": generation, "resourceVersion": "7"}
    return {"metadata": about, "spec": spec, "status": status}


def test_without_a_budget_it_may_go() -> None:
    assert disruption.judge(pod(), [], NOW) == disruption.Ruling()
    other = {**budget(), "spec": {"selector": {"matchLabels": {"app": "other"}}}}
    assert disruption.judge(pod(), [other], NOW).refusal is None


def test_a_disruption_is_spent() -> None:
    ruling = disruption.judge(pod(), [budget(1)], NOW)
    assert ruling.refusal is None
    assert ruling.status is not None
    assert ruling.status["disruptionsAllowed"] == 0
    assert list(ruling.status["disruptedPods"]) == ["p"]
    (condition,) = ruling.status["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", "InsufficientPods")


def test_none_is_left() -> None:
    ruling = disruption.judge(pod(), [budget(0, desiredHealthy=2, currentHealthy=2)], NOW)
    assert isinstance(ruling.refusal, TooManyRequests)
    assert ruling.refusal.message == (
        "Cannot evict pod as it would violate the pod's disruption budget."
    )
    assert ruling.refusal.details == {
        "causes": [
            {
                "reason": "DisruptionBudget",
                "message": "The disruption budget b needs 2 healthy pods and has 2 currently",
            }
        ]
    }


@pytest.mark.parametrize(
    "harmless",
    [
        pytest.param(pod("Succeeded"), id="ended"),
        pytest.param(pod("Pending"), id="pending"),
        pytest.param(pod(deletionTimestamp="2026-01-01T00:00:00Z"), id="deleted"),
    ],
)
def test_who_serves_nobody_may_go(harmless: Manifest) -> None:
    assert disruption.judge(harmless, [budget(0)], NOW).refusal is None


@pytest.mark.parametrize(
    ("given", "goes"),
    [
        pytest.param(budget(0, desiredHealthy=2, currentHealthy=2), True, id="others-are-enough"),
        pytest.param(budget(0, desiredHealthy=2, currentHealthy=1), False, id="others-are-few"),
        pytest.param(budget(0, unhealthyPodEvictionPolicy="AlwaysAllow"), True, id="always"),
    ],
)
def test_one_that_is_not_ready(given: Manifest, goes: bool) -> None:
    ruling = disruption.judge(pod(ready=False), [given], NOW)
    assert (ruling.refusal is None) == goes
    assert ruling.exact == goes
    assert ruling.status is None


@pytest.mark.parametrize(
    ("budgets", "refusal", "text"),
    [
        pytest.param([budget(1, generation=2)], TooManyRequests, "would violate", id="unobserved"),
        pytest.param([budget(-1)], Forbidden, "is negative", id="negative"),
        pytest.param(
            [budget(1, disruptedPods={str(n): "" for n in range(2001)})],
            Forbidden,
            "too big",
            id="too-many",
        ),
        pytest.param([budget(1), budget(1)], InternalError, "more than one", id="two"),
    ],
)
def test_what_cannot_be_judged(budgets: list[Manifest], refusal: type, text: str) -> None:
    ruling = disruption.judge(pod(), budgets, NOW)
    assert isinstance(ruling.refusal, refusal)
    assert text in str(ruling.refusal)


@given(st.integers(0, 5), st.integers(1, 10))
def test_no_more_go_than_are_allowed(allowed: int, tries: int) -> None:
    held = budget(allowed)
    gone = 0
    for _ in range(tries):
        ruling = disruption.judge(pod(), [held], NOW)
        gone += ruling.refusal is None
        held = {**held, "status": ruling.status or held["status"]}
    assert gone == min(allowed, tries)
