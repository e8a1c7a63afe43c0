"""What upstream's Katib lacks, by kubectl: from an Experiment's spec to its status."""

import json

import pytest

from support import kill, kubectls, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not kubectls(), reason="no kubectl here"),
]
NAMESPACE = "kubeflow-user-example-com"
PAIR = "echo loss=${trialParameters.x} size=${trialParameters.n}"
LINE = f"{PAIR} momentum=${{trialParameters.momentum}}"
CURVE = "for step in 1 2 3 4 5 6; do echo loss=${trialParameters.x}; done"
CONDITION = {"when.momentum": "way in sgd", "otherwise.momentum": "7"}
UNIT = {"min": "0", "max": "1"}
X = {"name": "x", "parameterType": "double", "feasibleSpace": UNIT}
N = {"name": "n", "parameterType": "int", "feasibleSpace": {"min": "1", "max": "9"}}
WAY = {"name": "way", "parameterType": "categorical", "feasibleSpace": {"list": ["sgd", "adam"]}}
MOMENTUM = {"name": "momentum", "parameterType": "double", "feasibleSpace": UNIT}
ALL = (X, N, WAY, MOMENTUM)


class Client:
    """The newest kubectl."""

    def __init__(self, program):
        self.program = program
        self.command = [list(kubectls().values())[-1], "-n", NAMESPACE]

    def __call__(self, *words, **more):
        return self.program.run([*self.command, *words], **more)

    def create(self, experiment, **more):
        return self("create", "-f", "-", text=json.dumps(experiment), **more)

    def read(self, kind, name):
        return json.loads(self("get", kind, name, "-o", "json"))

    def wait(self, name, what="condition=Succeeded"):
        self("wait", f"experiment/{name}", f"--for={what}", "--timeout=60s")
        return self.read("experiment", name)["status"]

    def patch(self, name, **spec):
        self("patch", "experiment", name, "--type=merge", "-p", json.dumps({"spec": spec}))

    def suggested(self, name):
        """The assignments, in the order in which they were suggested."""
        listed = self.read("suggestion", name)["status"]["suggestions"]
        return [
            {each["name"]: each["value"] for each in one["parameterAssignments"]} for one in listed
        ]


@pytest.fixture
def kubectl(sampan):
    return Client(sampan)


def experiment(name, algorithm="random", settings=None, *, parameters=ALL, line=LINE, **spec):
    """What the line does not print is in the environment, as every parameter is to be used."""
    settings = {"random_state": "1", **(settings or {})}
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c"], "args": [line]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    more = [each for each in parameters if f"trialParameters.{each['name']}}}" not in line]
    objective = {"type": "minimize", "objectiveMetricName": "loss"}
    container["env"] = [
        {"name": each["name"], "value": f"${{trialParameters.{each['name']}}}"} for each in more
    ]
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": name},
        "spec": {
            "objective": {**objective, "additionalMetricNames": ["size"]},
            "algorithm": {
                "algorithmName": algorithm,
                "algorithmSettings": [{"name": k, "value": v} for k, v in settings.items()],
            },
            "parallelTrialCount": 1,
            "maxTrialCount": 6,
            "parameters": list(parameters),
            "trialTemplate": {
                "primaryContainerName": "main",
                "trialParameters": [
                    {"name": each["name"], "reference": each["name"]} for each in parameters
                ],
                "trialSpec": {
                    "apiVersion": "batch/v1",
                    "kind": "Job",
                    "spec": {"backoffLimit": 0, "template": template},
                },
            },
            **spec,
        },
    }


def test_constraints_and_conditions(kubectl):
    settings = {"constraints": "size <= 5", **CONDITION}
    kubectl.create(experiment("narrow", settings=settings, parallelTrialCount=2, maxTrialCount=8))
    status = kubectl.wait("narrow")
    assert status["trialsSucceeded"] == 8
    given = kubectl.suggested("narrow")
    large = [each for each in given if int(each["n"]) > 5]
    assert status["trialsInfeasible"] == len(large) > 0
    best = {each["name"]: each for each in status["currentOptimalTrial"]["parameterAssignments"]}
    small = [float(each["x"]) for each in given if int(each["n"]) <= 5]
    assert float(best["x"]["value"]) == min(small)
    assert {each["way"]: "momentum" in each for each in given} == {"sgd": True, "adam": False}
    listed = json.loads(kubectl("get", "trials", "-l", "katib.kubeflow.org/experiment=narrow",
                                "-o", "json"))["items"]  # fmt: skip
    for trial in listed:
        names = [each["name"] for each in trial["spec"]["parameterAssignments"]]
        pod = trial["spec"]["runSpec"]["spec"]["template"]["spec"]
        assert ("momentum" in names) is not pod["containers"][0]["args"][0].endswith("=7")
    said = kubectl.program("explain", "experiment", "narrow", "-n", NAMESPACE)
    assert "of the trials broke size <= 5, and are never the best." in said


