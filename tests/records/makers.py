"""Completed workflows, and the databases that there are."""


def workflow(number, *, namespace="a", name="", labels=None, **status):
    day = f"2026-01-{number % 28 + 1:02}T00:00:0{number % 10}Z"
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {
            "name": name or f"w{number}",
            "namespace": namespace,
            "uid": f"uid-{number}",
            "creationTimestamp": day,
            "labels": labels or {},
            "annotations": {"a": "b"},
        },
        "spec": {"templates": [{"name": "main"}], "arguments": {"parameters": [{"name": "p"}]}},
        "status": {"phase": "Succeeded", "startedAt": day, "finishedAt": day,
                   "nodes": {"n": {"outputs": {"result": "Zürich \u0000 🛶"}}}, **status},
    }  # fmt: skip
