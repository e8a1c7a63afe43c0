"""ScheduledWorkflows: which runs are made, what they are, what the status says of them."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.pipelines.schedules.almanac import ARGO, SCHEDULE, Almanac, cron, every
from sampan.kinds.pipelines.schedules.controller import decide, see
from sampan.kube.keys import Key

DAY = "2026-05-01T00:00:00Z"


def test_a_cron_schedule_runs_at_its_times() -> None:
    toy = Almanac(**cron("30 */10 * * * *")).until("2026-05-01T00:25:00Z")
    assert toy.ticks == ["05-01 00:00:30", "05-01 00:10:30", "05-01 00:20:30"]
    assert toy.status["trigger"] == {
        "lastTriggeredTime": "2026-05-01T00:20:30Z",
        "lastWorkflowIndex": 3,
        "nextTriggeredTime": "2026-05-01T00:30:30Z",
    }
    assert toy.condition == ("Enabled", "The schedule is enabled.")


def test_an_interval_is_counted_from_the_creation() -> None:
    toy = Almanac(**every(600)).until("2026-05-01T00:25:00Z")
    assert toy.ticks == ["05-01 00:10:00", "05-01 00:20:00"]


def test_an_interval_is_counted_from_the_start() -> None:
    toy = Almanac(**every(600, startTime="2026-05-01T01:05:00Z")).until("2026-05-01T01:30:00Z")
    assert toy.ticks == ["05-01 01:15:00", "05-01 01:25:00"]


@pytest.mark.parametrize("kind", [cron("0 0 * * * *"), every(3600)], ids=["cron", "interval"])
def test_nothing_is_run_after_the_end(kind: dict[str, Any]) -> None:
    (given,) = kind["trigger"].values()
    given["endTime"] = "2026-05-01T02:30:00Z"
    toy = Almanac(**kind).until("2026-05-01T09:00:00Z")
    assert toy.ticks == ["05-01 01:00:00", "05-01 02:00:00"]
    assert "nextTriggeredTime" not in toy.status["trigger"]


def test_nothing_is_run_before_the_start() -> None:
    toy = Almanac(**cron("0 0 * * * *", startTime="2026-05-01T03:30:00Z"))
    assert toy.status["trigger"]["nextTriggeredTime"] == "2026-05-01T04:00:00Z"
    assert toy.until("2026-05-01T04:30:00Z").ticks == ["05-01 04:00:00"]


def test_a_start_in_the_past_is_caught_up_with() -> None:
    toy = Almanac(**cron("0 0 0 * * *", startTime="2026-04-28T12:00:00Z")).until(DAY)
    assert toy.ticks == ["04-29 00:00:00", "04-30 00:00:00", "05-01 00:00:00"]


def test_what_was_missed_is_run_one_by_one() -> None:
    toy = Almanac(**cron("0 0 * * * *")).asleep_until("2026-05-01T03:10:00Z")
    assert toy.ticks == ["05-01 01:00:00"]
    toy.finish()
    assert toy.ticks == ["05-01 01:00:00", "05-01 02:00:00"]
    toy.until("2026-05-01T03:10:00Z")
    assert toy.ticks == ["05-01 01:00:00", "05-01 02:00:00", "05-01 03:00:00"]


def test_only_the_latest_is_run_without_catching_up() -> None:
    toy = Almanac(**cron("0 0 * * * *"), noCatchup=True).asleep_until("2026-05-01T03:10:00Z")
    assert toy.until("2026-05-01T04:10:00Z").ticks == ["05-01 03:00:00", "05-01 04:00:00"]


def test_an_interval_begins_anew_without_catching_up() -> None:
    toy = Almanac(**every(3600), noCatchup=True).asleep_until("2026-05-01T03:10:00Z")
    assert toy.until("2026-05-01T04:30:00Z").ticks == ["05-01 03:10:00", "05-01 04:10:00"]


@pytest.mark.parametrize(("given", "most"), [(None, 1), (-4, 1), (0, 1), (3, 3), (99, 10)])
def test_no_more_than_the_given_number_run_at_once(given: int | None, most: int) -> None:
    toy = Almanac(**cron("* * * * * *"), maxConcurrency=given).asleep_until("2026-05-01T00:01:00Z")
    assert len(toy.active) == most
    toy.finish()
    assert (len(toy.active), len(toy.runs)) == (most, most + 1)


def test_a_disabled_schedule_runs_nothing_until_it_is_enabled() -> None:
    toy = Almanac(**cron("0 0 * * * *"), enabled=False).until("2026-05-01T02:30:00Z")
    assert (toy.ticks, toy.waits) == ([], [])
    assert toy.condition == ("Disabled", "The schedule is disabled.")
    labels = toy.objects[SCHEDULE]["metadata"]["labels"]
    assert labels["scheduledworkflows.kubeflow.org/enabled"] == "false"
    toy.change(enabled=True)
    toy.until("2026-05-01T02:30:00Z")
    assert toy.ticks == ["05-01 01:00:00", "05-01 02:00:00"]


def test_a_schedule_without_a_trigger_runs_once() -> None:
    toy = Almanac()
    assert toy.condition == ("Running", "The one-off schedule is running.")
    toy.until("2026-05-02T00:00:00Z")
    assert toy.ticks == ["05-01 00:00:00"]
    assert toy.condition == ("Succeeded", "The one-off schedule has succeeded.")


def test_the_clocks_of_the_cluster_say_when_it_is_noon() -> None:
    toy = Almanac(enabled=False, **cron("0 0 12 * * *"))
    head = {"apiVersion": "v1", "kind": "ConfigMap"}
    about = {"name": "pipeline-install-config", "namespace": "kubeflow"}
    toy.put({**head, "metadata": about, "data": {"cronScheduleTimezone": "Asia/Tokyo"}})
    toy.change(enabled=True)
    assert toy.until("2026-05-02T00:00:00Z").ticks == ["05-01 03:00:00"]
    toy.put({**head, "metadata": about, "data": {"cronScheduleTimezone": "Moon/Tranquility"}})
    toy.settle()
    assert toy.condition == ("Error", "unknown time zone Moon/Tranquility")


def test_a_run_says_where_it_is_from() -> None:
    given = [
        {"name": "text", "value": '"[[Index]] at [[ScheduledTime]]"'},
        {"name": "count", "value": "3"},
    ]
    toy = Almanac(
        **cron("0 0 * * * *"),
        workflow={"parameters": given, "pipelineRoot": "minio://b/r"},
        experimentId="e-1",
        serviceAccount="s",
        platformSpec={"platforms": {}},
    ).until("2026-05-01T01:00:00Z")
    (run,) = toy.runs
    about, spec = run["metadata"], run["spec"]
    assert about["name"] == "tick-1-797775726"
    assert about["labels"] == {
        "pipeline/runid": "8ff3eed4-cf50-5744-befd-faecfa19f0b3",
        "pipelines.kubeflow.org/experiment-id": "e-1",
        "pipelines.kubeflow.org/recurring-run-id": "uid-1",
        "scheduledworkflows.kubeflow.org/isOwnedByScheduledWorkflow": "true",
        "scheduledworkflows.kubeflow.org/scheduledWorkflowName": "tick",
        "scheduledworkflows.kubeflow.org/workflowEpoch": "1777597200",
        "scheduledworkflows.kubeflow.org/workflowIndex": "1",
    }
    assert spec["runtimeConfig"] == {
        "parameters": {"text": "1 at 20260501010000", "count": 3},
        "pipelineRoot": "minio://b/r",
    }
    assert spec["displayName"] == about["name"]
    assert (spec["experimentId"], spec["recurringRunId"]) == ("e-1", "uid-1")
    assert spec["serviceAccount"] == "s"
    assert spec["platformSpec"] == {"platforms": {}}


def version(name: str, pipeline: str, spec: Any, made: str) -> dict[str, Any]:
    return {
        "apiVersion": "pipelines.kubeflow.org/v2beta1",
        "kind": "PipelineVersion",
        "metadata": {"name": name, "namespace": "u", "uid": name, "creationTimestamp": made},
        "spec": {"pipelineName": pipeline, "pipelineSpec": spec},
    }


def versioned(**spec: Any) -> Almanac:
    toy = Almanac(enabled=False, pipelineSpec=None, **cron("0 0 * * * *"), **spec)
    head = {"apiVersion": "pipelines.kubeflow.org/v2beta1", "kind": "Pipeline"}
    toy.put({**head, "metadata": {"name": "p", "namespace": "u", "uid": "p-1"}, "spec": {}})
    toy.put(version("old", "p", {"is": "old"}, "2026-01-01T00:00:00Z"))
    toy.put(version("other", "q", {"is": "other"}, "2026-03-01T00:00:00Z"))
    toy.change(enabled=True)
    return toy


def test_the_newest_version_at_each_time_is_run() -> None:
    toy = versioned(pipelineId="p-1").until("2026-05-01T01:00:00Z")
    toy.put(version("new", "p", {"is": "new"}, "2026-02-01T00:00:00Z"))
    toy.until("2026-05-01T02:00:00Z")
    assert [run["spec"]["pipelineSpec"]["is"] for run in toy.runs] == ["old", "new"]
    assert toy.runs[1]["spec"]["pipelineVersionReference"] == {
        "pipelineId": "p-1",
        "pipelineVersionId": "new",
    }


def test_of_two_versions_of_a_second_the_later_one_is_the_newest() -> None:
    toy = versioned(pipelineId="p-1")
    for name, fraction in (("a", "9"), ("b", "2")):
        made = version(name, "p", {"is": name}, "2026-02-01T00:00:00Z")
        note = f"2026-02-01T00:00:00.{fraction}00000Z"
        made["metadata"]["annotations"] = {"pipelines.kubeflow.org/created-at": note}
        toy.put(made)
    toy.until("2026-05-01T01:00:00Z")
    assert [run["spec"]["pipelineSpec"]["is"] for run in toy.runs] == ["a"]


def test_a_version_that_is_a_workflow_is_run_as_one() -> None:
    given = [{"name": "n", "value": "7"}, {"name": "m", "value": '"text"'}]
    toy = versioned(pipelineId="p-1", workflow={"parameters": given})
    spec = {**ARGO, "arguments": {"parameters": [{"name": "n"}, {"name": "m"}]}}
    manifest = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "spec": spec}
    toy.put(version("new", "p", manifest, "2026-02-01T00:00:00Z"))
    (run,) = toy.until("2026-05-01T01:00:00Z").runs
    argued = run["spec"]["arguments"]["parameters"]
    assert [each["value"] for each in argued] == ["7", "text"]


def test_the_version_that_is_named_is_run() -> None:
    toy = versioned(pipelineId="p-1", pipelineVersionId="old")
    toy.put(version("new", "p", {"is": "new"}, "2026-02-01T00:00:00Z"))
    toy.until("2026-05-01T01:00:00Z")
    assert [run["spec"]["pipelineSpec"]["is"] for run in toy.runs] == ["old"]


def test_a_version_that_is_gone_is_waited_for() -> None:
    toy = versioned(pipelineId="p-1", pipelineVersionId="lost").until("2026-05-01T01:00:00Z")
    assert toy.condition == ("Error", "there is no pipeline version lost")
    toy.put(version("lost", "p", {"is": "found"}, "2026-02-01T00:00:00Z"))
    toy.settle()
    assert toy.condition[0] == "Enabled"
    assert toy.ticks == ["05-01 01:00:00"]


def test_a_workflow_is_run_as_one() -> None:
    spec = {**ARGO, "arguments": {"parameters": [{"name": "n", "value": "0"}, {"name": "m"}]}}
    given = [{"name": "n", "value": "[[Index]]-{{workflow.uid}}"}]
    toy = Almanac(**every(60), workflow={"spec": spec, "parameters": given}, pipelineSpec=None)
    toy.until("2026-05-01T00:01:00Z")
    (run,) = toy.runs
    run_id = run["metadata"]["labels"]["pipeline/runid"]
    assert run["kind"] == "Workflow"
    assert run["spec"]["arguments"]["parameters"][0]["value"].startswith("1-")
    assert run["spec"]["podMetadata"] == {"labels": {"pipeline/runid": run_id}}
    (ended,) = toy.status["workflowHistory"]["completed"]
    assert (ended["phase"], ended["index"]) == ("Succeeded", 1)


def test_the_history_has_no_more_than_was_asked_for() -> None:
    toy = Almanac(**every(60), maxHistory=2).until("2026-05-01T00:05:30Z")
    history = toy.status["workflowHistory"]
    assert [each["index"] for each in history["completed"]] == [5, 4]
    assert history["active"] == []
    assert history["completed"][0]["scheduledAt"] == "2026-05-01T00:05:00Z"


def test_a_run_that_was_made_without_being_counted_is_made_once() -> None:
    """The control plane died between the run and the status."""
    toy = Almanac(**every(60)).until("2026-05-01T00:01:00Z", ends="")
    before = dict(toy.objects)
    trigger = {"lastTriggeredTime": None, "lastWorkflowIndex": None}
    toy.patch(SCHEDULE, {"status": {"trigger": trigger}})
    toy.asleep_until("2026-05-01T00:07:00Z")
    assert toy.status["trigger"]["lastTriggeredTime"] == "2026-05-01T00:01:00Z"
    assert toy.status["trigger"]["lastWorkflowIndex"] == 1
    assert len(toy.runs) == 1
    assert before.keys() == toy.objects.keys()


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"trigger": 3}, "spec: Expected `object | null`, got `int` - at `$.trigger`"),
        (cron("* * *"), "spec.trigger.cronSchedule.cron: Expected 5 to 6 fields, found 3: * * *"),
        (cron("*," * 2000), "spec.trigger.cronSchedule.cron: more than 1000 characters"),
        (cron("@hourly", startTime="noon"), "spec.trigger.cronSchedule.startTime: Invalid"),
        (every(1, endTime="0001-01-01T00:00:00+10:00"), "endTime: "),
        ({"workflow": {"spec": "{"}}, "spec.workflow.spec: "),
        ({"workflow": {"spec": 3}}, "spec.workflow.spec: not the spec of a Workflow"),
        ({"workflow": {"parameters": [{"name": "a", "value": "["}]}}, "a is no JSON"),
        ({"pluginsInput": {"mlflow": {}}}, "spec.pluginsInput: no plugins are registered"),
        ({"pipelineSpec": None}, "neither a pipeline nor a workflow to run is given"),
    ],
)
def test_what_cannot_be_scheduled_is_said(spec: dict[str, Any], said: str) -> None:
    toy = Almanac(**spec)
    kind, message = toy.condition
    assert kind == "Error"
    assert said in message
    assert not toy.runs


@pytest.mark.parametrize("hostile", [{"templates": 3}, {"arguments": [1]}, {"podMetadata": "x"}])
def test_a_workflow_of_any_shape_is_left_to_its_admission(hostile: dict[str, Any]) -> None:
    assert len(Almanac(workflow={"spec": {**ARGO, **hostile}}).runs) == 1


def test_a_schedule_that_is_deleted_is_left_alone() -> None:
    toy = Almanac(enabled=False)
    toy.patch(SCHEDULE, {"metadata": {"deletionTimestamp": DAY}})
    assert see(toy, SCHEDULE) is None
    assert see(toy, Key(SCHEDULE.kind, "u", "none")) is None


def test_a_look_at_what_is_so_already_asks_for_nothing() -> None:
    toy = Almanac(**cron("0 0 * * * *"))
    series = see(toy, SCHEDULE)
    assert series is not None
    assert decide(series).actions == ()
    assert decide(series).again_in == 3600
