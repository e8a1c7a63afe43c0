"""Sampan's own process, seen as a pod: it is well, and it stays."""

import json

MIRROR = ("pod/kube-apiserver-sampan", "-n", "kube-system")


def shown(sampan):
    return json.loads(sampan("get", *MIRROR, "-o", "json"))


def test_the_program_shows_itself_as_a_pod_that_comes_back(sampan):
    before = shown(sampan)
    assert before["status"]["containerStatuses"][0]["ready"] is True
    assert before["spec"]["nodeName"] == "sampan"
    sampan("delete", *MIRROR)
    sampan("wait", *MIRROR, "--for", "condition=Ready", "--timeout", "20s")
    after = shown(sampan)
    assert after["metadata"]["uid"] != before["metadata"]["uid"]


def test_another_pod_with_the_annotation_runs_like_any_other(sampan):
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "mirrored",
            "namespace": "default",
            "annotations": {"kubernetes.io/config.mirror": "x"},
        },
        "spec": {
            "restartPolicy": "Never",
            "containers": [{"name": "c", "image": "busybox", "command": ["true"]}],
        },
    }
    sampan("apply", "-f", "-", text=json.dumps(pod))
    sampan("wait", "-n", "default", "pod/mirrored", "--for", "jsonpath={.status.phase}=Succeeded")
    sampan("delete", "-n", "default", "pod/mirrored")
