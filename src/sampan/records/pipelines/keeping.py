"""The statements that write: a batch of runs in one transaction, and of each only what changed.

What is kept of a run's tasks is remembered as long as the run goes on, read from the tables where
it is not known, and compared by hash. A run is known by its uid, or takes the place of one that is
gone with the same id and namespace (a retry of it).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from msgspec import Struct

from sampan.kube import runs
from sampan.kube.keys import Manifest
from sampan.records.pipelines import lineage, reading
from sampan.records.pipelines.reading import Row
from sampan.records.pipelines.tables import (
    ARTIFACTS,
    DOCUMENTS,
    EVENTS,
    LONGEST_DESCRIPTION,
    LONGEST_NAME,
    METRICS,
    RUNS,
    SPECS,
    TASKS,
)

AT_ONCE = 500
"""Values in one statement; SQLite takes 32766, and long lists are slow to compile."""


FAILED = {"state": "FAILED", "status": "Failed"}


class Seen(Struct, frozen=True):
    """A run as it was seen; not `present` is as it was when it was deleted."""

    manifest: Manifest
    present: bool = True


class Keeper:
    """Writes runs. Use it in one thread."""

    def __init__(self) -> None:
        self._marks: dict[int, dict[str, int]] = {}
        self._specs: set[str] = set()

    def keep(self, connection: sa.Connection, batch: Sequence[Seen]) -> None:
        known = _known(connection, batch)
        for seen in batch:
            row = reading.row_of(seen.manifest)
            before = _place(known, row)
            if before is not None:
                if before.same(row, present=seen.present):
                    continue
                row.columns["run_id"] = before.run_id
            number = self._keep(connection, row, before, present=seen.present)
            known.append(Before(number, row.columns, present=seen.present))

    def forget(self) -> None:
        """What is kept is read again: somebody else has changed it, or a transaction failed."""
        self._marks.clear()
        self._specs.clear()

    def _keep(
        self, connection: sa.Connection, row: Row, before: Before | None, *, present: bool
    ) -> int:
        columns, document = {**_fitted(row.columns), "present": present}, row.document
        if not present and not row.ended:
            columns, document = columns | FAILED, reading.ended_early(document)
        texts = {
            "document": orjson.dumps(document).decode(),
            "rest": orjson.dumps(row.rest).decode() if row.rest else "",
        }
        if row.shared:
            self._keep_spec(connection, columns["spec"], row.shared)
        if before is None:
            made = connection.execute(sa.insert(RUNS).values(columns)).inserted_primary_key
            number = int(made[0]) if made is not None else 0
            connection.execute(sa.insert(DOCUMENTS).values(run=number, **texts))
        else:
            number = before.number
            connection.execute(sa.update(RUNS).where(RUNS.c.number == number).values(columns))
            connection.execute(sa.update(DOCUMENTS).where(DOCUMENTS.c.run == number).values(texts))
        fresh = before is None
        self._keep_tasks(connection, row, number, fresh=fresh)
        if row.ended or not present:
            self._marks.pop(number, None)
        return number

    def _keep_spec(self, connection: sa.Connection, digest: str, shared: Any) -> None:
        if digest in self._specs:
            return
        c = SPECS.c
        if connection.scalar(sa.select(c.digest).where(c.digest == digest)) is None:
            text = orjson.dumps(shared).decode()
            connection.execute(sa.insert(SPECS).values(digest=digest, document=text))
        if len(self._specs) > AT_ONCE:
            self._specs.clear()
        self._specs.add(digest)

    def _keep_tasks(self, connection: sa.Connection, row: Row, number: int, *, fresh: bool) -> None:
        before = self._marks.get(number)
        if before is None:
            before = {} if fresh else _marks(connection, number)
        namespace, pipeline = row.columns["namespace"], _pipeline(row.shared)
        entries = list(row.tasks.values())
        rows = reading.task_rows(
            row.tasks,
            namespace=namespace,
            pipeline=pipeline,
            run=number,
            run_id=row.columns["run_id"],
        )
        now, changed = {}, []
        for entry, (task_id, task) in zip(entries, rows, strict=True):
            now[task_id] = task["mark"]
            if before.get(task_id) != task["mark"]:
                changed.append((entry, task))
        self._marks[number] = now
        stale = before.keys() - now.keys() | {
            task["task_id"] for _, task in changed if task["task_id"] in before
        }
        drop_tasks(connection, stale)
        if not changed:
            return
        connection.execute(sa.insert(TASKS), [task for _, task in changed])
        _keep_artifacts(connection, changed, namespace, number)
        _keep_metrics(connection, number, changed)


class Before:
    """What is known of a run already."""

    def __init__(self, number: int, columns: Mapping[str, Any], *, present: bool) -> None:
        self.number = number
        self.run_id: str = columns["run_id"]
        self.uid: str = columns["uid"]
        self.namespace: str = columns["namespace"]
        self.present = present
        self._version: str = columns["version"]

    def same(self, row: Row, *, present: bool) -> bool:
        return self.present == present and bool(self._version) and (
            self._version == row.columns["version"]
        )  # fmt: skip


def _known(connection: sa.Connection, batch: Sequence[Seen]) -> list[Before]:
    c, found = RUNS.c, []
    ids = {runs.id_of(seen.manifest) for seen in batch}
    uids = {seen.manifest["metadata"]["uid"] for seen in batch}
    for column, some in ((c.uid, uids), (c.run_id, ids - uids)):
        for part in parts(some):
            rows = connection.execute(
                sa.select(c.number, c.run_id, c.uid, c.namespace, c.version, c.present).where(
                    column.in_(part)
                )
            )
            found += [Before(r.number, dict(r._mapping), present=r.present) for r in rows]
    return found


def _place(known: Sequence[Before], row: Row) -> Before | None:
    """Whose place the row takes. One whose id another run has, is known by its uid from then on:
    labels can be written by anybody, and must not reach another run."""
    uid, run_id = row.columns["uid"], row.columns["run_id"]
    for before in reversed(known):
        if before.uid == uid:
            return before
    taken = next((each for each in reversed(known) if each.run_id == run_id), None)
    if taken is None:
        return None
    if not taken.present and taken.namespace == row.columns["namespace"]:
        return taken
    row.columns["run_id"] = uid
    return None


def _fitted(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Text that the columns have room for; documents hold all of it."""
    longest = {"display_name": LONGEST_NAME, "description": LONGEST_DESCRIPTION}
    limits = {
        name: longest.get(name) or column.type.length
        for name, column in RUNS.c.items()
        if isinstance(column.type, sa.String)
    }
    return {
        name: value.replace("\0", "")[: limits[name]] if isinstance(value, str) else value
        for name, value in columns.items()
    }


