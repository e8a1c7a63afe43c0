"""Pipelines for tests, as short as they can be."""

from __future__ import annotations

from typing import Any

from sampan.kinds.pipelines.ir.pipeline import Pipeline
from sampan.kinds.pipelines.ir.resolve import Artifact, RunFacts, Values
from sampan.kinds.pipelines.ir.validation import validate

RUN = RunFacts(
    id="run-id",
    name="hello-x7k",
    display_name="Hello",
    pipeline_root="minio://mlpipeline/v2/artifacts",
    created="2026-01-02T03:04:05Z",
)


def task(component: str, **fields: Any) -> dict[str, Any]:
    return {"componentRef": {"name": component}, "taskInfo": {"name": component}, **fields}


def dag(**tasks: dict[str, Any]) -> dict[str, Any]:
    return {"dag": {"tasks": {name.replace("_", "-"): each for name, each in tasks.items()}}}


def spec(root: dict[str, Any], **components: dict[str, Any]) -> dict[str, Any]:
    """Components without an implementation run a container."""
    made = {name.replace("_", "-"): dict(each) for name, each in components.items()}
    for each in made.values():
        if "dag" not in each:
            each.setdefault("executorLabel", "exec")
    return {
        "pipelineInfo": {"name": "p"},
        "schemaVersion": "2.1.0",
        "root": root,
        "components": made,
        "deploymentSpec": {"executors": {"exec": {"container": {"image": "alpine"}}}},
    }


def pipeline(root: dict[str, Any], **components: dict[str, Any]) -> Pipeline:
    return validate(spec(root, **components))


def parameters(**types: Any) -> dict[str, Any]:
    """inputDefinitions: a type, or a whole definition."""
    return {
        "inputDefinitions": {
            "parameters": {
                name: {"parameterType": each} if isinstance(each, str) else each
                for name, each in types.items()
            }
        }
    }


def artifact(key: str = "a", **fields: Any) -> Artifact:
    uri = f"minio://mlpipeline/{key}"
    return {"id": key, "name": key, "type": "system.Dataset", "uri": uri, **fields}


class Scope:
    """A DAG with these inputs, whose tasks have ended so."""

    def __init__(
        self,
        inputs: Values | None = None,
        outputs: dict[str, Values] | None = None,
        states: dict[str, str] | None = None,
    ) -> None:
        self.inputs = inputs or Values()
        self._outputs = outputs or {}
        self._states = states or {}

    def outputs(self, task: str) -> Values | None:
        return self._outputs.get(task)

    def state(self, task: str) -> str:
        return self._states.get(task, "SUCCEEDED" if task in self._outputs else "FAILED")
