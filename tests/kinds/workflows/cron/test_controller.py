"""What a CronWorkflow makes, what it keeps of it, and what it says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kinds.workflows.cron.almanac import CRON, Almanac, cron
from sampan.kube.keys import Key

MINUTELY = "* * * * *"
FIRST, SECOND, THIRD = "tick-1777593660", "tick-1777593720", "tick-1777593780"


def begun(**spec: Any) -> Almanac:
    """One minute has passed: the first Workflow runs and has not ended."""
    toy = Almanac(cron(MINUTELY, **spec), "2026-05-01 00:00")
    toy.asleep_until("2026-05-01 00:01")
    return toy


def workflow(toy: Almanac, name: str) -> dict[str, Any]:
    return dict(toy.objects[Key("Workflow.argoproj.io", "u", name)])


def names(toy: Almanac) -> list[str]:
    return [w["metadata"]["name"] for w in toy.select("Workflow.argoproj.io", "u")]


def test_a_workflow_of_an_activation() -> None:
    toy = Almanac(
        cron(
            MINUTELY,
            workflowMetadata={
                "labels": {"a": "b"},
                "annotations": {"c": "d"},
                "finalizers": ["e/f"],
            },
        ),
        "2026-05-01 00:00",
    )
    toy.asleep_until("2026-05-01 00:01")
    about = workflow(toy, FIRST)["metadata"]
    assert (
        about["labels"].items() >= {"a": "b", "workflows.argoproj.io/cron-workflow": "tick"}.items()
    )
    assert about["annotations"]["c"] == "d"
    assert about["annotations"]["workflows.argoproj.io/scheduled-time"] == "2026-05-01T00:01:00Z"
    assert about["finalizers"] == ["e/f"]
    assert about["ownerReferences"][0]["controller"] is True
    assert workflow(toy, FIRST)["spec"]["entrypoint"] == "work"


def test_the_status_says_who_is_active() -> None:
    toy = begun()
    assert toy.status["lastScheduledTime"] == "2026-05-01T00:01:00Z"
    assert toy.status["phase"] == "Active"
    (active,) = toy.status["active"]
    assert active["name"] == FIRST
    assert active["uid"] == workflow(toy, FIRST)["metadata"]["uid"]
    toy.ends(FIRST, "Succeeded")
    assert toy.status["active"] == []
    assert (toy.status["succeeded"], toy.status.get("failed", 0)) == (1, 0)


def test_each_child_is_counted_once() -> None:
    toy = begun()
    toy.ends(FIRST, "Error")
    toy.settle()
    toy.asleep_until("2026-05-01 00:02")
    toy.ends(SECOND, "Failed")
    assert (toy.status.get("succeeded", 0), toy.status["failed"]) == (0, 2)


def test_a_child_that_ends_before_anybody_looks_is_counted_all_the_same() -> None:
    toy = begun()
    toy.patch(CRON, {"status": None, "metadata": {"annotations": None}})  # the crash
    toy.ends(FIRST, "Succeeded")
    assert names(toy) == [FIRST]
    assert toy.status["succeeded"] == 1


@pytest.mark.parametrize(
    ("policy", "running"),
    [("Allow", [FIRST, SECOND]), ("Forbid", [FIRST]), (None, [FIRST, SECOND])],
)
def test_a_child_that_still_runs(policy: str | None, running: list[str]) -> None:
    toy = begun(concurrencyPolicy=policy)
    toy.asleep_until("2026-05-01 00:02")
    assert names(toy) == running


def test_replace_terminates_what_runs() -> None:
    toy = begun(concurrencyPolicy="Replace")
    toy.asleep_until("2026-05-01 00:02")
    assert names(toy) == [FIRST, SECOND]
    assert workflow(toy, FIRST)["spec"]["shutdown"] == "Terminate"
    assert "shutdown" not in workflow(toy, SECOND)["spec"]


def test_an_activation_that_was_forbidden_does_not_come_back() -> None:
    toy = begun(concurrencyPolicy="Forbid")
    toy.asleep_until("2026-05-01 00:02")
    toy.ends(FIRST, "Succeeded")
    assert names(toy) == [FIRST]


def test_a_deadline_gives_a_forbidden_activation_a_second_chance() -> None:
    toy = begun(concurrencyPolicy="Forbid", startingDeadlineSeconds=50)
    toy.asleep_until("2026-05-01 00:02")
    toy.ends(FIRST, "Succeeded")
    assert names(toy) == [FIRST, SECOND]


def test_history_keeps_the_last_ones() -> None:
    toy = Almanac(cron(MINUTELY), "2026-05-01 00:00")
    toy.until("2026-05-01 00:08")
    assert toy.ticks == [f"2026-05-01T00:0{minute}" for minute in (6, 7, 8)]
    toy.change(successfulJobsHistoryLimit=0)
    assert toy.ticks == []


def test_history_of_failures_is_shorter() -> None:
    toy = begun()
    toy.ends(FIRST, "Failed")
    toy.asleep_until("2026-05-01 00:02")
    toy.ends(SECOND, "Error")
    assert names(toy) == [SECOND]


def test_a_stopping_condition_stops_for_good() -> None:
    toy = begun(stopStrategy={"expression": "cronworkflow.succeeded >= 2"})
    toy.ends(FIRST, "Succeeded")
    toy.asleep_until("2026-05-01 00:02")
    toy.ends(SECOND, "Succeeded")
    assert toy.status["phase"] == "Stopped"
    assert toy.objects[CRON]["metadata"]["labels"]["cronworkflows.argoproj.io/completed"] == "true"
    toy.asleep_until("2026-05-01 00:03")
    assert THIRD not in names(toy)
    assert toy.waits == []


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("cronworkflow.succeeded >", "unexpected token EOF"),
        ("cronworkflow.succeeded", "unable to cast expression result '0' to bool"),
        ("cronwf.failed > 1", "unknown name cronwf"),
    ],
)
def test_a_stopping_condition_that_is_none(expression: str, fault: str) -> None:
    toy = begun(stopStrategy={"expression": expression})
    wanted = "SpecError: failed to check CronWorkflow 'tick' stopping condition: failed to evaluate"
    assert toy.complaint.startswith(wanted)
    assert fault in toy.complaint


@pytest.mark.parametrize(
    ("when", "starts"),
    [
        ("1 == 1", True),
        ("{{=cronworkflow.failed}} == 1", False),
        ("{{= cronworkflow.name == 'tick' && cronworkflow.labels.a == 'b' }}", True),
        ("{{= now().Hour() == 0 }}", True),
        ("'{{cronworkflow.namespace}}' == 'u'", True),
    ],
)
def test_when(when: str, starts: bool) -> None:
    manifest = cron(MINUTELY, when=when)
    manifest["metadata"]["labels"] = {"a": "b"}
    toy = Almanac(manifest, "2026-05-01 00:00").asleep_until("2026-05-01 00:01")
    assert (names(toy) == [FIRST]) is starts
    assert toy.complaint == ""


@pytest.mark.parametrize("when", ["1 +", "2 + 3", "{{= cronworkflow.mood == 'good' }}", "{{x}}"])
def test_a_condition_that_has_no_answer_is_said_and_counted(when: str) -> None:
    toy = begun(when=when)
    assert toy.complaint.startswith("SubmissionError: run policy error: ")
    assert toy.status["failed"] == 1
    toy.change(when="")
    assert names(toy) == []
    toy.asleep_until("2026-05-01 00:02")
    assert names(toy) == [SECOND]
    assert toy.complaint == ""


def test_a_workflow_that_cannot_run_is_said_before_its_time() -> None:
    manifest = cron(MINUTELY)
    del manifest["spec"]["workflowSpec"]["entrypoint"]
    toy = Almanac(manifest, "2026-05-01 00:00")
    assert toy.complaint.startswith("SpecError: cannot validate Workflow: ")
    toy.asleep_until("2026-05-01 00:01")
    assert names(toy) == []


def test_a_name_that_leaves_no_room_for_the_time() -> None:
    manifest = cron(MINUTELY)
    manifest["metadata"]["name"] = "a" * 53
    toy = Almanac(manifest, "2026-05-01 00:00")
    status = toy.objects[Key(CRON.kind, "u", "a" * 53)]["status"]
    assert (
        "must not be more than 52 characters long (currently 53)"
        in status["conditions"][0]["message"]
    )


def test_an_old_spelling_is_a_schedule_like_any_other() -> None:
    manifest = cron()
    manifest["spec"] = {**manifest["spec"], "schedules": None, "schedule": MINUTELY}
    toy = Almanac(manifest, "2026-05-01 00:00").asleep_until("2026-05-01 00:01")
    assert toy.spec["schedules"] == [MINUTELY]
    assert names(toy) == [FIRST]


def test_activations_are_counted() -> None:
    toy = begun(concurrencyPolicy="Forbid")
    toy.asleep_until("2026-05-01 00:02")
    counted = [(each.name, dict(each.labels)) for each in toy.measured if "cron" in each.name]
    about = {"name": "tick", "namespace": "u"}
    assert counted == [
        ("argo_workflows_cronworkflows_triggered_total", about),
        (
            "argo_workflows_cronworkflows_concurrencypolicy_triggered",
            {**about, "concurrency_policy": "Forbid"},
        ),
    ]


def test_a_workflow_may_come_from_a_template() -> None:
    manifest = cron(MINUTELY)
    template = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "WorkflowTemplate",
        "metadata": {"name": "whole", "namespace": "u"},
        "spec": manifest["spec"]["workflowSpec"],
    }
    manifest["spec"]["workflowSpec"] = {"workflowTemplateRef": {"name": "whole"}}
    toy = Almanac(manifest, "2026-05-01 00:00")
    assert toy.complaint == (
        'SpecError: cannot validate Workflow: workflowtemplates.argoproj.io "whole" not found'
    )
    toy.create(template)
    toy.settle()
    assert toy.complaint == ""
    toy.asleep_until("2026-05-01 00:01")
    assert toy.ticks == ["2026-05-01T00:01"]


def test_an_answer_that_does_not_come_is_counted_once_within_the_deadline() -> None:
    toy = begun(startingDeadlineSeconds=55)
    toy.ends(FIRST, "Succeeded")
    toy.change(when="1 +")
    toy.asleep_until("2026-05-01 00:02")
    for _ in range(3):
        toy.settle()
    assert toy.status["failed"] == 1
    assert toy.complaint.startswith("SubmissionError: run policy error: ")
    toy.change(when="")
    assert names(toy) == [FIRST, SECOND]
    assert toy.complaint == ""


def test_a_forbidden_activation_is_counted_once() -> None:
    toy = begun(concurrencyPolicy="Forbid", startingDeadlineSeconds=55)
    toy.asleep_until("2026-05-01 00:02")
    toy.time += timedelta(seconds=40)
    toy.settle()
    counted = [each for each in toy.measured if "policy" in each.name]
    assert len(counted) == 1
