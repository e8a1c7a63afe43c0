"""Experiments and trials there and back: what an algorithm is given stays the same."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from sampan.kinds.katib.extensions import question
from sampan.kinds.katib.extensions.question import Question
from sampan.kube.keys import Manifest
from sampan.kube.searching import Rule
from sampan.lib.search.problem import Problem
from sampan.services.katib import problems, wire
from sampan.services.katib.api import API

SPEC: dict[str, Any] = {
    "parameters": [
        {"name": "lr", "parameterType": "double",
         "feasibleSpace": {"min": "0.01", "max": "0.1", "step": "0.01",
                           "distribution": "logUniform"}},
        {"name": "n", "parameterType": "int", "feasibleSpace": {"min": "1", "max": "3"}},
        {"name": "opt", "parameterType": "categorical", "feasibleSpace": {"list": ["a", "b"]}},
        {"name": "d", "parameterType": "discrete", "feasibleSpace": {"list": ["1", "2"]}},
    ],
    "objective": {
        "type": "maximize", "goal": 0.9, "objectiveMetricName": "acc",
        "additionalMetricNames": ["loss"],
        "metricStrategies": [{"name": "acc", "value": "max"}, {"name": "loss", "value": "latest"}],
    },
    "algorithm": {
        "algorithmName": "tpe", "algorithmSettings": [{"name": "random_state", "value": "1"}],
    },
    "parallelTrialCount": 2,
    "maxTrialCount": 5,
}  # fmt: skip
NAS: dict[str, Any] = {
    "nasConfig": {
        "graphConfig": {"numLayers": 3, "inputSizes": [32, 32, 3], "outputSizes": [10]},
        "operations": [
            {"operationType": "convolution", "parameters": [
                {"name": "size", "parameterType": "categorical",
                 "feasibleSpace": {"list": ["3", "5"]}}]},
        ],
    }
}  # fmt: skip


def an_experiment(**more: Any) -> Manifest:
    return {"metadata": {"name": "e", "uid": "e"}, "spec": {**SPEC, **more}}


def a_trial(name: str, *conditions: str, metrics: Any = (), **more: Any) -> Manifest:
    listed = [{"type": each, "status": "True"} for each in conditions]
    spec = {
        "objective": SPEC["objective"],
        "parameterAssignments": [{"name": "lr", "value": "0.05"}],
        "labels": {"generation": "1"},
    }
    observation = {"metrics": list(metrics)}
    status = {"conditions": listed, "observation": observation, **more}
    return {"metadata": {"name": name, "uid": name}, "spec": spec, "status": status}


def read(experiment: Manifest) -> Problem:
    return problems.problem(experiment, question.of(experiment["spec"]), {})


def sent(kind: str, message: dict[str, Any]) -> dict[str, Any]:
    return API.decode(kind, API.encode(kind, message))


@pytest.mark.parametrize("more", [{}, NAS, {"earlyStopping": {"algorithmName": "medianstop"}}])
def test_the_problem_is_the_same(more: dict[str, Any]) -> None:
    experiment = an_experiment(**more)
    back = wire.experiment_of(sent("Experiment", wire.experiment(experiment, {})))
    assert read(back) == read(experiment)
    stopping = (back["spec"].get("earlyStopping") or {}).get("algorithmName")
    assert stopping == (more.get("earlyStopping") or {}).get("algorithmName")


def test_what_the_algorithm_said_last_overlays_the_settings() -> None:
    told = wire.experiment(an_experiment(), {"random_state": "2", "state": "x"})
    found = wire.settings_of(sent("Experiment", told)["spec"]["algorithm"])
    assert found == {"random_state": "2", "state": "x"}


def test_the_trial_is_the_same() -> None:
    acc = {"name": "acc", "min": "0.1", "max": "0.8", "latest": "0.3"}
    loss = {"name": "loss", "min": "1", "max": "3", "latest": "2"}
    times = {"startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:01:00Z"}
    trial = a_trial("t", "Created", "Succeeded", metrics=[acc, loss], **times)
    message = sent("Trial", wire.trials([trial])[0])
    assert message["status"]["condition"] == 2
    metrics = message["status"]["observation"]["metrics"]
    assert metrics == [{"name": "acc", "value": "0.8"}, {"name": "loss", "value": "2"}]
    suggested = {"name": "t", **trial["spec"]}
    expected = problems.trial(suggested, trial, question.of(SPEC))
    assert wire.trials_of([message], question.of(SPEC)) == (replace(expected, reports=()),)


@pytest.mark.parametrize(
    ("trial", "is_sent"),
    [
        pytest.param(a_trial("t"), True, id="new"),
        pytest.param(a_trial("t", "Running"), True, id="running"),
        pytest.param(a_trial("t", "MetricsUnavailable"), False, id="unavailable"),
        pytest.param(a_trial("t", "EarlyStopped"), False, id="stopped"),
        pytest.param(
            a_trial("t", "EarlyStopped", metrics=[{"name": "acc", "latest": "1"}]),
            True,
            id="stopped, observed",
        ),
        pytest.param(
            a_trial("t", "EarlyStopped", metrics=[{"name": "acc", "latest": "unavailable"}]),
            False,
            id="stopped, nothing observed",
        ),
    ],
)
def test_trials_without_metrics_are_not_sent(trial: Manifest, is_sent: bool) -> None:
    assert len(wire.trials([trial])) == is_sent


def test_values_that_no_strategy_takes_are_the_latest() -> None:
    metrics = [
        {"name": "acc", "min": "unavailable", "max": "unavailable", "latest": "Genotype()"},
        {"name": "other", "min": "1", "max": "2", "latest": "1.5"},
    ]
    found = wire.trials([a_trial("t", metrics=metrics)])[0]["status"]["observation"]["metrics"]
    assert [each["value"] for each in found] == ["Genotype()", "1.5"]


def test_rules_are_read_as_upstream_reads_them() -> None:
    listed = [{"name": "loss", "value": "1", "comparison": 3, "start_step": 4}, {"name": "x"}]
    assert wire.rules_of(listed) == (
        Rule(name="loss", value="1", comparison="greater", startStep=4),
        Rule(name="x", value="", comparison="equal", startStep=0),
    )


def test_an_empty_message_is_an_empty_experiment() -> None:
    found = read(wire.experiment_of({}))
    assert (found.parameters, found.max_trials, found.parallel) == ((), None, 1)
    assert wire.trials_of([{}], Question())[0].state == "created"
