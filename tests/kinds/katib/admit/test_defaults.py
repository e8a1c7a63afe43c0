"""What is filled into an experiment."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinds.katib.making import experiment, parameter, template
from sampan.kinds.katib.admit import defaults


def filled(**spec: Any) -> dict[str, Any]:
    made = deepcopy(experiment(**spec))
    defaults.fill(made)
    return dict(made["spec"])


def test_counts_policy_and_collector() -> None:
    spec = filled(parallelTrialCount=None)
    assert (spec["parallelTrialCount"], spec["resumePolicy"]) == (3, "Never")
    assert spec["metricsCollectorSpec"] == {"collector": {"kind": "StdOut"}}
    assert "maxFailedTrialCount" not in spec


def test_every_parameter_has_a_distribution() -> None:
    spec = filled(parameters=[parameter(), parameter("k", "categorical", list=["a"])])
    assert [each["feasibleSpace"]["distribution"] for each in spec["parameters"]] == ["uniform"] * 2


def test_choices_in_the_wrong_field_are_meant_as_choices() -> None:
    """As upstream's SDK writes them: kubeflow/katib#2625."""
    spec = filled(parameters=[parameter("k", "categorical", distribution=["a", "b"])])
    assert spec["parameters"][0]["feasibleSpace"] == {"list": ["a", "b"], "distribution": "uniform"}


@pytest.mark.parametrize(
    ("type", "how"), [("minimize", "min"), ("maximize", "max"), ("x", "latest")]
)
def test_strategies_of_all_metrics(type: str, how: str) -> None:
    objective = {"type": type, "objectiveMetricName": "loss", "additionalMetricNames": ["a", "b"],
                 "metricStrategies": [{"name": "a", "value": "latest"}]}  # fmt: skip
    assert filled(objective=objective)["objective"]["metricStrategies"] == [
        {"name": "a", "value": "latest"},
        {"name": "loss", "value": how},
        {"name": "b", "value": how},
    ]


@pytest.mark.parametrize(
    ("kind", "success", "labels"),
    [
        ("Job", "Complete", None),
        (
            "TrainJob",
            "Complete",
            {
                "jobset.sigs.k8s.io/replicatedjob-name": "node",
                "batch.kubernetes.io/job-completion-index": "0",
            },
        ),
        ("TFJob", "Succeeded", {"training.kubeflow.org/job-role": "master"}),
        ("PyTorchJob", "Succeeded", {"training.kubeflow.org/job-role": "master"}),
        ("XGBoostJob", "Succeeded", {"training.kubeflow.org/job-role": "master"}),
        ("MPIJob", "Succeeded", {"training.kubeflow.org/job-role": "master"}),
    ],
)
def test_conditions_by_kind(kind: str, success: str, labels: dict[str, str] | None) -> None:
    made = filled(trialTemplate=template(trialSpec={"kind": kind}))["trialTemplate"]
    path = 'status.conditions.#(type=="{}")#|#(status=="True")#'
    assert made["successCondition"] == path.format(success)
    assert made["failureCondition"] == path.format("Failed")
    assert made.get("primaryPodLabels") == labels


def test_other_kinds_have_to_say_when_they_are_done() -> None:
    made = filled(trialTemplate=template(trialSpec={"kind": "Workflow"}))["trialTemplate"]
    assert "successCondition" not in made


def test_what_is_constrained_counts_as_it_is_in_the_end() -> None:
    settings = [{"name": "constraints", "value": "latency <= 1, loss <= 9"}]
    objective = {"type": "minimize", "objectiveMetricName": "loss",
                 "additionalMetricNames": ["latency", "speed"]}  # fmt: skip
    algorithm = {"algorithmName": "random", "algorithmSettings": settings}
    made = filled(objective=objective, algorithm=algorithm)["objective"]["metricStrategies"]
    assert [(each["name"], each["value"]) for each in made] == [
        ("loss", "min"), ("latency", "latest"), ("speed", "min"),
    ]  # fmt: skip


def test_each_of_several_objectives_counts_by_its_own_direction() -> None:
    settings = [{"name": "objectives", "value": "speed:maximize, loss:minimize"}]
    objective = {"type": "minimize", "objectiveMetricName": "loss",
                 "additionalMetricNames": ["speed", "other"]}  # fmt: skip
    algorithm = {"algorithmName": "nsga-ii", "algorithmSettings": settings}
    made = filled(objective=objective, algorithm=algorithm)["objective"]["metricStrategies"]
    assert [(each["name"], each["value"]) for each in made] == [
        ("loss", "min"), ("speed", "max"), ("other", "min"),
    ]  # fmt: skip


def test_what_is_given_stays() -> None:
    given = template(
        successCondition="a",
        failureCondition="b",
        primaryPodLabels={"x": "y"},
        trialSpec={"kind": "TFJob"},
    )
    assert filled(trialTemplate=given)["trialTemplate"] == given


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        (
            "File",
            {
                "fileSystemPath": {
                    "kind": "File",
                    "path": "/var/log/katib/metrics.log",
                    "format": "TEXT",
                }
            },
        ),
        (
            "TensorFlowEvent",
            {"fileSystemPath": {"kind": "Directory", "path": "/var/log/katib/tfevent/"}},
        ),
        ("PrometheusMetric", {"httpGet": {"path": "/metrics", "port": 8080}}),
        ("StdOut", None),
        ("Push", None),
    ],
)
def test_where_metrics_are(kind: str, source: Any) -> None:
    made = filled(metricsCollectorSpec={"collector": {"kind": kind}})["metricsCollectorSpec"]
    assert made.get("source") == source


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
FIELDS = st.sampled_from([*experiment()["spec"], "metricsCollectorSpec", "resumePolicy"])


@given(st.dictionaries(FIELDS, JSON, max_size=4))
def test_nonsense_is_left_for_validation(spec: dict[str, Any]) -> None:
    made = {"spec": deepcopy(spec)}
    defaults.fill(made)
    again = deepcopy(made)
    defaults.fill(again)
    assert again == made, "what is filled in once is in order"
