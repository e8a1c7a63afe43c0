"""The statements of lineage: tasks, artifacts, what went into what, where an artifact comes from.

    model <─OUTPUT─ train <─INPUT─ dataset <─OUTPUT─ load         (run 1)
                                   dataset ─INPUT─> score ─OUTPUT─> report     (run 2)

Walks go from artifact to artifact over the tasks between them, DAGs left out, as far as `depth`
tasks, across runs, with each artifact and task seen once and two statements for each step: one
recursive statement with a depth would walk every way through a row of diamonds, which are
thousands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from msgspec import Struct

from sampan.records.pipelines import lineage as words
from sampan.records.pipelines.keeping import parts
from sampan.records.pipelines.tables import ARTIFACTS, EVENTS, RUNS, TASKS

MOST = 2000
"""Tasks of a walk, about."""


class Walked(Struct, frozen=True):
    """All that a walk came by; `cut`: there is more than an answer holds."""

    artifacts: list[dict[str, Any]]
    tasks: list[dict[str, Any]]
    events: list[dict[str, Any]]
    cut: bool


def entries(connection: sa.Connection, run: int) -> dict[str, Any]:
    """A run's `status.tasks`."""
    found = sa.select(TASKS.c.document).where(TASKS.c.run == run).order_by(TASKS.c.number)
    read = (orjson.loads(text) for text in connection.scalars(found))
    return {entry.pop("path"): entry for entry in read}


