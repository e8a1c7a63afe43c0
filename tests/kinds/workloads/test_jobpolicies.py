"""Policies of Jobs: which failures count, limits per index, success before the end."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.toy import Refused, Toy, phase_of
from kinds.workloads.makers import JOB, job
from kinds.workloads.test_job import conditions, status
from sampan.kube import meta
from sampan.kube.conditions import get_condition
from sampan.kube.keys import Manifest, key_of

INDEX = "batch.kubernetes.io/job-completion-index"


def codes(action: str, *values: int, operator: str = "In", **more: Any) -> dict[str, Any]:
    return {"action": action, "onExitCodes": {"operator": operator, "values": [*values], **more}}


def policy(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"podFailurePolicy": {"rules": [*rules]}}


def end(toy: Toy, index: int, phase: str, code: int = 0) -> None:
    """The running pod of this index ends."""
    (pod,) = [p for p in toy.running() if p["metadata"]["annotations"][INDEX] == str(index)]
    toy.run_pod(pod, phase, exit_code=code)
    toy.settle()


def test_an_exit_code_ends_the_job(toy: Toy) -> None:
    toy.create(job(parallelism=2, completions=2, **policy(codes("FailJob", 3))))
    toy.settle()
    pod = toy.pods()[0]
    toy.run_pod(pod, "Failed", exit_code=3)
    toy.settle()
    said = get_condition(status(toy)["conditions"], "FailureTarget")
    assert said is not None
    assert said["reason"] == "PodFailurePolicy"
    assert said["message"] == (
        f"Container main for pod u/{meta.name_of(pod)} failed with exit code 3 matching FailJob"
        " rule at index 0"
    )
    while toy.step_pods(lambda pod: None):
        pass
    assert conditions(toy)["Failed"] == "PodFailurePolicy"


def test_a_failure_that_is_overlooked_does_not_count(toy: Toy) -> None:
    rule = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}
    toy.create(job(backoffLimit=0, **policy(rule)))
    toy.settle()
    (pod,) = toy.pods()
    toy.run_pod(pod, "Failed")
    (pod,) = toy.pods()
    said = {"type": "DisruptionTarget", "status": "True"}
    toy.put({**pod, "status": {**pod["status"], "conditions": [said]}})
    toy.settle()
    assert len(toy.running()) == 1
    assert "failed" not in status(toy)
    (pod,) = toy.running()
    toy.run_pod(pod, "Failed")
    toy.settle()
    assert conditions(toy)["Failed"] == "BackoffLimitExceeded"


def test_other_codes_and_other_containers_do_not_match(toy: Toy) -> None:
    rule = codes("FailJob", 3, containerName="main", operator="NotIn")
    toy.create(job(**policy(rule)))
    toy.settle()
    toy.run_pod(toy.pods()[0], "Failed", exit_code=3)
    toy.settle()
    assert not conditions(toy)
    assert status(toy)["failed"] == 1


def indexed(**spec: Any) -> Manifest:
    return job(completionMode="Indexed", completions=3, parallelism=3, **spec)


def test_each_index_has_its_own_limit(toy: Toy) -> None:
    toy.create(indexed(backoffLimitPerIndex=1))
    toy.settle()
    end(toy, 0, "Succeeded")
    end(toy, 1, "Failed")
    assert len(toy.running()) == 1  # the other one waits
    end(toy, 2, "Succeeded")
    assert status(toy)["failedIndexes"] == ""
    toy.advance(10)
    (again,) = toy.running()
    assert again["metadata"]["annotations"]["batch.kubernetes.io/job-index-failure-count"] == "1"
    end(toy, 1, "Failed")
    assert status(toy)["completedIndexes"] == "0,2"
    assert status(toy)["failedIndexes"] == "1"
    assert conditions(toy) == {"FailureTarget": "FailedIndexes", "Failed": "FailedIndexes"}
    assert status(toy)["failed"] == 2


def test_what_failed_before_is_not_forgotten_with_the_pod(toy: Toy) -> None:
    toy.create(indexed(backoffLimitPerIndex=1))
    toy.settle()
    end(toy, 1, "Failed")
    for pod in toy.pods():
        if phase_of(pod) == "Failed":
            toy.delete(key_of(pod))
    toy.settle()
    toy.advance(10)
    end(toy, 1, "Failed")
    assert status(toy)["failedIndexes"] == "1"


def test_too_many_failed_indexes_end_the_job(toy: Toy) -> None:
    toy.create(indexed(backoffLimitPerIndex=0, maxFailedIndexes=0))
    toy.settle()
    end(toy, 1, "Failed")
    while toy.step_pods(lambda pod: None):
        pass
    assert conditions(toy)["Failed"] == "MaxFailedIndexesExceeded"


def test_a_rule_gives_up_one_index(toy: Toy) -> None:
    toy.create(indexed(backoffLimitPerIndex=5, **policy(codes("FailIndex", 42))))
    toy.settle()
    end(toy, 0, "Failed", 42)
    end(toy, 1, "Succeeded")
    end(toy, 2, "Succeeded")
    assert status(toy)["failedIndexes"] == "0"
    assert conditions(toy)["Failed"] == "FailedIndexes"


@pytest.mark.parametrize(
    ("rule", "ends"),
    [
        pytest.param({"succeededIndexes": "0"}, [0], id="the-leader"),
        pytest.param({"succeededCount": 1}, [2], id="any"),
        pytest.param({"succeededIndexes": "0-1", "succeededCount": 1}, [1], id="one-of-some"),
    ],
)
def test_a_job_may_succeed_before_all_indexes_do(
    toy: Toy, rule: dict[str, Any], ends: list[int]
) -> None:
    toy.create(indexed(successPolicy={"rules": [rule]}))
    toy.settle()
    toy.step_pods(lambda pod: None)
    for index in ends:
        end(toy, index, "Succeeded")
    assert conditions(toy) == {"SuccessCriteriaMet": "SuccessPolicy"}
    while toy.step_pods(lambda pod: None):
        pass
    assert conditions(toy)["Complete"] == "SuccessPolicy"
    assert not toy.running()


def test_an_elastic_job_grows_and_shrinks(toy: Toy) -> None:
    toy.create(indexed())
    toy.settle()
    end(toy, 2, "Succeeded")
    toy.patch(JOB, {"spec": {"completions": 2, "parallelism": 2}})
    toy.settle()
    assert "succeeded" not in status(toy)
    end(toy, 0, "Succeeded")
    end(toy, 1, "Succeeded")
    assert status(toy)["completedIndexes"] == "0,1"
    assert "Complete" in conditions(toy)


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        pytest.param(
            {"backoffLimitPerIndex": 1},
            "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode",
            id="per-index-without-indexes",
        ),
        pytest.param(
            policy({"action": "Ignore"}),
            'spec.podFailurePolicy.rules[0]: Invalid value: {"action":"Ignore"}: specifying one of'
            " OnExitCodes and OnPodConditions is required",
            id="empty-rule",
        ),
        pytest.param(
            policy(codes("FailJob", 0)),
            "spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0"
            " for the In operator",
            id="zero",
        ),
        pytest.param(
            policy(codes("FailJob", 3, 2)),
            "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [3,2]: must be"
            " ordered",
            id="order",
        ),
        pytest.param(
            policy(codes("FailIndex", 3)),
            'spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the'
            " backoffLimitPerIndex to be set",
            id="fail-index",
        ),
        pytest.param(
            policy(codes("FailJob", 3, containerName="nobody")),
            'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "nobody":'
            " must be one of the container or initContainer names in the pod template",
            id="container",
        ),
        pytest.param(
            {**policy(codes("FailJob", 3)), "podReplacementPolicy": "TerminatingOrFailed"},
            'spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values:'
            ' "Failed"',
            id="replacement",
        ),
    ],
)
def test_a_bad_policy_is_refused(toy: Toy, spec: dict[str, Any], problem: str) -> None:
    with pytest.raises(Refused) as refused:
        toy.create(job(**spec))
    assert str(refused.value) == problem


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"succeededIndexes": "5"}, "too large index: 5"),
        ({"succeededIndexes": "1,0"}, "non-increasing order, previous: 1, current: 0"),
        ({"succeededIndexes": "a"}, "cannot convert string to integer for index: 'a'"),
        ({"succeededCount": 9}, "must be less than or equal to 3"),
        ({}, "at least one of succeededCount or succeededIndexes must be specified"),
    ],
)
def test_a_bad_rule_of_success_is_refused(toy: Toy, rule: dict[str, Any], problem: str) -> None:
    with pytest.raises(Refused) as refused:
        toy.create(indexed(successPolicy={"rules": [rule]}))
    assert problem in str(refused.value)
