"""Trials: what they make, how they end, and what is read of their metrics."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kinds.katib.making import (
    JOB,
    World,
    condition,
    delete,
    events,
    jobs,
    said,
    status,
    trial_key,
)
from sampan.kinds.katib import unanswered
from sampan.kinds.katib.trial.controller import PATIENCE, TRIAL
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.plan import Create, Patch, Unanswered
from sampan.kube.searching import Metric, ObservationAnswer, ObservationQuestion

NAME = "t"
KEY = trial_key(NAME)
WHERE = Key(names.JOB, "u", NAME)
PATHS = {
    "successCondition": 'status.conditions.#(type=="Complete")#|#(status=="True")#',
    "failureCondition": 'status.conditions.#(type=="Failed")#|#(status=="True")#',
}


def objective(*more: str) -> dict[str, Any]:
    listed = [{"name": name, "value": "min"} for name in ("loss", *more)]
    return {"type": "minimize", "objectiveMetricName": "loss", "metricStrategies": listed}


def trial(**spec: Any) -> Manifest:
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Trial",
        "metadata": {"name": NAME, "namespace": "u"},
        "spec": {
            "objective": objective(),
            "metricsCollector": {"collector": {"kind": "StdOut"}},
            "runSpec": {**JOB, "metadata": {"name": NAME, "namespace": "u"}},
            **PATHS,
            **spec,
        },
    }


def started(manifest: Manifest | None = None, **world: Any) -> World:
    made = World()
    for field, value in world.items():
        setattr(made, field, value)
    made.create(manifest or trial())
    made.settle()
    return made


def ended(how: str = "Complete", manifest: Manifest | None = None, **world: Any) -> World:
    made = started(manifest, **world)
    made.end(NAME, how, reason="Why", message="so it is")
    made.settle()
    return made


END = {"type": "Failed", "status": "True", "reason": "ExperimentFailed", "message": ""}


def in_experiment(manifest: Manifest) -> World:
    """The Trial in a namespace that takes part, with what it belongs to."""
    world = World()
    label = {names.LABEL_COLLECTS_METRICS: "enabled"}
    about = {"apiVersion": "kubeflow.org/v1beta1", "metadata": {"name": "e", "namespace": "u"}}
    for each in (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "u", "labels": label}},
        {**about, "kind": "Suggestion"},
        {**about, "kind": "Experiment", "spec": {}, "status": {"conditions": [END]}},
    ):
        world.objects[key_of(each)] = each
    manifest["metadata"]["labels"] = {names.LABEL_KATIB_EXPERIMENT: "e"}
    world.create(manifest)
    world.settle()
    return world


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"primaryContainerName": "main"}, ""),
        (
            {"primaryContainerName": "train"},
            "Unable to find primary container train in mutated pod containers [main]",
        ),
        (
            {
                "primaryContainerName": "main",
                "metricsCollector": {
                    "collector": {"kind": "File"},
                    "source": {"fileSystemPath": {"path": "/out", "format": "TEXT"}},
                },
                "primaryPodLabels": {"batch.kubernetes.io/job-completion-index": "0"},
            },
            "a volume for metrics in / would hide the files of the program",
        ),
    ],
)
def test_a_trial_whose_pods_cannot_be_made_fails_at_once(spec: dict[str, Any], why: str) -> None:
    world = in_experiment(trial(**spec))
    assert jobs(world) == ([] if why else [NAME])
    message = f"Trial has failed. Job message: {why}" if why else "Trial is running"
    assert condition(world, KEY)["message"] == message


# -- the beginning --------------------------------------------------------------------------------
def test_the_job_is_made_in_the_first_look() -> None:
    world = World()
    world.create(trial())
    world.once(KEY)
    job = world.objects[WHERE]
    assert job["spec"] == JOB["spec"]
    assert meta.is_controlled_by(job, world.objects[KEY])
    assert said(world, KEY) == ["Created", "Running"]
    assert events(world) == ["JobCreated", "JobRunning"]
    assert meta.finalizers(world.objects[KEY]) == ["clean-metrics-in-db"]


def test_nothing_happens_while_the_job_runs() -> None:
    world = started()
    before = dict(world.objects)
    world.settle()
    assert world.objects == before


def test_a_job_that_is_deleted_by_hand_is_made_again() -> None:
    world = started()
    delete(world, WHERE)
    assert jobs(world) == [NAME]


def test_a_kind_that_trials_may_not_make_is_not_made() -> None:
    run = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": NAME}}
    world = started(trial(runSpec=run))
    assert said(world, KEY) == ["Created", "Failed"]
    assert 'no trial may make kind "Secret" in group ""' in condition(world, KEY)["message"]
    assert Key(names.SECRET, "u", NAME) not in world.objects


def test_a_kind_that_the_cluster_has_not_fails() -> None:
    run = {"apiVersion": "sea.io/v1", "kind": "Boat"}
    world = started(trial(runSpec=run), lacks={"Boat.sea.io"})
    assert said(world, KEY) == ["Created", "Failed"]
    assert condition(world, KEY)["message"] == (
        'Trial has failed. Job message: no matches for kind "Boat" in version "sea.io/v1"'
    )


@pytest.mark.parametrize("run", [None, {}, {"apiVersion": "v1"}, {"kind": 3}])
def test_a_trial_of_nothing_fails(run: Any) -> None:
    world = started(trial(runSpec=run))
    assert "must have apiVersion and kind" in condition(world, KEY)["message"]


def test_what_the_cluster_refuses_fails() -> None:
    world = World()
    world.create(trial())
    plan = TRIAL.decide(TRIAL.see(world, KEY))
    made = next(each for each in plan.actions if isinstance(each, Create))
    assert plan.instead is not None
    *told, patch = plan.instead(made, "no such account")
    assert isinstance(patch, Patch)
    assert isinstance(patch.patch, dict)
    last = patch.patch["status"]["conditions"][-1]
    assert (last["type"], last["message"]) == (
        "Failed",
        "Trial has failed. Job message: no such account",
    )
    assert next(getattr(each, "reason", "") for each in told) == "JobFailed"


def test_a_job_of_somebody_else_is_not_judged() -> None:
    world = World()
    strange = {**JOB, "metadata": {"name": NAME, "namespace": "u", "uid": "s"}}
    world.put(strange)
    world.create(trial())
    world.settle()
    assert "is not of this Trial" in condition(world, KEY)["message"]


def test_the_job_of_a_trial_of_this_name_before_is_waited_for() -> None:
    world = World()
    owner = {"apiVersion": "kubeflow.org/v1beta1", "kind": "Trial", "name": NAME, "uid": "old"}
    about = {"name": NAME, "namespace": "u", "uid": "s", "ownerReferences": [owner]}
    world.put({**JOB, "metadata": about})
    world.create(trial())
    world.settle()
    assert said(world, KEY) == ["Created"]
    delete(world, WHERE)
    assert said(world, KEY) == ["Created", "Running"]


# -- the ends -------------------------------------------------------------------------------------
def test_success_needs_the_job_and_an_observation() -> None:
    world = ended(manifest=trial(objective=objective("more")))
    assert said(world, KEY) == ["Created", "-Running", "Succeeded"]
    assert condition(world, KEY)["reason"] == "TrialSucceeded. Job reason: Why"
    assert condition(world, KEY)["message"] == "Trial has succeeded. Job message: so it is"
    missing = {"min": "unavailable", "max": "unavailable", "latest": "unavailable"}
    assert status(world, KEY)["observation"] == {"metrics": [
        {"name": "loss", "min": "0.5", "max": "0.5", "latest": "0.5"},
        {"name": "more", **missing},
    ]}  # fmt: skip
    assert events(world)[2:] == ["JobSucceeded", "JobDeleted"]
    assert jobs(world) == []
    assert status(world, KEY)["completionTime"]


def test_a_job_is_kept_where_it_is_to_be_retained() -> None:
    assert jobs(ended(manifest=trial(retainRun=True))) == [NAME]


def test_failure_needs_no_observation_and_comes_first() -> None:
    world = started()
    world.end(NAME, "Complete")
    world.end(NAME, "Failed", reason="BackoffLimitExceeded", message="too often")
    world.settle()
    assert said(world, KEY) == ["Created", "-Running", "Failed"]
    assert condition(world, KEY)["reason"] == "TrialFailed. Job reason: BackoffLimitExceeded"
    assert "observation" not in status(world, KEY)
    assert jobs(world) == []


def failing(name: str, *containers: dict[str, Any], **status: Any) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "u", "labels": {names.LABEL_TRIAL: NAME}},
        "status": {"containerStatuses": list(containers), **status},
    }


def over(name: str, code: int, at: str = "state", **how: str) -> dict[str, Any]:
    return {"name": name, at: {"terminated": {"exitCode": code, **how}}}


@pytest.mark.parametrize(
    ("pods", "said"),
    [
        pytest.param([], "", id="no-pods"),
        pytest.param(
            [failing("p", over("main", 3, reason="Error"), over("c", 255, message="no mark\n"))],
            ". Pod p: main ended with code 3; c ended with code 255: no mark",
            id="words",
        ),
        pytest.param(
            [failing("p1", over("main", 1)), failing("p2", over("main", 2))],
            ". Pod p2: main ended with code 2",
            id="newest",
        ),
        pytest.param(
            [failing("p1", over("main", 1)), failing("p2", over("main", 0))],
            ". Pod p1: main ended with code 1",
            id="one-that-has-something-to-say",
        ),
        pytest.param(
            [failing("p", over("main", 137, reason="OOMKilled"))],
            ". Pod p: main ended with code 137 (OOMKilled)",
            id="memory",
        ),
        pytest.param(
            [failing("p", {**over("main", 1, "lastState"), "state": {"waiting": {}}})],
            ". Pod p: main ended with code 1",
            id="restarts",
        ),
        pytest.param(
            [failing("p", over("c", 9), phase="Failed", reason="Evicted", message="too large")],
            ". Pod p: Evicted: too large; c ended with code 9",
            id="evicted",
        ),
    ],
)
def test_a_failure_says_what_the_pods_say(pods: list[Manifest], said: str) -> None:
    world = started()
    for each in pods:
        world.put(each)
    world.end(NAME, "Failed", reason="BackoffLimitExceeded", message="too often")
    world.settle()
    expected = f"Trial has failed. Job message: too often{said}"
    assert condition(world, KEY)["message"] == expected


def test_what_is_tried_again_says_what_went_wrong() -> None:
    world = started()
    world.put(failing("p", over("main", 3)))
    world.settle()
    assert condition(world, KEY)["message"] == "Trial is running"
    world.put({**world.objects[WHERE], "status": {"failed": 1, "active": 1}})
    world.settle()
    assert said(world, KEY) == ["Created", "Running"]
    assert condition(world, KEY)["message"] == "Trial is running. Pod p: main ended with code 3"
    assert events(world).count("JobRunning") == 1
    world.end(NAME, "Complete")
    world.settle()
    assert said(world, KEY) == ["Created", "-Running", "Succeeded"]


def test_a_container_that_is_started_again_says_what_went_wrong() -> None:
    spec = {**JOB["spec"]["template"]["spec"], "restartPolicy": "OnFailure"}
    run = {**JOB, "metadata": {"name": NAME}, "spec": {"template": {"spec": spec}}}
    world = started(trial(runSpec=run))
    world.put(failing("p", {**over("main", 1, "lastState"), "state": {"running": {}}}))
    world.settle()
    assert condition(world, KEY)["message"] == "Trial is running. Pod p: main ended with code 1"


@pytest.mark.parametrize("value", ["unavailable", "", "nan", "inf", "-inf"])
def test_an_objective_that_can_not_be_compared_is_unavailable(value: str) -> None:
    metric = Metric(name="loss", min=value, max=value, latest=value)
    world = ended(answer=lambda source, question: ObservationAnswer(metrics=(metric,)))
    assert said(world, KEY) == ["Created", "-Running", "MetricsUnavailable"]
    assert condition(world, KEY)["message"].startswith(
        "Metrics are not available. Job message: so it is. loss"
    )
    assert condition(world, KEY)["reason"] == "MetricsUnavailable. Job reason: Why"
    assert status(world, KEY)["observation"]["metrics"][0]["latest"] == value


def test_what_was_looked_for_in_vain_is_told() -> None:
    world = ended(values=lambda name: "", why="no line matches ([a-z]+)=(.*)")
    assert said(world, KEY)[-1] == "MetricsUnavailable"
    assert "no line matches" in condition(world, KEY)["message"]
    assert "observation" not in status(world, KEY)


def test_a_text_is_a_value_too() -> None:
    assert said(ended(values=lambda name: "Genotype(a)"), KEY)[-1] == "Succeeded"


def test_reports_are_waited_for_but_not_for_ever() -> None:
    world = ended(values=lambda name: "")
    assert said(world, KEY) == ["Created", "Running"]
    assert world.waits == [PATIENCE]
    world.advance()
    assert said(world, KEY)[-1] == "MetricsUnavailable"
    assert condition(world, KEY)["message"].endswith("loss was not reported: no pod was read")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"primaryPodLabels": {"a": "b", "c": "d"}}, "no pod with labels a=b, c=d was read"),
        (
            {
                "metricsCollector": {
                    "collector": {"kind": "Custom", "customCollector": {"name": "c"}}
                }
            },
            "container c has reported nothing",
        ),
        ({"metricsCollector": {"collector": {"kind": "Push"}}}, "the program has reported nothing"),
    ],
)
def test_who_should_have_reported_is_said(spec: dict[str, Any], said: str) -> None:
    world = ended(manifest=trial(**spec), values=lambda name: "")
    world.advance()
    assert condition(world, KEY)["message"].endswith(f"loss was not reported: {said}")


def test_a_late_report_is_in_time() -> None:
    seen: list[int] = []

    def answer(source: str, question: Any) -> ObservationAnswer:
        assert isinstance(question, ObservationQuestion)
        seen.append(question.reports)
        metric = Metric(name="loss", min="1", max="1", latest="1")
        return ObservationAnswer(metrics=(metric,) if question.reports else ())

    world = ended(answer=answer)
    world.patch(KEY, {"metadata": {"annotations": {names.ANNOTATION_REPORTS: "2"}}})
    world.settle()
    assert said(world, KEY)[-1] == "Succeeded"
    assert set(seen) == {0, 2}


def test_who_reports_by_itself_has_done_so_before_it_ends() -> None:
    push = {"collector": {"kind": "Push"}}
    world = ended(manifest=trial(metricsCollector=push), values=lambda name: "")
    assert said(world, KEY)[-1] == "MetricsUnavailable"


@pytest.mark.parametrize("field", ["successCondition", "failureCondition"])
def test_a_condition_that_is_none_fails(field: str) -> None:
    world = started(trial(**{field: "status.@reverse"}))
    assert "is not supported in a path" in condition(world, KEY)["message"]


def test_conditions_of_other_kinds() -> None:
    run = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": NAME}}
    paths = {
        "successCondition": 'status.[@this].#(phase=="Succeeded")#',
        "failureCondition": 'status.[@this].#(phase=="Failed")#',
    }
    world = started(trial(runSpec=run, **paths))
    where = Key(names.WORKFLOW, "u", NAME)
    done = {"phase": "Succeeded", "message": "well", "finishedAt": "2026-01-01T00:00:00Z"}
    world.put({**world.objects[where], "status": done})
    world.settle()
    assert condition(world, KEY)["message"] == "Trial has succeeded. Job message: well"


# -- stopped early --------------------------------------------------------------------------------
def stop(world: World) -> None:
    """As upstream's service does it."""
    live = world.objects[KEY]
    new = {"type": "EarlyStopped", "status": "True", "reason": "TrialEarlyStopped"}
    listed = [*live["status"]["conditions"], new]
    world.put({**live, "status": {**live["status"], "conditions": listed}})
    world.settle()


