"""Whose pod it is and what it is to do: all that the builders are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sampan.kinds.pipelines.ir.messages import Component
from sampan.kinds.pipelines.ir.pipeline import Pipeline
from sampan.kinds.pipelines.ir.resolve import RunFacts, Scope, Values
from sampan.kube.keys import Manifest


class Unbuildable(ValueError):
    """No pod can be made of the task, and no claim; the text says why."""


class About(Struct, frozen=True, kw_only=True):
    """run: the Run, as the cluster has it. path: the key in `status.tasks`. task: the name in the
    IR. attempt: from 0. retried: whether the task has a retry policy."""

    run: Manifest
    facts: RunFacts
    path: str
    task: str
    attempt: int = 0
    retried: bool = False

    @property
    def name(self) -> str:
        """Of the Run."""
        return str(self.run["metadata"]["name"])

    @property
    def namespace(self) -> str:
        return str(self.run["metadata"]["namespace"])


class Work(Struct, frozen=True, kw_only=True):
    """inputs: as resolved, without defaults. executor_input: what is made of them
    (`ir.executor_input`). scope: the DAG around the task, which settings of kfp-kubernetes may
    refer to."""

    pipeline: Pipeline
    component: Component
    inputs: Values
    executor_input: Mapping[str, Any]
    scope: Scope
