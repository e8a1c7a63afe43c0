"""A pod that was here before the control plane started: cells from what is recorded.

The supervisor knows attempts that run or have ended since; the pod's own status knows those that
the supervisor has been told to forget. Where both speak of one attempt, the supervisor is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sampan.kube import argoexec, launcher
from sampan.kube.keys import Manifest
from sampan.kube.times import parse
from sampan.nodes.cell import Cell, split
from sampan.nodes.life.plan import FORGIVEN
from sampan.nodes.life.seen import Run
from sampan.nodes.supervisor.client import Report
from sampan.nodes.supervisor.records import UNKNOWN_CODE, UNKNOWN_REASON

_NOT_FOUND = "The container could not be located when the node started"
_LISTS = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")


def restore(
    cells: Mapping[str, Cell], pod: Manifest, reports: Iterable[Report], now: float
) -> None:
    """Fill the cells of one pod. Those of which nothing is known stay as new. A container that ran
    when the status was written and of which the supervisor has never heard (a restored backup, a
    lost directory) has ended somehow: it is not started as if it had never been."""
    for status in _statuses(pod):
        cell = cells.get(status["name"])
        if cell is not None:
            _from_status(cell, status, now)
    for report in sorted(reports, key=lambda report: split(report.id)[2]):
        _, name, attempt = split(report.id)
        cell = cells.get(name)
        if cell is None or (cell.last is not None and attempt < cell.last.attempt):
            continue
        if cell.last is not None and attempt > cell.last.attempt:
            cell.before = cell.last
        same = cell.last is not None and cell.last.attempt == attempt
        message = (
            cell.last.message if cell.last and same and cell.last.message != _NOT_FOUND else ""
        )
        cell.note(attempt, report, message)
    _infer(cells, now)
    for cell in cells.values():
        last = cell.last
        if last is not None:
            stable = cell.before is not None and cell.before.lasted >= FORGIVEN
            cell.streak = 1 if stable else last.attempt
            # Probes start anew: until they speak, what the status said before holds.
            cell.passed = cell.passed and cell.running


def _infer(cells: Mapping[str, Cell], now: float) -> None:
    """The executor's `init`, and what brings the launcher, leave no trace when they have nothing to
    say: where others have begun, they had succeeded, though the control plane was killed before
    that was written."""
    begun = any(cell.last is not None for cell in cells.values() if not cell.ours)
    for cell in cells.values():
        first = argoexec.program(cell.spec.get("command")) == argoexec.INIT and cell.ours
        if (first or launcher.is_launcher(cell.spec)) and cell.last is None and begun:
            cell.last = Run(attempt=0, started=now, finished=now, code=0)


def _statuses(pod: Manifest) -> Iterable[Mapping[str, Any]]:
    status = pod.get("status") or {}
    for name in _LISTS:
        yield from status.get(name) or ()


def _from_status(cell: Cell, status: Mapping[str, Any], now: float) -> None:
    attempt = int(status.get("restartCount") or 0)
    state, before = status.get("state") or {}, status.get("lastState") or {}
    cell.image_id = status.get("imageID", "")
    cell.passed, cell.ready = bool(status.get("started")), bool(status.get("ready"))
    if "waiting" in state:  # a back-off: the attempt that counts is the one before
        cell.last = _run(attempt, before.get("terminated"))
        return
    if "running" in state:
        cell.last = Run(
            attempt=attempt,
            started=parse(state["running"]["startedAt"]).timestamp(),
            finished=now,
            code=UNKNOWN_CODE,
            reason=UNKNOWN_REASON,
            message=_NOT_FOUND,
        )
    else:
        cell.last = _run(attempt, state.get("terminated"))
    if attempt > 0:
        cell.before = _run(attempt - 1, before.get("terminated"))


def _run(attempt: int, terminated: Mapping[str, Any] | None) -> Run | None:
    if terminated is None:
        return None
    reason = terminated.get("reason", "")
    return Run(
        attempt=attempt,
        started=parse(terminated["startedAt"]).timestamp(),
        finished=parse(terminated["finishedAt"]).timestamp(),
        code=int(terminated["exitCode"]),
        reason="" if reason in ("Completed", "Error") else reason,
        message=terminated.get("message", ""),
    )
