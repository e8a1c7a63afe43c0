"""CronJobs: when a Job is made, what happens to those before, what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kinds.toy import Refused, Toy
from kinds.workloads.makers import CRON_JOB, cron_job
from sampan.kube import meta
from sampan.kube.keys import Key, Manifest, key_of


def status(toy: Toy) -> dict[str, Any]:
    return dict(toy.objects[CRON_JOB].get("status") or {})


def jobs(toy: Toy) -> list[Manifest]:
    return [body for key, body in sorted(toy.objects.items()) if key.kind == "Job.batch"]


def reasons(toy: Toy) -> list[str]:
    return [event.reason for event in toy.events]


def finish(toy: Toy, phase: str = "Succeeded") -> None:
    while toy.step_pods(lambda pod: phase):
        pass


def test_a_job_is_made_when_the_time_has_come(toy: Toy) -> None:
    toy.create(cron_job())
    toy.settle()
    assert not jobs(toy)
    assert toy.waits == [60.0]
    toy.advance()
    (job,) = jobs(toy)
    minutes = int(datetime(2026, 1, 1, 0, 1, tzinfo=UTC).timestamp()) // 60
    assert meta.name_of(job) == f"tick-{minutes}"
    assert job["metadata"]["labels"] == {"from": "template"}
    assert job["metadata"]["annotations"] == {
        "batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-01-01T00:01:00Z"
    }
    found = status(toy)
    assert found["lastScheduleTime"] == "2026-01-01T00:01:00Z"
    assert [each["name"] for each in found["active"]] == [meta.name_of(job)]
    finish(toy)
    assert "active" not in status(toy)
    assert status(toy)["lastSuccessfulTime"] == "2026-01-01T00:01:00Z"
    assert {"SuccessfulCreate", "SawCompletedJob"} <= set(reasons(toy))


def test_jobs_may_run_side_by_side(toy: Toy) -> None:
    toy.create(cron_job())
    toy.settle()
    toy.advance()
    toy.advance()
    assert len(status(toy)["active"]) == 2


def test_forbid_waits_for_the_one_before(toy: Toy) -> None:
    toy.create(cron_job(concurrencyPolicy="Forbid"))
    toy.settle()
    toy.advance()
    toy.advance()
    assert len(jobs(toy)) == 1
    assert "JobAlreadyActive" in reasons(toy)
    finish(toy)
    toy.settle()
    assert len(jobs(toy)) == 2  # what was missed is made up for


def test_replace_deletes_the_one_before(toy: Toy) -> None:
    toy.create(cron_job(concurrencyPolicy="Replace"))
    toy.settle()
    toy.advance()
    (first,) = jobs(toy)
    toy.advance()
    (second,) = jobs(toy)
    assert meta.name_of(first) != meta.name_of(second)
    assert [each["name"] for each in status(toy)["active"]] == [meta.name_of(second)]


def test_a_suspended_one_makes_nothing_and_then_makes_up_once(toy: Toy) -> None:
    toy.create(cron_job(suspend=True))
    toy.settle()
    toy.advance(600)
    assert not jobs(toy)
    toy.patch(CRON_JOB, {"spec": {"suspend": False}})
    toy.settle()
    assert len(jobs(toy)) == 1


def test_a_start_can_be_too_late(toy: Toy) -> None:
    toy.create(cron_job(schedule="0 * * * *", suspend=True, startingDeadlineSeconds=30))
    toy.settle()
    toy.advance(3660)
    toy.patch(CRON_JOB, {"spec": {"suspend": False}})
    toy.settle()
    assert not jobs(toy)
    toy.advance()
    assert len(jobs(toy)) == 1


def test_many_missed_starts_are_told_and_one_is_made(toy: Toy) -> None:
    toy.create(cron_job(suspend=True))
    toy.settle()
    toy.advance(99 * 86400)
    toy.patch(CRON_JOB, {"spec": {"suspend": False}})
    toy.settle()
    assert len(jobs(toy)) == 1
    assert "TooManyMissedTimes" in reasons(toy)


def test_history_is_limited(toy: Toy) -> None:
    toy.create(cron_job(successfulJobsHistoryLimit=2, failedJobsHistoryLimit=0))
    toy.settle()
    for _ in range(4):
        toy.advance()
        finish(toy)
    assert len(jobs(toy)) == 2
    toy.patch(CRON_JOB, {"spec": {"jobTemplate": {"spec": {"backoffLimit": 0}}}})
    toy.advance()
    finish(toy, "Failed")
    assert len(jobs(toy)) == 2


def test_a_job_that_somebody_deleted_is_missed(toy: Toy) -> None:
    toy.create(cron_job())
    toy.settle()
    toy.advance()
    (job,) = jobs(toy)
    toy.delete(key_of(job))
    toy.settle()
    assert "active" not in status(toy)
    assert "MissingJob" in reasons(toy)
    assert not jobs(toy)  # not made a second time


def test_one_made_by_hand_is_not_counted(toy: Toy) -> None:
    owner = toy.create(cron_job())
    toy.settle()
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": "by-hand",
            "annotations": {"cronjob.kubernetes.io/instantiate": "manual"},
            "ownerReferences": [meta.controlled_by(owner)],
        },
        "spec": owner["spec"]["jobTemplate"]["spec"],
    }
    toy.create(job)
    toy.settle()
    assert "active" not in status(toy)
    assert "UnexpectedJob" in reasons(toy)


def test_another_ones_job_of_the_same_name_is_left_alone(toy: Toy) -> None:
    minutes = int(datetime(2026, 1, 1, 0, 1, tzinfo=UTC).timestamp()) // 60
    owner = toy.create(cron_job())
    other = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"tick-{minutes}"},
        "spec": {**owner["spec"]["jobTemplate"]["spec"], "suspend": True},
    }
    toy.create(other)
    toy.settle()
    toy.advance()
    kept = toy.objects[Key("Job.batch", "u", f"tick-{minutes}")]
    assert kept["spec"]["suspend"] is True
    assert meta.controller_of(kept) is None


def test_a_zone_is_kept_in_the_annotation(toy: Toy) -> None:
    toy.create(cron_job(schedule="30 5 * * *", timeZone="Asia/Kolkata"))
    toy.settle()
    toy.advance(1)
    assert not jobs(toy)
    toy.advance()
    (job,) = jobs(toy)
    assert job["metadata"]["annotations"] == {
        "batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-01-02T05:30:00+05:30"
    }


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        pytest.param(
            {"schedule": "* * *"},
            'spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]',
            id="fields",
        ),
        pytest.param(
            {"schedule": "TZ=UTC * * * * *"},
            'spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in'
            " schedule, use timeZone field instead",
            id="zone-in-schedule",
        ),
        pytest.param(
            {"timeZone": "Mars/Olympus"},
            'spec.timeZone: Invalid value: "Mars/Olympus": unknown time zone Mars/Olympus',
            id="zone",
        ),
        pytest.param(
            {"concurrencyPolicy": "Maybe"},
            'spec.concurrencyPolicy: Unsupported value: "Maybe": supported values: "Allow",'
            ' "Forbid", "Replace"',
            id="policy",
        ),
        pytest.param(
            {"jobTemplate": {"spec": {"template": {"spec": {"containers": []}}}}},
            "spec.jobTemplate.spec.template.spec.containers: Required value;"
            " spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values:"
            ' "OnFailure", "Never"',
            id="template",
        ),
    ],
)
def test_a_bad_cron_job_is_refused(toy: Toy, spec: dict[str, Any], problem: str) -> None:
    with pytest.raises(Refused) as refused:
        toy.create(cron_job(**spec))
    assert str(refused.value) == problem
