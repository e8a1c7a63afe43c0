"""The tables of pipelines.

    runs ─┬─ documents   the Run as it was last seen, without what is below
          ├─ metrics     by name
          ├─ tasks ──── events ──── artifacts
          └─ specs       what many runs have in common, once

`runs` holds what lists filter and sort by and nothing else, so that it can be walked in
milliseconds. Its number is the order in which runs came to be, and breaks ties. Times are whole
seconds since 1970, 0 for none, as upstream's. Rows of a run that is deleted go table by table, as
MariaDB and SQLite differ in how they cascade.
"""

from __future__ import annotations

import sqlalchemy as sa

from sampan.records.database import LONG, text

META = sa.MetaData()
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LONGEST_NAME = 512  # characters; an index of MariaDB has room for 768
LONGEST_DESCRIPTION = 4096


def _number() -> sa.Column[int]:
    return sa.Column("number", _NUMBER, primary_key=True, autoincrement=True)


def _column(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, text(length), nullable=False)


def _time(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


RUNS = sa.Table(
    "pipeline_runs",
    META,
    _number(),
    sa.Column("run_id", text(128), nullable=False, unique=True),
    _column("namespace", 63),
    _column("experiment_id", 64),
    _column("state", 32),
    _column("status", 32),
    _column("storage_state", 32),
    _time("created_at"),
    _time("finished_at"),
    _time("scheduled_at"),
    _column("display_name", LONGEST_NAME),
    _column("recurring_run_id", 128),
    _column("description", LONGEST_DESCRIPTION),
    _column("uid", 64),
    _column("name", 253),
    _column("version", 32),
    _column("spec", 64),
    sa.Column("present", sa.Boolean, nullable=False),
    sa.Index("pipeline_runs_uid", "uid"),
    sa.Index("pipeline_runs_spec", "spec"),
    sa.Index("pipeline_runs_created", "created_at", "number"),
    sa.Index("pipeline_runs_namespace", "namespace", "created_at", "number"),
    sa.Index("pipeline_runs_experiment", "experiment_id", "created_at", "number"),
    sa.Index("pipeline_runs_name", "namespace", "display_name", "number"),
    sqlite_autoincrement=True,
)
"""`present`: the cluster has it still. `version`: its resourceVersion when it was kept."""

DOCUMENTS = sa.Table(
    "pipeline_run_documents",
    META,
    sa.Column("run", _NUMBER, primary_key=True, autoincrement=False),
    sa.Column("document", LONG, nullable=False),
    sa.Column("rest", LONG, nullable=False),
)
"""`rest` is what lists do not show."""

SPECS = sa.Table(
    "pipeline_specs",
    META,
    sa.Column("digest", text(64), primary_key=True),
    sa.Column("document", LONG, nullable=False),
)

METRICS = sa.Table(
    "pipeline_run_metrics",
    META,
    sa.Column("run", _NUMBER, primary_key=True, autoincrement=False),
    sa.Column("name", text(255), primary_key=True),
    sa.Column("value", sa.Double, nullable=False),
    sa.Index("pipeline_run_metrics_value", "name", "value", "run"),
)

TASKS = sa.Table(
    "pipeline_tasks",
    META,
    _number(),
    sa.Column("task_id", text(128), nullable=False, unique=True),
    sa.Column("run", _NUMBER, nullable=False),
    _column("parent_id", 128),
    _column("namespace", 63),
    _column("pipeline", 255),
    _column("name", 255),
    _column("type", 32),
    _column("state", 32),
    _column("fingerprint", 128),
    _time("created_at"),
    _time("finished_at"),
    sa.Column("mark", sa.BigInteger, nullable=False),
    sa.Column("document", LONG, nullable=False),
    sa.Index("pipeline_tasks_run", "run"),
    sa.Index("pipeline_tasks_parent", "parent_id"),
    sa.Index("pipeline_tasks_fingerprint", "namespace", "pipeline", "fingerprint", "number"),
    sa.Index("pipeline_tasks_name", "namespace", "pipeline", "name", "number"),
    sqlite_autoincrement=True,
)
"""`mark` is a hash of the document: what is kept already need not be kept again."""

ARTIFACTS = sa.Table(
    "pipeline_artifacts",
    META,
    _number(),
    sa.Column("artifact_id", text(128), nullable=False, unique=True),
    _column("namespace", 63),
    _column("name", 255),
    _column("type", 255),
    _column("digest", 255),
    _time("created_at"),
    sa.Column("uri", LONG, nullable=False),
    sa.Column("document", LONG, nullable=False),
    sa.Index("pipeline_artifacts_namespace", "namespace", "created_at", "number"),
    sqlite_autoincrement=True,
)

EVENTS = sa.Table(
    "pipeline_events",
    META,
    _number(),
    sa.Column("artifact_id", text(128), nullable=False),
    sa.Column("task_id", text(128), nullable=False),
    sa.Column("run", _NUMBER, nullable=False),
    _column("type", 8),
    sa.Column("leaf", sa.Boolean, nullable=False),
    _column("key", 255),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Index("pipeline_events_artifact", "artifact_id", "type"),
    sa.Index("pipeline_events_task", "task_id", "type"),
    sa.Index("pipeline_events_run", "run"),
    sqlite_autoincrement=True,
)
"""An artifact went into a task (INPUT) or came out of it (OUTPUT). `leaf`: the task is no DAG, so
that something was made of something there."""
