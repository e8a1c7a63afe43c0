"""CronWorkflows and their metrics in a real cluster, with the real clock."""

import json

import pytest

from support import kubectls

KUBECTL = max(kubectls().values(), default="")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not KUBECTL, reason="no kubectl here")]

COUNTER = {
    "name": "face_ticks",
    "help": "Ticks.",
    "labels": [{"key": "status", "value": "{{status}}"}],
    "counter": {"value": "1"},
}


def cron(namespace, **spec):
    work = {"name": "work", "container": {"image": "busybox", "command": ["true"]}}
    work["metrics"] = {"prometheus": [COUNTER]}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "CronWorkflow",
        "metadata": {"name": "tick", "namespace": namespace},
        "spec": {
            "schedules": ["@every 1s"],
            "workflowSpec": {"entrypoint": "work", "templates": [work]},
            **spec,
        },
    }


def apply(sampan, manifest):
    sampan.run([KUBECTL, "apply", "-f", "-"], text=json.dumps(manifest))


def wait(sampan, namespace, *wanted):
    sampan.run([KUBECTL, "wait", "-n", namespace, "cwf/tick", "--timeout=20s", *wanted])


def test_a_cronworkflow_runs_until_its_condition_stops_it(sampan, namespace):
    stop = {"expression": "cronworkflow.succeeded >= 2"}
    apply(sampan, cron(namespace, stopStrategy=stop, concurrencyPolicy="Forbid"))
    wait(sampan, namespace, "--for=jsonpath={.status.phase}=Stopped")
    found = json.loads(sampan.run([KUBECTL, "get", "-n", namespace, "wf", "-o", "json"]))["items"]
    assert [each["status"]["phase"] for each in found] == ["Succeeded"] * 2
    for each in found:
        about = each["metadata"]
        due = about["annotations"]["workflows.argoproj.io/scheduled-time"]
        assert about["labels"]["workflows.argoproj.io/cron-workflow"] == "tick"
        assert each["status"]["startedAt"] >= due
    text = sampan.run([KUBECTL, "get", "--raw", "/metrics"]).splitlines()
    assert 'argo_workflows_face_ticks{status="Succeeded"} 2' in text
    counted = f'cronworkflows_triggered_total{{name="tick",namespace="{namespace}"}} 2'
    assert f"argo_workflows_{counted}" in text


def test_a_workflow_that_the_cluster_refuses_is_told_in_a_condition(sampan, namespace):
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none", "namespace": namespace},
        "spec": {"hard": {"count/workflows.argoproj.io": "0"}},
    }
    apply(sampan, quota)
    apply(sampan, cron(namespace))
    wait(sampan, namespace, "--for=condition=SubmissionError")
    found = json.loads(sampan.run([KUBECTL, "get", "-n", namespace, "cwf/tick", "-o", "json"]))
    (said,) = found["status"]["conditions"]
    assert "exceeded quota" in said["message"]
    sampan.run([KUBECTL, "delete", "-n", namespace, "resourcequota/none"])
    wait(sampan, namespace, "--for=jsonpath={.status.phase}=Active")
