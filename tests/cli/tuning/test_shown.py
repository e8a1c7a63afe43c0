"""A search as text."""

from __future__ import annotations

from typing import Any

from sampan.cli.tuning import shown

OBJECTIVE = {"type": "minimize", "objectiveMetricName": "loss"}


def trial(name: str, state: str, loss: str = "", lr: str = "0.0123456789") -> dict[str, Any]:
    metrics = [{"name": "loss", "min": loss, "max": "9", "latest": "9"}] if loss else []
    return {
        "kind": "Trial",
        "metadata": {"name": f"mine-{name}"},
        "spec": {"objective": OBJECTIVE, "parameterAssignments": [{"name": "lr", "value": lr}]},
        "status": {
            "conditions": [{"type": state, "status": "True", "message": f"it is {state}"}],
            "observation": {"metrics": metrics},
        },
    }


def experiment(state: str, best: dict[str, Any] | None = None) -> dict[str, Any]:
    optimal: dict[str, Any] = {"observation": {}}
    if best:
        optimal = {
            "bestTrialName": best["metadata"]["name"],
            "parameterAssignments": best["spec"]["parameterAssignments"],
            "observation": best["status"]["observation"],
        }
    times = {"startTime": "2026-11-23T00:00:00Z", "completionTime": "2026-11-23T00:00:12Z"}
    condition = {"type": state, "status": "True", "message": f"Experiment is {state}"}
    return {
        "kind": "Experiment",
        "metadata": {"name": "mine"},
        "spec": {"objective": OBJECTIVE, "maxTrialCount": 4, "parameters": [{"name": "lr"}]},
        "status": {"conditions": [condition], "currentOptimalTrial": optimal, **times},
    }


BEST = trial("a", "Succeeded", "0.25")
TRIALS = [BEST, trial("bb", "Running"), trial("ccc", "Failed"), trial("dddd", "EarlyStopped", "1")]


def test_a_picture_of_it() -> None:
    assert shown.picture(experiment("Running", BEST), TRIALS, 3) == (
        "mine  3 of 4 trials, 1 running, 1 stopped, 1 failed\n"
        "best  loss=0.25  lr=0.01235\n"
        "\n"
        "TRIAL  lr       STATE    loss\n"
        "bb     0.01235  Running\n"
        "ccc    0.01235  Failed\n"
        "dddd   0.01235  Stopped  1\n"
    )
    assert "TRIAL" in shown.picture({}, [], 3)  # nothing is known yet


def test_lines_of_trials() -> None:
    assert shown.line(BEST, "mine-a") == "a  lr=0.01235  loss=0.25  best so far"
    assert shown.line(TRIALS[2], "mine-a") == "ccc  lr=0.01235  failed"
    assert [shown.ended(each) for each in TRIALS] == [True, False, True, True]


def test_what_came_of_it() -> None:
    ended = shown.ending(experiment("Succeeded", BEST), TRIALS[:1])
    assert ended == "1 of 4 trials in 12 s\nbest: loss=0.25 of trial mine-a\n  lr  0.0123456789\n"
    failed = shown.ending(experiment("Failed"), TRIALS[2:3])
    assert failed == "1 of 4 trials, 1 failed in 12 s\nExperiment is Failed\n"
    found = shown.failed(TRIALS)
    assert found is not None
    assert found["metadata"]["name"] == "mine-ccc"
    assert shown.failed(TRIALS[:2]) is None


def test_a_value_that_is_none() -> None:
    assert shown.value(trial("a", "MetricsUnavailable", "unavailable")) is None
    assert shown.value(trial("a", "Running")) is None


def test_several_objectives_have_several_best_trials() -> None:
    about = experiment("Succeeded", BEST)
    strategies = [{"name": "loss", "value": "min"}, {"name": "size", "value": "max"}]
    about["spec"]["objective"] = {**OBJECTIVE, "metricStrategies": strategies}
    metrics = [
        {"name": "loss", "min": "0.25", "max": "9"},
        {"name": "size", "min": "1", "max": "2"},
    ]
    given = [{"name": "lr", "value": "0.0123456789"}]
    front = [
        {"trialName": name, "parameterAssignments": given, "observation": {"metrics": metrics}}
        for name in ("mine-a", "mine-bb")
    ]
    more = {"paretoFront": front, "trialsParetoOptimal": 2, "hypervolume": {"value": "1.5"}}
    about["status"] |= more
    assert shown.best(about) == (
        "best: 2 that no other trial is better than, hypervolume 1.5\n"
        "TRIAL  loss  size  lr\n"
        "a      0.25  2     0.01235\n"
        "bb     0.25  2     0.01235\n"
    )
