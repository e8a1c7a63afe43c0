"""A run of 50 tasks and three `kill -9` of the control plane: it ends as it would have.

Each task appends its number to a file on a claim, so that one which ran twice or never is seen.
"""

import json
import random

import pytest

from support import Ledger, kill, until

pytestmark = pytest.mark.slow

TASKS, KILLS = 50, 3
RUNS = "/apis/pipelines.kubeflow.org/v2beta1/namespaces/{}/runs"
NOTE = {
    "image": "busybox",
    "command": ["sh", "-c"],
    "args": [
        "echo {{$.inputs.parameters['number']}} >> /log/lines;"
        " mkdir -p $(dirname {{$.outputs.parameters['same'].output_file}});"
        " printf {{$.inputs.parameters['number']}} >"
        " {{$.outputs.parameters['same'].output_file}}"
    ],
}
LOOP = {
    "taskInfo": {"name": "loop"},
    "componentRef": {"name": "comp-loop"},
    "iteratorPolicy": {"parallelismLimit": 5},
    "parameterIterator": {
        "itemInput": "item",
        "items": {"raw": json.dumps(list(range(TASKS)))},
    },
}
PIPELINE = {
    "schemaVersion": "2.1.0",
    "sdkVersion": "kfp-2.17.0",
    "pipelineInfo": {"name": "lines"},
    "root": {"dag": {"tasks": {"loop": LOOP}}},
    "components": {
        "comp-loop": {
            "inputDefinitions": {"parameters": {"item": {"parameterType": "NUMBER_INTEGER"}}},
            "dag": {
                "tasks": {
                    "note": {
                        "taskInfo": {"name": "note"},
                        "componentRef": {"name": "comp-note"},
                        "inputs": {"parameters": {"number": {"componentInputParameter": "item"}}},
                    }
                }
            },
        },
        "comp-note": {
            "executorLabel": "exec-note",
            "inputDefinitions": {"parameters": {"number": {"parameterType": "NUMBER_INTEGER"}}},
            "outputDefinitions": {"parameters": {"same": {"parameterType": "NUMBER_INTEGER"}}},
        },
    },
    "deploymentSpec": {"executors": {"exec-note": {"container": NOTE}}},
}
MOUNT = {"constant": "log", "mountPath": "/log"}
PLATFORM = {
    "platforms": {
        "kubernetes": {"deploymentSpec": {"executors": {"exec-note": {"pvcMount": [MOUNT]}}}}
    }
}


def start(sampan, namespace):
    ledger = Ledger(sampan, namespace)
    run = {
        "apiVersion": "pipelines.kubeflow.org/v2beta1",
        "kind": "Run",
        "metadata": {"name": "lines"},
        "spec": {"pipelineSpec": PIPELINE, "platformSpec": PLATFORM},
    }
    sampan.request("POST", RUNS.format(namespace), run)
    return ledger


def status(sampan, namespace):
    return sampan.request("GET", f"{RUNS.format(namespace)}/lines")[1].get("status") or {}


def ended(sampan, namespace):
    tasks = (status(sampan, namespace).get("tasks") or {}).values()
    return sum(each["type"] == "Container" and each["state"] == "SUCCEEDED" for each in tasks)


def gist(found):
    """What of a status does not depend on when things happened, nor on which run it was."""
    told = ("type", "state", "name", "parent", "iteration", "attempt")
    tasks = {
        path: {
            **{key: task.get(key) for key in told},
            "outputs": (task.get("outputs") or {}).get("parameters"),
        }
        for path, task in found["tasks"].items()
    }
    return {"state": found["state"], "tasks": tasks}


def test_three_kills_change_nothing_about_a_run_of_50_tasks(own_sampan):
    own_sampan.up()
    start(own_sampan, "quiet")
    until(lambda: status(own_sampan, "quiet").get("state") == "SUCCEEDED", seconds=90)
    ledger = start(own_sampan, "rough")
    for at in sorted(random.sample(range(3, TASKS - 3), KILLS)):
        until(lambda at=at: ended(own_sampan, "rough") >= at, seconds=90)
        kill(own_sampan)
        own_sampan.up()
    until(lambda: status(own_sampan, "rough").get("state") == "SUCCEEDED", seconds=90)
    rough, quiet = (gist(status(own_sampan, name)) for name in ("rough", "quiet"))
    assert rough == quiet
    assert ledger.lines() == {str(number): 1 for number in range(TASKS)}
