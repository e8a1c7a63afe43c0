"""What one look at a run sees: all that the walk may know, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from sampan.kinds.pipelines.ir.pipeline import Pipeline
from sampan.kinds.pipelines.ir.resolve import RunFacts
from sampan.kinds.pipelines.tasks import Entry
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.lineage import CacheAnswer, CacheQuestion
from sampan.kube.plan import Unanswered
from sampan.kube.subject import Subject


class Run(Subject, frozen=True, kw_only=True):
    """A run that goes on.

    pods, claims: of tasks that are not over, by path. strays: pods of the run that no such task
    has; looked for only where pods have to end. answers: what the records say of earlier runs; what
    is not in them was not asked or is not known yet. copied: the documents, if the status is to
    keep them.
    """

    pipeline: Pipeline
    facts: RunFacts
    now: datetime
    pods: Mapping[str, Manifest] = {}
    claims: Mapping[str, Manifest] = {}
    strays: tuple[Manifest, ...] = ()
    answers: Mapping[CacheQuestion, CacheAnswer | Unanswered] = {}
    copied: Mapping[str, Any] = {}

    @property
    def spec(self) -> Mapping[str, Any]:
        return self.manifest.get("spec") or {}

    @property
    def tasks(self) -> Mapping[str, Entry]:
        return self.status.get("tasks") or {}

    @property
    def uid(self) -> str:
        return meta.uid_of(self.manifest)

    @property
    def key(self) -> Key:
        return Key(names.RUN, self.namespace, self.name)

    @property
    def state(self) -> str:
        """ "" before the first look."""
        return self.status.get("state") or ""


class Refused(Struct, frozen=True, kw_only=True):
    """A run that cannot be walked, and why."""

    manifest: Manifest
    message: str
    now: datetime
