"""What may be asked for beyond upstream's Katib, and what is refused, with the setting's name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from kinds.katib.admit.test_webhook import cluster, refusal, settings
from kinds.katib.making import experiment, parameter
from sampan.kinds.katib.extensions import faults
from sampan.kinds.katib.types import Spec, read
from sampan.lib.search import algorithms

OPTIMIZER = parameter("optimizer", "categorical", list=["sgd", "adam", "rmsprop"])
LAYERS = parameter("layers", "int", min="1", max="3")
PARAMETERS = [OPTIMIZER, LAYERS, parameter("momentum"), parameter("second"), parameter("epochs")]
OBJECTIVE = {
    "type": "maximize",
    "objectiveMetricName": "accuracy",
    "additionalMetricNames": ["latency", "memory"],
}


def asking(*given: tuple[str, str], algorithm: str = "random", **spec: Any) -> dict[str, Any]:
    listed = [{"name": name, "value": value} for name, value in given]
    return experiment(
        algorithm={"algorithmName": algorithm, "algorithmSettings": listed},
        **{"objective": OBJECTIVE, "parameters": PARAMETERS, **spec},
    )


def found(*given: tuple[str, str], algorithm: str = "random", **spec: Any) -> list[str]:
    return [
        str(each)
        for each in faults.problems(
            read(asking(*given, algorithm=algorithm, **spec)["spec"], Spec),
            "square",
            lambda name: name in ("square", "before"),
        )
    ]


@pytest.mark.parametrize(
    "given",
    [
        pytest.param([("objectives", "latency:minimize,accuracy : maximize")], id="objectives"),
        pytest.param([("objectives", "accuracy:maximize")], id="objective"),
        pytest.param(
            [
                ("reference_point", "accuracy:0, latency:1e3"),
                ("objectives", "accuracy:maximize, latency:minimize"),
            ],
            id="reference",
        ),
        pytest.param([("warm_start", " before")], id="warm"),
        pytest.param([("constraints", "latency <= 100")], id="constraint"),
        pytest.param([("constraints", " latency<=1e2 ,memory>=-5")], id="constraints"),
        pytest.param([("constraints", "accuracy >= 0.5, accuracy <= 0.9")], id="range"),
        pytest.param([("when.momentum", "optimizer in sgd,  rmsprop ")], id="choices"),
        pytest.param([("when.second", "layers in 2, 3")], id="whole-numbers"),
        pytest.param(
            [("when.second", "layers in 3"), ("when.layers", "optimizer in adam")], id="chain"
        ),
        pytest.param(
            [("when.momentum", "optimizer in sgd"), ("otherwise.momentum", "0")], id="otherwise"
        ),
    ],
)
def test_what_may_be_asked(given: Sequence[tuple[str, str]]) -> None:
    assert found(*given) == []


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("objectives", "accuracy", '"accuracy" is no objective such as "latency:minimize"'),
        ("objectives", "accuracy:up", '"accuracy:up" is no objective such as'),
        ("objectives", "accuracy:maximize, accuracy:minimize", "accuracy is there twice"),
        (
            "objectives",
            "latency:minimize",
            "it must have accuracy:maximize, as spec.objective says",
        ),
        ("objectives", "accuracy:minimize", "it must have accuracy:maximize, as spec.objective"),
        ("objectives", "accuracy:maximize, loss:minimize", "loss is neither spec.objective"),
        ("reference_point", "accuracy:0", "there is no setting objectives"),
        ("warm_start", "square", "an Experiment cannot begin with its own trials"),
        ("warm_start", "later", 'there is no Experiment "later" in this namespace'),
        ("warm_start", "", 'there is no Experiment "" in this namespace'),
        ("constraints", "", "a part of the list is empty"),
        ("constraints", "latency < 100", '"latency < 100" is no constraint such as'),
        ("constraints", "latency <= fast", '"fast" is no number'),
        ("constraints", "<= 5", '"<= 5" is no constraint such as'),
        ("constraints", "latency <=", '"latency <=" is no constraint such as'),
        ("constraints", "the latency <= 5", '"the latency <= 5" is no constraint such as'),
        ("constraints", "latency <= 5 <= 6", '"5 <= 6" is no number'),
        ("constraints", "latency <= nan", '"nan" is no number'),
        ("constraints", "latency <= 1, latency <= 2", "latency <= is there twice"),
        ("constraints", "loss <= 1", "loss is neither spec.objective.objectiveMetricName nor in"),
        ("constraints", ",".join(["latency <= 1"] * 33), "it has 33 parts, and may have 32"),
        ("when.momentum", "sgd", 'it must be such as "optimizer in sgd, rmsprop"'),
        ("when.momentum", "optimizer in", 'it must be such as "optimizer in sgd, rmsprop"'),
        ("when.momentum", "optimizer in sgd,,adam", "a part of the list is empty"),
        ("when.momentum", "optimizer in sgd, lion", "optimizer is never lion"),
        ("when.momentum", "layers in 4", "layers is never 4"),
        ("when.momentum", "layers in 2.0", "layers is never 2.0"),
        ("when.momentum", "second in 0.5", "second is double; it must be categorical or discrete"),
        ("when.momentum", "solver in sgd", "there is no parameter solver"),
        ("when.", "optimizer in sgd", "there is no parameter"),
        ("when.speed", "optimizer in sgd", "there is no parameter speed"),
        ("when.optimizer", "optimizer in sgd", "optimizer would have a value only if it has one"),
        ("otherwise.momentum", "0", "there is no when.momentum, so that momentum always has"),
    ],
)
def test_what_may_not_be_asked(name: str, value: str, fault: str) -> None:
    (said,) = found(("random_state", "1"), (name, value))
    assert said.startswith("spec.algorithm.algorithmSettings[1].value: Invalid value: ")
    assert f"{name}: {fault}" in said


@pytest.mark.parametrize(
    ("point", "fault"),
    [
        ("accuracy:0", "it must have a number for each of accuracy, latency"),
        ("accuracy:0, latency:fast", '"fast" is no number'),
        ("accuracy:0, accuracy:0", "accuracy is there twice"),
        ("500", '"500" is not such as "latency:500"'),
    ],
)
def test_a_point_of_reference_has_each_objective(point: str, fault: str) -> None:
    several = ("objectives", "accuracy:maximize, latency:minimize")
    (said,) = found(several, ("reference_point", point))
    assert f"reference_point: {fault}" in said


def test_early_stopping_compares_one_objective() -> None:
    given = ("objectives", "accuracy:maximize, latency:minimize")
    (said,) = found(given, earlyStopping={"algorithmName": "median"})
    assert "early stopping compares one objective" in said


def test_parameters_may_not_depend_on_each_other() -> None:
    said = found(("when.layers", "optimizer in sgd"), ("when.optimizer", "layers in 2"))
    assert [each.partition(": when")[2] for each in said] == [
        ".layers: layers would have a value only if it has one",
        ".optimizer: optimizer would have a value only if it has one",
    ]


def test_what_is_said_twice_is_refused() -> None:
    said = found(("constraints", "latency <= 1"), ("constraints", "latency <= 2"))
    assert said == ['spec.algorithm.algorithmSettings[1].name: Duplicate value: "constraints"']


def test_there_may_be_so_many() -> None:
    (said,) = found(*((f"when.{number}", "layers in 2") for number in range(257)))
    assert said == "spec.algorithm.algorithmSettings: Too many: 257: must have at most 256 items"


def test_budgets_always_have_a_value() -> None:
    given = ("resource_name", "epochs"), ("when.epochs", "optimizer in sgd")
    (said,) = found(*given, algorithm="asha")
    assert "epochs is the resource that budgets are of" in said


@pytest.mark.parametrize("name", sorted(algorithms.MODULES))
@pytest.mark.parametrize(
    ("setting", "value", "ability"),
    [
        ("constraints", "latency <= 100", "constraints"),
        ("when.momentum", "optimizer in sgd", "conditions"),
        ("objectives", "accuracy:maximize, latency:minimize", "several objectives"),
        ("warm_start", "before", "earlier trials"),
    ],
)
def test_algorithms_refuse_what_they_cannot(
    name: str, setting: str, value: str, ability: algorithms.Ability
) -> None:
    said = found((setting, value), algorithm=name)
    able = ability in algorithms.ABILITIES[name]
    assert (said == []) is able
    assert able or f"{setting}: {name} cannot do that; random, " in said[0]


def test_it_is_the_webhook_that_says_so() -> None:
    said = refusal(asking(("constraints", "latency = 1")))
    assert '[0].value: Invalid value: "latency = 1": constraints: ' in said


def test_an_experiment_needs_the_earlier_one_when_it_is_made_alone() -> None:
    given = asking(("warm_start", "before"), parameters=[parameter()])
    assert 'warm_start: there is no Experiment "before"' in refusal(given)
    assert refusal(given, at=cluster(experiment("before"))) == ""
    assert refusal(given, old=given) == ""


def test_settings_of_a_service_of_ones_own_are_its_own() -> None:
    document = (
        "runtime: {suggestions: [{algorithmName: halves, image: mine},"
        " {algorithmName: random, image: mine}]}"
    )
    at = cluster(settings(document))
    for algorithm in ("halves", "random"):
        given = asking(("constraints", "whatever"), algorithm=algorithm,
                       parameters=[parameter()])  # fmt: skip
        assert refusal(given, at=at) == ""