def test_a_trial_that_was_stopped_has_its_metrics_read_and_its_job_deleted() -> None:
    world = started()
    stop(world)
    assert said(world, KEY)[-1] == "EarlyStopped"
    assert status(world, KEY)["observation"]["metrics"][0]["latest"] == "0.5"
    assert status(world, KEY)["completionTime"]
    assert jobs(world) == []


def test_the_job_stays_until_the_metrics_are_read() -> None:
    world = started(answer=lambda source, question: None)
    stop(world)
    assert jobs(world) == [NAME]
    world.answer = world._answer
    world.settle()
    assert jobs(world) == []


def test_a_stopped_job_that_failed_changes_nothing() -> None:
    world = started(answer=lambda source, question: None)
    stop(world)
    world.end(NAME, "Failed")
    world.answer = world._answer
    world.settle()
    assert said(world, KEY)[-1] == "EarlyStopped"


# -- who cannot answer ----------------------------------------------------------------------------
def test_who_cannot_answer_is_asked_again() -> None:
    world = ended(silent=Unanswered("the database is away"))
    assert said(world, KEY) == ["Created", "Running", "-Answered"]
    assert condition(world, KEY)["message"] == "the database is away"
    assert "ReconcileError" in events(world)
    world.silent = None
    world.settle()
    assert said(world, KEY)[-1] == "-Answered", "not before its time"
    world.advance()
    assert said(world, KEY) == ["Created", "-Running", "Succeeded"]


