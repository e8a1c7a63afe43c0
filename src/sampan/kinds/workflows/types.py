"""Read-only views of a Workflow: only the fields that decisions read.

Templates and nodes stay plain JSON: a template is text to be filled in, and a workflow may have
thousands of nodes, most of which a decision never looks at.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from sampan.kinds.workflows.locks.requests import Lock
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.repository import Repository
from sampan.kube.keys import Manifest

Template = Mapping[str, Any]


class TtlStrategy(Struct, frozen=True, kw_only=True):
    secondsAfterCompletion: int | None = None
    secondsAfterSuccess: int | None = None
    secondsAfterFailure: int | None = None


class ClaimGC(Struct, frozen=True, kw_only=True):
    strategy: str = "OnWorkflowSuccess"


class PodGC(Struct, frozen=True, kw_only=True):
    strategy: str = ""
    labelSelector: dict[str, Any] | None = None
    deleteDelayDuration: str | int | None = None


class Spec(Struct, frozen=True, kw_only=True):
    entrypoint: str = ""
    templates: list[dict[str, Any]] = []
    parallelism: int | None = None
    suspend: bool = False
    shutdown: str = ""
    activeDeadlineSeconds: int | None = None
    volumeClaimTemplates: list[dict[str, Any]] = []
    volumeClaimGC: ClaimGC = ClaimGC()
    ttlStrategy: TtlStrategy = TtlStrategy()
    arguments: dict[str, Any] = {}
    hooks: dict[str, Any] = {}
    onExit: str = ""
    retryStrategy: dict[str, Any] | None = None
    podGC: PodGC = PodGC()
    podDisruptionBudget: dict[str, Any] | None = None


class NodeEvents(Struct, frozen=True, kw_only=True):
    """Whether nodes are told of in Events, and whether these are about their pods."""

    enabled: bool = True
    pods: bool = False


class Plugin(Struct, frozen=True, kw_only=True):
    """An executor plugin. with_token: it wants a token of its own service account."""

    name: str
    container: Mapping[str, Any]
    with_token: bool = False


class Driver(Struct, frozen=True):
    """A program of an operator that stores artifacts. timeout: seconds to connect; 0: the usual."""

    name: str
    image: str
    timeout: int = 0


class Agent(Struct, frozen=True):
    """tasks: the WorkflowTaskSet; plugins: those of the namespace, while there is no pod."""

    tasks: Manifest | None = None
    pod: Manifest | None = None
    plugins: tuple[Plugin, ...] = ()


class Run(Struct, frozen=True, kw_only=True):
    """All that a decision may depend on.

    pods: the workflow's pods by node id; blocked: why the workflow's first pod cannot have its
    name; claims: the PersistentVolumeClaims of its templates that exist, by name; configmaps:
    those of its namespace that parameters may come from, by name, if any does; repository: where
    its artifacts go that say no place of their own; reports: what the executors of its pods
    reported, by node id (all there is, once the workflow is over); limits: of the locks that it
    wants; drivers: of artifacts, by name. manifest has the whole spec, templates and defaults
    joined in, own is the spec as it was written; begins, library, fault: see resolve.execution;
    postponed: others have to end first.
    """

    manifest: Manifest
    spec: Spec
    status: Mapping[str, Any]
    pods: Mapping[str, Manifest]
    blocked: str
    claims: frozenset[str]
    now: datetime
    baseline: Manifest | None = None
    node_events: NodeEvents = NodeEvents()
    configmaps: Mapping[str, Manifest] = {}
    repository: Repository = Repository()
    own: Mapping[str, Any] = {}
    begins: Mapping[str, Any] = {}
    library: Mapping[str, Mapping[str, Any]] = {}
    fault: str = ""
    postponed: bool = False
    reports: Mapping[str, Manifest] = {}
    limits: Mapping[Lock, int | None] = {}
    drivers: Mapping[str, Driver] = {}
    agent: Agent = Agent()

    @property
    def name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    @property
    def namespace(self) -> str:
        return str(self.manifest["metadata"].get("namespace") or "")

    @property
    def phase(self) -> str:
        """ "" before its first look; being put off is none."""
        return phase_of(self.status)

    @property
    def nodes(self) -> Mapping[str, Node]:
        return self.status.get("nodes") or {}


POSTPONED = "Workflow processing has been postponed because too many workflows are already running"


def phase_of(status: Mapping[str, Any]) -> str:
    """ "" for a workflow that has not begun, put off or not."""
    return "" if status.get("message") == POSTPONED else status.get("phase") or ""


def begun(status: Mapping[str, Any]) -> bool:
    """Whether a workflow has had its first look."""
    return phase_of(status) != ""


def spec_of(manifest: Manifest) -> Spec:
    """The view of the spec; nulls count as absent."""
    given = {key: _said(value) for key, value in manifest["spec"].items() if value is not None}
    return msgspec.convert(given, Spec)


def _said(value: Any) -> Any:
    """An object without its nulls. Lists stay as they are: templates may be large."""
    if not isinstance(value, dict):
        return value
    return {key: _said(each) for key, each in value.items() if each is not None}
