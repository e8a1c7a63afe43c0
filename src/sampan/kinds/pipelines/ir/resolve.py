"""Inputs of a task, from the inputs of the DAG that it lies in and the outputs of its siblings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct

from sampan.kinds.pipelines.ir.messages import Component, ParameterSource, Task

Artifact = Mapping[str, Any]
"""As `status.tasks` has it: {id, name, type, uri, metadata, digest}; type: a schema's title."""


class Values(Struct, frozen=True):
    """Inputs or outputs of a task, a DAG, an iteration. A parameter that is not there has not been
    given; one that is None was given as null."""

    parameters: Mapping[str, Any] = {}
    artifacts: Mapping[str, tuple[Artifact, ...]] = {}


class RunFacts(Struct, frozen=True, kw_only=True):
    """What placeholders may say about the run. Times are RFC 3339, UTC."""

    id: str
    name: str
    display_name: str
    pipeline_root: str
    created: str
    scheduled: str = ""


class Scope(Protocol):
    """The DAG that a task lies in. `walk` gives it."""

    @property
    def inputs(self) -> Values:
        """Of the DAG (or the iteration of a loop)."""

    def outputs(self, task: str) -> Values | None:
        """Of a sibling that has ended well (a DAG: `outputs.of_dag`, a loop: `outputs.collected`);
        None: it has none, because it failed or was left out."""

    def state(self, task: str) -> str:
        """Of a sibling, as `status.tasks` has it: SUCCEEDED, FAILED, …"""


def inputs(
    name: str, task: Task, component: Component, scope: Scope, run: RunFacts, task_id: str = ""
) -> Values:
    """What a task named so in its DAG gets; for a loop: the loop as a whole. Raises Unresolved."""
    raise NotImplementedError


def parameter(
    source: ParameterSource, scope: Scope, run: RunFacts, name: str, task_id: str = ""
) -> Any:
    """One value from anywhere in a spec (kfp-kubernetes settings have such sources too); None for
    null. Raises Unresolved."""
    raise NotImplementedError
