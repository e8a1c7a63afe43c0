"""Experiments from their beginning to their ends, with jobs that are played."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.katib.making import (
    EXPERIMENT,
    NAME,
    SUGGESTION,
    World,
    budget,
    condition,
    delete,
    events,
    experiment,
    jobs,
    parameter,
    said,
    started,
    status,
    suggested,
    template,
    trial_key,
    trials,
)
from kinds.toy import Toy
from sampan.kinds.katib.experiment import controller
from sampan.kinds.katib.experiment.snapshot import Search
from sampan.kube import meta, names
from sampan.kube.keys import Key
from sampan.kube.plan import Create, Patch


def running(toy: Toy) -> list[str]:
    return status(toy).get("runningTrialList") or []


# -- the beginning --------------------------------------------------------------------------------
def test_the_first_look_asks_for_suggestions_and_says_created() -> None:
    world = World()
    world.create(experiment())
    world.once(EXPERIMENT)
    assert said(world) == ["Created"]
    assert status(world)["currentOptimalTrial"] == {"observation": {}}
    assert meta.finalizers(world.objects[EXPERIMENT]) == ["update-prometheus-metrics"]
    suggestion = world.objects[SUGGESTION]
    assert suggestion["spec"] == {
        "algorithm": {"algorithmName": "random"}, "requests": 2, "resumePolicy": "Never",
    }  # fmt: skip
    assert meta.is_controlled_by(suggestion, world.objects[EXPERIMENT])


def test_labels_and_annotations_are_handed_on_but_not_what_kubectl_applied() -> None:
    manifest = experiment()
    manifest["metadata"] |= {
        "labels": {"team": "a"},
        "annotations": {"note": "b", names.ANNOTATION_LAST_APPLIED: "{}"},
    }
    world = started(manifest)
    about = world.objects[SUGGESTION]["metadata"]
    assert (about["labels"], about["annotations"]) == ({"team": "a"}, {"note": "b"})
    assert trials(world)[0]["metadata"]["labels"] == {
        "team": "a", "katib.kubeflow.org/experiment": "square",
    }  # fmt: skip


def test_as_many_trials_run_as_are_to_run_at_once() -> None:
    world = started()
    assert said(world) == ["Created", "Running"]
    assert running(world) == ["square-000", "square-001"] == jobs(world)
    assert status(world)["trialsRunning"] == 2


def test_a_trial_is_what_its_suggestion_and_the_template_make() -> None:
    made = trials(started(experiment(trialTemplate=template(retain=True))))[0]
    assert made["spec"]["runSpec"]["metadata"] == {"name": "square-000", "namespace": "u"}
    container = made["spec"]["runSpec"]["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == ["--x=0.5"]
    assert made["spec"]["retainRun"] is True
    assert made["spec"]["primaryContainerName"] == "main"
    assert made["spec"]["parameterAssignments"] == [{"name": "x", "value": "0.5"}]
    assert made["spec"]["metricsCollector"] == {"collector": {"kind": "StdOut"}}
    assert made["spec"]["objective"]["metricStrategies"] == [{"name": "loss", "value": "min"}]
    assert "type==" in made["spec"]["successCondition"]
    assert "earlyStoppingRules" not in made["spec"]


# -- the ends -------------------------------------------------------------------------------------
def test_it_ends_when_there_were_enough_trials() -> None:
    world = started().go()
    assert said(world) == ["Created", "-Running", "Succeeded"]
    assert condition(world)["reason"] == "ExperimentMaxTrialsReached"
    assert condition(world)["message"] == (
        "Experiment has succeeded because max trial count has reached"
    )
    assert (status(world)["trials"], status(world)["trialsSucceeded"]) == (4, 4)
    assert "runningTrialList" not in status(world)
    assert status(world)["completionTime"]
    assert jobs(world) == []


def test_it_ends_when_the_goal_is_reached_and_what_runs_goes_on() -> None:
    goal = {"type": "minimize", "objectiveMetricName": "loss", "goal": 0.2}
    world = started(experiment(objective=goal))
    world.values = lambda name: "0.1"
    world.end("square-000")
    world.settle()
    assert condition(world)["reason"] == "ExperimentGoalReached"
    assert jobs(world) == ["square-001"]
    assert len(trials(world)) == 2
    world.go()
    assert status(world)["trialsSucceeded"] == 2
    assert condition(world)["reason"] == "ExperimentGoalReached"


def test_success_without_any_value_says_so() -> None:
    world = started(values=lambda name: "nan").go()
    assert condition(world)["reason"] == "ExperimentMaxTrialsReached"
    assert condition(world)["message"].endswith(
        "max trial count has reached. No trial has a value of loss: see trial square-003"
    )
    assert status(world)["currentOptimalTrial"] == {"observation": {}}


@pytest.mark.parametrize(("most", "failures"), [(0, 1), (1, 1), (2, 2)])
def test_it_fails_when_too_many_trials_fail(most: int, failures: int) -> None:
    world = started(experiment(maxFailedTrialCount=most, parallelTrialCount=1, maxTrialCount=9))
    world.go(lambda _: "Failed")
    assert condition(world)["reason"] == "ExperimentFailed"
    assert condition(world)["message"] == (
        "Experiment has failed because max failed count has reached"
        f": see trial square-{failures - 1:03}"
    )
    assert status(world)["trialsFailed"] == failures


def test_trials_without_metrics_count_as_failed_and_as_completed() -> None:
    world = started(experiment(maxFailedTrialCount=4, maxTrialCount=9), why="no line of loss")
    world.values = lambda name: ""
    world.go()
    assert condition(world)["reason"] == "ExperimentFailed"
    assert status(world)["trialMetricsUnavailable"] >= 4
    assert status(world)["currentOptimalTrial"] == {"observation": {}}


def test_there_are_never_more_trials_than_are_wanted_whatever_becomes_of_them() -> None:
    """Upstream makes more when trials have no metrics."""
    world = started(experiment(maxTrialCount=3, parallelTrialCount=3), why="no line")
    world.values = lambda name: ""
    world.end("square-000")
    world.settle()
    assert len(trials(world)) == 3


def test_it_ends_when_nothing_is_left_to_try() -> None:
    world = started(experiment(maxTrialCount=None), space=3).go()
    assert condition(world)["reason"] == "ExperimentSuggestionEndReached"
    assert condition(world)["message"] == (
        "Experiment has succeeded because suggestion service has reached the end"
    )
    assert status(world)["trialsSucceeded"] == 3


def test_it_fails_when_the_algorithm_does_not_take_it() -> None:
    world = started(refused="unknown setting speed")
    assert said(world, SUGGESTION)[-1] == "Failed"
    assert condition(world)["reason"] == "ExperimentFailed"
    assert "Suggestion has failed" in condition(world)["message"]
    assert "unknown setting speed" in condition(world)["message"]
    assert trials(world) == []


def test_it_fails_when_no_trial_can_be_made_of_a_suggestion() -> None:
    wrong = {"trialParameters": [{"name": "x", "reference": "y"}]}
    world = started(experiment(trialTemplate=template(**wrong)))
    assert condition(world)["reason"] == "ExperimentFailed"
    assert "unable to find non-meta parameter" in condition(world)["message"]


def test_a_spec_that_cannot_be_read_fails() -> None:
    world = World()
    world.put({**experiment(parallelTrialCount="two"), "metadata": {
        "name": "square", "namespace": "u", "uid": "1"}})  # fmt: skip
    world.settle()
    assert condition(world)["type"] == "Failed"
    assert "parallelTrialCount" in condition(world)["message"]


def test_a_template_that_is_gone_is_waited_for() -> None:
    source = {"configMapName": "c", "configMapNamespace": "u", "templatePath": "t"}
    world = started(experiment(trialTemplate=template(trialSpec=None, configMap=source,
                    successCondition="a", failureCondition="b")))  # fmt: skip
    assert trials(world) == []
    assert "ReconcileError" in events(world)
    text = "apiVersion: batch/v1\nkind: Job\nspec: {x: '${trialParameters.x}'}\n"
    world.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"},
                  "data": {"t": text}})  # fmt: skip
    world.settle()
    world.step(lambda _: None)
    assert len(trials(world)) == 2


# -- the best trial -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("values", "best"),
    [
        pytest.param(["3", "1", "2", "1.0"], "square-001", id="least-and-first"),
        pytest.param(["nan", "2", "3", "4"], "square-001", id="nan-is-none"),
        pytest.param(["-inf", "2", "3", "4"], "square-001", id="infinity-is-none"),
        pytest.param(["a(1)", "a(2)", "a(3)", "a(4)"], "square-003", id="texts-latest"),
    ],
)
def test_the_best_trial(values: list[str], best: str) -> None:
    world = started(values=lambda name: values[int(name[-3:])]).go()
    optimal = status(world)["currentOptimalTrial"]
    assert optimal["bestTrialName"] == best
    assert optimal["observation"]["metrics"][0]["name"] == "loss"
    assert optimal["parameterAssignments"] == [{"name": "x", "value": "0.5"}]


def test_more_is_better_where_it_is_to_be_maximized() -> None:
    objective = {"type": "maximize", "objectiveMetricName": "loss"}
    world = started(experiment(objective=objective), values=lambda name: name[-3:]).go()
    assert status(world)["currentOptimalTrial"]["bestTrialName"] == "square-003"


# -- budgets --------------------------------------------------------------------------------------
def test_fewer_at_once_take_the_newest_trials_and_their_suggestions_back() -> None:
    world = started(experiment(parallelTrialCount=3, maxTrialCount=9))
    budget(world, parallelTrialCount=1)
    assert running(world) == ["square-000"] == jobs(world)
    assert [each["name"] for each in suggested(world)] == ["square-000"]
    assert world.objects[SUGGESTION]["spec"]["requests"] == 1
    world.go()
    assert status(world)["trialsSucceeded"] == 9


def test_more_at_once_begin_at_once() -> None:
    world = started(experiment(parallelTrialCount=1, maxTrialCount=9))
    budget(world, parallelTrialCount=3)
    assert len(running(world)) == 3


@pytest.mark.parametrize("policy", ["LongRunning", "FromVolume"])
def test_a_raised_budget_restarts_it(policy: str) -> None:
    world = started(experiment(resumePolicy=policy)).go()
    budget(world, maxTrialCount=6)
    world.step(lambda _: None)
    assert said(world) == ["Created", "Restarting", "Running"]
    world.go()
    assert said(world) == ["Created", "Restarting", "-Running", "Succeeded"]
    assert status(world)["trialsSucceeded"] == 6


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="never"),
        pytest.param(
            {
                "resumePolicy": "LongRunning",
                "objective": {"type": "minimize", "objectiveMetricName": "loss", "goal": 1},
            },
            id="goal-reached",
        ),
    ],
)
def test_others_stay_ended(fields: dict[str, Any]) -> None:
    world = started(experiment(**fields)).go()
    for most in (9, None):
        budget(world, maxTrialCount=most)
        assert said(world)[-1] == "Succeeded"


# -- from outside ---------------------------------------------------------------------------------
def test_a_trial_that_is_deleted_by_hand_is_made_again() -> None:
    world = started()
    delete(world, trial_key("square-000"))
    assert [meta.name_of(each) for each in trials(world)] == ["square-000", "square-001"]
    assert [each["name"] for each in suggested(world)] == ["square-000", "square-001"]


def test_results_outlive_the_trials() -> None:
    """Those of the last ones that there were, as with upstream."""
    world = started().go()
    for each in trials(world):
        delete(world, trial_key(meta.name_of(each)))
    assert trials(world) == []
    assert status(world)["currentOptimalTrial"]["bestTrialName"] == "square-003"
    assert status(world)["trials"] == 1
    assert said(world) == ["Created", "-Running", "Succeeded"]


def test_a_deleted_experiment_goes_and_takes_all_along() -> None:
    world = started()
    delete(world, EXPERIMENT)
    assert not [key for key in world.objects if key.kind != names.DEPLOYMENT]


def test_it_begins_anew_with_the_suggestion_of_its_own() -> None:
    world = World()
    old = {"apiVersion": "kubeflow.org/v1beta1", "kind": "Suggestion",
           "metadata": {"name": "square", "namespace": "u", "uid": "old"},
           "spec": {}, "status": {"suggestions": [{"name": "square-999"}]}}  # fmt: skip
    world.put(old)
    world.create(experiment())
    world.settle()
    assert trials(world) == []
    del world.objects[SUGGESTION]
    world.settle()
    world.step(lambda _: None)
    assert [meta.name_of(each) for each in trials(world)] == ["square-000", "square-001"]


def test_early_stopped_trials_wait_for_their_metrics_before_more_are_suggested() -> None:
    world = started(experiment(parallelTrialCount=1))
    stopped = world.objects[trial_key("square-000")]
    world.answer = lambda source, question: None
    condition = {"type": "EarlyStopped", "status": "True", "reason": "TrialEarlyStopped"}
    listed = [*stopped["status"]["conditions"], condition]
    world.put({**stopped, "status": {**stopped["status"], "conditions": listed}})
    world.settle()
    assert status(world)["earlyStoppedTrialList"] == ["square-000"]
    assert world.objects[SUGGESTION]["spec"]["requests"] == 1


def test_one_plan_creates_trials_side_by_side() -> None:
    world = started(experiment(parallelTrialCount=4, maxTrialCount=8))
    for each in trials(world):
        del world.objects[Key(names.TRIAL, "u", meta.name_of(each))]
    plan = world.once(EXPERIMENT)
    assert plan is not None
    assert sum(isinstance(each, Create) for each in plan.actions) == 4


def test_what_happened_is_counted_once() -> None:
    world = started().go()
    delete(world, EXPERIMENT)
    counted = {(each.name, each.once) for each in world.measured}
    assert ("katib_experiment_created_total", "created") in counted
    assert ("katib_experiment_succeeded_total", "succeeded") in counted
    assert ("katib_experiment_deleted_total", "deleted") in counted
    assert ("katib_trial_succeeded_total", "succeeded") in counted


# -- what upstream's Katib lacks ------------------------------------------------------------------
def extended(*settings: tuple[str, str], **spec: Any) -> Any:
    listed = [{"name": name, "value": value} for name, value in settings]
    return experiment(algorithm={"algorithmName": "random", "algorithmSettings": listed}, **spec)


def test_a_trial_that_breaks_a_constraint_is_never_the_best() -> None:
    goal = {"type": "minimize", "objectiveMetricName": "loss", "goal": 0.2}
    world = started(extended(("constraints", "loss >= 0.3"), objective=goal))
    world.values = lambda name: "0.5" if name.endswith("2") else "0.1"
    world.go()
    assert condition(world)["reason"] == "ExperimentMaxTrialsReached"
    assert status(world)["currentOptimalTrial"]["bestTrialName"] == "square-002"
    assert status(world)["infeasibleTrialList"] == ["square-000", "square-001", "square-003"]
    assert status(world)["trialsInfeasible"] == 3
    assert status(world)["trialsSucceeded"] == 4


def test_there_may_be_no_best_trial() -> None:
    world = started(extended(("constraints", "loss >= 0.9"))).go()
    assert status(world)["currentOptimalTrial"] == {"observation": {}}
    assert condition(world)["type"] == "Succeeded"


def test_a_parameter_without_a_value_stands_in_the_template_as_it_is_to() -> None:
    conditional = extended(
        ("when.y", "way in a"),
        ("otherwise.y", "none"),
        parameters=[parameter(), parameter("y"), parameter("way", "categorical", list=["a", "b"])],
        trialTemplate=template(
            trialParameters=[{"name": each, "reference": each} for each in ("x", "y")],
            trialSpec=with_args("--x=${trialParameters.x}", "--y=${trialParameters.y}"),
        ),
    )
    made = trials(started(conditional))[0]
    container = made["spec"]["runSpec"]["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == ["--x=0.5", "--y=none"]
    assert made["spec"]["parameterAssignments"] == [{"name": "x", "value": "0.5"}]


def with_args(*args: str) -> Any:
    container = {"name": "main", "image": "busybox", "args": list(args)}
    pod = {"restartPolicy": "Never", "containers": [container]}
    return {"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": {"spec": pod}}}


def test_what_was_written_past_admission_fails_the_experiment() -> None:
    world = World()
    world.put({**extended(("constraints", "loss")), "status": {}})
    world.settle()
    assert 'constraints: "loss" is no constraint' in condition(world)["message"]


# -- of many trials -------------------------------------------------------------------------------
def test_that_one_of_many_has_begun_is_told_with_the_next_news_or_later() -> None:
    world = started(experiment(parallelTrialCount=101, maxTrialCount=200))
    assert len(running(world)) == 101
    budget(world, parallelTrialCount=102)
    assert len(jobs(world)) == 102
    assert len(running(world)) == 101
    world.advance(2.5)
    assert len(running(world)) == 102
    budget(world, parallelTrialCount=103)
    world.end(jobs(world)[0], "Failed")
    world.settle()
    assert status(world)["trialsFailed"] == 1
    assert len(running(world)) == 102


# -- trials that cannot be ------------------------------------------------------------------------
def test_a_trial_that_the_cluster_refuses_fails_the_experiment() -> None:
    world = World()
    world.create(experiment())
    world.settle()
    plan = controller.decide(controller.see(world, EXPERIMENT))
    assert plan.instead is not None
    made = Create({"kind": "Trial"})
    patch = plan.instead(made, "its name is no name")[-1]
    assert isinstance(patch, Patch)
    assert isinstance(patch.patch, dict)
    last = patch.patch["status"]["conditions"][-1]
    assert (last["type"], last["status"]) == ("Failed", "True")
    assert last["message"].endswith("no trial can be made: its name is no name")
    assert not plan.instead(patch, "why")


@pytest.mark.parametrize("owner", [None, "other"])
def test_a_trial_of_somebody_else_is_not_taken(owner: str | None) -> None:
    world = World()
    about: dict[str, Any] = {"name": f"{NAME}-000", "namespace": "u"}
    if owner:
        about["ownerReferences"] = [{"apiVersion": "kubeflow.org/v1beta1", "kind": "Experiment",
                                     "name": owner, "uid": "of-other"}]  # fmt: skip
    world.put({"apiVersion": "kubeflow.org/v1beta1", "kind": "Trial", "metadata": about,
               "status": {"conditions": [{"type": "Failed", "status": "True"}]}})  # fmt: skip
    world.create(experiment())
    world.settle()
    world.go()
    message = condition(world, EXPERIMENT, "Failed")["message"]
    assert message.endswith(f'trial "{NAME}-000" exists and is not of this Experiment')


def test_a_trial_of_an_experiment_of_this_name_before_is_waited_for() -> None:
    world = World()
    owner = {"apiVersion": "kubeflow.org/v1beta1", "kind": "Experiment", "name": NAME, "uid": "old"}
    about = {"name": f"{NAME}-000", "namespace": "u", "ownerReferences": [owner]}
    world.put({"apiVersion": "kubeflow.org/v1beta1", "kind": "Trial", "metadata": about,
               "status": {"conditions": [{"type": "Failed", "status": "True"}]}})  # fmt: skip
    world.create(experiment())
    world.settle()
    assert "Failed" not in said(world, EXPERIMENT)
    del world.objects[trial_key(f"{NAME}-000")]
    world.go()
    assert "Succeeded" in said(world, EXPERIMENT)


def test_a_suggestion_without_a_name_is_passed_over() -> None:
    """It was written before names were asked for."""
    world = started()
    live = world.objects[SUGGESTION]
    listed = [*live["status"]["suggestions"], {"parameterAssignments": []}]
    world.objects[SUGGESTION] = {**live, "status": {**live["status"], "suggestions": listed}}
    seen = controller.see(world, EXPERIMENT)
    assert isinstance(seen, Search)
    assert not seen.taken
    assert controller.decide(seen).instead is not None, "it goes on"
