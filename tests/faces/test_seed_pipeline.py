"""A program that knows HTTP alone, and a Workflow that was written for Kubeflow of old.

It is uploaded as a pipeline through the first version of the API, run once and on a schedule, put
away and brought back. The files are those that the project began with, as they were.
"""

import json
import urllib.request
from functools import partial

import pytest
import yaml

from support import ROOT, until

pytestmark = pytest.mark.slow
SEED = ROOT / "examples" / "00-seed-workflow"
NAMESPACE = "kubeflow-user-example-com"
_MARK = "b0undary"


def request(host, token, method, path, body=None, content="application/json"):
    """What the server says; it raises for what is no 2xx."""
    raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": content}
    asked = urllib.request.Request(f"{host}/{path}", raw, headers, method=method)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return answer.read().decode()


def uploaded(ask, name):
    head = (
        f'--{_MARK}\r\nContent-Disposition: form-data; name="uploadfile";'
        ' filename="argo-workflow-pvc.yaml"\r\nContent-Type: application/octet-stream\r\n\r\n'
    ).encode()
    file = (SEED / "argo-workflow-pvc.yaml").read_bytes()
    body = head + file + f"\r\n--{_MARK}--\r\n".encode()
    content = f"multipart/form-data; boundary={_MARK}"
    return json.loads(ask("POST", f"pipelines/upload?name={name}", body, content))


def references(**ids):
    how = {"EXPERIMENT": "OWNER", "PIPELINE_VERSION": "CREATOR"}
    return [
        {"key": {"type": kind, "id": id}, "relationship": how[kind]} for kind, id in ids.items()
    ]


def ended(ask, run_id):
    def over():
        run = json.loads(ask("GET", f"runs/{run_id}"))["run"]
        return run if run.get("status") in ("Succeeded", "Failed", "Error") else None

    return until(over, 40)


def said(sampan, host, token, run_id):
    """What the pods of a run have printed, as the pipelines API tells it."""
    chosen = f"labelSelector=pipeline/runid%3D{run_id}"
    _, pods = sampan.request("GET", f"/api/v1/namespaces/{NAMESPACE}/pods?{chosen}")
    logs = f"apis/v1alpha1/runs/{run_id}/nodes/{{}}/log"
    return "".join(
        request(host, token, "GET", logs.format(each["metadata"]["name"])) for each in pods["items"]
    )


def test_the_seed_is_run_once_and_on_a_schedule_by_plain_http(own_sampan):
    own_sampan.up()
    host, token = f"{own_sampan.state['gateway']}/pipeline", own_sampan("token").strip()
    ask = partial(request, f"{host}/apis/v1beta1", token)
    claim = yaml.safe_load((SEED / "pvc.yaml").read_text())
    own_sampan.request("POST", f"/api/v1/namespaces/{NAMESPACE}/persistentvolumeclaims", claim)

    pipeline = uploaded(ask, "seed")
    version = pipeline["default_version"]["id"]
    experiment = json.loads(ask("POST", "experiments", {"name": "old times"}))["id"]
    belongs = references(EXPERIMENT=experiment, PIPELINE_VERSION=version)

    once = json.loads(ask("POST", "runs", {"name": "once", "resource_references": belongs}))["run"]
    run = ended(ask, once["id"])
    assert run["status"] == "Succeeded"
    assert said(own_sampan, host, token, once["id"]).count("Hello\n") == 15

    trigger = {"periodic_schedule": {"interval_second": "1"}}
    job = {"name": "often", "resource_references": belongs, "trigger": trigger}
    job = json.loads(ask("POST", "jobs", {**job, "enabled": True, "max_concurrency": "1"}))

    def runs_of_job():
        listed = json.loads(ask("GET", "runs?page_size=50")).get("runs", [])
        kinds = [each["key"] for run in listed for each in run["resource_references"]]
        assert {"type": "EXPERIMENT", "id": experiment} in kinds
        return [
            run for run in listed
            if {"type": "JOB", "id": job["id"]} in [e["key"] for e in run["resource_references"]]
        ]  # fmt: skip

    first = until(runs_of_job, 30)[0]
    assert ended(ask, first["id"])["status"] == "Succeeded"
    assert json.loads(ask("POST", f"jobs/{job['id']}/disable")) == {}
    assert "enabled" not in json.loads(ask("GET", f"jobs/{job['id']}"))

    for each in (once["id"], first["id"]):
        assert json.loads(ask("POST", f"runs/{each}:archive")) == {}
        away = json.loads(ask("GET", f"runs/{each}"))["run"]
        assert away["storage_state"] == "STORAGESTATE_ARCHIVED"
        assert json.loads(ask("POST", f"runs/{each}:unarchive")) == {}
        back = json.loads(ask("GET", f"runs/{each}"))["run"]
        assert back.get("storage_state") in (None, "STORAGESTATE_AVAILABLE")
        assert back["status"] == "Succeeded"

    assert json.loads(ask("DELETE", f"jobs/{job['id']}")) == {}
    assert json.loads(ask("DELETE", f"pipelines/{pipeline['id']}")) == {}