def test_pauses_grow_with_the_trouble() -> None:
    world = ended(silent=Unanswered("away"))
    pauses = []
    for _ in range(9):
        left = unanswered.left(status(world, KEY), world.time)
        pauses.append(left)
        world.time += timedelta(seconds=left)
        world.settle()
    assert pauses == sorted(pauses)
    assert pauses[0] == unanswered.SHORTEST
    assert pauses[-1] == unanswered.LONGEST


def test_a_clock_that_is_set_back_keeps_nobody_waiting() -> None:
    world = ended(silent=Unanswered("away"))
    assert unanswered.left(status(world, KEY), world.time - timedelta(hours=1)) == 0.0
    world = ended(values=lambda _: "")
    world.time -= timedelta(hours=1)
    assert TRIAL.decide(TRIAL.see(world, KEY)).again_in == PATIENCE


# -- the end of it --------------------------------------------------------------------------------
def test_a_deleted_trial_goes_with_its_job_and_is_counted() -> None:
    world = started()
    delete(world, KEY)
    assert not world.objects
    assert "katib_trial_deleted_total" in {each.name for each in world.measured}


def test_a_fault_of_ours_ends_the_trial() -> None:
    world = started()
    assert TRIAL.recover is not None
    plan = TRIAL.recover(world, KEY, "ZeroDivisionError: 1/0")
    assert plan is not None
    assert plan.status is not None
    assert plan.status["conditions"][-1]["type"] == "Failed"
    world.go()
    assert TRIAL.recover(world, KEY, "again") is None
