"""One container of a living pod, as the worker keeps it: the newest attempts and what is going on.

The worker changes it; `seen` is the frozen view that the decision gets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Literal

from sampan.nodes.inside import is_inside
from sampan.nodes.life.seen import HookState, ProbeKind, Run, Seen, Waiting
from sampan.nodes.supervisor.client import Report


class Cell:
    def __init__(self, uid: str, spec: Mapping[str, Any]) -> None:
        self.uid = uid
        self.spec = spec
        self.ours = is_inside(spec)
        self.last: Run | None = None
        self.before: Run | None = None
        self.pid = 0
        self.streak = 0
        self.waiting: Waiting | None = None
        self.hook: HookState = ""
        self.passed = False
        self.ready = False
        self.unhealthy: ProbeKind | Literal[""] = ""
        self.image_id = ""
        self.outdated = False
        self.stop_by: float | None = None  # on the loop's clock
        self.stopper: asyncio.Task[None] | None = None
        self.hook_task: asyncio.Task[None] | None = None
        self.probers: dict[ProbeKind, asyncio.Task[None]] = {}

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def identity(self) -> str:
        """The supervisor's id of the newest attempt."""
        return identity(self.uid, self.name, self.last.attempt if self.last else 0)

    @property
    def running(self) -> bool:
        return self.last is not None and self.last.code is None

    def seen(self) -> Seen:
        return Seen(
            last=self.last,
            before=self.before,
            streak=self.streak,
            waiting=self.waiting,
            hook=self.hook,
            passed=self.passed,
            ready=self.ready,
            unhealthy=self.unhealthy,
            stopping=self.stop_by is not None,
            outdated=self.outdated,
            image_id=self.image_id,
        )

    def begin(self, attempt: int, streak: int, report: Report) -> None:
        """A new attempt has been started."""
        if self.last is not None and self.last.attempt != attempt:
            self.before = self.last
        self.streak = streak
        self.waiting = None
        self.hook, self.passed, self.ready, self.unhealthy = "", False, False, ""
        self.stop_by, self.outdated = None, False
        self.note(attempt, report)

    def note(self, attempt: int, report: Report, message: str = "") -> None:
        """What the supervisor says of the newest attempt."""
        self.pid = report.pid
        self.last = Run(
            attempt=attempt,
            started=report.started,
            finished=report.finished,
            code=report.code,
            reason=report.reason,
            message=message or report.message,
        )

    def change(self, spec: Mapping[str, Any]) -> None:
        """The pod's spec says another image: it runs that from its next attempt on, and what
        runs now is replaced."""
        self.spec = spec
        self.waiting = None
        self.outdated = self.running

    def cancel(self) -> None:
        """End what goes on around a container that has ended."""
        for task in (self.stopper, self.hook_task, *self.probers.values()):
            if task is not None:
                task.cancel()
        self.stopper = self.hook_task = None
        self.probers.clear()


def identity(uid: str, container: str, attempt: int) -> str:
    return f"{uid}/{container}.{attempt}"


def split(identity: str) -> tuple[str, str, int]:
    """(pod uid, container, attempt)."""
    uid, _, rest = identity.partition("/")
    name, _, attempt = rest.rpartition(".")
    return uid, name, int(attempt)
