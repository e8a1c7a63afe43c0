"""What observations say to what an experiment asks for."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.kinds.katib.extensions import question
from sampan.kinds.katib.extensions.question import Question
from sampan.kinds.katib.extensions.texts import Wrong


def asked(ours: bool = True, algorithm: str = "random", **settings: str) -> Question:
    listed = [{"name": name, "value": value} for name, value in settings.items()]
    objective = {
        "type": "minimize",
        "objectiveMetricName": "loss",
        "metricStrategies": [
            {"name": "loss", "value": "min"},
            {"name": "latency", "value": "latest"},
        ],
    }
    algorithms = {"algorithmName": algorithm, "algorithmSettings": listed}
    return question.of({"objective": objective, "algorithm": algorithms}, ours=ours)


def observed(**latest: str) -> dict[str, Any]:
    return {
        "metrics": [
            {"name": name, "min": "-9", "max": "9", "latest": value}
            for name, value in latest.items()
        ]
    }


@pytest.mark.parametrize(
    ("latency", "excess", "broken"),
    [
        ("50", -0.5, False),
        ("100", 0.0, False),
        ("150", 0.5, True),
        ("unavailable", None, True),
        ("nan", None, True),
    ],
)
def test_a_constraint_is_broken_by_a_part_of_its_bound(
    latency: str, excess: float | None, broken: bool
) -> None:
    given, seen = asked(constraints="latency <= 100"), observed(latency=latency)
    assert given.excesses(seen) == (excess,)
    assert bool(given.broken(seen)) is broken


def test_from_below() -> None:
    given = asked(constraints="latency >= 100, loss <= 0")
    assert given.excesses(observed(latency="150", loss="0")) == (-0.5, -9.0)
    assert [str(each) for each in given.constraints] == ["latency >= 100", "loss <= 0"]


def test_what_was_not_reported_breaks_the_constraint() -> None:
    assert asked(constraints="latency <= 1").broken({"metrics": []})
    assert not asked().broken(None)


def test_parameters_without_a_value_stand_as_they_are_to() -> None:
    given = asked(**{"when.a": "b in x", "when.c": "b in y", "otherwise.c": "0"})
    assert given.unset({"b": "z"}) == {"a": "", "c": "0"}
    assert given.unset({"a": "1", "b": "x"}) == {"c": "0"}
    assert given.condition("a") == ("b", ("x",))
    assert given.condition("b") is None


def test_the_algorithm_is_given_its_own_settings() -> None:
    settings = {"random_state": "1", "constraints": "latency <= 1", "when.a": "b in x"}
    assert asked(**settings).without(settings) == {"random_state": "1"}


def test_several_objectives_are_losses() -> None:
    given = asked(objectives="latency:maximize, loss:minimize", reference_point="loss:9, latency:0")
    assert given.values(observed(loss="1", latency="7")) == (7.0, -9.0)
    assert given.losses(observed(loss="1", latency="7")) == (-7.0, -9.0)
    assert given.losses(observed(loss="1")) is None
    assert given.reference == (0.0, 9.0)


@pytest.mark.parametrize("given", [{"ours": False}, {"algorithm": "halves"}])
def test_a_service_of_ones_own_is_asked_nothing_of_it(given: Any) -> None:
    settings = {"constraints": "whatever"}
    found = asked(**given, **settings)
    assert not found.constraints
    assert found.without(settings) == settings


def test_what_was_written_past_admission_is_told_of() -> None:
    with pytest.raises(Wrong, match='constraints: "x" is no constraint'):
        asked(constraints="x")
