"""Runs, their tasks and artifacts."""

IR = {
    "pipelineInfo": {"name": "digits"},
    "root": {"dag": {"tasks": {"load": {
        "taskInfo": {"name": "load"}, "componentRef": {"name": "comp-load"}}}}},
    "components": {"comp-load": {"executorLabel": "exec-load"}},
    "deploymentSpec": {"executors": {"exec-load": {
        "container": {"image": "python:3.11", "command": ["true"]}}}},
    "schemaVersion": "2.1.0",
}  # fmt: skip


def at(second):
    return f"2026-01-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"


def run(number, *, namespace="a", state="SUCCEEDED", tasks=None, labels=None, status=None, **spec):
    """A Run as the cluster has it. `number` makes its name, its uid and its times."""
    ended = state in ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
    return {
        "apiVersion": "pipelines.kubeflow.org/v2beta1",
        "kind": "Run",
        "metadata": {
            "name": f"run-{number}",
            "namespace": namespace,
            "uid": f"uid-{number}",
            "resourceVersion": f"{state}-{len(tasks or {})}",
            "creationTimestamp": at(number),
            "labels": {"pipeline/runid": f"id-{number}", **(labels or {})},
        },
        "spec": {"displayName": f"Run {number}", "experimentId": "e1", "pipelineSpec": IR, **spec},
        "status": {
            "state": state,
            "startedAt": at(number),
            **({"finishedAt": at(number + 60)} if ended else {}),
            **({"tasks": tasks} if tasks else {}),
            **(status or {}),
        },
    }


def task(name, *, of="1", type="Container", state="SUCCEEDED", **more):
    return {
        "id": f"task-{of}-{name}",
        "name": name,
        "type": type,
        "parent": "",
        "state": state,
        "startedAt": at(1),
        "finishedAt": at(2),
        **more,
    }


def artifact(name, content="1", *, type="system.Dataset", **more):
    return {
        "name": name,
        "type": type,
        "uri": f"minio://mlpipeline/v2/{name}",
        "digest": f"sha256:{content}",
        **more,
    }


def takes(**artifacts):
    return {"inputs": {"artifacts": {key: [each] for key, each in artifacts.items()}}}


def gives(**artifacts):
    return {"outputs": {"artifacts": {key: [each] for key, each in artifacts.items()}}}
