"""Katib's SDK, and Kubeflow's own, as they are, against `sampan up`."""

import json
from pathlib import Path

import pytest

from support import ROOT, until

pytestmark = pytest.mark.slow
PLACE = ROOT / ".venvs" / "katib"
PYTHON = PLACE / "bin" / "python"
CLIENTS = Path(__file__).parent / "clients"
NAMESPACE = "kubeflow-user-example-com"


@pytest.fixture
def tour(own_sampan):
    """Runs a program of a client's."""
    if not PYTHON.exists():
        pytest.skip(f"{PYTHON} is missing; `make setup` makes it")
    own_sampan.home.mkdir(mode=0o700)
    images = f"images:\n- match: katib-sdk\n  python: {PLACE}\n"
    (own_sampan.home / "config.yaml").write_text(images)
    own_sampan.up()
    said = own_sampan("env").splitlines()
    pairs = (line.removeprefix("export ").split("=", 1) for line in said)
    own_sampan.environment |= {name: value.strip("'") for name, value in pairs}

    def run(name):
        said = own_sampan.run([PYTHON, CLIENTS / name, NAMESPACE], timeout=110)
        assert said.splitlines()[-1] == "ok all"

    return run


def test_katib(tour):
    tour("katib_tour.py")


def test_optimizer(tour):
    tour("optimizer_tour.py")


def test_metrics(tour):
    tour("metrics_tour.py")


def halves(name, **setting):
    """An experiment for the search of `own_search.py`."""
    settings = [{"name": key, "value": value} for key, value in setting.items()]
    container = {"name": "main", "image": "busybox", "command": ["echo"]}
    container["args"] = ["loss=${trialParameters.lr}"]
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "objective": {"type": "minimize", "objectiveMetricName": "loss"},
            "algorithm": {"algorithmName": "halves", "algorithmSettings": settings},
            "parallelTrialCount": 2,
            "maxTrialCount": 2,
            "parameters": [
                {"name": "lr", "parameterType": "double", "feasibleSpace": {"min": "0", "max": "1"}}
            ],
            "trialTemplate": {
                "primaryContainerName": "main",
                "trialParameters": [{"name": "lr", "reference": "lr"}],
                "trialSpec": {
                    "apiVersion": "batch/v1",
                    "kind": "Job",
                    "spec": {"template": template},
                },
            },
        },
    }


def test_a_search_of_ones_own(own_sampan):
    if not PYTHON.exists():
        pytest.skip(f"{PYTHON} is missing; `make setup` makes it")
    own_sampan.home.mkdir(mode=0o700)
    code = (CLIENTS / "own_search.py").read_text()
    images = [{"match": "own-search", "python": str(PLACE), "entrypoint": ["python", "-c", code]}]
    (own_sampan.home / "config.yaml").write_text(json.dumps({"images": images}))
    own_sampan.up()
    entry = {"algorithmName": "halves", "image": "own-search"}
    document = {"apiVersion": "config.kubeflow.org/v1beta1", "kind": "KatibConfig",
                "runtime": {"suggestions": [entry]}}  # fmt: skip
    config = {"metadata": {"name": "katib-config"},
              "data": {"katib-config.yaml": json.dumps(document)}}  # fmt: skip
    own_sampan.request("POST", "/api/v1/namespaces/kubeflow/configmaps", config)
    below = f"/apis/kubeflow.org/v1beta1/namespaces/{NAMESPACE}"
    for name, settings in (("good", {}), ("bad", {"wrong": "1"})):
        code, said = own_sampan.request("POST", f"{below}/experiments", halves(name, **settings))
        assert code == 201, said

    def status(name):
        return own_sampan.request("GET", f"{below}/suggestions/{name}")[1].get("status") or {}

    until(lambda: status("good").get("suggestionCount") == 2, 60)
    listed = [each["parameterAssignments"] for each in status("good")["suggestions"]]
    assert listed == [[{"name": "lr", "value": "1.0"}], [{"name": "lr", "value": "0.5"}]]
    until(lambda: status("bad").get("conditions", [{}])[-1].get("type") == "Failed", 60)
    said = status("bad")["conditions"][-1]["message"]
    assert said == "Validation failed: ValidateAlgorithmSettings Error: wrong is no setting"
