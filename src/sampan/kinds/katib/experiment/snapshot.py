"""What a decision about an Experiment looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from sampan.kinds.katib import phases
from sampan.kinds.katib.extensions.question import Question
from sampan.kinds.katib.phases import Phase
from sampan.kinds.katib.template import Unusable
from sampan.kinds.katib.types import Spec
from sampan.kube import meta
from sampan.kube.katib import UNAVAILABLE
from sampan.kube.keys import Manifest
from sampan.kube.subject import Subject
from sampan.kube.times import parse


class Trial(Struct, frozen=True, kw_only=True):
    """What an Experiment looks at of each of its trials, without the rest of the manifest: there
    may be thousands. `value`: of the objective, as text; `losses`: of several objectives, where
    each of them has a value. `broken`: it breaks a constraint. `observed`: its metrics have been
    looked at. `made`: when it was."""

    name: str
    uid: str
    phase: Phase
    value: str
    losses: tuple[float, ...] | None
    broken: bool
    observed: bool
    deleting: bool
    made: datetime
    assignments: Sequence[Any]
    metrics: Sequence[Any]

    @property
    def active(self) -> bool:
        return self.phase in phases.ACTIVE


def trial(manifest: Manifest, question: Question) -> Trial:
    observation = (manifest.get("status") or {}).get("observation")
    spec = manifest.get("spec") or {}
    objective = spec.get("objective") or {}
    return Trial(
        name=meta.name_of(manifest),
        uid=meta.uid_of(manifest),
        phase=phases.phase_of(manifest),
        value=phases.value_of(objective, observation) if observation else UNAVAILABLE,
        losses=question.losses(observation) if observation and question.several else None,
        broken=observation is not None and bool(question.broken(observation)),
        observed=observation is not None,
        deleting=meta.deleting(manifest),
        made=parse(manifest["metadata"]["creationTimestamp"]),
        assignments=spec.get("parameterAssignments") or (),
        metrics=(observation or {}).get("metrics") or (),
    )


class Search(Subject, frozen=True, kw_only=True):
    """An Experiment with its trials in the order of their suggestions. `text`: its template, or why
    there is none. `taken`: names of suggestions that Trials of others have."""

    spec: Spec
    question: Question
    trials: tuple[Trial, ...]
    suggestion: Manifest | None
    text: str | Unusable
    now: datetime
    taken: frozenset[str] = frozenset()

    @property
    def suggested(self) -> list[Mapping[str, Any]]:
        return ((self.suggestion or {}).get("status") or {}).get("suggestions") or []

    @property
    def parallel(self) -> int:
        return self.spec.parallelTrialCount or 1


class Broken(Struct, frozen=True, kw_only=True):
    """An Experiment that cannot be read: written past admission."""

    manifest: Manifest
    why: str
    now: datetime
