"""The statements of lists: what a `Selection` means in SQL, with pages and totals.

A page begins after the last item of the page before (its sort value, then its number), so that no
page has to walk the pages before it. Runs sorted by a metric are walked along the metrics' index,
and those without it follow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from sampan.kube.errors import BadRequest
from sampan.records.pipelines.selection import (
    METRIC,
    MOST,
    ORDER,
    RUN_KEYS,
    After,
    Predicate,
    Selection,
)
from sampan.records.pipelines.tables import (
    ARTIFACTS,
    EVENTS,
    LONGEST_DESCRIPTION,
    METRICS,
    RUNS,
    TASKS,
)

_FEW = 500
_PREDICATES, _VALUES = 100, 10_000
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
    asked = conditions(connection, wanted, RUN_COLUMNS)
    total, where = _narrowed(connection, RUNS, [*_scope(wanted), *asked], few=bool(asked))
    if wanted.sort_by.startswith(METRIC):
        loose = [*_scope(wanted, indexed=False), *asked] if total > _FEW else where
        found = _by_metric(connection, wanted, where, loose)
    else:
        found = _by_column(connection, wanted, RUN_COLUMNS[wanted.sort_by], RUNS.c.number, where)
    return _page(found, wanted, total)


def _scope(wanted: Selection, *, indexed: bool = True) -> Iterator[sa.ColumnElement[bool]]:
    """`indexed`: false keeps databases from walking the index of the namespace, and sorting all
    that it leads to, where the rows are wanted in the order of their numbers."""
    for value, column in (
        (wanted.namespace, RUNS.c.namespace),
        (wanted.experiment_id, RUNS.c.experiment_id),
    ):
        if value:
            yield column == value if indexed else sa.func.coalesce(column, "") == value


def listed(
    connection: sa.Connection,
    table: sa.Table,
    columns: Columns,
    wanted: Selection,
    where: Sequence[sa.ColumnElement[bool]],
) -> Found:
    """Rows of tasks or artifacts, among those that `where` leaves."""
    meant = [*where, *conditions(connection, wanted, columns)]
    total, meant = _narrowed(connection, table, meant, few=bool(wanted.predicates))
    found = _by_column(connection, wanted, columns[wanted.sort_by], table.c.number, meant)
    return _page(found, wanted, total)


def _narrowed(
    connection: sa.Connection,
    table: sa.Table,
    where: list[sa.ColumnElement[bool]],
    *,
    few: bool,
) -> tuple[int, list[sa.ColumnElement[bool]]]:
    """How many there are, and a condition for them. If they can be few, they are looked for first
    without an order: to walk an index in the order that is wanted may mean to look at every row for
    a page, and then once more to count."""
    if few:
        found = sa.select(table.c.number).where(*where).limit(_FEW + 1)
        numbers = list(connection.scalars(found))
        if len(numbers) <= _FEW:
            return len(numbers), [table.c.number.in_(numbers)]
    count = sa.select(sa.func.count()).select_from(table).where(*where)
    return int(connection.scalar(count) or 0), where


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
        _check_end(wanted.after, column)
        found = found.where(*_beyond(column, number, wanted.after, descending=wanted.descending))
    found = found.order_by(*_order(wanted, column, number))
    if wanted.page_size:
        found = found.limit(wanted.page_size + 1)
    return [(row[0], row[1]) for row in connection.execute(found)]


def _by_metric(
    connection: sa.Connection,
    wanted: Selection,
    where: Sequence[sa.ColumnElement[bool]],
    loose: Sequence[sa.ColumnElement[bool]],
) -> list[tuple[int, Any]]:
    """Those that have the metric, then those that have not, in the order in which they came.
    `loose`: the same conditions, for the latter."""
    name, m, rows = wanted.sort_by.removeprefix(METRIC), METRICS.c, []
    if wanted.after is None or wanted.after.value is not None:
        both = METRICS.join(RUNS, m.run == RUNS.c.number)
        rows = _by_column(connection, wanted, m.value, m.run, [m.name == name, *where], both)
        if wanted.page_size and len(rows) > wanted.page_size:
            return rows
    lacking = ~sa.exists(sa.select(m.run).where(m.run == RUNS.c.number, m.name == name))
    found = sa.select(RUNS.c.number).where(*loose, lacking)
    if wanted.after is not None and wanted.after.value is None:
        _check_end(After(0, wanted.after.tie), RUNS.c.number)
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


def _check_end(end: After, column: sa.ColumnElement[Any]) -> None:
    """A token is the caller's, who may have written it. Raises BadRequest."""
    kinds = (int, float) if isinstance(column.type, sa.BigInteger | sa.Double) else (str,)
    numbers = [each for each in (end.value, end.tie) if isinstance(each, int | float)]
    sound = isinstance(end.value, kinds) and isinstance(end.tie, int)
    if not sound or any(abs(each) > MOST for each in numbers):
        raise BadRequest("Invalid page token")


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


def conditions(
    connection: sa.Connection, wanted: Selection, columns: Columns
) -> list[sa.ColumnElement[bool]]:
    """Raises BadRequest for more than a statement can hold, KeyError for a key that is no column:
    whoever reads a query refuses that before."""
    _check(wanted.predicates)
    folds = connection.dialect.name == "sqlite"
    return [_condition(columns[each.key], each, folds=folds) for each in wanted.predicates]


def _check(predicates: Sequence[Predicate]) -> None:
    values = sum(len(each.value) for each in predicates if isinstance(each.value, tuple))
    if len(predicates) > _PREDICATES:
        raise BadRequest(f"a filter may have {_PREDICATES} predicates, not {len(predicates)}")
    if values > _VALUES:
        raise BadRequest(f"a filter may name {_VALUES} values, not {values}")


def _condition(
    column: sa.ColumnElement[Any], asked: Predicate, *, folds: bool
) -> sa.ColumnElement[bool]:
    """`folds`: LIKE minds no case by itself, which costs half of what `lower` does."""
    numeric = isinstance(column.type, sa.BigInteger)
    if asked.operation == "IS_SUBSTRING":
        text, value = sa.cast(column, sa.String) if numeric else column, _sound(str(asked.value))
        if len(value) > LONGEST_DESCRIPTION:
            return sa.false()  # nothing is that long, and SQLite takes no such pattern
        contains = text.contains if folds else text.icontains
        return contains(value, autoescape=True)
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
