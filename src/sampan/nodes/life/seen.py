"""What the decision sees and what it answers, as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from sampan.kube.keys import Manifest

ProbeKind = Literal["startup", "liveness", "readiness"]
HookState = Literal["", "running", "failed"]


class Run(Struct, frozen=True, kw_only=True):
    """One attempt of a container. Times are seconds since the epoch; `code` is None while it
    runs. `reason` is set when the exit code does not say it all."""

    attempt: int
    started: float
    finished: float | None = None
    code: int | None = None
    reason: str = ""
    message: str = ""

    @property
    def lasted(self) -> float:
        return (self.finished or self.started) - self.started


class Waiting(Struct, frozen=True):
    """Why a container cannot start; what the user reads in its status."""

    reason: str
    message: str = ""


class Seen(Struct, frozen=True, kw_only=True):
    """One container.

    last, before: the newest attempt and the one before it. streak: restarts since it last ran
    for long. hook: the postStart hook. passed: the startup probe has succeeded. ready: the
    readiness probe's last word. unhealthy: the probe that has given up on it. stopping: it has
    been told to end. outdated: it runs what the pod's spec no longer says.
    """

    last: Run | None = None
    before: Run | None = None
    streak: int = 0
    waiting: Waiting | None = None
    hook: HookState = ""
    passed: bool = False
    ready: bool = False
    unhealthy: ProbeKind | Literal[""] = ""
    stopping: bool = False
    outdated: bool = False
    image_id: str = ""

    @property
    def running(self) -> bool:
        return self.last is not None and self.last.code is None

    @property
    def ended(self) -> bool:
        return self.last is not None and self.last.code is not None

    @property
    def succeeded(self) -> bool:
        return self.last is not None and self.last.code == 0


class Snapshot(Struct, frozen=True, kw_only=True):
    """A pod. `now` in seconds since the epoch. `evicted` is (reason, message) when the node
    itself ends the pod."""

    pod: Manifest
    now: float
    containers: Mapping[str, Seen]
    pod_ip: str = ""
    host_ip: str = ""
    evicted: tuple[str, str] | None = None


class Start(Struct, frozen=True):
    container: str
    attempt: int
    streak: int


class Stop(Struct, frozen=True):
    """SIGTERM (after preStop), SIGKILL after `grace` seconds. `why` is for the event."""

    container: str
    grace: float
    why: str = ""


class Decision(Struct, frozen=True, kw_only=True):
    """probes: (container, kind) that should be running now. finished: nothing of the pod runs and
    nothing ever will. remove: its object can go. again_in: seconds."""

    status: Manifest
    actions: tuple[Start | Stop, ...] = ()
    probes: frozenset[tuple[str, ProbeKind]] = frozenset()
    finished: bool = False
    remove: bool = False
    again_in: float | None = None
