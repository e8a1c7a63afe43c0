"""Read-only views of pods and of the makers of pods: only the fields that are read here.

Structs are decoded from plain manifests and never written back. Upstream's names are kept where
a field is the API's own; what is derived (`active`, `ready_since`) has a plain name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from sampan.kube.conditions import get_condition
from sampan.kube.keys import Manifest
from sampan.kube.times import parse

S = TypeVar("S")
Conditions = list[dict[str, Any]]


class Pod(Struct, frozen=True, kw_only=True):
    """What makers of pods look at. `ready_since` is None while the pod is not Ready."""

    name: str
    uid: str
    phase: str
    created: str
    deleting: bool = False
    ready_since: datetime | None = None
    node: str = ""
    restarts: int = 0
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    finished: datetime | None = None

    @property
    def ended(self) -> bool:
        return self.phase in ("Succeeded", "Failed")

    @property
    def active(self) -> bool:
        """It counts as one of those that were asked for."""
        return not self.deleting and not self.ended

    @property
    def created_at(self) -> datetime | None:
        return parse(self.created) if self.created else None

    def available(self, now: datetime, after: int) -> bool:
        """Ready for at least `after` seconds."""
        return self.ready_since is not None and self.wait(now, after) <= 0

    def wait(self, now: datetime, after: int) -> float:
        """Seconds until a ready pod is available."""
        since = self.ready_since or now
        return after - (now - since).total_seconds() if after else 0.0


def look(pod: Manifest) -> Pod:
    """The view of one Pod object."""
    meta, status = pod["metadata"], pod.get("status") or {}
    ready = get_condition(status.get("conditions"), "Ready") or {}
    phase = status.get("phase") or "Pending"
    statuses = status.get("containerStatuses") or ()
    return Pod(
        name=meta["name"],
        uid=meta.get("uid") or "",
        phase=phase,
        created=meta.get("creationTimestamp") or "",
        deleting=bool(meta.get("deletionTimestamp")),
        ready_since=_since(ready) if ready.get("status") == "True" else None,
        node=(pod.get("spec") or {}).get("nodeName") or "",
        restarts=sum(each.get("restartCount") or 0 for each in statuses),
        labels=meta.get("labels") or {},
        annotations=meta.get("annotations") or {},
        finished=_finished(statuses) if phase in ("Succeeded", "Failed") else None,
    )


def _since(condition: Mapping[str, Any]) -> datetime:
    return parse(condition.get("lastTransitionTime") or "1970-01-01T00:00:00Z")


def _finished(statuses: Any) -> datetime | None:
    ends = [
        end
        for each in statuses
        if (end := ((each.get("state") or {}).get("terminated") or {}).get("finishedAt"))
    ]
    return max(map(parse, ends), default=None)


def view(type: type[S], body: Mapping[str, Any] | None) -> S:
    """Decode the fields that `type` names; nulls count as absent."""
    given = {key: value for key, value in (body or {}).items() if value is not None}
    return msgspec.convert(given, type)
