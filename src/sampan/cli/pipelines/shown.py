"""Runs as text: a list of them, and the tree of one's tasks. Pure.

    ● hello-x  RUNNING  3s
    ├─✔ load                1s  cached
    ├─● for-loop-1          2s
    │ ├─✔ [0]
    │ │ └─✔ train           1s
    │ └─● [1]
    └─✖ evaluate            0s  exit code 1

Tasks stand in the order in which they began. The API says of tasks from the cache that they were
passed over, as upstream's; where what it knows of the cache is brought along, they are told apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sampan.cli.wf.tree import age, columns
from sampan.kube import runs
from sampan.kube.times import parse

Run = Mapping[str, Any]
Task = Mapping[str, Any]
Row = tuple[str, ...]

SYMBOLS = {
    "PENDING": "◷", "RUNNING": "●", "SUCCEEDED": "✔", "CACHED": "✔", "SKIPPED": "○",
    "OMITTED": "○", "FAILED": "✖", "CANCELING": "◌", "CANCELED": "◌", "PAUSED": "◷",
}  # fmt: skip
_SHORT_ID = 8
_WIDEST = 100
_DEEPEST = 40
"""Names in a path; of what is in a circle, too."""
_NEVER = "1970-"
"""What a time that is not there yet begins with in this API."""


def tasks_of(run: Run) -> Sequence[Task]:
    return (run.get("run_details") or {}).get("task_details") or ()


def listed(runs: Sequence[Run], now: datetime) -> str:
    """The newest first, as they come."""
    rows: list[Row] = [("ID", "NAME", "STATE", "AGE", "DURATION")]
    for run in runs:
        name = str(run.get("display_name") or "")
        made = _moment(run.get("created_at"))
        aged = age((now - made).total_seconds()) if made else ""
        rows.append((run["run_id"], name, str(run.get("state") or ""), aged, duration(run, now)))
    return columns(rows)


def with_notes(run: Run, tasks: Sequence[Task], *, why: bool = False) -> Run:
    """The run with CACHED tasks, of which `tasks` (those of the API) know, and with what others
    wait for; and, if `why`, with the reasons why they were run."""
    notes = {each["task_id"]: each.get("status_metadata") or {} for each in tasks}

    def noted(task: Task) -> Task:
        note = notes.get(task["task_id"], {})
        if note.get("state"):
            task = {**task, "state": note["state"]}
        said = note.get("message") or (why and note.get("not_cached"))
        return {**task, "note": said} if said else task

    details = run.get("run_details") or {}
    shown = [noted(each) for each in tasks_of(run)]
    return {**run, "run_details": {**details, "task_details": shown}}


def whole(run: Run, now: datetime) -> str:
    """Name, state and tree of a run."""
    symbol = SYMBOLS.get(str(run.get("state")), " ")
    head = f"{symbol} {run.get('display_name')}  {run.get('state') or ''}  {duration(run, now)}"
    return f"{head.rstrip()}\n{columns(list(_rows(run, now)))}{_fault(run)}"


def _fault(run: Run) -> str:
    message = (run.get("error") or {}).get("message") or ""
    return f"{message}\n" if message else ""


def _rows(run: Run, now: datetime) -> Iterator[Row]:
    tasks = Tasks(run)
    stack = [tasks.branches(tasks.root, "")]
    while stack:
        step = next(stack[-1], None)
        if step is None:
            stack.pop()
            continue
        prefix, indent, task = step
        state = str(task.get("state") or "")
        note = "cached" if state == "CACHED" else _line(task) or str(task.get("note") or "")
        name = f"{prefix}{SYMBOLS.get(state, ' ')} {tasks.name(task)}"
        yield name, duration(task, now), note
        stack.append(tasks.branches(task["task_id"], indent))


class Tasks:
    """Which task is in which."""

    def __init__(self, run: Run) -> None:
        self._known = {each["task_id"]: each for each in tasks_of(run)}
        self._place = {key: place for place, key in enumerate(self._known)}
        self._inside: dict[str, list[Task]] = {}
        for task in sorted(self._known.values(), key=self._order):
            parent = task.get("parent_task_id") or ""
            self._inside.setdefault(parent if parent in self._known else "", []).append(task)
        tops = self._inside.get("", [])
        alone = len(tops) == 1 and not tops[0].get("pod_name")
        self.root: str = tops[0]["task_id"] if alone else ""
        """The task that stands for the run as a whole, of which the head tells; "": none."""

    def branches(self, parent: str, indent: str) -> Iterator[tuple[str, str, Task]]:
        """(what stands before the name, what before those of its children, the task)."""
        tasks = self._inside.pop(parent, [])
        for index, task in enumerate(tasks):
            last = index == len(tasks) - 1
            fork, below = ("└─", "  ") if last else ("├─", "│ ")
            yield indent + fork, indent + below, task

    def path(self, task: Task) -> str:
        """The names of what it is in, and its own: `for-loop-1[0]/print`; "" for the whole run."""
        parts: list[str] = []
        at: Task | None = task
        while at is not None and at["task_id"] != self.root and len(parts) < _DEEPEST:
            index = self.index(at)
            parts.insert(0, str(at.get("display_name") or "") if index is None else f"[{index}]")
            at = self._known.get(at.get("parent_task_id") or "")
        return "/".join(parts).replace("/[", "[")

    def name(self, task: Task) -> str:
        """An iteration, which has the name of its loop, is called by its place."""
        index = self.index(task)
        return f"[{index}]" if index is not None else str(task.get("display_name") or "")

    def index(self, task: Task) -> int | None:
        """Which iteration of its loop it is; None: none."""
        loop = self._known.get(task.get("parent_task_id") or "", {})
        if loop.get("display_name") != task.get("display_name"):
            return None
        ids = [each.get("task_id") for each in loop.get("child_tasks") or ()]
        return ids.index(task["task_id"]) if task["task_id"] in ids else None

    def _order(self, task: Task) -> tuple[int, str, int]:
        began = str(task.get("start_time") or task.get("create_time") or "~")
        return self.index(task) or 0, began, self._place[task["task_id"]]


def _line(task: Task) -> str:
    """The first line of what went wrong."""
    message = str((task.get("error") or {}).get("message") or "").strip().partition("\n")[0]
    return message if len(message) <= _WIDEST else message[:_WIDEST] + "…"


def failed(run: Run) -> list[Task]:
    """Tasks that failed themselves, not because of one that is in them, the first one first."""
    bad = [each for each in tasks_of(run) if each.get("state") == "FAILED"]
    around = {each.get("parent_task_id") for each in bad}
    leaves = [each for each in bad if each["task_id"] not in around]
    return sorted(leaves, key=lambda each: str(each.get("end_time") or "~"))


def duration(about: Mapping[str, Any], now: datetime) -> str:
    """Of a run or a task: from its start to its end, or to now."""
    began = _moment(about.get("start_time") or about.get("create_time") or about.get("created_at"))
    ended = _moment(about.get("end_time") or about.get("finished_at"))
    if began is None or (ended is None and about.get("state") in runs.ENDS):
        return ""
    seconds = max(0.0, ((ended or now) - began).total_seconds())
    return f"{seconds:.1f}s" if ended and seconds < 10 else age(seconds)


def _moment(text: Any) -> datetime | None:
    return None if not text or str(text).startswith(_NEVER) else parse(str(text))