def test_several_objectives(kubectl):
    settings = {
        "objectives": "loss:minimize, size:maximize",
        "reference_point": "loss:1, size:0",
        "population_size": "4",
    }
    kubectl.create(experiment("wide", "nsga-ii", settings, parameters=(X, N),
                              line=PAIR,
                              parallelTrialCount=2, maxTrialCount=8))  # fmt: skip
    status = kubectl.wait("wide")
    points = [(float(each["x"]), int(each["n"])) for each in kubectl.suggested("wide")]
    front = [
        (x, n)
        for x, n in points
        if not any(a <= x and b >= n and (a, b) != (x, n) for a, b in points)
    ]
    shown = [
        {each["name"]: float(each["latest"]) for each in entry["observation"]["metrics"]}
        for entry in status["paretoFront"]
    ]
    assert [(each["loss"], each["size"]) for each in shown] == sorted(front)
    assert status["trialsParetoOptimal"] == len(front)
    assert 0 < float(status["hypervolume"]["value"]) < 9
    best = status["currentOptimalTrial"]["bestTrialName"]
    assert best == status["paretoFront"][0]["trialName"]
    head, row = kubectl("get", "experiment", "wide", "-o", "wide").splitlines()
    assert head.split()[4:] == ["TRIALS", "BEST", "INFEASIBLE", "PARETO", "HYPERVOLUME"]
    assert row.split()[4:6] == ["8", best]
    assert row.split()[-2:] == [str(len(front)), status["hypervolume"]["value"]]


@pytest.mark.parametrize(
    ("algorithm", "settings", "why"),
    [
        ("random", {"constraints": "size < 5"}, 'constraints: "size < 5" is no constraint'),
        ("cmaes", {"objectives": "loss:minimize, size:minimize"}, "objectives: cmaes cannot do"),
        ("asha", {"warm_start": "narrow"}, "warm_start: asha cannot do that; random, grid"),
        ("random", {"warm_start": "nobody"}, 'warm_start: there is no Experiment "nobody"'),
    ],
)
def test_what_cannot_be_asked_is_refused(kubectl, algorithm, settings, why):
    done = kubectl.create(experiment("refused", algorithm, settings), check=False)
    assert done.returncode == 1
    assert "spec.algorithm.algorithmSettings[1].value: Invalid value" in done.stderr
    assert why in done.stderr


@pytest.mark.parametrize("stopping", ["median", "asha"])
def test_better_rules_of_early_stopping(kubectl, stopping):
    name = f"stopped-{stopping}"
    rule = {"algorithmName": stopping, "algorithmSettings": [{"name": "start_step", "value": "2"}]}
    kubectl.create(experiment(name, parameters=(X,), line=CURVE, earlyStopping=rule))
    kubectl.wait(name)
    listed = kubectl.read("suggestion", name)["status"]["suggestions"]
    rules = [each.get("earlyStoppingRules") or [] for each in listed]
    assert rules[0] == []
    assert rules[-1][0]["name"] == "loss"
    assert rules[-1][0]["startStep"] == 2


def test_asha(kubectl):
    epochs = {"name": "n", "parameterType": "int", "feasibleSpace": {"min": "1", "max": "4"}}
    settings = {"resource_name": "n", "r_l": "4", "eta": "2"}
    kubectl.create(
        experiment("halved", "asha", settings, parameters=(X, epochs), line=PAIR, maxTrialCount=9)
    )
    kubectl.wait("halved")
    budgets = [each["n"] for each in kubectl.suggested("halved")]
    assert budgets[:2] == ["1", "1"]
    assert {"1", "2", "4"} == {*budgets}


def test_a_search_is_held_and_ended(kubectl):
    kubectl.create(experiment("held", settings=CONDITION, maxTrialCount=100, suspend=True))
    kubectl.wait("held", "condition=Suspended")
    kubectl.patch("held", suspend=False)
    kubectl.wait("held", "jsonpath={.status.trialsSucceeded}=1")
    kubectl.patch("held", suspend=True)
    kubectl.wait("held", "condition=Suspended")
    assert "Suspended" in kubectl("get", "experiment", "held")
    kubectl.patch("held", suspend=False)
    kubectl.wait("held", "condition=Suspended=False")
    kubectl.patch("held", shutdown="Stop")
    status = kubectl.wait("held")
    assert status["conditions"][-1]["reason"] == "ExperimentStopped"
    assert status["currentOptimalTrial"]["bestTrialName"]
    assert 0 < status["trialsSucceeded"] < 100
    done = kubectl("patch", "experiment", "held", "--type=merge", "-p", '{"spec":{"suspend":true}}',
                   check=False)  # fmt: skip
    assert "the Experiment has ended, and cannot be suspended" in done.stderr


def test_a_warm_start_outlives_the_earlier_experiment_and_a_crash(own_sampan):
    own_sampan.up()
    kubectl = Client(own_sampan)
    kubectl.create(experiment("before", settings=CONDITION, maxTrialCount=12, parallelTrialCount=2))
    kubectl.wait("before")
    warm = {"warm_start": "before", **CONDITION}
    kubectl.create(experiment("undisturbed", "tpe", warm))
    kubectl.create(experiment("disturbed", "tpe", warm))
    kubectl.wait("disturbed", "jsonpath={.status.warmStart.trialsKnown}=12")
    kubectl("delete", "experiment", "before")
    kill(own_sampan)
    own_sampan.up()
    kubectl.wait("undisturbed")
    kubectl.wait("disturbed")
    assert kubectl.suggested("disturbed") == kubectl.suggested("undisturbed")
    assert len(kubectl.suggested("disturbed")) == 6
    said = until(lambda: own_sampan("explain", "experiment", "disturbed", "-n", NAMESPACE))
    assert "It began with 12 of 12 trials of before, which are of its space." in said
