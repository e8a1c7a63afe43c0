"""The trials that no other one is better than, and what they are worth."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.katib.making import EXPERIMENT, experiment
from sampan.kinds.katib.experiment import front, tally
from sampan.kinds.katib.experiment.snapshot import Search, trial
from sampan.kinds.katib.extensions import question
from sampan.kinds.katib.types import Spec, read
from sampan.kube.keys import Manifest
from sampan.kube.times import parse


def searched(*tried: tuple[float | str, float | str], **settings: str) -> Search:
    """Each with its accuracy and its latency."""
    listed = [
        {"name": "objectives", "value": "accuracy:maximize, latency:minimize"},
        *({"name": name, "value": value} for name, value in settings.items()),
    ]
    objective = {
        "type": "maximize",
        "goal": 0.8,
        "objectiveMetricName": "accuracy",
        "additionalMetricNames": ["latency"],
        "metricStrategies": [
            {"name": "accuracy", "value": "max"},
            {"name": "latency", "value": "min"},
        ],
    }
    algorithm = {"algorithmName": "nsga-ii", "algorithmSettings": listed}
    made = experiment(objective=objective, algorithm=algorithm)
    asked = question.of(made["spec"])
    return Search(
        manifest=made,
        spec=read(made["spec"], Spec),
        question=asked,
        trials=tuple(trial(ended(n, objective, *each), asked) for n, each in enumerate(tried)),
        suggestion=None,
        text="",
        now=parse("2026-01-01T00:00:00Z"),
    )


def ended(number: int, objective: Any, accuracy: float | str, latency: float | str) -> Manifest:
    metrics = [
        {"name": name, **dict.fromkeys(("min", "max", "latest"), str(value))}
        for name, value in (("accuracy", accuracy), ("latency", latency))
    ]
    return {
        "metadata": {
            "name": f"t{number}",
            "namespace": EXPERIMENT.namespace,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {"objective": objective, "parameterAssignments": [{"name": "x", "value": "1"}]},
        "status": {
            "conditions": [{"type": "Succeeded", "status": "True"}],
            "observation": {"metrics": metrics},
        },
    }


def said(*tried: tuple[float | str, float | str], **settings: str) -> dict[str, Any]:
    return tally.fields(tally.of(searched(*tried, **settings)))


CLOUD = (0.5, 10), (0.7, 30), (0.6, 40), (0.4, 20), (0.2, 5)


def test_the_front_is_best_first_in_the_objective_of_the_spec() -> None:
    status = said(*CLOUD)
    assert [each["trialName"] for each in status["paretoFront"]] == ["t1", "t0", "t4"]
    assert status["trialsParetoOptimal"] == 3
    assert status["currentOptimalTrial"]["bestTrialName"] == "t1"
    assert status["paretoFront"][1]["parameterAssignments"] == [{"name": "x", "value": "1"}]
    assert status["paretoFront"][1]["observation"]["metrics"][1]["latest"] == "10"


def test_the_volume_reaches_to_the_point_of_reference() -> None:
    volume = said(*CLOUD, reference_point="accuracy:0, latency:50")["hypervolume"]
    assert float(volume["value"]) == pytest.approx(0.7 * 20 + 0.5 * 20 + 0.2 * 5)
    assert volume["referencePoint"] == [
        {"name": "accuracy", "value": "0.0"},
        {"name": "latency", "value": "50.0"},
    ]


def test_or_else_to_the_worst_of_each() -> None:
    volume = said(*CLOUD)["hypervolume"]
    assert [each["value"] for each in volume["referencePoint"]] == ["0.2", "40.0"]
    assert float(volume["value"]) == pytest.approx(0.5 * 10 + 0.3 * 20)


def test_who_breaks_a_constraint_is_not_in_the_front() -> None:
    status = said(*CLOUD, constraints="latency <= 20")
    assert [each["trialName"] for each in status["paretoFront"]] == ["t0", "t4"]
    assert status["currentOptimalTrial"]["bestTrialName"] == "t0"


def test_who_did_not_tell_each_objective_is_not_in_the_front() -> None:
    status = said((0.9, "unavailable"), (0.9, "nan"))
    assert "paretoFront" not in status
    assert status["currentOptimalTrial"] == {"observation": {}}
    assert not tally.of(searched((0.9, "unavailable"))).reached


def test_the_goal_is_that_of_the_spec() -> None:
    assert tally.of(searched((0.9, 1))).reached
    assert not tally.of(searched((0.7, 1))).reached


def test_a_long_front_is_shown_in_part() -> None:
    status = said(*((n / 1000, n) for n in range(150)))
    names = [each["trialName"] for each in status["paretoFront"]]
    assert len(names) == front.MOST
    assert {"t0", "t149"} <= {*names}
    assert status["trialsParetoOptimal"] == 150


def test_one_objective_has_no_front() -> None:
    assert not {*said((0.1, 1), objectives="accuracy:maximize")} & {*front.WRITTEN}
