"""Experiments of 20 trials and a `kill -9` of the control plane at the seventh: they end with the
same suggestions as undisturbed ones.

Each trial writes its name on a claim when it begins. The seventh waits there until the control
plane is back, so that one which is running is taken up again and not run once more.
"""

import pytest

from support import MOUNT, VOLUME, Ledger, kill, until

pytestmark = pytest.mark.slow

TRIALS, AT = 20, 7
LABELS = {"katib.kubeflow.org/metrics-collector-injection": "enabled"}
SEARCHES = {  # the settings, and how many trials run at once
    "random": ({"random_state": "1"}, 3),
    "tpe": ({"random_state": "2"}, 1),
    "cmaes": ({"random_state": "3", "restart_strategy": "ipop"}, 1),
}
SCRIPT = (
    "echo $KATIB_TRIAL_NAME >> /log/lines-${trialParameters.of};"
    " count=$(wc -l < /log/lines-${trialParameters.of});"
    f" while [ $count -eq {AT} ] && ! test -e /log/open; do sleep 0.1; done;"
    " echo loss=${trialParameters.x}"
)


def experiment(algorithm, settings, parallel):
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", SCRIPT]}
    container["volumeMounts"] = [MOUNT]
    pod = {"restartPolicy": "Never", "containers": [container], "volumes": [VOLUME]}
    told = [{"name": name, "value": value} for name, value in settings.items()]
    space = {"min": "-5", "max": "5"}
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": algorithm},
        "spec": {
            "objective": {"type": "minimize", "objectiveMetricName": "loss"},
            "algorithm": {"algorithmName": algorithm, "algorithmSettings": told},
            "maxTrialCount": TRIALS,
            "parallelTrialCount": parallel,
            "parameters": [
                {"name": each, "parameterType": "double", "feasibleSpace": space} for each in "xy"
            ],
            "trialTemplate": {
                "primaryContainerName": "main",
                "trialParameters": [
                    {"name": "x", "reference": "x"},
                    {"name": "y", "reference": "y"},
                    {"name": "of", "reference": "${trialSpec.Labels[of]}"},
                ],
                "trialSpec": {
                    "apiVersion": "batch/v1",
                    "kind": "Job",
                    "metadata": {
                        "labels": {"of": algorithm},
                        "annotations": {"y": "${trialParameters.y}"},
                    },
                    "spec": {"backoffLimit": 0, "template": {"spec": pod}},
                },
            },
        },
    }


class Searches:
    """The experiments of a namespace."""

    def __init__(self, sampan, namespace):
        self._sampan = sampan
        self.ledger = Ledger(sampan, namespace, LABELS)
        self._below = f"/apis/kubeflow.org/v1beta1/namespaces/{namespace}"

    def start(self):
        for name, (settings, parallel) in SEARCHES.items():
            made = experiment(name, settings, parallel)
            self._sampan.request("POST", f"{self._below}/experiments", made)

    def status(self, name, plural="experiments"):
        return self._sampan.request("GET", f"{self._below}/{plural}/{name}")[1].get("status") or {}

    def count(self, field):
        """The least one that a status has."""
        return min(self.status(name).get(field, 0) for name in SEARCHES)

    def suggested(self, name):
        return [
            {each["name"]: each["value"] for each in suggestion["parameterAssignments"]}
            for suggestion in self.status(name, "suggestions")["suggestions"]
        ]

    def names_of_trials(self, name):
        return {each["name"]: 1 for each in self.status(name, "suggestions")["suggestions"]}


def test_a_kill_at_the_seventh_of_20_trials_changes_no_suggestion(own_sampan):
    own_sampan.up()
    quiet, rough = (Searches(own_sampan, name) for name in ("quiet", "rough"))
    quiet.ledger.run("open", "touch /log/open")
    rough.start()
    until(lambda: rough.count("trials") >= AT and rough.count("trialsRunning"), 60)
    before = {name: rough.suggested(name) for name in SEARCHES}
    kill(own_sampan)
    own_sampan.up()
    rough.ledger.run("open", "touch /log/open")
    until(lambda: rough.count("trialsSucceeded") == TRIALS, 90)
    quiet.start()
    until(lambda: quiet.count("trialsSucceeded") == TRIALS, 90)
    for name in SEARCHES:
        assert len(rough.suggested(name)) == TRIALS
        assert rough.suggested(name)[: len(before[name])] == before[name]
        assert rough.suggested(name) == quiet.suggested(name)
        assert rough.ledger.lines(f"lines-{name}") == rough.names_of_trials(name)
