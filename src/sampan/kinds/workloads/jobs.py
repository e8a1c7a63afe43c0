"""A Job as its decisions read it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from sampan.kinds.workloads.types import Conditions, Pod
from sampan.kube import names
from sampan.kube.conditions import is_true
from sampan.kube.keys import Manifest


class OnExitCodes(Struct, frozen=True, kw_only=True):
    operator: str
    containerName: str | None = None
    values: list[int] = []


class OnPodCondition(Struct, frozen=True, kw_only=True):
    type: str
    status: str = "True"


class FailureRule(Struct, frozen=True, kw_only=True):
    action: str
    onExitCodes: OnExitCodes | None = None
    onPodConditions: list[OnPodCondition] | None = None


class FailurePolicy(Struct, frozen=True, kw_only=True):
    rules: list[FailureRule] = []


class SuccessRule(Struct, frozen=True, kw_only=True):
    succeededIndexes: str | None = None
    succeededCount: int | None = None


class SuccessPolicy(Struct, frozen=True, kw_only=True):
    rules: list[SuccessRule] = []


class Spec(Struct, frozen=True, kw_only=True):
    parallelism: int = 1
    completions: int | None = None
    completionMode: str = "NonIndexed"
    backoffLimit: int = 6
    backoffLimitPerIndex: int | None = None
    maxFailedIndexes: int | None = None
    podFailurePolicy: FailurePolicy | None = None
    successPolicy: SuccessPolicy | None = None
    activeDeadlineSeconds: int | None = None
    ttlSecondsAfterFinished: int | None = None
    suspend: bool = False
    podReplacementPolicy: str = "TerminatingOrFailed"
    managedBy: str | None = None
    template: dict[str, Any] = {}

    @property
    def indexed(self) -> bool:
        return self.completionMode == "Indexed"

    @property
    def patient(self) -> bool:
        """A pod on its way out holds its place until it has ended, and counts only then."""
        return self.podReplacementPolicy == "Failed"


class Uncounted(Struct, frozen=True, kw_only=True):
    succeeded: list[str] = []
    failed: list[str] = []


class Status(Struct, frozen=True, kw_only=True):
    succeeded: int = 0
    failed: int = 0
    completedIndexes: str = ""
    failedIndexes: str = ""
    startTime: str = ""
    completionTime: str = ""
    conditions: Conditions = []
    uncountedTerminatedPods: Uncounted = Uncounted()


class Run(Struct, frozen=True, kw_only=True):
    """All that a decision may depend on. `strays` are owned but no longer match."""

    manifest: Manifest
    spec: Spec
    status: Status
    pods: tuple[Pod, ...]
    now: datetime
    strays: tuple[Manifest, ...] = ()

    @property
    def finished(self) -> bool:
        said = self.status.conditions
        return is_true(said, "Complete") or is_true(said, "Failed")


def index_of(pod: Pod) -> int | None:
    """The completion index; None for a pod that has none."""
    text = (
        pod.labels.get(names.LABEL_COMPLETION_INDEX)
        or pod.annotations.get(names.LABEL_COMPLETION_INDEX)
        or ""
    )
    return int(text) if text.isdecimal() and len(text) < 10 else None


def tracked(pod: Pod) -> bool:
    """The Job has not finished taking note of it."""
    return names.FINALIZER_JOB in pod.held


def broken(spec: Spec, pod: Pod) -> bool:
    """It counts as a failure: it failed, or it is made to go before it could end well."""
    if pod.phase == "Failed":
        return True
    return pod.deleting and pod.phase != "Succeeded" and not spec.patient
