"""A run until it is over: a live tree on a terminal, a line per change elsewhere; then the logs of
the tasks that failed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from sampan.cli.painting import Painter
from sampan.cli.pipelines import shown
from sampan.cli.pipelines.server import Server
from sampan.cli.pipelines.shown import Run, Task
from sampan.kube import runs
from sampan.kube.errors import UserMistake

QUICK, SLOW = 0.1, 1.0
"""Seconds between two looks: soon after the start, and later."""
_PATIENCE = 0.2
"""The wait from which on it is told what tasks wait for: an image, packages, a Secret."""
_LOGS = 3
"""Failed tasks of which the log is printed; of a loop that failed there may be hundreds."""
_TAIL = 60
"""Lines of each."""


async def until_over(server: Server, run_id: str) -> int:
    """Show it; 0 if it has succeeded, else 1. Who interrupts this leaves the run going on."""
    try:
        run = await _watched(server, run_id)
    except asyncio.CancelledError:
        print(f"\nrun {run_id} goes on: sampan runs get {run_id} --follow", file=sys.stderr)
        print(f"to end it: sampan runs terminate {run_id}", file=sys.stderr)
        raise
    run = shown.with_notes(run, await server.tasks(run_id))
    print(shown.whole(run, datetime.now(UTC)), end="")  # noqa: TID251
    if run.get("state") == "SUCCEEDED":
        return 0
    await print_failures(server, run)
    return 1


async def _watched(server: Server, run_id: str) -> Run:
    told: dict[str, str] = {}
    painter = Painter("tasks") if sys.stdout.isatty() else None
    run: Run = {}
    async for run in _states(server, run_id):
        if painter is None:
            _tell(run, told)
        else:
            painter.paint(shown.whole(run, datetime.now(UTC)))  # noqa: TID251
    if painter is not None:
        painter.wipe()
    return run


async def _states(server: Server, run_id: str) -> AsyncIterator[Run]:
    wait = QUICK
    while True:
        run: Run = await server.get("runs", run_id)
        if wait > _PATIENCE and any(each.get("state") == "PENDING" for each in shown.tasks_of(run)):
            run = shown.with_notes(run, await server.tasks(run_id))
        yield run
        if run.get("state") in runs.ENDS:
            return
        await asyncio.sleep(wait)
        wait = min(SLOW, wait * 1.1)


def _tell(run: Run, told: dict[str, str]) -> None:
    """A line for each task whose state has changed."""
    tasks = shown.Tasks(run)
    for task in shown.tasks_of(run):
        state = str(task.get("state") or "")
        said = f"{state} {task.get('note') or ''}".rstrip()
        if told.get(task["task_id"]) != said and (path := tasks.path(task)):
            told[task["task_id"]] = said
            print(f"{shown.SYMBOLS.get(state, ' ')} {path} {said}", flush=True)


async def print_failures(server: Server, run: Run) -> None:
    """The ends of the logs of what failed, the first failure first."""
    failed = shown.failed(run)
    for task in failed[:_LOGS]:
        print(f"\n── {task.get('display_name')} " + "─" * 40)
        print(await _tail(server, run["run_id"], task), end="")
    if len(failed) > _LOGS:
        print(f"\n… and {len(failed) - _LOGS} more tasks that failed")


async def _tail(server: Server, run_id: str, task: Task) -> str:
    try:
        content = b"".join([each async for each in server.log(run_id, node_of(task))])
    except UserMistake as error:
        return f"{(task.get('error') or {}).get('message') or error}\n"
    lines = content.decode(errors="replace").splitlines()[-_TAIL:]
    return "".join(f"{line}\n" for line in lines)


def node_of(task: Any) -> str:
    """What the log of a task is asked for by."""
    return str(task.get("pod_name") or task["task_id"])
