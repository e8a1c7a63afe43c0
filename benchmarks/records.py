"""Lists of 100,000 runs of pipelines in SQLite: pages in each order and by each kind of filter,
with totals. The floor is the page of the newest and the total, by bare sqlite3."""

from __future__ import annotations

import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from benchmarks.table import Table
from sampan.records.pipelines.rows import Rows
from sampan.records.pipelines.selection import After, Predicate, Selection
from sampan.records.pipelines.tables import DOCUMENTS, METRICS, RUNS, SPECS

COUNT, EXPERIMENTS, BEGIN = 100_000, 50, 1_700_000_000
TARGET = 50.0  # ms
NAMESPACE = "kubeflow-user-example-com"
ROUNDS = 20
_BARE = (
    """SELECT d.document FROM pipeline_runs r JOIN pipeline_run_documents d ON d.run = r.number
    WHERE r.namespace = ? ORDER BY r.created_at DESC, r.number DESC LIMIT 20""",
    "SELECT count(*) FROM pipeline_runs WHERE namespace = ?",
)


def run(table: Table) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pipelines.db"
        rows = Rows(f"sqlite:///{file}")
        fill(rows)
        bare = sqlite3.connect(file)
        floor, _ = timed(lambda: [bare.execute(each, [NAMESPACE]).fetchall() for each in _BARE])
        worst = 0.0
        for name, wanted in selections().items():
            median, high = timed(lambda wanted=wanted: rows.runs(wanted))  # type: ignore[misc]
            worst = max(worst, high)
            table.at_most(
                f"runs, {name} (p95 {high:.1f})", median, "ms", TARGET, floor=floor,
                floor_name="bare sqlite3",
            )  # fmt: skip
        table.at_most(f"runs, worst p95 of {COUNT:,}", worst, "ms", TARGET)
        bare.close()
        rows.close()


def selections() -> Mapping[str, Selection]:
    def one(*predicates: Predicate, **more: Any) -> Selection:
        return Selection(namespace=NAMESPACE, predicates=predicates, **{"descending": True, **more})

    half = BEGIN + COUNT // 2 * 60
    return {
        "newest": one(),
        "oldest": one(descending=False),
        "200 at once": one(page_size=200),
        "a late page": one(after=After(BEGIN + 5000 * 60, 5001)),
        "of an experiment": one(experiment_id="e7"),
        "failed": one(Predicate("state", "EQUALS", "FAILED")),
        "not archived": one(Predicate("storage_state", "NOT_EQUALS", "ARCHIVED")),
        "since": one(Predicate("created_at", "GREATER_THAN", half)),
        "name has, few": one(Predicate("display_name", "IS_SUBSTRING", "9999")),
        "name has, many": one(Predicate("display_name", "IS_SUBSTRING", "RUN")),
        "of a name": one(Predicate("display_name", "EQUALS", "run 7")),
        "of ids": one(Predicate("run_id", "IN", ("0" * 32, "1" * 32))),
        "by name": one(sort_by="display_name"),
        "by end": one(sort_by="finished_at"),
        "by state": one(sort_by="state"),
        "by description": one(sort_by="description"),
        "by a metric": one(sort_by="metric:accuracy"),
        "failed, by a metric": one(
            Predicate("state", "EQUALS", "FAILED"), sort_by="metric:accuracy"
        ),
        "by a metric of none": one(sort_by="metric:none"),
    }


def timed(ask: Callable[[], Any]) -> tuple[float, float]:
    """Median and 95th percentile in milliseconds."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken), sorted(taken)[int(0.95 * ROUNDS) - 1]


def fill(rows: Rows) -> None:
    random.seed(1)
    ir = orjson.dumps({"spec": {"pipelineSpec": {"root": {"dag": {"tasks": {}}}}}}).decode()
    with rows._engine.begin() as connection:
        specs = [{"digest": f"d{each}", "document": ir} for each in range(100)]
        connection.execute(sa.insert(SPECS), specs)
        for first in range(1, COUNT + 1, 5000):
            made = list(runs(range(first, first + 5000)))
            for table, position in ((RUNS, 0), (DOCUMENTS, 1), (METRICS, 2)):
                connection.execute(sa.insert(table), [each[position] for each in made])


def runs(numbers: range) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    for number in numbers:
        state = random.choice(["SUCCEEDED"] * 8 + ["FAILED", "RUNNING"])
        created = BEGIN + number * 60
        name = f"run {random.randrange(1_000_000)}"
        columns = {
            "number": number, "run_id": f"{random.getrandbits(128):032x}", "namespace": NAMESPACE,
            "experiment_id": f"e{number % EXPERIMENTS}", "state": state,
            "status": state.capitalize(),
            "storage_state": "AVAILABLE" if number % 10 else "ARCHIVED", "created_at": created,
            "finished_at": created + random.randrange(5, 600), "scheduled_at": created,
            "display_name": name, "recurring_run_id": "", "description": "",
            "uid": f"{random.getrandbits(128):032x}", "name": f"run-{number}",
            "version": str(number), "spec": f"d{number % 100}", "present": False,
        }  # fmt: skip
        document = {
            "apiVersion": "pipelines.kubeflow.org/v2beta1", "kind": "Run",
            "metadata": {"name": f"run-{number}", "namespace": NAMESPACE},
            "spec": {"displayName": name},
            "status": {"state": state, "stateHistory": [{"state": "RUNNING"}, {"state": state}]},
        }  # fmt: skip
        yield (
            columns,
            {"run": number, "document": orjson.dumps(document).decode(), "rest": ""},
            {"run": number, "name": "accuracy", "value": random.random()},
        )
