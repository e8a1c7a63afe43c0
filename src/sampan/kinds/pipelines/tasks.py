"""Tasks and runs: what they can be, and all that changes it.

Everything that affects a state lives in this file: the two tables below say which may follow which,
`turned` and `told` are the only ways to follow them. A task is an entry of `status.tasks` as plain
JSON, known by its path: names of tasks joined by "/", iterations as `[i]`, "" for the root DAG.
What has not been decided yet has no entry. Nothing here decides, and no entry is changed in place.
Upstream: api/v2beta1/run.proto RuntimeState.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from sampan.kinds.pipelines.ir.resolve import Values
from sampan.kube import runs
from sampan.kube.times import micro, parse

Entry = Mapping[str, Any]
State = Literal[
    "PENDING", "RUNNING", "SUCCEEDED", "FAILED", "SKIPPED", "CACHED", "CANCELED", "OMITTED"
]
Type = Literal["Dag", "Loop", "Iteration", "Container", "Importer", "Pvc"]

ROOT = ""
"""The path of the root DAG."""
GROUPS = ("Dag", "Loop", "Iteration")
"""Types whose state is that of what is in them."""
GOING = frozenset({"PENDING", "RUNNING"})
ENDS = frozenset({"SUCCEEDED", "FAILED", "SKIPPED", "CACHED", "CANCELED", "OMITTED"})
GOOD = frozenset({"SUCCEEDED", "CACHED"})
NEVER_RAN = frozenset({"SKIPPED", "OMITTED"})
"""SKIPPED by its own condition; OMITTED since what it waited for did not end well."""
BROKEN = frozenset({"FAILED", "CANCELED"})

_TURNS: Mapping[str, frozenset[str]] = {
    "": frozenset({"PENDING", "RUNNING", *ENDS}),
    "PENDING": frozenset({"PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED"}),
    "RUNNING": frozenset({"PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED"}),
}
"""Of tasks. From an end nothing leads on; a retry of the run takes entries away. What runs is
pending again between two attempts."""

_RUN_TURNS: Mapping[str, frozenset[str]] = {
    "": frozenset({"PENDING", "RUNNING", "CANCELING", "FAILED"}),
    "PENDING": frozenset({"RUNNING", "CANCELING", "SUCCEEDED", "FAILED"}),
    "RUNNING": frozenset({"CANCELING", "SUCCEEDED", "FAILED"}),
    "CANCELING": frozenset({"FAILED", "CANCELED", "SUCCEEDED"}),
    "FAILED": frozenset({"PENDING"}),
    "CANCELED": frozenset({"PENDING"}),
}
"""Of runs. One whose tasks are all skipped is over at once. Out of an end leads a retry."""
RUN_STATES = runs.ENDS | _RUN_TURNS.keys()
"""Anything else somebody wrote by hand, and it is no state to go on from."""


def age(moment: str, now: datetime) -> float:
    """Seconds that have passed since then."""
    return (now - parse(moment)).total_seconds()


def joined(parent: str, name: str) -> str:
    """The path of a task, or of an iteration `[i]`, in what has the parent's path."""
    return f"{parent}/{name}" if parent else name


def over(entry: Entry | None) -> bool:
    return entry is not None and entry["state"] in ENDS


def active(entry: Entry | None) -> bool:
    return entry is not None and entry["state"] not in ENDS


def state_of(entry: Entry | None) -> str:
    """ "" for what has not been decided."""
    return "" if entry is None else str(entry["state"])


def inputs_of(entry: Entry) -> Values:
    return _values(entry.get("inputs") or {})


def outputs_of(entry: Entry) -> Values:
    return _values(entry.get("outputs") or {})


def _values(noted: Mapping[str, Any]) -> Values:
    artifacts = {key: tuple(each) for key, each in (noted.get("artifacts") or {}).items()}
    return Values(noted.get("parameters") or {}, artifacts)


def with_inputs(values: Values) -> dict[str, Any]:
    """What an entry says of them; nothing of none."""
    found = noted(values)
    return {"inputs": found} if found else {}


def with_outputs(values: Values) -> dict[str, Any]:
    found = noted(values)
    return {"outputs": found} if found else {}


def noted(values: Values) -> dict[str, Any]:
    """Inputs or outputs as an entry has them; {} for none."""
    found: dict[str, Any] = {}
    if values.parameters:
        found["parameters"] = dict(values.parameters)
    if values.artifacts:
        found["artifacts"] = {key: list(each) for key, each in values.artifacts.items()}
    return found


def turned(
    entry: Entry, state: State, now: datetime, error: str | None = None, **more: Any
) -> dict[str, Any]:
    """The entry in another state (or in the same, with more to say). A `message` says what it waits
    for and is gone when it goes on; an `error` says how it ended, and stays."""
    before = state_of(entry) if "state" in entry else ""
    if state not in _TURNS.get(before, ()):
        raise ValueError(f"a task that is {before} cannot become {state}")
    moment = micro(now)
    after = {key: value for key, value in entry.items() if key != "message"} | more
    if error is not None:
        after["error"] = error
    if before == state:
        return after
    after["state"] = state
    if state not in NEVER_RAN:
        after.setdefault("startedAt", moment)
    if state in ENDS:
        after["finishedAt"] = moment
    step = {"state": state, "updateTime": moment}
    if error is not None:
        step["error"] = error
    after["history"] = [*(entry.get("history") or ()), step]
    return after


def told(status: Mapping[str, Any], state: str, now: datetime, error: str = "") -> dict[str, Any]:
    """What is new in a run's status when it is in this state; {} when nothing is."""
    before = str(status.get("state") or "")
    if before == state:
        return {}
    if before in RUN_STATES and state not in _RUN_TURNS.get(before, ()):
        raise ValueError(f"a run that is {before} cannot become {state}")
    moment = micro(now)
    step: dict[str, Any] = {"state": state, "updateTime": moment}
    if error:
        step["error"] = {"code": 13, "message": error}
    found: dict[str, Any] = {
        "state": state,
        "stateHistory": [*(status.get("stateHistory") or ()), step],
    }
    if error:
        found["error"] = step["error"]
    if state == "RUNNING" and not status.get("startedAt"):
        found["startedAt"] = moment
    if state in runs.ENDS:
        found["finishedAt"] = moment
        found.setdefault("startedAt", status.get("startedAt") or moment)
    return found