def end(connection: sa.Connection, number: int) -> None:
    """End a run that the cluster has no more."""
    d = DOCUMENTS.c
    text = connection.scalar(sa.select(d.document).where(d.run == number))
    document = reading.ended_early(orjson.loads(text or "{}"))
    connection.execute(sa.update(RUNS).where(RUNS.c.number == number).values(FAILED))
    changed = orjson.dumps(document).decode()
    connection.execute(sa.update(DOCUMENTS).where(d.run == number).values(document=changed))


def _marks(connection: sa.Connection, number: int) -> dict[str, int]:
    c = TASKS.c
    rows = connection.execute(sa.select(c.task_id, c.mark).where(c.run == number))
    return {row.task_id: row.mark for row in rows}


def _pipeline(shared: Mapping[str, Any]) -> str:
    for part in ("status", "spec"):
        spec = (shared.get(part) or {}).get("pipelineSpec")
        if isinstance(spec, Mapping) and isinstance(spec.get("pipelineInfo"), Mapping):
            return str(spec["pipelineInfo"].get("name") or "")
    return ""


def _keep_artifacts(
    connection: sa.Connection,
    changed: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]],
    namespace: str,
    number: int,
) -> None:
    artifacts: dict[str, dict[str, Any]] = {}
    events: list[dict[str, Any]] = []
    for entry, task in changed:
        events += lineage.event_rows(task["task_id"], entry, namespace=namespace, run=number)
        created = task["finished_at"] or task["created_at"]
        for _, _, _, artifact in lineage.artifacts_of(entry):
            row = lineage.artifact_row(artifact, namespace=namespace, created=created)
            artifacts.setdefault(row["artifact_id"], row)
    for known, owner in _owners(connection, artifacts).items():
        row = artifacts.pop(known)
        if owner != namespace:
            own = row["artifact_id"] = lineage.own_id(known, namespace)
            if own not in _owners(connection, [own]):
                artifacts[own] = row
            for event in events:
                if event["artifact_id"] == known:
                    event["artifact_id"] = own
    if artifacts:
        connection.execute(sa.insert(ARTIFACTS), list(artifacts.values()))
    if events:
        connection.execute(sa.insert(EVENTS), events)


def _owners(connection: sa.Connection, ids: Iterable[str]) -> dict[str, str]:
    """The namespaces of those artifacts that are kept."""
    c, found = ARTIFACTS.c, dict[str, str]()
    for part in parts(ids):
        some = sa.select(c.artifact_id, c.namespace).where(c.artifact_id.in_(part))
        found.update({row[0]: row[1] for row in connection.execute(some)})
    return found


def _keep_metrics(
    connection: sa.Connection,
    number: int,
    changed: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]],
) -> None:
    found: dict[str, float] = {}
    for entry, _ in changed:
        found |= lineage.metrics_of(entry)
    put_metrics(connection, number, found)


def put_metrics(connection: sa.Connection, number: int, found: Mapping[str, float]) -> None:
    """The latest value of a name counts."""
    if found:
        c = METRICS.c
        connection.execute(sa.delete(METRICS).where(c.run == number, c.name.in_(list(found))))
        rows = [{"run": number, "name": name, "value": value} for name, value in found.items()]
        connection.execute(sa.insert(METRICS), rows)


def drop_tasks(connection: sa.Connection, ids: Collection[str]) -> None:
    for part in parts(ids):
        for table in (EVENTS, TASKS):
            connection.execute(sa.delete(table).where(table.c.task_id.in_(part)))


def drop_run(connection: sa.Connection, number: int, spec: str) -> None:
    """The run and all that only it has: its tasks, artifacts that no other task names, its spec."""
    e, a, r = EVENTS.c, ARTIFACTS.c, RUNS.c
    named = sa.select(e.artifact_id).where(e.run == number).distinct()
    artifacts = list(connection.scalars(named))
    for table in (EVENTS, TASKS, METRICS, DOCUMENTS):
        connection.execute(sa.delete(table).where(table.c.run == number))
    connection.execute(sa.delete(RUNS).where(r.number == number))
    for part in parts(artifacts):
        used = sa.exists(sa.select(e.number).where(e.artifact_id == a.artifact_id))
        connection.execute(sa.delete(ARTIFACTS).where(a.artifact_id.in_(part), ~used))
    still = sa.exists(sa.select(r.number).where(r.spec == spec))
    connection.execute(sa.delete(SPECS).where(SPECS.c.digest == spec, ~still))


def parts(values: Iterable[Any]) -> Iterable[list[Any]]:
    """The values, as many at once as a statement takes."""
    found = list(values)
    return (found[first : first + AT_ONCE] for first in range(0, len(found), AT_ONCE))
