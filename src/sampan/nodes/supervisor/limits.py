"""What keeps a container within its limits: a cgroup, or what can be had without one.

    memory  cgroup | a watch five times a second over the memory of all its processes, and SIGKILL
    cpu     cgroup | as many CPUs as the limit, rounded up (affinity) | not enforced
    pids    cgroup | not enforced

A process's share of memory is counted once (PSS): what three workers have mapped together is not
three times as much. That is dear to read, so it is only read when the sum of their resident sizes
is above the limit. Whatever the mechanism, the kernel is told whom to kill first when the machine
itself runs out of memory: pods, before the host's own programs.
"""

from __future__ import annotations

import os

from sampan.nodes.supervisor import process
from sampan.nodes.supervisor.cgroups import Groups, prefix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from sampan.nodes.supervisor.container import Container
    from sampan.nodes.supervisor.loop import Loop

PERIOD = 0.2


def facts(groups: Groups) -> dict[str, str]:
    """How each limit is kept with these groups; "" is not at all. `why` is why not by a cgroup."""
    said = dict.fromkeys(groups.controllers, f"cgroup v{groups.version}")
    affinity = "affinity" if hasattr(os, "sched_setaffinity") else ""
    return {"memory": "watch", "cpu": affinity, "pids": "", **said, "why": groups.why}


class Limits:
    """Of all containers of this node."""

    def __init__(
        self, loop: Loop, groups: Groups, live: Callable[[], Iterable[Container]],
        kill: Callable[[Container], None],
    ) -> None:  # fmt: skip
        self.groups = groups
        self._loop = loop
        self._live = live
        self._kill = kill
        self._watching = False
        self._next_cpu = 0
        self._killed = groups.killed_unlimited()

    def bounds(self, container: Container) -> dict[str, Any]:
        """What a new container has to be bound by from its first instruction on; made now."""
        limits = container.record.limits
        container.record.groups = self.groups.make(container.record.id, limits)
        if limits.get("memory") and "memory" not in self.groups.controllers:
            self.watch()
        cpus = sorted(self._cpus(limits.get("cpu") or 0))
        return {"groups": container.record.groups, "cpus": cpus, "oom": limits.get("oom") or 0}

    def under(self, bounds: dict[str, Any], start: Callable[[list[str]], int]) -> int:
        """Call `start` with what has to stand before the command line, in such a way that what it
        starts is bound; answers what it answers."""
        cpus = bounds["cpus"]
        before = os.sched_getaffinity(0) if cpus else set()
        if cpus:
            os.sched_setaffinity(0, cpus)
        process.prefer(bounds["oom"])
        try:
            return start(prefix(bounds["groups"]))
        finally:
            process.prefer(0)
            if cpus:
                os.sched_setaffinity(0, before)

    def adopt(self, container: Container) -> None:
        """A container that an earlier supervisor has started."""
        if container.record.limits.get("memory") and "memory" not in self.groups.controllers:
            self.watch()

    def exceeded(self, container: Container, code: int) -> bool:
        """Whether a container that has ended was killed for lack of memory; call it once."""
        if not code:
            return False
        if container.record.groups and self.groups.killed(container.record.groups):
            return True
        before, self._killed = self._killed, self.groups.killed_unlimited()
        return container.out_of_memory or (code == 137 and self._killed > before)

    def release(self, container: Container) -> None:
        self.groups.remove(container.record.groups)

    def watch(self) -> None:
        if not self._watching:
            self._watching = True
            self._loop.later(PERIOD, self._look)

    def _look(self) -> None:
        limited = [c for c in self._live() if c.record.limits.get("memory")]
        for container in limited:
            limit = container.record.limits["memory"]
            root = container.init or container.record.pid
            if process.resident(root) > limit and process.proportional(root) > limit:
                container.out_of_memory = True
                self._kill(container)
        self._watching = False
        if limited:
            self.watch()

    def _cpus(self, limit: int) -> set[int]:
        """CPUs for a limit in thousandths, each container beginning where the last one ended;
        empty when there is nothing to restrict, or a cgroup does it."""
        if not limit or "cpu" in self.groups.controllers or not hasattr(os, "sched_getaffinity"):
            return set()
        ours = sorted(os.sched_getaffinity(0))
        count = -(-limit // 1000)
        if count >= len(ours):
            return set()
        first, self._next_cpu = self._next_cpu, (self._next_cpu + count) % len(ours)
        return {ours[(first + n) % len(ours)] for n in range(count)}
