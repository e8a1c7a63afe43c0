"""The statements of lists: what a `Selection` means in SQL, with pages and totals.

A page begins after the last item of the page before (its sort value, then its number), so that no
page has to walk the pages before it. Runs sorted by a metric are walked along the metrics' index,
and those without it follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from sampan.records.pipelines.selection import (
    METRIC,
    ORDER,
    RUN_KEYS,
    After,
    Predicate,
    Selection,
)
from sampan.records.pipelines.tables import ARTIFACTS, EVENTS, METRICS, RUNS, TASKS

Columns = Mapping[str, sa.ColumnElement[Any]]
Found = tuple[Sequence[int], int, After | None]
"""Numbers of a page's rows in their order, the total, and where the page ended."""

RUN_COLUMNS: Columns = {key: RUNS.c[name] for key, name in RUN_KEYS.items()}
TASK_COLUMNS: Columns = {
    **{key: TASKS.c[key] for key in ("task_id", "name", "type", "state", "parent_id")},
    "id": TASKS.c.task_id,
    "display_name": TASKS.c.name,
    "status": TASKS.c.state,
    "cache_fingerprint": TASKS.c.fingerprint,
    "created_at": TASKS.c.created_at,
    "create_time": TASKS.c.created_at,
    "start_time": TASKS.c.created_at,
    "end_time": TASKS.c.finished_at,
}
ARTIFACT_COLUMNS: Columns = {
    **{key: ARTIFACTS.c[key] for key in ("artifact_id", "namespace", "name", "type", "created_at")},
    "id": ARTIFACTS.c.artifact_id,
    "uri": ARTIFACTS.c.uri,
    "digest": ARTIFACTS.c.digest,
}
EVENT_COLUMNS: Columns = {
    **{key: EVENTS.c[key] for key in ("task_id", "artifact_id", "type", "key")},
    "artifact_key": EVENTS.c.key,
    "id": EVENTS.c.number,
    "created_at": EVENTS.c.number,
}


def runs(connection: sa.Connection, wanted: Selection) -> Found:
    where = conditions(wanted, RUN_COLUMNS)
    for value, column in (
        (wanted.namespace, RUNS.c.namespace),
        (wanted.experiment_id, RUNS.c.experiment_id),
    ):
        if value:
            where.append(column == value)
    if wanted.sort_by.startswith(METRIC):
        found = _by_metric(connection, wanted, where)
    else:
        found = _by_column(connection, wanted, RUN_COLUMNS[wanted.sort_by], RUNS.c.number, where)
    return _page(found, wanted, total(connection, RUNS, where))


def listed(
    connection: sa.Connection,
    table: sa.Table,
    columns: Columns,
    wanted: Selection,
    where: Sequence[sa.ColumnElement[bool]],
) -> Found:
    """Rows of tasks or artifacts, among those that `where` leaves."""
    meant = [*where, *conditions(wanted, columns)]
    found = _by_column(connection, wanted, columns[wanted.sort_by], table.c.number, meant)
    return _page(found, wanted, total(connection, table, meant))


def total(
    connection: sa.Connection, table: sa.Table, where: Sequence[sa.ColumnElement[bool]]
) -> int:
    count = sa.select(sa.func.count()).select_from(table).where(*where)
    return int(connection.scalar(count) or 0)


def _page(rows: Sequence[tuple[int, Any]], wanted: Selection, total: int) -> Found:
    size = wanted.page_size or len(rows)
    shown = rows[:size]
    after = After(shown[-1][1], shown[-1][0]) if len(rows) > size else None
    return [number for number, _ in shown], total, after


def _by_column(
    connection: sa.Connection,
    wanted: Selection,
    column: sa.ColumnElement[Any],
    number: sa.ColumnElement[int],
    where: Sequence[sa.ColumnElement[bool]],
    source: sa.FromClause | None = None,
) -> list[tuple[int, Any]]:
    found = sa.select(number, column).where(*where)
    if source is not None:
        found = found.select_from(source)
    if wanted.after is not None:
        found = found.where(*_beyond(column, number, wanted.after, descending=wanted.descending))
    found = found.order_by(*_order(wanted, column, number))
    if wanted.page_size:
        found = found.limit(wanted.page_size + 1)
    return [(row[0], row[1]) for row in connection.execute(found)]


def _by_metric(
    connection: sa.Connection, wanted: Selection, where: Sequence[sa.ColumnElement[bool]]
) -> list[tuple[int, Any]]:
    """Those that have the metric, then those that have not, in the order in which they came."""
    name, m, rows = wanted.sort_by.removeprefix(METRIC), METRICS.c, []
    if wanted.after is None or wanted.after.value is not None:
        both = METRICS.join(RUNS, m.run == RUNS.c.number)
        rows = _by_column(connection, wanted, m.value, m.run, [m.name == name, *where], both)
        if wanted.page_size and len(rows) > wanted.page_size:
            return rows
    lacking = ~sa.exists(sa.select(m.run).where(m.run == RUNS.c.number, m.name == name))
    found = sa.select(RUNS.c.number).where(*where, lacking)
    if wanted.after is not None and wanted.after.value is None:
        end, number = wanted.after.tie, RUNS.c.number
        found = found.where(number < end if wanted.descending else number > end)
    found = found.order_by(RUNS.c.number.desc() if wanted.descending else RUNS.c.number)
    if wanted.page_size:
        found = found.limit(wanted.page_size + 1 - len(rows))
    return rows + [(number, None) for number in connection.scalars(found)]


def _order(
    wanted: Selection, column: sa.ColumnElement[Any], number: sa.ColumnElement[int]
) -> tuple[sa.ColumnElement[Any], ...]:
    return (column.desc(), number.desc()) if wanted.descending else (column, number)


def _beyond(
    column: sa.ColumnElement[Any],
    number: sa.ColumnElement[int],
    end: After,
    *,
    descending: bool,
) -> tuple[sa.ColumnElement[bool], ...]:
    """Behind the end, in a form that each database can begin to walk an index with."""
    if descending:
        return column <= end.value, sa.or_(column < end.value, number < end.tie)
    return column >= end.value, sa.or_(column > end.value, number > end.tie)


def conditions(wanted: Selection, columns: Columns) -> list[sa.ColumnElement[bool]]:
    """Raises KeyError for a key that is no column: whoever reads a query refuses it before."""
    return [_condition(columns[each.key], each) for each in wanted.predicates]


def _condition(column: sa.ColumnElement[Any], asked: Predicate) -> sa.ColumnElement[bool]:
    numeric = isinstance(column.type, sa.BigInteger)
    if asked.operation == "IS_SUBSTRING":
        text = sa.cast(column, sa.String) if numeric else column
        return text.icontains(str(asked.value), autoescape=True)
    values = [_sound(value) for value in asked.values(numeric=numeric)]
    if asked.operation in ("EQUALS", "IN"):
        return column.in_(values) if len(values) != 1 else column == values[0]
    if asked.operation == "NOT_EQUALS":
        return column != values[0] if values else sa.true()
    if not values:
        return sa.false()
    ordered: sa.ColumnElement[bool] = ORDER[asked.operation](column, values[0])
    return ordered


def _sound(value: Any) -> Any:
    """PostgreSQL takes no text with a NUL; no text that is kept has one."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
