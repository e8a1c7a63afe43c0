"""Read-only views of pods and of the makers of pods: only the fields that are read here.

Structs are decoded from plain manifests and never written back. Upstream's names are kept where
a field is the API's own; what is derived (`active`, `ready_since`) has a plain name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from sampan.kube.conditions import get_condition
from sampan.kube.keys import Manifest
from sampan.kube.times import parse

S = TypeVar("S")
Conditions = list[dict[str, Any]]


class Exit(Struct, frozen=True):
    """A container that ended with a code that is not 0."""

    container: str
    code: int


class Pod(Struct, frozen=True, kw_only=True):
    """What makers of pods look at. `ready_since` is None while the pod is not Ready.

    held: finalizers that keep the pod until somebody has taken note of it.
    exits, conditions: of a Failed pod only, what policies about failures look at.
    """

    name: str
    uid: str
    phase: str
    created: str
    deleting: bool = False
    going_since: datetime | None = None
    ready_since: datetime | None = None
    node: str = ""
    restarts: int = 0
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    finished: datetime | None = None
    held: Sequence[str] = ()
    exits: tuple[Exit, ...] = ()
    conditions: Mapping[str, str] = {}

    @property
    def ended(self) -> bool:
        return self.phase in ("Succeeded", "Failed")

    @property
    def active(self) -> bool:
        """It counts as one of those that were asked for."""
        return not self.deleting and not self.ended

    @property
    def ended_at(self) -> datetime | None:
        """When it ended, or was asked to; as far as is known."""
        if self.finished is not None or self.going_since is None:
            return self.finished or (parse(self.created) if self.created else None)
        return self.going_since

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
        going_since=_going(meta),
        ready_since=_since(ready) if ready.get("status") == "True" else None,
        node=(pod.get("spec") or {}).get("nodeName") or "",
        restarts=sum(each.get("restartCount") or 0 for each in statuses),
        labels=meta.get("labels") or {},
        annotations=meta.get("annotations") or {},
        finished=_finished(statuses) if phase in ("Succeeded", "Failed") else None,
        held=meta.get("finalizers") or (),
        exits=tuple(_exits(status)) if phase == "Failed" else (),
        conditions=_said(status) if phase == "Failed" else {},
    )


def _going(meta: Mapping[str, Any]) -> datetime | None:
    """When deletion was asked for; the timestamp says when it is to be over."""
    if not (until := meta.get("deletionTimestamp")):
        return None
    return parse(until) - timedelta(seconds=meta.get("deletionGracePeriodSeconds") or 0)


def _exits(status: Mapping[str, Any]) -> Iterator[Exit]:
    for field in ("initContainerStatuses", "containerStatuses"):
        for each in status.get(field) or ():
            ended = (each.get("state") or {}).get("terminated") or {}
            if code := ended.get("exitCode"):
                yield Exit(each.get("name") or "", code)


def _said(status: Mapping[str, Any]) -> dict[str, str]:
    return {
        each.get("type") or "": each.get("status") or "" for each in status.get("conditions") or ()
    }


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
