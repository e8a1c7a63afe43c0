"""Values of workflows on a running Sampan: results, loops, expressions, globals, caches, locks."""

import json

import pytest

pytestmark = pytest.mark.slow


def workflow(name, *templates, **spec):
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": name},
        "spec": {"entrypoint": "main", "templates": list(templates), **spec},
    }


def given(**parameters):
    return {"parameters": [{"name": name, "value": value} for name, value in parameters.items()]}


def shell(name, text, *inputs, **fields):
    """A template that runs a line of shell."""
    container = {"image": "busybox", "command": ["sh", "-c", text]}
    declared = {"parameters": [{"name": each} for each in inputs]}
    return {"name": name, "inputs": declared, "container": container, **fields}


def run(sampan, namespace, *manifests, phase="Succeeded"):
    """Create the workflows, and wait until they are over; their statuses."""
    listed = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
    sampan("apply", "-n", namespace, "-f", "-", text=json.dumps(listed))
    found = []
    for each in manifests:
        name = f"workflow/{each['metadata']['name']}"
        until = f"jsonpath={{.status.phase}}={phase}"
        sampan("wait", "-n", namespace, name, "--for", until, "--timeout", "30s")
        found.append(json.loads(sampan("get", "-n", namespace, name, "-o", "json"))["status"])
    return found


FILE = {"name": "square", "valueFrom": {"path": "/tmp/square"}}
TOTAL = {
    "name": "total",
    "globalName": "sum",
    "valueFrom": {
        "expression": "sum(map(fromJSON(steps.square.outputs.parameters.square), int(#)))"
    },
}


def test_values_go_from_step_to_step(sampan, namespace):
    numbers = shell("numbers", "echo '[1, 2, 3]'")
    square = shell("square", "echo $(({{inputs.parameters.n}} * {{inputs.parameters.n}})) "
                   "> /tmp/square", "n", outputs={"parameters": [FILE]})  # fmt: skip
    tell = shell("tell", "test '{{inputs.parameters.said}}' = '1-4-9 of {{workflow.name}}'", "said")
    said = "{{=join(fromJSON(steps.square.outputs.parameters.square), '-')}} of {{workflow.name}}"
    groups = [
        [{"name": "numbers", "template": "numbers"}],
        [{"name": "square", "template": "square", "arguments": given(n="{{item}}"),
          "withParam": "{{steps.numbers.outputs.result}}"}],
        [{"name": "tell", "template": "tell", "arguments": given(said=said)}],
    ]  # fmt: skip
    main = {"name": "main", "steps": groups, "outputs": {"parameters": [TOTAL]}}
    (status,) = run(sampan, namespace, workflow("values", main, numbers, square, tell))
    assert status["outputs"] == {"parameters": [{"name": "sum", "value": "14"}]}
    by_name = {node["displayName"]: node for node in status["nodes"].values()}
    assert by_name["numbers"]["outputs"]["result"] == "[1, 2, 3]"
    assert by_name["square(1:2)"]["outputs"]["parameters"][0]["value"] == "4"


def test_outputs_are_remembered(sampan, namespace):
    cache = {
        "key": "{{workflow.parameters.k}}",
        "maxAge": "1h",
        "cache": {"configMap": {"name": "kept"}},
    }
    main = shell("main", "echo it > /tmp/square", outputs={"parameters": [FILE]}, memoize=cache)
    first, second = (workflow(name, main, arguments=given(k="a")) for name in ("one", "two"))
    (ran,) = run(sampan, namespace, first)
    (spared,) = run(sampan, namespace, second)
    assert ran["nodes"]["one"]["memoizationStatus"]["hit"] is False
    assert spared["nodes"]["two"]["memoizationStatus"]["hit"] is True
    assert spared["nodes"]["two"]["outputs"] == ran["nodes"]["one"]["outputs"]
    pods = json.loads(sampan("get", "-n", namespace, "pods", "-o", "json"))["items"]
    assert [pod["metadata"]["name"] for pod in pods] == ["one"]
    kept = json.loads(sampan("get", "-n", namespace, "configmap/kept", "-o", "json"))
    assert json.loads(kept["data"]["a"])["nodeID"] == "one"


@pytest.mark.parametrize("level", ["workflow", "template"])
def test_one_at_a_time_holds_a_mutex(sampan, namespace, level):
    """Each makes a directory and removes it: two at once would meet."""
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "shared"},
             "spec": {"accessModes": ["ReadWriteMany"],
                      "resources": {"requests": {"storage": "1Mi"}}}}  # fmt: skip
    sampan("apply", "-n", namespace, "-f", "-", text=json.dumps(claim))
    volume = {"name": "v", "persistentVolumeClaim": {"claimName": "shared"}}
    lock = {"synchronization": {"mutexes": [{"name": "dir"}]}}
    work = shell("work", "mkdir /v/d && sleep 0.1 && rmdir /v/d")
    work["container"]["volumeMounts"] = [{"name": "v", "mountPath": "/v"}]
    main = {"name": "main", "steps": [[{"name": "a", "template": "work"}]]}
    spec = {"volumes": [volume]}
    if level == "template":
        work |= lock
        main["steps"][0].append({"name": "b", "template": "work"})
    else:
        spec |= lock
    many = [workflow(f"w{index}", main, work, **spec) for index in range(5)]
    for status in run(sampan, namespace, *many):
        assert "synchronization" not in status
