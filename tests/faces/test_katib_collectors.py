"""Experiments whose metrics are read in all ways, and those whose programs go wrong."""

import json
import shlex
from pathlib import Path

import pytest

from support import ROOT, until

pytestmark = pytest.mark.slow
PLACE = ROOT / ".venvs" / "katib"
CLIENTS = Path(__file__).parent / "clients"
NAMESPACE = "kubeflow-user-example-com"
BELOW = f"/apis/kubeflow.org/v1beta1/namespaces/{NAMESPACE}"
OUT = {"path": "/m/out", "kind": "File", "format": "TEXT"}
ANYTHING = {"metricsFormat": [r"([\w|-]+)=(\S+)()"]}
SERVE = """
import http.server, threading, time
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'loss{split="test"} 0.25\\nloss{split="train"} 0.5\\n')
    def log_message(self, *given):
        pass
server = http.server.HTTPServer(("", 8080), Page)
threading.Thread(target=server.serve_forever, daemon=True).start()
time.sleep(2)
"""


def collector(kind, **source):
    return {"collector": {"kind": kind}, "source": source}


def experiment(name, script, given=None, *, metric="loss", image="busybox", retries=0, **pod):
    container = {"name": "main", "image": image, "command": ["sh", "-c"]}
    container["args"] = [f"lr=${{trialParameters.lr}}\n{script}"]
    template = {"spec": {"restartPolicy": "Never", "containers": [container], **pod}}
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "objective": {"type": "minimize", "objectiveMetricName": metric},
            "algorithm": {"algorithmName": "random"},
            "parallelTrialCount": 1,
            "maxTrialCount": 1,
            "parameters": [
                {"name": "lr", "parameterType": "double", "feasibleSpace": {"min": "0", "max": "1"}}
            ],
            "metricsCollectorSpec": given or collector("StdOut"),
            "trialTemplate": {
                "primaryContainerName": "main",
                "trialParameters": [{"name": "lr", "reference": "lr"}],
                "trialSpec": {
                    "apiVersion": "batch/v1",
                    "kind": "Job",
                    "spec": {"backoffLimit": retries, "template": template},
                },
            },
        },
    }


def own():
    """A collector of the user's own."""
    name = {"fieldRef": {"fieldPath": "metadata.labels['katib.kubeflow.org/trial']"}}
    code = (CLIENTS / "own_collector.py").read_text()
    container = {
        "name": "mine",
        "image": "katib-sdk",
        "command": ["python", "-c", code],
        "args": ["/m/out", "katib-db-manager.kubeflow:6789", "loss"],
        "env": [{"name": "TRIAL", "valueFrom": name}],
    }
    given = collector("Custom", fileSystemPath={"path": "/m/out", "kind": "File"})
    given["collector"]["customCollector"] = container
    return given


GOOD = [
    (experiment("custom", "printf '0.5\\n0.25\\nend\\n' > /m/out", own()), "0.25"),
    (
        experiment(
            "prometheus", f"python3 -c {shlex.quote(SERVE)}", collector("PrometheusMetric"),
            metric='loss{split="test"}', image="katib-sdk",
        ),
        "0.25",
    ),
    (
        experiment("much", "(yes words and words | head -c 100000000; echo; echo loss=0.5)\n"),
        "0.5",
    ),
    (experiment("long", "(head -c 30000000 /dev/zero | tr '\\0' x; echo; echo loss=2)\n"), "2"),
]  # fmt: skip
NO_NUMBER = 'loss is not a number in line 1 "loss='
BAD = [
    (experiment("nan", "echo loss=nan"), "MetricsUnavailable", f'{NO_NUMBER}nan": no number'),
    (
        experiment("inf", "echo loss=inf", collector("StdOut", filter=ANYTHING)),
        "MetricsUnavailable",
        f'{NO_NUMBER}inf": its value is "inf"',
    ),
    (
        experiment("nothing", "echo hello"),
        "MetricsUnavailable",
        "Objective metric loss is not found in training logs, in none of 1 lines",
    ),
    (
        experiment("sparse", "truncate -s 1T /m/out", collector("File", fileSystemPath=OUT)),
        "MetricsUnavailable",
        "Objective metric loss is not found in training logs",
    ),
    (
        experiment("crash", "sh -c 'echo no such layer; exit 3'"),
        "Failed",
        "main ended with code 3; metrics-logger-and-collector ended with code 255: Failed to wait "
        "for worker container: training container is failed. It has ended with code 3 and left no "
        "mark in /var/log/katib. The last line of /var/log/katib/metrics.log is: no such layer",
    ),
    (
        experiment("loop", "sh -c 'exit 3'", restartPolicy="OnFailure", retries=1),
        "Failed",
        "Job has reached the specified backoff limit",
    ),
    (
        experiment("nowhere", "true", collector("File", fileSystemPath=OUT)),
        "Failed",
        "failed to open the file: open /m/out: no such file or directory",
    ),
    (
        experiment(
            "json",
            """printf '{"loss": "1"}\\nnonsense' > /m/out""",
            collector("File", fileSystemPath={**OUT, "format": "JSON"}),
        ),
        "Failed",
        'failed to parse the json object: line 2 "nonsense"',
    ),
]


def test_collectors_and_what_goes_wrong(own_sampan):
    if not PLACE.exists():
        pytest.skip(f"{PLACE} is missing; `make setup` makes it")
    own_sampan.home.mkdir(mode=0o700)
    images = [{"match": "katib-sdk", "python": str(PLACE)}]
    (own_sampan.home / "config.yaml").write_text(json.dumps({"images": images}))
    own_sampan.up()
    for given, *_ in (*GOOD, *BAD):
        code, said = own_sampan.request("POST", f"{BELOW}/experiments", given)
        assert code == 201, said

    def status(given, kind="experiments"):
        name = given["metadata"]["name"]
        return own_sampan.request("GET", f"{BELOW}/{kind}/{name}")[1].get("status") or {}

    for given, value in GOOD:
        until(lambda given=given: "completionTime" in status(given), 90)
        best = status(given)["currentOptimalTrial"]
        assert best["observation"], status(given)["conditions"][-1]["message"]
        assert best["observation"]["metrics"][0]["min"] == value
    for given, how, why in BAD:
        until(lambda given=given: "completionTime" in status(given), 90)
        assert status(given)["currentOptimalTrial"] == {"observation": {}}
        assert "see trial" in status(given)["conditions"][-1]["message"]
        (name,) = status(given)[
            "failedTrialList" if how == "Failed" else "metricsUnavailableTrialList"
        ]
        said = status({"metadata": {"name": name}}, "trials")["conditions"][-1]
        assert (said["type"], said["status"]) == (how, "True")
        assert why in said["message"]
