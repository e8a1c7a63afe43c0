"""What makes pods and what governs them, with the oldest and the newest kubectl found here."""

import json
import re

import pytest

from support import kubectls

pytestmark = pytest.mark.slow

VERSIONED = sorted(name for name in kubectls() if "1." in name)
CHOSEN = sorted({VERSIONED[0], VERSIONED[-1]}) if VERSIONED else list(kubectls())[:1]
CONTAINERS = '[{name: main, image: busybox, command: [sh, -c, "exec sleep 1000"]}]'
DAEMON_SET = f"""
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: agent}}
spec:
  selector: {{matchLabels: {{app: agent}}}}
  template:
    metadata: {{labels: {{app: agent}}}}
    spec: {{terminationGracePeriodSeconds: 1, containers: {CONTAINERS}}}
"""
CONTROLLER = f"""
apiVersion: v1
kind: ReplicationController
metadata: {{name: old}}
spec:
  replicas: 3
  template:
    metadata: {{labels: {{app: old}}}}
    spec: {{terminationGracePeriodSeconds: 1, containers: {CONTAINERS}}}
"""
JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: parts}
spec:
  completionMode: Indexed
  completions: 3
  parallelism: 3
  backoffLimitPerIndex: 1
  podFailurePolicy:
    rules:
    - {action: FailIndex, onExitCodes: {operator: In, values: [2]}}
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: busybox, command: [sh, -c, "exit $JOB_COMPLETION_INDEX"]}]
"""
AUTOSCALER = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 3
  metrics:
  - type: External
    external: {metric: {name: queue}, target: {type: AverageValue, averageValue: "5"}}
"""


@pytest.fixture(params=CHOSEN or [pytest.param("", marks=pytest.mark.skip("no kubectl here"))])
def kubectl(request, sampan, namespace):
    """Runs this kubectl in the test's namespace."""
    command = kubectls()[request.param]

    def run(*words, text=None, check=True):
        return sampan.run([command, "-n", namespace, *words], text=text, check=check)

    return run


def await_(kubectl, what, path, value):
    """Wait until the field has the value."""
    kubectl("wait", what, f"--for=jsonpath={{{path}}}={value}", "--timeout=20s")


def test_a_cron_job_runs_by_the_clock_and_by_hand(kubectl):
    kubectl(
        "create", "cronjob", "tick", "--image=busybox", "--schedule=@every 1s", "--", "sleep", "1"
    )
    await_(kubectl, "cronjob/tick", ".status.active[0].kind", "Job")
    made = json.loads(kubectl("get", "jobs", "-o", "json"))["items"][0]["metadata"]
    assert re.fullmatch(r"tick-\d{8}", made["name"])
    assert "batch.kubernetes.io/cronjob-scheduled-timestamp" in made["annotations"]
    kubectl("patch", "cronjob", "tick", "-p", '{"spec":{"suspend":true}}')
    kubectl("create", "job", "--from=cronjob/tick", "now")
    kubectl("wait", "--for=condition=Complete", "job/now", "--timeout=20s")
    assert "@every 1s" in kubectl("get", "cronjob", "tick")
    refused = kubectl(
        "create", "cronjob", "bad", "--image=busybox", "--schedule=99 * * * *", check=False
    )
    assert 'spec.schedule: Invalid value: "99 * * * *"' in refused.stderr


def test_a_daemon_set_rolls_and_rolls_back(kubectl):
    kubectl("create", "-f", "-", text=DAEMON_SET)
    kubectl("rollout", "status", "ds/agent", "--timeout=20s")
    kubectl("set", "env", "ds/agent", "COLOUR=green")
    kubectl("rollout", "status", "ds/agent", "--timeout=20s")
    assert "green" in kubectl("rollout", "history", "ds/agent", "--revision=2")
    kubectl("rollout", "undo", "ds/agent")
    kubectl("rollout", "status", "ds/agent", "--timeout=20s")
    assert "COLOUR" not in kubectl("get", "pods", "-o", "yaml")
    revisions = json.loads(kubectl("get", "controllerrevisions", "-o", "json"))["items"]
    assert sorted(each["revision"] for each in revisions) == [2, 3]
    assert re.search(r"agent +1 +1 +1 +1 +1", kubectl("get", "ds"))


def test_indexes_of_a_job_fail_by_their_own_rules(kubectl):
    kubectl("create", "-f", "-", text=JOB)
    await_(kubectl, "job/parts", ".status.failedIndexes", "2")
    job = json.loads(kubectl("get", "job", "parts", "-o", "json"))
    assert job["status"]["completedIndexes"] == "0"
    pods = json.loads(kubectl("get", "pods", "-l", "job-name=parts", "-o", "json"))["items"]
    indexes = [pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"]
               for pod in pods]  # fmt: skip
    assert sorted(set(indexes)) == ["0", "1", "2"]
    assert indexes.count("2") == 1  # given up at once, unlike index 1
    kubectl("delete", "job", "parts")
    kubectl("wait", "pods", "-l", "job-name=parts", "--for=delete", "--timeout=20s")


def test_a_quota_is_a_condition_of_the_controller(kubectl):
    kubectl("create", "quota", "two", "--hard=pods=2")
    kubectl("create", "-f", "-", text=CONTROLLER)
    kubectl("wait", "rc/old", "--for=condition=ReplicaFailure", "--timeout=20s")
    assert "Error creating: pods " in kubectl("describe", "rc", "old")
    kubectl("scale", "rc", "old", "--replicas=2")
    await_(kubectl, "rc/old", ".status.readyReplicas", "2")
    status = json.loads(kubectl("get", "rc", "old", "-o", "json"))["status"]
    assert "conditions" not in status


def test_a_drain_keeps_to_the_budget(kubectl):
    kubectl("create", "deployment", "web", "--image=busybox", "--replicas=2", "--", "sleep", "1000")
    kubectl("rollout", "status", "deploy/web", "--timeout=20s")
    kubectl("create", "pdb", "web", "--selector=app=web", "--min-available=1")
    await_(kubectl, "pdb/web", ".status.disruptionsAllowed", "1")
    node = kubectl("get", "nodes", "-o", "name").strip().partition("/")[2]
    drain = ["drain", node, "--ignore-daemonsets", "--pod-selector=app=web"]
    try:
        stopped = kubectl(*drain, "--timeout=2s", check=False)
        assert stopped.returncode
        assert "would violate the pod's disruption budget" in stopped.stderr
        kubectl("delete", "pdb", "web")
        assert f"node/{node} drained" in kubectl(*drain, "--timeout=40s", "--grace-period=1")
    finally:
        kubectl("uncordon", node)
    kubectl("rollout", "status", "deploy/web", "--timeout=20s")


def test_an_autoscaler_keeps_its_bounds_and_says_what_it_misses(kubectl):
    kubectl("create", "deployment", "web", "--image=busybox", "--", "sleep", "1000")
    kubectl("create", "-f", "-", text=AUTOSCALER)
    await_(kubectl, "deploy/web", ".spec.replicas", "2")
    kubectl("wait", "hpa/web", "--for=condition=ScalingActive=False", "--timeout=20s")
    told = kubectl("describe", "hpa", "web")
    assert "FailedGetExternalMetric" in told
    assert "New size: 2; reason: Current number of replicas below Spec.MinReplicas" in told
    assert "<unknown>/5 (avg)" in kubectl("get", "hpa", "web")
