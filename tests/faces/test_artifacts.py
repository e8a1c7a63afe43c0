"""Artifacts of workflows in a real cluster: passed on, fetched from services, deleted."""

import json
from functools import partial

import pytest
import yaml

from support import kubectls

KUBECTL = max(kubectls().values(), default="")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not KUBECTL, reason="no kubectl here")]

PASSING = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: passing}
spec:
  entrypoint: main
  artifactGC: {strategy: OnWorkflowDeletion}
  templates:
  - name: main
    steps:
    - - {name: make, template: make}
    - - name: use
        template: use
        arguments:
          artifacts:
          - {name: tree, from: "{{steps.make.outputs.artifacts.tree}}"}
          - {name: page, http: {url: "http://web:8080/page.txt"}}
          - {name: words, raw: {data: "words"}}
  - name: make
    container:
      image: busybox
      command: [sh, -c]
      args: ["mkdir -p /tmp/tree/deep; echo one > /tmp/tree/deep/file"]
    outputs:
      artifacts:
      - {name: tree, path: /tmp/tree}
      - {name: first, path: /tmp/tree/deep/file, artifactGC: {strategy: OnWorkflowCompletion}}
  - name: use
    inputs:
      artifacts:
      - {name: tree, path: /work/tree}
      - {name: page, path: /work/page, mode: 0700}
      - {name: words, path: /work/words}
    container:
      image: busybox
      command: [sh, -c]
      args: ["cat /work/tree/deep/file /work/page /work/words; test -x /work/page"]
"""

WEB = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 8080, targetPort: 8000}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
  - name: web
    image: python:3.11
    command: [sh, -c]
    args: ["mkdir /tmp/w; echo page > /tmp/w/page.txt; python -m http.server -d /tmp/w 8000"]
    readinessProbe: {tcpSocket: {port: 8000}, periodSeconds: 1}
"""


def _kubectl(sampan, namespace, verb, *words, **more):
    return sampan.run([KUBECTL, "-n", namespace, verb, *words], **more)


def status_of(kubectl, name):
    kubectl("wait", "workflow", name, "--for=condition=Completed", "--timeout=60s")
    return json.loads(kubectl("get", "workflow", name, "-o", "json"))["status"]


def stored(sampan, namespace):
    """Names in the namespace's part of the local repository."""
    root = sampan.home / "artifacts" / namespace / "artifacts"
    return {path.name for path in root.rglob("*.tgz~tar")}


def test_artifacts_come_and_go(sampan, namespace):
    kubectl = partial(_kubectl, sampan, namespace)
    kubectl("apply", "-f", "-", text=WEB)
    kubectl("wait", "pod", "web", "--for=condition=Ready", "--timeout=60s")
    kubectl("create", "-f", "-", text=PASSING)
    status = status_of(kubectl, "passing")
    assert (status["phase"], status.get("message")) == ("Succeeded", None)
    (use,) = (n for n in status["nodes"].values() if n["displayName"] == "use")
    pod = f"passing-use-{use['id'].rpartition('-')[2]}"
    assert kubectl("logs", pod, "-c", "main") == "one\npage\nwords"
    kubectl("wait", "workflow", "passing", "--timeout=30s",
            "--for=jsonpath={.status.artifactGCStatus.podsRecouped}")  # fmt: skip
    assert stored(sampan, namespace) == {"tree.tgz~tar"}
    kubectl("delete", "workflow", "passing", "--timeout=30s")
    assert stored(sampan, namespace) == set()


def test_what_cannot_be_had_is_said(sampan, namespace):
    kubectl = partial(_kubectl, sampan, namespace)
    workflow = yaml.safe_load(PASSING)
    workflow["metadata"]["name"] = "missing"
    workflow["spec"] |= {"entrypoint": "use", "artifactGC": None}
    use = workflow["spec"]["templates"][2]
    use["inputs"]["artifacts"] = [
        {"name": "a", "path": "/a", "s3": {"key": "nobody/has/it"}, "optional": True},
        {"name": "b", "path": "/b", "s3": {"key": "nobody/has/it"}},
    ]
    kubectl("create", "-f", "-", text=json.dumps(workflow))
    status = status_of(kubectl, "missing")
    assert status["phase"] == "Error"
    said = "artifact b failed to load: the local repository has no object nobody/has/it"
    assert said in status["message"]
