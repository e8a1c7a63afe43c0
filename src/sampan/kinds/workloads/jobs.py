"""A Job as its decisions read it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from sampan.kinds.workloads.types import Conditions, Pod
from sampan.kube import names
from sampan.kube.conditions import is_true
from sampan.kube.keys import Manifest


class Spec(Struct, frozen=True, kw_only=True):
    parallelism: int = 1
    completions: int | None = None
    completionMode: str = "NonIndexed"
    backoffLimit: int = 6
    activeDeadlineSeconds: int | None = None
    ttlSecondsAfterFinished: int | None = None
    suspend: bool = False
    podReplacementPolicy: str = "TerminatingOrFailed"
    managedBy: str | None = None
    template: dict[str, Any] = {}

    @property
    def indexed(self) -> bool:
        return self.completionMode == "Indexed"


class Uncounted(Struct, frozen=True, kw_only=True):
    succeeded: list[str] = []
    failed: list[str] = []


class Status(Struct, frozen=True, kw_only=True):
    succeeded: int = 0
    failed: int = 0
    completedIndexes: str = ""
    startTime: str = ""
    completionTime: str = ""
    conditions: Conditions = []
    uncountedTerminatedPods: Uncounted = Uncounted()


class Run(Struct, frozen=True, kw_only=True):
    """All that a decision may depend on."""

    manifest: Manifest
    spec: Spec
    status: Status
    pods: tuple[Pod, ...]
    now: datetime

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
    return int(text) if text.isdecimal() else None


def parse_indexes(text: str) -> set[int]:
    """`"0,2-4"` -> {0, 2, 3, 4}; parts that cannot be read are left out."""
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if first.isdecimal() and (last.isdecimal() or not dash):
            found.update(range(int(first), int(last if dash else first) + 1))
    return found


def format_indexes(indexes: set[int]) -> str:
    """{0, 2, 3, 4} -> `"0,2-4"`: as upstream, three or more in a row are a range."""
    parts: list[str] = []
    run: list[int] = []
    for index in [*sorted(indexes), None]:
        if run and index is not None and index == run[-1] + 1:
            run.append(index)
            continue
        if len(run) > 2:
            parts.append(f"{run[0]}-{run[-1]}")
        else:
            parts += map(str, run)
        run = [] if index is None else [index]
    return ",".join(parts)
