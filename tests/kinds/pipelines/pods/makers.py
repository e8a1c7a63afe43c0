"""A pipeline of one task, and its pod."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kinds.pipelines.ir import executor_input, validation
from sampan.kinds.pipelines.ir.pipeline import Pipeline
from sampan.kinds.pipelines.ir.resolve import RunFacts, Values
from sampan.kinds.pipelines.pods import build
from sampan.kinds.pipelines.pods.about import About, Work
from sampan.kube.keys import Manifest

RUN: Manifest = {
    "apiVersion": "pipelines.kubeflow.org/v2beta1",
    "kind": "Run",
    "metadata": {"name": "my-run", "namespace": "u", "uid": "r1"},
    "spec": {},
}
FACTS = RunFacts(id="r1", name="my-run", display_name="My run", pipeline_root="", created="")
ROOT = "minio://mlpipeline/v2/artifacts/p/r1/op/salt"
IMAGE = {"image": "python:3.11", "command": ["echo"]}


class Around:
    """A DAG with these inputs, whose tasks have made these outputs."""

    def __init__(self, inputs: Mapping[str, Any], **outputs: Mapping[str, Any]) -> None:
        self.inputs = Values(inputs)
        self._outputs = outputs

    def outputs(self, task: str) -> Values | None:
        return Values(self._outputs[task]) if task in self._outputs else None

    def state(self, task: str) -> str:
        return "SUCCEEDED" if task in self._outputs else "PENDING"


def pipeline(
    container: Mapping[str, Any] = IMAGE,
    settings: Mapping[str, Any] | None = None,
    component: Mapping[str, Any] | None = None,
    **config: Any,
) -> Pipeline:
    """`settings`: of kfp-kubernetes. `config`: the pipelineConfig."""
    spec = {
        "schemaVersion": "2.1.0",
        "pipelineInfo": {"name": "p"},
        "root": {"dag": {"tasks": {"op": {"componentRef": {"name": "comp-op"}}}}},
        "components": {"comp-op": {"executorLabel": "exec-op", **(component or {})}},
        "deploymentSpec": {"executors": {"exec-op": {"container": container}}},
    }
    said = {"deploymentSpec": {"executors": {"exec-op": settings or {}}}, "pipelineConfig": config}
    return validation.validate(spec, {"platforms": {"kubernetes": said}})


def work(
    read: Pipeline,
    given: Mapping[str, Any] | None = None,
    around: Around | None = None,
    **more: Any,
) -> Work:
    """`given`: the task's own parameters. `more`: its artifacts."""
    component = read.spec.components["comp-op"]
    inputs = Values(given or {}, more)
    return Work(
        pipeline=read,
        component=component,
        inputs=inputs,
        executor_input=executor_input.build(component, inputs, task_root=ROOT),
        scope=around or Around({}),
    )


def about(**more: Any) -> About:
    return About(**{"run": RUN, "facts": FACTS, "path": "op", "task": "op", **more})


def pod(
    read: Pipeline,
    given: Mapping[str, Any] | None = None,
    around: Around | None = None,
    **more: Any,
) -> Manifest:
    task = work(read, given, around)
    return build.build(about(**more), task, read.kubernetes_executor(task.component))


def made(settings: Mapping[str, Any], around: Around | None = None, **more: Any) -> Manifest:
    """The spec of the pod of a task with such settings."""
    spec: Manifest = pod(pipeline(settings=settings, **more), around=around)["spec"]
    return spec


def main(spec: Manifest) -> dict[str, Any]:
    (found,) = spec["containers"]
    return dict(found)


def own_volumes(spec: Manifest) -> list[dict[str, Any]]:
    """Less the launcher's."""
    return [each for each in spec["volumes"] if each["name"] != "kfp-launcher"]
