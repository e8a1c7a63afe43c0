"""The database of pipelines: what `store` calls, each a transaction. Everything here blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from sampan.kube import runs
from sampan.kube.keys import Manifest
from sampan.records import database
from sampan.records.pipelines import caching, graph, keeping, listing, reading
from sampan.records.pipelines.keeping import Keeper, Seen
from sampan.records.pipelines.selection import Selection
from sampan.records.pipelines.tables import (
    ARTIFACTS,
    DOCUMENTS,
    EVENTS,
    META,
    METRICS,
    RUNS,
    SPECS,
    TASKS,
)

_told = database.told("the database of pipelines")


class Rows:
    """One database. What writes is called from one thread, what reads from another one."""

    @_told
    def __init__(self, url: str) -> None:
        self._engine = database.opened(url, "mmap_size=268435456", "temp_store=MEMORY")
        self._keeper = Keeper()
        META.create_all(self._engine)

    def close(self) -> None:
        self._engine.dispose()

    # -- what writes --------------------------------------------------------------------------
    @_told
    def keep(self, batch: Sequence[tuple[Manifest, bool]]) -> None:
        seen = [Seen(manifest, present) for manifest, present in batch]
        try:
            with self._engine.begin() as connection:
                self._keeper.keep(connection, seen)
        except BaseException:
            self._keeper.forget()
            raise

    @_told
    def delete(self, uid: str) -> tuple[str, str] | None:
        """The namespace and name of the run that was kept, if one was."""
        c = RUNS.c
        with self._engine.begin() as connection:
            found = connection.execute(
                sa.select(c.number, c.spec, c.namespace, c.name).where(c.uid == uid)
            ).first()
            if found is not None:
                keeping.drop_run(connection, found.number, found.spec)
        self._keeper.forget()
        return None if found is None else (found.namespace, found.name)

    @_told
    def put_metrics(self, uid: str, metrics: Mapping[str, float]) -> bool:
        """Reported by a caller, beside those of tasks. Whether there is such a run."""
        with self._engine.begin() as connection:
            number = connection.scalar(sa.select(RUNS.c.number).where(RUNS.c.uid == uid))
            if number is not None:
                keeping.put_metrics(connection, number, metrics)
        return number is not None

    @_told
    def set_storage_state(self, run_id: str, state: str) -> bool:
        with self._engine.begin() as connection:
            gone = sa.and_(RUNS.c.run_id == run_id, ~RUNS.c.present)
            return bool(self._store(connection, gone, state))

    @_told
    def archive_experiment(self, experiment_id: str, namespace: str) -> list[tuple[str, str, str]]:
        """(kind, namespace, name) of those that the cluster has still and that are available."""
        c = RUNS.c
        ours = sa.and_(
            c.experiment_id == experiment_id,
            c.namespace == namespace,
            c.storage_state != runs.ARCHIVED,
        )
        with self._engine.begin() as connection:
            self._store(connection, sa.and_(ours, ~c.present), runs.ARCHIVED)
            there = sa.select(c.namespace, c.name, DOCUMENTS.c.document)
            there = there.join(DOCUMENTS, DOCUMENTS.c.run == c.number).where(ours, c.present)
            return [
                (orjson.loads(document)["kind"], namespace, name)
                for namespace, name, document in connection.execute(there)
            ]

    def _store(self, connection: sa.Connection, which: sa.ColumnElement[bool], state: str) -> int:
        """In the columns and in the documents; answers with how many."""
        c, d = RUNS.c, DOCUMENTS.c
        found = sa.select(c.number, d.document).join(DOCUMENTS, d.run == c.number).where(which)
        rows = connection.execute(found).all()
        for number, text in rows:
            document = orjson.loads(text)
            changed = orjson.dumps(reading.stored(document, state)).decode()
            connection.execute(sa.update(DOCUMENTS).where(d.run == number).values(document=changed))
        for part in keeping.parts(number for number, _ in rows):
            some = sa.update(RUNS).where(c.number.in_(part))
            connection.execute(some.values(storage_state=state))
        return len(rows)

    @_told
    def absent(self, uids: frozenset[str]) -> None:
        """Note of all runs but these that the cluster has them no more."""
        c = RUNS.c
        with self._engine.begin() as connection:
            there = connection.execute(sa.select(c.number, c.uid, c.state).where(c.present)).all()
            gone = [row for row in there if row.uid not in uids]
            for part in keeping.parts(row.number for row in gone):
                some = sa.update(RUNS).where(c.number.in_(part))
                connection.execute(some.values(present=False))
            for row in gone:
                if row.state not in runs.ENDS:
                    keeping.end(connection, row.number)

    # -- what reads ---------------------------------------------------------------------------
    @_told
    def runs(self, wanted: Selection) -> tuple[list[Manifest], int, Any]:
        with self._engine.connect() as connection:
            numbers, total, after = listing.runs(connection, wanted)
            return self._listed(connection, numbers), total, after

    def _listed(self, connection: sa.Connection, numbers: Sequence[int]) -> list[Manifest]:
        """Runs with their specs, without tasks."""
        c, d = RUNS.c, DOCUMENTS.c
        found: dict[int, tuple[str, str]] = {}
        for part in keeping.parts(numbers):
            some = sa.select(c.number, c.spec, d.document).join(DOCUMENTS, d.run == c.number)
            rows = connection.execute(some.where(c.number.in_(part)))
            found.update({number: (spec, text) for number, spec, text in rows})
        specs = self._specs(connection, {spec for spec, _ in found.values()})
        return [
            reading.whole(orjson.loads(text), specs.get(spec, {}))
            for spec, text in (found[number] for number in numbers if number in found)
        ]

    def _specs(self, connection: sa.Connection, digests: set[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for part in keeping.parts(digests - {""}):
            rows = connection.execute(sa.select(SPECS).where(SPECS.c.digest.in_(part)))
            found.update({row.digest: orjson.loads(row.document) for row in rows})
        return found

    @_told
    def run(self, run_id: str) -> tuple[Manifest, bool, dict[str, float]] | None:
        """The whole run, whether the cluster has it still, its metrics."""
        c, d, m = RUNS.c, DOCUMENTS.c, METRICS.c
        with self._engine.connect() as connection:
            found = sa.select(c.number, c.spec, c.present, d.document, d.rest)
            found = found.join(DOCUMENTS, d.run == c.number).where(c.run_id == run_id)
            row = connection.execute(found).first()
            if row is None:
                return None
            shared = self._specs(connection, {row.spec}).get(row.spec, {})
            own = orjson.loads(row.rest) if row.rest else {}
            tasks = graph.entries(connection, row.number)
            values = connection.execute(sa.select(m.name, m.value).where(m.run == row.number))
            metrics = {row.name: row.value for row in values}
        run = reading.whole(orjson.loads(row.document), shared, own, tasks=tasks)
        return run, bool(row.present), metrics

    @_told
    def tasks(self, wanted: Selection, run_id: str, parent_id: str) -> tuple[Any, int, Any]:
        c = TASKS.c
        number = sa.select(RUNS.c.number).where(RUNS.c.run_id == run_id).scalar_subquery()
        where = [c.run == number] if run_id else []
        where += [c.parent_id == parent_id] if parent_id else []
        with self._engine.connect() as connection:
            found = listing.listed(connection, TASKS, listing.TASK_COLUMNS, wanted, where)
            return graph.tasks(connection, found[0]), *found[1:]

    @_told
    def task(self, task_id: str) -> dict[str, Any] | None:
        with self._engine.connect() as connection:
            number = connection.scalar(sa.select(TASKS.c.number).where(TASKS.c.task_id == task_id))
            found = graph.tasks(connection, [number]) if number is not None else []
            return found[0] if found else None

    @_told
    def artifacts(self, wanted: Selection) -> tuple[Any, int, Any]:
        where = [ARTIFACTS.c.namespace == wanted.namespace] if wanted.namespace else []
        columns = listing.ARTIFACT_COLUMNS
        with self._engine.connect() as connection:
            found = listing.listed(connection, ARTIFACTS, columns, wanted, where)
            return graph.artifacts(connection, found[0]), *found[1:]

    @_told
    def artifact(self, artifact_id: str) -> dict[str, Any] | None:
        with self._engine.connect() as connection:
            return graph.artifact(connection, artifact_id)

    @_told
    def artifact_tasks(
        self, wanted: Selection, which: Mapping[str, Sequence[str]], type: str
    ) -> tuple[Any, int, Any]:
        c = EVENTS.c
        where = [*_events_of(which), *([c.type == type] if type else [])]
        if wanted.namespace:
            own = sa.select(RUNS.c.number).where(RUNS.c.namespace == wanted.namespace)
            where.append(c.run.in_(own))
        with self._engine.connect() as connection:
            found = listing.listed(connection, EVENTS, listing.EVENT_COLUMNS, wanted, where)
            return graph.events(connection, found[0]), *found[1:]

    @_told
    def namespaces(self, which: Mapping[str, Sequence[str]]) -> list[str]:
        """In which the events of these runs, tasks and artifacts happened."""
        found = sa.select(RUNS.c.namespace).distinct().join(EVENTS, EVENTS.c.run == RUNS.c.number)
        with self._engine.connect() as connection:
            return list(connection.scalars(found.where(*_events_of(which))))

    @_told
    def lineage(self, artifact_id: str, back: bool, depth: int) -> graph.Walked:
        with self._engine.connect() as connection:
            return graph.lineage(connection, artifact_id, back=back, depth=depth)

    @_told
    def answers(self, questions: Sequence[Any]) -> list[caching.Found]:
        with self._engine.connect() as connection:
            return caching.answers(connection, questions)


def _events_of(which: Mapping[str, Sequence[str]]) -> list[sa.ColumnElement[bool]]:
    """`run_id`, `task_id`, `artifact_id`: of any of these, for each that is given."""
    c = EVENTS.c
    numbers = sa.select(RUNS.c.number).where(RUNS.c.run_id.in_(which.get("run_id", ())))
    where: list[sa.ColumnElement[bool]] = [c.run.in_(numbers)] if which.get("run_id") else []
    for key in ("task_id", "artifact_id"):
        where += [c[key].in_(list(which[key]))] if which.get(key) else []
    return where
