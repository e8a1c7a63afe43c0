"""Jobs: how many pods run, what is counted, how it ends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinds.toy import Refused, Toy, phase_of
from kinds.workloads.makers import JOB, job, pod_spec
from sampan.kinds.workloads import COMPONENT, indexes
from sampan.kube import meta
from sampan.kube.keys import Key


def conditions(toy: Toy) -> dict[str, str]:
    said = toy.objects[JOB]["status"].get("conditions", [])
    return {each["type"]: each["reason"] for each in said if each["status"] == "True"}


def status(toy: Toy) -> dict[str, Any]:
    return dict(toy.objects[JOB]["status"])


def test_a_job_of_one_pod_completes(toy: Toy) -> None:
    toy.create(job())
    toy.settle()
    (pod,) = toy.pods()
    uid = meta.uid_of(toy.objects[JOB])
    assert pod["metadata"]["labels"] == {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": "j",
        "controller-uid": uid,
        "job-name": "j",
    }
    assert status(toy) == {
        "startTime": "2026-01-01T00:00:00Z",
        "active": 1,
        "ready": 0,
        "terminating": 0,
        "uncountedTerminatedPods": {},
    }
    toy.step_pods(lambda pod: None)
    assert status(toy)["ready"] == 1
    toy.step_pods(lambda pod: "Succeeded")
    end = status(toy)
    assert conditions(toy) == {
        "SuccessCriteriaMet": "CompletionsReached",
        "Complete": "CompletionsReached",
    }
    assert end["succeeded"] == 1
    assert end["completionTime"] == "2026-01-01T00:00:00Z"
    assert end["uncountedTerminatedPods"] == {}
    assert "active" not in end


def test_a_failed_pod_is_replaced_after_a_growing_delay(toy: Toy) -> None:
    toy.create(job(backoffLimit=2))
    toy.settle()
    waits = []
    for _ in range(2):
        while toy.step_pods(lambda pod: "Failed"):
            pass
        assert not toy.running()
        waits.append(toy.waits[0])
        toy.advance(toy.waits[0] - 1)
        assert not toy.running()
        toy.advance(1)
        assert len(toy.running()) == 1
    assert waits == [10.0, 20.0]
    while toy.step_pods(lambda pod: "Failed"):
        pass
    assert conditions(toy) == {
        "FailureTarget": "BackoffLimitExceeded",
        "Failed": "BackoffLimitExceeded",
    }
    assert status(toy)["failed"] == 3


def test_counts_survive_the_deletion_of_the_pods(toy: Toy) -> None:
    toy.create(job(completions=3, parallelism=1))
    toy.settle()
    for done in (1, 2, 3):
        while status(toy).get("succeeded", 0) < done:
            assert toy.step_pods(lambda pod: "Succeeded", most=1)
        for pod in toy.pods():
            if phase_of(pod) == "Succeeded":
                toy.delete(Key("Pod", "u", meta.name_of(pod)))
        toy.settle()
        assert status(toy)["succeeded"] == done
    assert "Complete" in conditions(toy)


def test_a_running_pod_that_is_deleted_has_failed(toy: Toy) -> None:
    toy.create(job(backoffLimit=1))
    toy.settle()
    toy.step_pods(lambda pod: None)
    (pod,) = toy.pods()
    toy.delete(Key("Pod", "u", meta.name_of(pod)))
    toy.settle()
    assert (status(toy)["terminating"], status(toy)["failed"]) == (1, 1)
    assert not toy.running()
    toy.advance()
    assert len(toy.running()) == 1
    toy.step_pods(lambda pod: None)
    assert len(toy.pods()) == 1
    assert status(toy)["failed"] == 1
    assert not conditions(toy)


def test_pods_that_the_job_gives_up_do_not_count(toy: Toy) -> None:
    toy.create(job(parallelism=3, completions=5, backoffLimit=0))
    toy.settle()
    toy.step_pods(lambda pod: None)
    toy.patch(JOB, {"spec": {"parallelism": 1}})
    toy.settle()
    assert len(toy.running()) == 1
    toy.patch(JOB, {"spec": {"suspend": True}})
    toy.settle()
    while toy.step_pods(lambda pod: None):
        pass
    assert not toy.pods()
    assert "failed" not in status(toy)


def test_a_pod_that_ended_waits_until_it_was_counted(toy: Toy) -> None:
    toy.create(job(completions=2))
    toy.settle()
    toy.step_pods(lambda pod: None)
    (pod,) = toy.pods()
    assert pod["metadata"]["finalizers"] == ["batch.kubernetes.io/job-tracking"]
    toy.run_pod(pod, "Succeeded")
    toy.delete(Key("Pod", "u", meta.name_of(pod)))
    assert toy.pods()
    toy.settle()
    assert status(toy)["succeeded"] == 1
    assert meta.name_of(pod) not in map(meta.name_of, toy.pods())


def test_the_pods_of_a_job_that_is_gone_are_let_go(toy: Toy) -> None:
    toy.create(job())
    toy.settle()
    toy.step_pods(lambda pod: None)
    toy.delete(JOB)
    assert len(toy.pods()) == 1
    toy.settle()
    toy.step_pods(lambda pod: None)
    assert not toy.pods()


def test_replacement_waits_for_the_end_with_policy_failed(toy: Toy) -> None:
    toy.create(job(podReplacementPolicy="Failed"))
    toy.settle()
    toy.step_pods(lambda pod: None)
    (pod,) = toy.pods()
    toy.delete(Key("Pod", "u", meta.name_of(pod)))
    toy.settle()
    assert not toy.running()
    toy.step_pods(lambda pod: None)
    assert len(toy.running()) == 1


def test_the_deadline_ends_a_job_and_its_pods(toy: Toy) -> None:
    toy.create(job(activeDeadlineSeconds=30))
    toy.settle()
    toy.step_pods(lambda pod: None)
    assert toy.waits == [30.0]
    toy.advance()
    assert conditions(toy) == {"FailureTarget": "DeadlineExceeded"}
    toy.step_pods(lambda pod: None)
    assert conditions(toy)["Failed"] == "DeadlineExceeded"
    assert not toy.pods()


def test_a_suspended_job_has_no_pods_and_no_clock(toy: Toy) -> None:
    toy.create(job(suspend=True, activeDeadlineSeconds=5))
    toy.settle()
    toy.advance(100)
    assert not toy.pods()
    assert conditions(toy) == {"Suspended": "JobSuspended"}
    toy.patch(JOB, {"spec": {"suspend": False}})
    toy.settle()
    assert status(toy)["startTime"] == "2026-01-01T00:01:40Z"
    assert len(toy.running()) == 1
    toy.step_pods(lambda pod: None)
    toy.patch(JOB, {"spec": {"suspend": True}})
    toy.settle()
    assert not toy.running()
    assert "startTime" not in status(toy)


def test_a_finished_job_goes_after_its_time(toy: Toy) -> None:
    toy.create(job(ttlSecondsAfterFinished=60))
    toy.settle()
    while toy.step_pods(lambda pod: "Succeeded"):
        pass
    toy.advance(59)
    assert JOB in toy.objects
    toy.advance(1)
    assert JOB not in toy.objects
    assert not toy.pods()


def test_an_indexed_job_runs_each_index_once(toy: Toy) -> None:
    toy.create(job(completionMode="Indexed", completions=4, parallelism=2))
    toy.settle()
    (first, second) = toy.pods()
    assert [p["spec"]["hostname"] for p in (first, second)] == ["j-0", "j-1"]
    assert first["metadata"]["annotations"] == {"batch.kubernetes.io/job-completion-index": "0"}
    (variable,) = first["spec"]["containers"][0]["env"]
    assert variable["name"] == "JOB_COMPLETION_INDEX"
    while toy.step_pods(lambda pod: "Succeeded"):
        pass
    assert status(toy)["completedIndexes"] == "0-3"
    assert status(toy)["succeeded"] == 4
    assert len(toy.pods()) == 4
    assert "Complete" in conditions(toy)


def test_restarts_in_place_count_towards_the_limit(toy: Toy) -> None:
    toy.create(job(backoffLimit=2, template={"spec": pod_spec(restartPolicy="OnFailure")}))
    toy.settle()
    toy.step_pods(lambda pod: None)
    (pod,) = toy.pods()
    pod = {**pod, "status": {**pod["status"]}}
    pod["status"]["containerStatuses"] = [
        {**each, "restartCount": 2} for each in pod["status"]["containerStatuses"]
    ]
    toy.put(pod)
    toy.settle()
    assert conditions(toy) == {"FailureTarget": "BackoffLimitExceeded"}


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 4),
    st.integers(1, 8),
    st.booleans(),
    st.lists(st.sampled_from(["Succeeded", "Failed"]), min_size=1, max_size=20),
    st.integers(1, 5),
)
def test_every_job_ends_and_never_runs_more_than_parallelism(
    parallelism: int, completions: int, indexed: bool, ends: list[str], most: int
) -> None:
    toy = Toy(COMPONENT)

    def few(toy: Toy) -> None:
        assert len(toy.running()) <= min(parallelism, completions)

    toy.watch = few
    mode = "Indexed" if indexed else "NonIndexed"
    toy.create(job(parallelism=parallelism, completions=completions, completionMode=mode))
    toy.settle()
    script = iter(ends * 30)
    for _ in range(200):
        if not toy.step_pods(lambda pod: next(script), most=most):
            if not toy.waits:
                break
            toy.advance()
    found = conditions(toy)
    assert ("Complete" in found) != ("Failed" in found)
    assert not toy.running()
    if "Complete" in found:
        assert status(toy)["succeeded"] >= completions


@given(st.sets(st.integers(0, 40)))
def test_indexes_are_written_and_read_alike(found: set[int]) -> None:
    text = indexes.write(found)
    assert indexes.read(text, below=41) == found
    assert {index for span in indexes.parse(text, below=41) for index in span} == found


def test_two_in_a_row_are_no_range() -> None:
    assert indexes.write({0, 1, 3, 4, 5, 9}) == "0,1,3-5,9"


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        pytest.param(
            {"template": {"spec": pod_spec()}},
            'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
            id="restart-policy",
        ),
        pytest.param(
            {"parallelism": -1},
            "spec.parallelism: Invalid value: -1: must be greater than or equal to 0",
            id="negative",
        ),
        pytest.param(
            {"completionMode": "Indexed", "parallelism": 1},
            "spec.completions: Required value: when completion mode is Indexed",
            id="indexed-without-completions",
        ),
    ],
)
def test_a_bad_job_is_refused(toy: Toy, spec: dict[str, Any], problem: str) -> None:
    with pytest.raises(Refused) as refused:
        toy.create(job(**spec))
    assert str(refused.value) == problem


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param(
            {"completions": 7},
            "spec.completions: Invalid value: 7: field is immutable",
            id="completions",
        ),
        pytest.param(
            {"template": {"spec": pod_spec("other", restartPolicy="Never")}},
            'spec.template: Invalid value: {"containers":["main"]}: field is immutable',
            id="template",
        ),
    ],
)
def test_what_a_job_is_may_not_change(toy: Toy, change: dict[str, Any], problem: str) -> None:
    toy.create(job())
    toy.settle()
    with pytest.raises(Refused) as refused:
        toy.patch(JOB, {"spec": change})
    assert str(refused.value) == problem


def test_a_job_managed_elsewhere_is_left_alone(toy: Toy) -> None:
    toy.create(job(managedBy="example.com/other"))
    toy.settle()
    assert not toy.pods()
