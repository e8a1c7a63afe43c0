"""Every method of KatibClient that a search needs, one after the other: argv is a namespace."""

import sys
import time

import kubeflow.katib as katib
import pytest
import yaml
from kubeflow.katib.utils.utils import FakeResponse

NAMESPACE = sys.argv[1]
CLIENT = katib.KatibClient(namespace=NAMESPACE)
SHELL = "n=${trialParameters.n}; for i in 1 2 3; do echo loss=$((n * i)); done"
QUADRATIC = {
    "apiVersion": "kubeflow.org/v1beta1",
    "kind": "Experiment",
    "metadata": {"name": "from-yaml"},
    "spec": {
        "objective": {"type": "minimize", "goal": -1, "objectiveMetricName": "loss"},
        "algorithm": {"algorithmName": "random"},
        "parallelTrialCount": 2,
        "maxTrialCount": 3,
        "maxFailedTrialCount": 1,
        "resumePolicy": "LongRunning",
        "parameters": [
            {"name": "n", "parameterType": "int", "feasibleSpace": {"min": "10", "max": "99"}}
        ],
        "trialTemplate": {
            "retain": True,
            "primaryContainerName": "main",
            "trialParameters": [{"name": "n", "reference": "n"}],
            "trialSpec": {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "spec": {
                    "backoffLimit": 0,
                    "template": {
                        "spec": {
                            "restartPolicy": "Never",
                            "containers": [
                                {
                                    "name": "main",
                                    "image": "busybox",
                                    "command": ["sh", "-c", SHELL],
                                }
                            ],
                        }
                    },
                },
            },
        },
    },
}


def wait(name, condition="Succeeded"):
    return CLIENT.wait_for_experiment_condition(name, expected_condition=condition,
                                                timeout=60, polling_interval=1)  # fmt: skip


def from_yaml():
    text = FakeResponse(yaml.safe_load(yaml.safe_dump(QUADRATIC)))
    experiment = katib.ApiClient().deserialize(text, "V1beta1Experiment")
    CLIENT.create_experiment(experiment)
    with pytest.raises(Exception, match="already exists"):
        CLIENT.create_experiment(experiment)
    assert wait("from-yaml", "Created")
    ended = wait("from-yaml")
    assert ended.status.trials_succeeded == 3
    assert CLIENT.is_experiment_succeeded("from-yaml")
    assert not CLIENT.is_experiment_running("from-yaml")
    assert not CLIENT.is_experiment_failed("from-yaml")
    kinds = [each.type for each in CLIENT.get_experiment_conditions("from-yaml")]
    assert kinds == ["Created", "Running", "Succeeded"]
    assert [each.metadata.name for each in CLIENT.list_experiments()] == ["from-yaml"]
    return ended


def trials():
    listed = CLIENT.list_trials("from-yaml")
    details = CLIENT.get_success_trial_details("from-yaml")
    assert len(listed) == len(details) == 3
    for each in details:
        (given,), (metric,) = each["parameter_assignments"], each["metrics"]
        assert (metric.name, metric.min, metric.max, metric.latest) == (
            "loss", given.value, str(3 * int(given.value)), str(3 * int(given.value)),
        )  # fmt: skip
    best = CLIENT.get_optimal_hyperparameters("from-yaml")
    values = {each["name"]: int(each["parameter_assignments"][0].value) for each in details}
    assert values[best.best_trial_name] == min(values.values())
    assert CLIENT.get_trial(best.best_trial_name).spec.parameter_assignments
    suggestion = CLIENT.get_suggestion("from-yaml")
    assert suggestion.status.suggestion_count == 3
    return best.best_trial_name, min(values.values())


def metrics_and_logs(trial, n):
    rows = CLIENT.get_trial_metrics(trial)
    assert [each.metric.value for each in rows] == [str(n * i) for i in (1, 2, 3)]
    lines = list(CLIENT.get_job_logs("from-yaml", trial))
    assert any(f"loss={n}" in each for each in lines), lines
    followed = list(CLIENT.get_job_logs("from-yaml", trial, follow=True))
    assert any(f"loss={3 * n}" in each for each in followed), followed


def budget():
    CLIENT.edit_experiment_budget("from-yaml", max_trial_count=5, parallel_trial_count=1)
    wait("from-yaml", "Restarting")
    assert wait("from-yaml").status.trials_succeeded == 5
    with pytest.raises(RuntimeError):  # fewer than there are
        CLIENT.edit_experiment_budget("from-yaml", max_trial_count=2)


def tuned():
    def objective(parameters):
        result = 4 * int(parameters["a"]) - float(parameters["b"]) ** 2
        print(f"result={result}", parameters["c"])

    CLIENT.tune(
        name="tuned",
        objective=objective,
        parameters={
            "a": katib.search.int(min=10, max=20),
            "b": katib.search.double(min=0.1, max=0.2),
            "c": katib.search.categorical(["x", "y"]),
        },
        objective_metric_name="result",
        max_trial_count=4,
        parallel_trial_count=2,
        resources_per_trial={"cpu": "100m"},
    )
    assert wait("tuned").status.trials_succeeded == 4
    best = CLIENT.get_optimal_hyperparameters("tuned")
    given = {each.name: each.value for each in best.parameter_assignments}
    value = float(best.observation.metrics[0].max)
    assert value == pytest.approx(4 * int(given["a"]) - float(given["b"]) ** 2)
    assert given["c"] in ("x", "y")


def pushed():
    def objective(parameters):
        import kubeflow.katib as katib  # noqa: PLC0415

        for step in (1, 2):
            katib.report_metrics({"score": int(parameters["a"]) * step})

    CLIENT.tune(
        name="pushed",
        objective=objective,
        base_image="katib-sdk",
        parameters={"a": katib.search.int(min=1, max=9)},
        objective_metric_name="score",
        max_trial_count=2,
        parallel_trial_count=2,
        metrics_collector_config={"kind": "Push"},
        retain_trials=True,
    )
    assert wait("pushed").status.trials_succeeded == 2
    for each in CLIENT.get_success_trial_details("pushed"):
        a = int(each["parameter_assignments"][0].value)
        rows = CLIENT.get_trial_metrics(each["name"])
        assert [row.metric.value for row in rows] == [str(a), str(2 * a)]


def deleted():
    for name in ("from-yaml", "tuned", "pushed"):
        CLIENT.delete_experiment(name)
    while CLIENT.list_experiments():  # finalizers are taken off first
        time.sleep(0.1)


def main():
    from_yaml()
    trial, n = trials()
    metrics_and_logs(trial, n)
    budget()
    tuned()
    pushed()
    deleted()
    print("ok all")


main()
