"""What runs in a step of a workflow, as kubectl sees it."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def workflow(*templates: dict[str, Any], **spec: Any) -> str:
    return json.dumps({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "wf"},
        "spec": {"entrypoint": "main", "templates": list(templates), **spec},
    })  # fmt: skip


def ended(kubectl: Any) -> dict[str, Any]:
    kubectl("wait", "wf/wf", "--for=condition=Completed", "--timeout=60s")
    found: dict[str, Any] = json.loads(kubectl("get", "wf", "wf", "-o", "json"))["status"]
    return found


def test_outputs_reach_the_next_step(kubectl: Any) -> None:
    write = {
        "name": "write",
        "container": {
            "image": "argoproj/argosay:v2", "command": ["sh", "-c"],
            "args": ["echo said; echo kept > /out.txt; mkdir /tree; echo deep > /tree/leaf"],
        },
        "outputs": {
            "parameters": [{"name": "p", "valueFrom": {"path": "/out.txt"}}],
            "artifacts": [{"name": "a", "path": "/tree"}],
        },
    }  # fmt: skip
    read = {
        "name": "read",
        "inputs": {
            "parameters": [{"name": "p"}, {"name": "r"}],
            "artifacts": [{"name": "a", "path": "/in"}],
        },
        "script": {
            "image": "alpine:3", "command": ["sh"],
            "source": "echo {{inputs.parameters.p}} {{inputs.parameters.r}} $(cat /in/leaf)",
        },
    }  # fmt: skip
    arguments = {
        "parameters": [
            {"name": "p", "value": "{{steps.w.outputs.parameters.p}}"},
            {"name": "r", "value": "{{steps.w.outputs.result}}"},
        ],
        "artifacts": [{"name": "a", "from": "{{steps.w.outputs.artifacts.a}}"}],
    }
    main = {
        "name": "main",
        "steps": [
            [{"name": "w", "template": "write"}],
            [{"name": "r", "template": "read", "arguments": arguments}],
        ],
    }
    kubectl("create", "-f", "-", text=workflow(main, write, read))
    status = ended(kubectl)
    assert status["phase"] == "Succeeded", status
    (reader,) = [each for each in status["nodes"].values() if each["displayName"] == "r"]
    pod = f"wf-read-{reader['id'].rpartition('-')[2]}"
    assert kubectl("logs", pod, "-c", "main") == "kept said deep\n"
    assert kubectl("logs", pod, "-c", "init").count("Downloading artifact a") == 1
    containers = kubectl("get", "pod", pod, "-o", "jsonpath={.spec.containers[*].name}")
    assert containers == "wait main"


def test_sidecars_and_container_sets(kubectl: Any) -> None:
    volume = [{"name": "v", "mountPath": "/v"}]
    set_of_two = {
        "name": "main",
        "volumes": [{"name": "v", "emptyDir": {}}],
        "containerSet": {
            "volumeMounts": volume,
            "containers": [
                {"name": "first", "image": "busybox", "command": ["sh", "-c", "echo 1 > /v/n"]},
                {"name": "main", "image": "busybox", "dependencies": ["first"],
                 "command": ["sh", "-c", "cat /v/n > /tmp/out"]},
            ],
        },
        "sidecars": [{"name": "side", "image": "busybox", "command": ["sleep", "1000"]}],
        "outputs": {"parameters": [{"name": "n", "valueFrom": {"path": "/tmp/out"}}]},
    }  # fmt: skip
    kubectl("create", "-f", "-", text=workflow(set_of_two))
    status = ended(kubectl)
    assert status["phase"] == "Succeeded", status
    nodes = {each["displayName"]: each for each in status["nodes"].values()}
    assert {name: each["type"] for name, each in nodes.items()} == {
        "wf": "Pod", "first": "Container", "main": "Container",
    }  # fmt: skip
    assert nodes["wf"]["outputs"]["parameters"][0]["value"] == "1"
    assert nodes["first"]["children"] == [nodes["main"]["id"]]
