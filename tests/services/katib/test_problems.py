"""Experiments and trials as the algorithms read them."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.kinds.katib.extensions import question
from sampan.lib.search.problem import Trial
from sampan.services.katib import problems

ASKED = question.of({"objective": {"objectiveMetricName": "loss", "type": "minimize"}})


def read(**status: Any) -> Trial:
    suggested = {"name": "t", "parameterAssignments": [{"name": "lr", "value": "0.1"}]}
    return problems.trial(suggested, {"metadata": {"name": "t"}, "status": status}, ASKED)


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        pytest.param("2026-03-01T10:00:00Z", "2026-03-01T10:01:30Z", 90, id="both"),
        pytest.param("2026-03-01T10:00:00Z", None, 0, id="runs"),
        pytest.param(None, "2026-03-01T10:01:30Z", 0, id="no-start"),
        pytest.param("2026-03-01T10:00:00Z", "2026-03-01T09:00:00Z", 0, id="backwards"),
    ],
)
def test_how_long_a_trial_took(start: str | None, end: str | None, seconds: float) -> None:
    assert read(startTime=start, completionTime=end).seconds == seconds


def test_what_a_trial_observed_is_its_value() -> None:
    metrics = [{"name": "loss", "min": "0.2", "max": "0.9", "latest": "0.5"}]
    conditions = [{"type": "Running", "status": "False"}, {"type": "Succeeded", "status": "True"}]
    found = read(observation={"metrics": metrics}, conditions=conditions)
    assert found.state == "succeeded"
    assert found.values == (0.2,)
    assert found.assignments == {"lr": "0.1"}


@pytest.mark.parametrize("said", ["unavailable", "", "nan", "inf"])
def test_what_is_no_number_is_not_known(said: str) -> None:
    metrics = [{"name": "loss", "min": said, "max": said, "latest": said}]
    assert read(observation={"metrics": metrics}).values == (None,)


def test_labels_about_populations_have_upstream_s_prefix() -> None:
    ours = {"pbt/parent": "exp-1", "enas-generation": "2"}
    theirs = {"pbt.suggestion.katib.kubeflow.org/parent": "exp-1", "enas-generation": "2"}
    assert problems.told(ours) == theirs
    assert problems.heard(theirs) == ours