def tasks(connection: sa.Connection, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """{task_id, parent_id, run_id, namespace, entry, children: [{task_id, name}], events} of each;
    its events with the `artifact`."""
    c = TASKS.c
    found: dict[int, dict[str, Any]] = {}
    for part in parts(numbers):
        rows = connection.execute(
            sa.select(c.number, c.task_id, c.parent_id, c.namespace, c.document, RUNS.c.run_id)
            .join(RUNS, RUNS.c.number == c.run)
            .where(c.number.in_(part))
        )
        for row in rows:
            found[row.number] = {
                "task_id": row.task_id,
                "parent_id": row.parent_id,
                "run_id": row.run_id,
                "namespace": row.namespace,
                "entry": orjson.loads(row.document),
                "children": [],
                "events": [],
            }
    by_id = {each["task_id"]: each for each in found.values()}
    for part in parts(by_id):
        some = sa.select(c.parent_id, c.task_id, c.name).where(c.parent_id.in_(part))
        for parent, task_id, name in connection.execute(some.order_by(c.number)):
            by_id[parent]["children"].append({"task_id": task_id, "name": name})
    touched = events_of_tasks(connection, by_id)
    known = {
        each["artifact_id"]: each
        for each in of_ids(connection, dict.fromkeys(each["artifact_id"] for each in touched))
    }
    for event in touched:
        if event["artifact_id"] in known:
            made = {**event, "artifact": known[event["artifact_id"]]}
            by_id[event["task_id"]]["events"].append(made)
    return [found[number] for number in numbers if number in found]


def artifacts(connection: sa.Connection, numbers: Sequence[int]) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for part in parts(numbers):
        rows = connection.execute(sa.select(ARTIFACTS).where(ARTIFACTS.c.number.in_(part)))
        found.update({row.number: _artifact(row) for row in rows})
    return [found[number] for number in numbers if number in found]


def artifact(connection: sa.Connection, artifact_id: str) -> dict[str, Any] | None:
    found = sa.select(ARTIFACTS).where(ARTIFACTS.c.artifact_id == artifact_id)
    row = connection.execute(found).first()
    return None if row is None else _artifact(row)


def _artifact(row: Any) -> dict[str, Any]:
    """`created_at` in seconds since 1970."""
    names = ("artifact_id", "namespace", "name", "type", "uri", "digest", "created_at")
    found = {name: getattr(row, name) for name in names}
    return {**found, "metadata": orjson.loads(row.document)}


def events(connection: sa.Connection, numbers: Collection[int]) -> list[dict[str, Any]]:
    """With `producer`: the task that made what went in (of the same run, if it can be), and its
    key."""
    e = EVENTS.c
    found: dict[int, dict[str, Any]] = {}
    for part in parts(numbers):
        found |= {each["number"]: each for each in _events(connection, e.number.in_(part))}
    made = {each["artifact_id"]: None for each in found.values() if each["type"] == words.INPUT}
    producers: dict[str, dict[int, tuple[str, str]]] = {}
    for each in _touching(connection, e.artifact_id, list(made), words.OUTPUT):
        runs = producers.setdefault(each["artifact_id"], {})
        runs.setdefault(each["run"], (each["task"], each["key"]))
    for each in found.values():
        runs = producers.get(each["artifact_id"], {})
        last = next(reversed(runs.values()), ("", ""))
        own = each["type"] == words.OUTPUT
        each["producer"] = (each["task"], each["key"]) if own else runs.get(each["run"], last)
    return [found[number] for number in numbers if number in found]


def events_of_tasks(connection: sa.Connection, ids: Iterable[str]) -> list[dict[str, Any]]:
    found: list[int] = []
    for part in parts(ids):
        some = sa.select(EVENTS.c.number).where(EVENTS.c.task_id.in_(part))
        found += connection.scalars(some.order_by(EVENTS.c.number))
    return events(connection, found)


def of_ids(connection: sa.Connection, ids: Iterable[str]) -> list[dict[str, Any]]:
    """Artifacts in the order of their ids."""
    a = ARTIFACTS.c
    return artifacts(connection, _numbers(connection, a.number, a.artifact_id, ids))


def _events(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    e, t = EVENTS.c, TASKS.c
    found = (
        sa.select(*e, t.name.label("task"), t.namespace, RUNS.c.run_id)
        .join(TASKS, t.task_id == e.task_id)
        .join(RUNS, RUNS.c.number == e.run)
        .where(*where)
    )
    return [dict(row._mapping) for row in connection.execute(found.order_by(e.number))]


def lineage(connection: sa.Connection, artifact_id: str, *, back: bool, depth: int) -> Walked:
    """Back: the tasks that made the artifact, what went into them, and so on. Else: the tasks that
    it went into, what came out of them, and so on. An artifact's id is of its namespace, so that
    this is not left."""
    near, far = (words.OUTPUT, words.INPUT) if back else (words.INPUT, words.OUTPUT)
    e = EVENTS.c
    seen, ids = {artifact_id: None}, dict[str, None]()
    found: dict[int, dict[str, Any]] = {}
    edge: list[str] = [artifact_id]
    while edge and depth and len(ids) <= MOST:
        depth -= 1
        reached = _touching(connection, e.artifact_id, edge, near)
        fresh = {each["task_id"]: None for each in reached if each["task_id"] not in ids}
        ids |= fresh
        beyond = _touching(connection, e.task_id, list(fresh), far)
        found |= {each["number"]: each for each in (*reached, *beyond)}
        fringe = dict.fromkeys(each["artifact_id"] for each in beyond)
        edge = [each for each in fringe if each not in seen]
        seen |= fringe
    t = TASKS.c
    return Walked(
        artifacts=of_ids(connection, seen),
        tasks=tasks(connection, _numbers(connection, t.number, t.task_id, ids)),
        events=events(connection, list(found)),
        cut=bool(edge),
    )


def _touching(
    connection: sa.Connection, column: sa.ColumnElement[str], ids: Sequence[str], type: str
) -> list[dict[str, Any]]:
    """Events of tasks in which something is made."""
    found: list[dict[str, Any]] = []
    for part in parts(ids):
        found += _events(connection, column.in_(part), EVENTS.c.type == type, EVENTS.c.leaf)
    return found


def _numbers(
    connection: sa.Connection,
    number: sa.ColumnElement[int],
    column: sa.ColumnElement[str],
    ids: Iterable[str],
) -> list[int]:
    """In the order of the ids."""
    found: dict[str, int] = {}
    for part in parts(ids):
        rows = connection.execute(sa.select(column, number).where(column.in_(part)))
        found.update({row[0]: row[1] for row in rows})
    return [found[each] for each in ids if each in found]
