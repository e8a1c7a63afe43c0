"""What docs/limits.md says of pipelines, seen from outside."""

import json
import urllib.request

import pytest

from support import until

pytestmark = pytest.mark.slow
RUNS = "/apis/pipelines.kubeflow.org/v2beta1/namespaces/{}/runs"
DATA = {"artifactType": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}}

TERMINATED = """
apiVersion: pipelines.kubeflow.org/v2beta1
kind: Run
metadata: {name: run}
spec: {terminate: true}
"""


def pipeline(components, tasks, executors):
    return {
        "schemaVersion": "2.1.0", "sdkVersion": "kfp-2.17.0", "pipelineInfo": {"name": "limits"},
        "root": {"dag": {"tasks": {
            name: {"taskInfo": {"name": name}, "componentRef": {"name": name}, **task}
            for name, task in tasks.items()
        }}},
        "components": {
            name: {"executorLabel": name, **component} for name, component in components.items()
        },
        "deploymentSpec": {"executors": executors},
    }  # fmt: skip


def shell(script, *args, **more):
    return {
        "container": {"image": "busybox", "command": ["sh", "-c", script], "args": args, **more}
    }


def one(script, **more):
    return pipeline({"work": {}}, {"work": {}}, {"work": shell(script, **more)})


def start(sampan, namespace, spec):
    run = {
        "apiVersion": "pipelines.kubeflow.org/v2beta1", "kind": "Run",
        "metadata": {"name": "run"}, "spec": {"pipelineSpec": spec},
    }  # fmt: skip
    return sampan.request("POST", RUNS.format(namespace), run)[1]


def status(sampan, namespace):
    return sampan.request("GET", f"{RUNS.format(namespace)}/run")[1].get("status") or {}


def ended(sampan, namespace):
    def over():
        found = status(sampan, namespace)
        return found if found.get("state") in ("SUCCEEDED", "FAILED", "CANCELED") else None

    return until(over, 60)


def state_of(sampan, namespace, path):
    return ((status(sampan, namespace).get("tasks") or {}).get(path) or {}).get("state")


def test_input_artifacts_are_read_only(sampan, namespace):
    spec = pipeline(
        {"make": {"outputDefinitions": {"artifacts": {"x": DATA}}},
         "spoil": {"inputDefinitions": {"artifacts": {"x": DATA}}}},
        {"make": {},
         "spoil": {
             "inputs": {"artifacts": {
                 "x": {"taskOutputArtifact": {"producerTask": "make", "outputArtifactKey": "x"}}
             }},
             "dependentTasks": ["make"],
         }},
        {"make": shell("mkdir -p ${0%/*}; echo 1 > $0", "{{$.outputs.artifacts['x'].path}}"),
         "spoil": shell("echo 2 > $0", "{{$.inputs.artifacts['x'].path}}")},
    )  # fmt: skip
    start(sampan, namespace, spec)
    tasks = ended(sampan, namespace)["tasks"]
    assert tasks["make"]["state"] == "SUCCEEDED"
    assert "Read-only file system" in tasks["spoil"]["error"]


def test_a_terminated_run_ends_failed_and_its_tasks_canceled(sampan, namespace):
    start(sampan, namespace, one("echo begun; sleep 1000"))
    until(lambda: state_of(sampan, namespace, "work") == "RUNNING", 30)
    sampan("apply", "-n", namespace, "-f", "-", text=TERMINATED)
    said = ended(sampan, namespace)
    assert (said["state"], said["tasks"]["work"]["state"]) == ("FAILED", "CANCELED")
    assert "CANCELING" in [each["state"] for each in said["stateHistory"]]


def test_more_than_this_machine_has_is_what_there_is_and_an_event_says_so(sampan, namespace):
    resources = {"resourceMemoryRequest": "900Ti", "resourceCpuRequest": "9000"}
    start(sampan, namespace, one("echo enough", resources=resources))
    said = ended(sampan, namespace)
    assert said["state"] == "SUCCEEDED"
    events = sampan.request("GET", f"/api/v1/namespaces/{namespace}/events")[1]["items"]
    about = [
        each for each in events if each["involvedObject"]["name"] == said["tasks"]["work"]["pod"]
    ]
    assert [each for each in about if each["type"] == "Warning" and "memory" in each["message"]]


def test_models_that_are_images_are_refused(sampan, namespace):
    importer = {"importer": {
        "artifactUri": {"constant": "oci://registry/model:1"},
        "typeSchema": {"schemaTitle": "system.Model", "schemaVersion": "0.0.1"},
    }}  # fmt: skip
    spec = pipeline(
        {"model": {"outputDefinitions": {"artifacts": {"artifact": DATA}}},
         "read": {"inputDefinitions": {"artifacts": {"m": DATA}}}},
        {"model": {},
         "read": {"inputs": {"artifacts": {
             "m": {"taskOutputArtifact": {"producerTask": "model", "outputArtifactKey": "artifact"}}
         }}, "dependentTasks": ["model"]}},
        {"model": importer, "read": shell("ls $0", "{{$.inputs.artifacts['m'].path}}")},
    )  # fmt: skip
    start(sampan, namespace, spec)
    said = ended(sampan, namespace)
    assert said["state"] == "FAILED"
    assert "oci://" in said["tasks"]["read"]["error"]


def test_a_run_that_is_deleted_with_kubectl_stays_in_the_records(sampan, namespace):
    uid = start(sampan, namespace, one("true"))["metadata"]["uid"]
    ended(sampan, namespace)
    sampan("delete", "run", "run", "-n", namespace)
    token = sampan("token").strip()
    address = f"{sampan.state['gateway']}/pipeline/apis/v2beta1/runs/{uid}"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["state"] == "SUCCEEDED"
