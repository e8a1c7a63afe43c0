"""Revision numbers and the other notes that a Deployment leaves on its ReplicaSets.

`kubectl rollout history` and `undo` read them. Upstream: kubernetes
pkg/controller/deployment/util/deployment_util.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sampan.kube import names

_OWN = {
    names.ANNOTATION_DESIRED_REPLICAS,
    names.ANNOTATION_MAX_REPLICAS,
    names.ANNOTATION_REVISION,
    names.ANNOTATION_REVISION_HISTORY,
    names.ANNOTATION_LAST_APPLIED,
}
"""Notes that each object has for itself."""


def number(text: str | None) -> int:
    """The number in an annotation; 0 when there is none."""
    return optional(text) or 0


def optional(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


def following(used: Iterable[int]) -> int:
    """The revision after all that were used."""
    return max(used, default=0) + 1


def renumbered(annotations: Mapping[str, str], new: int) -> dict[str, str]:
    """The notes of a ReplicaSet whose template is in use again."""
    old = annotations.get(names.ANNOTATION_REVISION)
    before = [
        part for part in annotations.get(names.ANNOTATION_REVISION_HISTORY, "").split(",") if part
    ]
    notes = {names.ANNOTATION_REVISION: str(new)}
    if old:
        notes[names.ANNOTATION_REVISION_HISTORY] = ",".join([*before, old])
    return notes


def size_notes(replicas: int, most: int) -> dict[str, str]:
    return {
        names.ANNOTATION_DESIRED_REPLICAS: str(replicas),
        names.ANNOTATION_MAX_REPLICAS: str(most),
    }


def inherited(annotations: Mapping[str, str]) -> dict[str, str]:
    """A Deployment's annotations that its ReplicaSets carry too, such as the change cause."""
    return {key: value for key, value in annotations.items() if key not in _OWN}
