"""Which containers should run: order, restarts, back-off, endings.

A pod's containers are of four roles. `init` run one after another to success; a `sidecar` is an
init container that keeps running (restartPolicy Always) and ends after the others; `main` are the
pod's own; `ephemeral` were added for debugging and never restart.
Upstream: kubernetes pkg/kubelet/kuberuntime/kuberuntime_manager.go computePodActions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct

from sampan.kube.keys import Manifest
from sampan.kube.times import parse
from sampan.nodes.life.seen import ProbeKind, Seen, Snapshot, Start, Stop

Role = Literal["init", "sidecar", "main", "ephemeral"]

BACKOFF = 10.0
LONGEST_BACKOFF = 300.0
FORGIVEN = 600.0
"""A container that ran for ten minutes starts again without delay."""
OWN_GRACE = -1.0  # stands for the pod's terminationGracePeriodSeconds
_LAST_WORDS = 2.0  # seconds that a sidecar gets when the grace period is over

_NONE = Seen()


class Part(Struct, frozen=True):
    """A container with its role and what is seen of it."""

    spec: Mapping[str, Any]
    role: Role
    seen: Seen
    policy: str

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def restarts(self) -> bool:
        """Whether it should run again, now that it has ended. A changed one does by any policy."""
        if self.seen.outdated:
            return True
        if self.policy == "OnFailure":
            return not self.seen.succeeded
        return self.policy == "Always"

    @property
    def over(self) -> bool:
        """It has ended for good."""
        return self.seen.ended and not self.restarts

    @property
    def started(self) -> bool:
        """Running, its postStart hook and its startup probe have succeeded."""
        seen = self.seen
        if not seen.running or seen.hook:
            return False
        return seen.passed or "startupProbe" not in self.spec

    @property
    def ready(self) -> bool:
        if self.role == "init":
            return self.seen.succeeded
        if self.role == "ephemeral" or not self.started:
            return False
        return self.seen.ready or "readinessProbe" not in self.spec


class Moves(Struct, frozen=True):
    """What to do. `initialized`: init containers are done with. `failed`: one of them has failed
    for good. `again_in`: until a back-off is over."""

    actions: tuple[Start | Stop, ...] = ()
    initialized: bool = False
    failed: bool = False
    again_in: float | None = None


def parts(snapshot: Snapshot) -> list[Part]:
    """All containers in the order of the spec: init and sidecars, main, ephemeral."""
    spec, seen = snapshot.pod["spec"], snapshot.containers
    policy = spec.get("restartPolicy", "Always")
    found = []
    for each in spec.get("initContainers") or ():
        sidecar = each.get("restartPolicy") == "Always"
        role: Role = "sidecar" if sidecar else "init"
        again = "Always" if sidecar else ("Never" if policy == "Never" else "OnFailure")
        found.append(Part(each, role, seen.get(each["name"], _NONE), again))
    mains, debuggers = spec["containers"], spec.get("ephemeralContainers") or ()
    found += [Part(each, "main", seen.get(each["name"], _NONE), policy) for each in mains]
    found += [Part(each, "ephemeral", seen.get(each["name"], _NONE), "Never") for each in debuggers]
    return found


def backoff(part: Part, now: float) -> float:
    """Seconds until an ended container may start again; 0 or less when it may now."""
    last, streak = part.seen.last, part.seen.streak
    if last is None or last.finished is None or streak == 0 or last.lasted >= FORGIVEN:
        return 0.0
    if part.seen.outdated:
        return 0.0
    step = backoff_step(streak)
    return min(step, last.finished + step - now)  # no more, even if the clock was set back


def backoff_step(streak: int) -> float:
    """The length of a back-off: 10 s doubling to 300 s; the first restart is free."""
    return min(BACKOFF * 2.0 ** min(streak - 1, 10), LONGEST_BACKOFF) if streak else 0.0


def running(all_parts: list[Part], now: float) -> Moves:
    """The moves of a pod that is meant to run."""
    planner = _Planner(now)
    initialized, failed = _initialize(all_parts, planner)
    mains = [part for part in all_parts if part.role == "main"]
    if initialized:
        for part in mains:
            planner.keep(part)
        for part in all_parts:
            if part.role == "ephemeral":
                planner.keep(part)
    if failed or (initialized and all(part.over for part in mains)):
        sidecars = [part for part in all_parts if part.role != "main"]
        actions = tuple(ending(sidecars, OWN_GRACE))
        return Moves(actions, initialized, failed)
    return Moves(tuple(planner.actions), initialized, failed, planner.again_in)


def ending(all_parts: list[Part], grace: float) -> Iterator[Stop]:
    """The next moves of a pod that has to end: all but the sidecars at once, then those from the
    last to the first. An ending that has begun may be told again: its time can only shrink."""
    first = [part for part in all_parts if part.role != "sidecar" and part.seen.running]
    if first:
        for part in first:
            yield Stop(part.name, grace)
        return
    for part in reversed(all_parts):
        if part.role == "sidecar" and part.seen.running:
            yield Stop(part.name, grace)
            return


def grace_left(pod: Manifest, now: float) -> float:
    """Seconds that a pod under deletion still has."""
    meta = pod["metadata"]
    grace = float(meta.get("deletionGracePeriodSeconds") or 0)
    until = parse(meta["deletionTimestamp"]).timestamp()
    # The time stamp is cut to seconds: one second must not be lost where a pod has few.
    return max(min(grace, until + 1 - now), min(grace, _LAST_WORDS))


def probes(all_parts: list[Part]) -> frozenset[tuple[str, ProbeKind]]:
    """Startup gates the other two; a container that ends is asked nothing any more."""
    wanted: set[tuple[str, ProbeKind]] = set()
    for part in all_parts:
        spec, seen = part.spec, part.seen
        if not seen.running or seen.hook or seen.stopping:
            continue
        if not part.started:
            wanted.add((part.name, "startup"))
            continue
        if "livenessProbe" in spec:
            wanted.add((part.name, "liveness"))
        if "readinessProbe" in spec:
            wanted.add((part.name, "readiness"))
    return frozenset(wanted)


def _initialize(all_parts: list[Part], planner: _Planner) -> tuple[bool, bool]:
    """(init containers are done with, one has failed for good)."""
    mains = [part for part in all_parts if part.role == "main"]
    begun = any(part.seen.last is not None for part in mains)
    for part in all_parts:
        if part.role == "sidecar":
            planner.keep(part)
            if not begun and not part.started:
                return False, False
        elif part.role == "init" and not part.seen.succeeded:
            if begun:
                continue
            if part.over:
                return False, True
            planner.keep(part)
            return False, False
    return True, False


class _Planner:
    """Collects what keeps containers running."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.actions: list[Start | Stop] = []
        self.again_in: float | None = None

    def keep(self, part: Part) -> None:
        """Start it if it should run, stop it if a probe has given up on it."""
        seen = part.seen
        if seen.running:
            unwell = seen.unhealthy or seen.hook == "failed" or seen.outdated
            if unwell and not seen.stopping:
                self.actions.append(Stop(part.name, _probe_grace(part), _why(part)))
            return
        if part.over or seen.waiting is not None:
            return
        wait = backoff(part, self.now)
        if wait > 0:
            self.again_in = wait if self.again_in is None else min(wait, self.again_in)
            return
        self.actions.append(_start(part))


def _start(part: Part) -> Start:
    last = part.seen.last
    if last is None:
        return Start(part.name, 0, 0)
    if part.seen.outdated:
        return Start(part.name, last.attempt + 1, 0)
    streak = 1 if last.lasted >= FORGIVEN else part.seen.streak + 1
    return Start(part.name, last.attempt + 1, streak)


def _probe_grace(part: Part) -> float:
    probe = part.spec.get(f"{part.seen.unhealthy}Probe") or {}
    grace = probe.get("terminationGracePeriodSeconds")
    return float(grace) if grace is not None else OWN_GRACE


def _why(part: Part) -> str:
    if part.seen.outdated:
        return f"Container {part.name} definition changed, will be restarted"
    if part.seen.hook == "failed":
        return "FailedPostStartHook"
    return f"Container {part.name} failed {part.seen.unhealthy} probe, will be restarted"
